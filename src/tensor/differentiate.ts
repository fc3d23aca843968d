// Derivatives of tensors: grad, vjp and custom gradients.

import { build, placed } from '../graph/build.ts'
import type { DType } from '../graph/dtype.ts'
import { isOp, type Node } from '../graph/node.ts'
import { userPlace } from '../graph/place.ts'
import { at, mistake } from '../graph/refuse.ts'
import { topologicalOrder } from '../graph/walk.ts'
import * as transform from '../transform/grad.ts'
import { type Bend, findBend } from '../transform/linearity.ts'
import {
  described,
  givenDerivative,
  reportOf,
  type StabilityReport,
  type Stabilization,
} from '../transform/stability/report.ts'
import { stabilize } from '../transform/stability/stabilize.ts'
import { type Objective, valueAndGrad } from './functional.ts'
import { HostData } from './leaf.ts'
import type { AnyTensor, DTypeOf, Shape, ShapeOf } from './shape-types.ts'
import { pullBack } from './stabilized.ts'
import { Tensor, wrap } from './tensor.ts'
import { Variable, VariableSource } from './variable.ts'

/** One gradient for each tensor, of its shape and dtype. */
export type Gradients<T extends readonly AnyTensor[]> = {
  -readonly [K in keyof T]: Tensor<ShapeOf<T[K]>, DTypeOf<T[K]>>
}

/**
 * Gradients of a scalar with respect to any tensors: variables, inputs or intermediate values. They are tensors of a
 * graph themselves and can be differentiated again; zeros where the scalar does not depend on one.
 *
 *     const [dw, dx] = grad(y, [w, x])
 *
 * Of a function it is the function that gives its gradient by an argument, the first unless told (see `valueAndGrad`):
 *
 *     const dw = grad(loss)(w, x)
 */
export function grad<const T extends readonly AnyTensor[]>(output: Tensor, wrt: T): Gradients<T>
export function grad<S extends Shape, D extends DType>(output: Tensor, wrt: Tensor<S, D>): Tensor<S, D>
export function grad<A extends readonly unknown[], I extends number = 0>(
  fn: (...args: A) => Objective,
  argument?: I,
): (...args: A) => A[I]
export function grad(
  output: Tensor | ((...args: readonly unknown[]) => Objective),
  wrt: Tensor | readonly Tensor[] | number = 0,
): unknown {
  if (typeof output === 'function') {
    const both = valueAndGrad(output, wrt as number)
    return (...args: readonly unknown[]) => both(...args)[1]
  }
  if (typeof wrt === 'number')
    throw mistake('grad: of a tensor it needs the tensors to differentiate by: grad(y, [w, x])')
  const list = wrt instanceof Tensor ? [wrt] : wrt
  refuseStale([output], list)
  const results = transform
    .grad(
      output.node,
      list.map((t) => t.node),
      pullBack,
    )
    .map(wrap)
  return wrt instanceof Tensor ? (results[0] as Tensor) : results
}

/** The vector-Jacobian product: gradients of Σ ⟨cotangent, output⟩; outputs may have any shape. */
export function vjp<const T extends readonly AnyTensor[]>(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: T,
): Gradients<T>
export function vjp(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  if (![outputs, cotangents, wrt].every(Array.isArray))
    throw mistake(
      'vjp: it takes three lists, outputs, their cotangents and what to differentiate by: vjp([y], [c], [x])',
    )
  refuseStale(outputs, wrt)
  return pullBack(
    outputs.map((t) => t.node),
    cotangents.map((t) => t.node),
    wrt.map((t) => t.node),
  ).map(wrap)
}

/**
 * What is rewritten when the values are differentiated with respect to `wrt` and evaluated, and what has to be left alone.
 *
 *     console.log(String(stabilizations(x.softmax().log())))
 *     // log of softmax: log(softmax(x)) → logSoftmax(x), at log(div(exp(sub(…, …)), sum(exp(…)))) float32 [3] …
 */
export function stabilizations(values: Tensor | readonly Tensor[], wrt: readonly Tensor[] = []): StabilityReport {
  const outputs = ('node' in values ? [values] : values).map((t) => t.node)
  const given = new Set(topologicalOrder(outputs).flatMap(insideOfGiven))
  const found: Stabilization[] = []
  stabilize(outputs, {
    mode: 'gradient',
    barriers: wrt.map((t) => t.node),
    report: (finding) => {
      found.push(described(finding))
      if (given.has(finding.node)) found.push(givenDerivative(described(finding)))
    },
  })
  return reportOf(found)
}

/** What a function with a derivative of its own computes from sigmoids. */
function insideOfGiven(node: Node): Node[] {
  if (!isOp(node, 'custom') || node.attributes.isExact) return []
  const [body, ...inputs] = node.inputs as [Node, ...Node[]]
  if (!inputs.some((x) => x.op === 'sigmoid')) return []
  return topologicalOrder([body], (x) => inputs.includes(x)).filter((x) => !inputs.includes(x))
}

export interface CustomGradientOptions {
  /** Forward mode goes through what `forward` computes, instead of transposing `backward`. */
  readonly tangents?: 'value'
  /**
   * `backward` is meant not to be linear in the cotangent: a gradient that is clipped or given a sign on its way. It is taken
   * as it is by `grad` and `vjp`; forward mode has no meaning and is refused.
   */
  readonly nonLinear?: true
}

export type Backward = (cotangent: Tensor, inputs: readonly Tensor[], result: Tensor) => readonly (Tensor | null)[]

/**
 * A function with a derivative of its own. `backward` gets the cotangent of the result, the inputs and the result, and
 * returns one cotangent, or null, per input, linear in the cotangent: it may scale, move, sum and mask it by what does not depend on it.
 * That is checked when a gradient is built, and a TypeError names what breaks it.
 *
 *     const straightThrough = customGradient((x) => x.round(), (g) => [g])
 */
export function customGradient(
  forward: (...inputs: Tensor[]) => Tensor,
  backward: Backward,
  options: CustomGradientOptions = {},
): (...inputs: Tensor[]) => Tensor {
  const checked = new Set<string>()
  const name = forward.name || backward.name
  return withGradient(
    forward,
    (cotangent, inputs, result) => {
      // Once for each kind of inputs, of which there may be many.
      const kind = options.nonLinear ? '' : [result, ...inputs].map((t) => `${t.dtype}[${t.shape}]`).join()
      if (options.nonLinear || checked.size >= 16 || checked.has(kind)) return backward(cotangent, inputs, result)
      const given = linear(name, backward, cotangent, inputs, result)
      checked.add(kind)
      return given
    },
    options,
  )
}

/** The cotangents that `backward` gives, if they are linear in the one it gets. */
function linear(
  ...[name, backward, cotangent, inputs, result]: [string, ...[Backward, ...Parameters<Backward>]]
): ReturnType<Backward> {
  // A node of its own, with which nothing else can be the same.
  const same = (): Node => build.node('custom', [cotangent.node, cotangent.node], { vjp: (g) => [g], isExact: true })
  const attempt = (root: Node): [ReturnType<Backward>, Bend | undefined] => {
    const given = backward(wrap(root), inputs, result)
    return [
      given,
      findBend(
        given.flatMap((t) => t?.node ?? []),
        root,
        isZero,
      ),
    ]
  }
  const [given, bend] = attempt(same())
  if (!bend) return given
  // Once more, to see where it was written.
  const place = placed(userPlace, () => attempt(same())[1])?.node.scope?.place
  throw new TypeError(
    `custom gradient${name && ` of ${name}`}: backward is not linear in the cotangent: ${bend.node.op} ${bend.how}${at(place)}: ` +
      'it may scale, move, sum or mask the cotangent by what does not depend on it. Clip what grad returns instead, or say { nonLinear: true } if it is meant',
  )
}

/** Few numbers that are all 0, as what a loop begins with. */
const isZero = ({ attributes: { source } }: Node<'leaf'>): boolean =>
  source instanceof HostData && source.data.length <= 1024 && source.data.every((x) => x === 0)

/** As `customGradient`, whose `backward` is known to be linear: for functions of the library. */
export function withGradient(
  forward: (...inputs: Tensor[]) => Tensor,
  backward: Backward,
  options: Pick<CustomGradientOptions, 'tangents'> = {},
): (...inputs: Tensor[]) => Tensor {
  return (...inputs) => {
    const result = forward(...inputs)
    // A variable's value of now, though it may be another one when the gradient is built.
    const values = inputs.map((t) => new Tensor(t.node))
    // What the rule makes of the result has this derivative again.
    const vjp = (g: Node): readonly (Node | null)[] => backward(wrap(g), values, own).map((t) => t?.node ?? null)
    const jvp = options.tangents && { jvp: options.tangents }
    const own = wrap(build.node('custom', [result.node, ...values.map((t) => t.node)], { vjp, ...jvp }))
    return own
  }
}

/** A value that was read from a variable before it was assigned would silently give a zero gradient. */
function refuseStale(outputs: readonly Tensor[], wrt: readonly Tensor[]): void {
  const variables = new Set(wrt.filter((t) => t instanceof Variable))
  if (variables.size === 0) return
  for (const node of topologicalOrder(outputs.map((t) => t.node))) {
    if (!isOp(node, 'leaf') || !(node.attributes.source instanceof VariableSource)) continue
    const { variable, version } = node.attributes.source
    if (variables.has(variable) && variable.version !== version) {
      throw new Error(
        `grad: variable '${variable.name}' was assigned after the output was built from it: build the output again`,
      )
    }
  }
}
