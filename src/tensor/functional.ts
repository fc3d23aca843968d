// Derivatives as functions of functions: valueAndGrad, jvp, jacobian, hessian and Hessian-vector products.

import { build } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import type { Node } from '../graph/node.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { sizeOf } from '../graph/shape.ts'
import { Batching } from '../transform/batch.ts'
import { grad as gradients } from '../transform/grad.ts'
import type { DTypeOf, ShapeOf } from './shape-types.ts'
import { pullBack, pushForward } from './stabilized.ts'
import { Tensor, wrap } from './tensor.ts'
import { independent, placeholder, transforming } from './transforming.ts'
import { mapTree, tensorsOf, zipTree } from './tree.ts'

/** What a differentiated function may return: a scalar, or a list of it and other results that are passed on. */
export type Objective = Tensor | readonly [Tensor, ...unknown[]]

/**
 * The function that gives the value and its gradient by an argument, the first unless told, which may be a tree of
 * tensors; the gradient has its structure. Where the function returns a list, its first entry is differentiated.
 *
 *     const [value, gradient] = valueAndGrad(loss)(parameters, x, target)
 */
export function valueAndGrad<A extends readonly unknown[], R extends Objective, I extends number = 0>(
  fn: (...args: A) => R,
  argument?: I,
): (...args: A) => [value: R, gradient: A[I]] {
  return (...args) => {
    const own = independent(args)
    const at = argument ?? 0
    if (at >= args.length) throw misfit(`grad: argument ${at} of ${args.length}: the function was not given it`)
    const value = transforming(() => fn(...own))
    const results = gradients(objective(value).node, nodesOf(own[at]), pullBack)
    return [value, rebuilt(own[at], results) as A[I]]
  }
}

const objective = (value: Objective): Tensor => {
  const [first] = value instanceof Tensor ? [value] : value
  if (!(first instanceof Tensor))
    throw mistake('grad: the function must return a tensor, or a list that begins with one')
  return first
}

const nodesOf = (tree: unknown): Node[] => tensorsOf(tree).map((t) => t.node)

/** A tree with other nodes in the places of its tensors. */
function rebuilt(tree: unknown, nodes: readonly Node[]): unknown {
  let next = 0
  return mapTree(tree, () => wrap(nodes[next++] as Node))
}

const isTangent = (value: unknown): value is Tensor | null => value instanceof Tensor || value === null

/** The structure of T, with tensors or null, for "does not change", at its leaves or in place of a branch. */
export type TangentOf<T> = T extends Tensor
  ? Tensor | null
  : T extends object
    ? { readonly [K in keyof T]: TangentOf<T[K]> } | null
    : unknown

/**
 * The Jacobian-vector product: the function's result at the primals, its arguments, and the change of the result along
 * the tangents, by forward-mode differentiation. Its cost is that of a small number of forward passes, whatever the
 * number of results. A tangent that is null stands for an argument that does not change.
 *
 *     const [y, dy] = jvp((x) => x.square(), [x], [dx]) //   dy = 2 x dx
 */
export function jvp<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  primals: A,
  tangents: { readonly [K in keyof A]: TangentOf<A[K]> },
): [value: R, tangent: R] {
  checkLists('jvp', primals, tangents)
  const own = independent(primals)
  const [wrt, given]: [Node[], Node[]] = [[], []]
  zipTree(own, tangents, isTangent, 'jvp', (x, t) => {
    if (!t) return
    wrt.push(x.node)
    given.push(t.node)
  })
  const value = transforming(() => fn(...own))
  return [value, rebuilt(value, pushForward(nodesOf(value), wrt, given)) as R]
}

function checkLists(what: string, primals: unknown, tangents: unknown): void {
  if (!Array.isArray(primals) || !Array.isArray(tangents))
    throw mistake(
      `${what}: after the function come two lists, its arguments and a vector of their structure: ${what}(f, [x], [v])`,
    )
}

export interface JacobianOptions {
  /** One pass per element of the results, or of the argument; whichever are fewer unless told. */
  readonly mode?: 'reverse' | 'forward'
}

/** The Jacobian of a result T by an argument A: a tensor [...result, ...argument] for each tensor of T and each of A. */
export type JacobianOf<T, A> = T extends Tensor
  ? A extends Tensor
    ? Tensor<[...ShapeOf<T>, ...ShapeOf<A>], DTypeOf<T>>
    : { readonly [K in keyof A]: JacobianOf<T, A[K]> }
  : { readonly [K in keyof T]: JacobianOf<T[K], A> }

/**
 * The function that gives all derivatives of a function's result by its first argument: [...result, ...argument] for
 * tensors, else a tree of these, structured as the result and, inside, as the argument.
 *
 *     jacobian((x) => x.square())(x) //   diag(2x)
 */
export function jacobian<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: JacobianOptions = {},
): (...args: A) => JacobianOf<R, A[0]> {
  return (...args) => {
    const own = independent(args)
    const wrt = nodesOf(own[0])
    const inputs = wrt.reduce((n, x) => n + sizeOf(x.shape), 0)
    return mapTree(
      transforming(() => fn(...own)),
      ({ node: y }) => {
        if (!isFloat(y.dtype)) throw mistake(`jacobian: a result is ${y.dtype}, it must be float32 or float64`)
        const mode = options.mode ?? (sizeOf(y.shape) <= inputs ? 'reverse' : 'forward')
        return rebuilt(own[0], mode === 'reverse' ? jacobianByRows(y, wrt) : wrt.map((x) => jacobianByColumns(y, x)))
      },
    ) as JacobianOf<R, A[0]>
  }
}

/** One backward pass, for all unit cotangents at once. */
function jacobianByRows(y: Node, wrt: readonly Node[]): Node[] {
  const cotangent = placeholder(y.shape, y.dtype)
  const batching = new Batching(sizeOf(y.shape), [[cotangent, units(y)]])
  return pullBack([y], [cotangent], wrt).map((dx, i) =>
    build.reshape(batching.all(dx), [...y.shape, ...(wrt[i] as Node).shape]),
  )
}

/** One forward pass, for all unit tangents at once. */
function jacobianByColumns(y: Node, x: Node): Node {
  const tangent = placeholder(x.shape, x.dtype)
  const count = sizeOf(x.shape)
  const batching = new Batching(count, [[tangent, units(x)]])
  const columns = batching.all(pushForward([y], [x], [tangent])[0] as Node)
  const rows = build.transpose(build.reshape(columns, [count, sizeOf(y.shape)]), [1, 0])
  return build.reshape(rows, [...y.shape, ...x.shape])
}

/** The unit vectors of a space, [elements, ...shape]. */
function units({ shape, dtype }: Node): Node {
  const n = sizeOf(shape)
  const identity = build.binary('equal', build.iota([n, n], 0), build.iota([n, n], 1))
  return build.reshape(build.cast(identity, dtype), [n, ...shape])
}

/**
 * The function that gives the second derivatives of a scalar function by its first argument: [...argument, ...argument]
 * for a tensor, a tree of trees else. Forward mode over reverse mode unless told.
 */
export function hessian<A extends readonly unknown[]>(
  fn: (...args: A) => Objective,
  options: JacobianOptions = {},
): (...args: A) => JacobianOf<A[0], A[0]> {
  const gradient = valueAndGrad(fn)
  return jacobian((...args: A) => gradient(...args)[1], { mode: options.mode ?? 'forward' })
}

/**
 * The product of the Hessian of a scalar function, by all its arguments, with a vector of their structure, at the cost
 * of a few gradients (Pearlmutter 1994): the gradient's change along the vector ('forward', the default), or the
 * gradient of ⟨gradient, vector⟩ ('reverse').
 *
 *     const [hv] = hvp(loss, [w], [v])
 */
export function hvp<A extends readonly unknown[]>(
  fn: (...args: A) => Objective,
  primals: A,
  vector: { readonly [K in keyof A]: TangentOf<A[K]> },
  options: { readonly mode?: 'forward' | 'reverse' } = {},
): A {
  checkLists('hvp', primals, vector)
  const own = independent(primals)
  const given: { readonly x: Node; readonly v: Node }[] = []
  zipTree(own, vector, isTangent, 'hvp', (x, v) => {
    if (v) given.push({ x: x.node, v: v.node })
  })
  const [wrt, along] = [given.map(({ x }) => x), given.map(({ v }) => v)]
  const all = nodesOf(own)
  const first = gradients(objective(transforming(() => fn(...own))).node, all, pullBack)
  const second =
    options.mode === 'reverse'
      ? pullBack(
          wrt.map((x) => first[all.indexOf(x)] as Node),
          along,
          all,
        )
      : pushForward(first, wrt, along)
  return rebuilt(own, second) as A
}
