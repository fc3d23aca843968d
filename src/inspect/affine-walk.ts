// A graph as affine functions of its input, place by place: what is linear carries them on, what has kinks cuts the place.

import { evaluateNode } from '../backend/reference/index.ts'
import { build } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import { isControl, isOp, type NdArray, type Node } from '../graph/node.ts'
import { contiguousStrides, type Dims, dotIndex, forEachIndex, show, sizeOf, without } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'
import { Tensor } from '../tensor/index.ts'
import { transforming } from '../tensor/transforming.ts'
import type { AffineFunction } from './convex-piece.ts'

/** Where the input may be: a region, or one point. Cutting gives the parts in which a function of it has one sign. */
export interface Place<P extends Place<P>> {
  cut(f: AffineFunction): readonly (readonly [part: P, sign: number])[]
}

/** Elements that are affine in the input: the elements of a column are their coefficients by one input; the last, constants. */
export interface Affine {
  readonly shape: Dims
  readonly columns: readonly Float64Array[]
}

/** The value of a node while the input stays in one place. */
type Value = NdArray | Affine
type Outcomes<P> = readonly (readonly [P, Value])[]

/** A function of tensors, ready to be followed: its operations that depend on the input, and the numbers that do not. */
export interface Walk {
  readonly caller: string
  readonly input: Node
  readonly output: Node
  readonly nodes: readonly Node[]
  readonly constants: ReadonlyMap<Node, NdArray>
}

/** Traces a function with an input of the given shape, in float64. Throws where it reads its input's value. */
export async function traced(caller: string, fn: (x: Tensor) => Tensor, shape: Dims): Promise<Walk> {
  const storage = (): never => {
    throw new Error(
      `${caller}: the function reads a value that depends on its input: it must be made of operations alone`,
    )
  }
  const input = build.leaf({ storage, read: storage }, shape, 'float64')
  const output = transforming(() => fn(new Tensor(input))).node
  const order = topologicalOrder([output], (node) => node === input, valueInputs)
  const depends = new Set<Node>([input])
  for (const node of order) if (valueInputs(node).some((x) => depends.has(x))) depends.add(node)
  const nodes = order.filter((node) => node !== input && depends.has(node))
  const ends = new Set([output, ...nodes.flatMap(valueInputs)].filter((node) => !depends.has(node)))
  const constants = new Map<Node, NdArray>()
  for (const node of ends) {
    const data = await new Tensor(node).data()
    constants.set(node, isFloat(node.dtype) ? array(node.shape, Float64Array.from(data)) : { ...node, data })
  }
  return { caller, input, output, nodes, constants }
}

/** The output in each part of a place where it is one affine function. Throws at what is not piecewise linear. */
export function* affineParts<P extends Place<P>>(
  walk: Walk,
  place: P,
  inputs: number,
): Generator<readonly [P, Affine]> {
  const { nodes, output } = walk
  const first = identity(walk.input.shape, inputs)
  const open: { readonly at: number; readonly place: P; readonly values: Map<Node, Value> }[] = [
    { at: 0, place, values: new Map<Node, Value>([...walk.constants, [walk.input, first]]) },
  ]
  for (let next = open.pop(); next; next = open.pop()) {
    const { values } = next
    let { at, place: here } = next
    for (; at < nodes.length; at++) {
      const node = nodes[at]
      const given = valueInputs(node).map((x) => values.get(x) as Value)
      const [[part, value], ...others] = valuesOf(walk, here, node, given)
      for (const [place, other] of others) open.push({ at: at + 1, place, values: new Map(values).set(node, other) })
      here = part
      values.set(node, value)
    }
    yield [here, affine(values.get(output) as Value, inputs)]
  }
}

/** The inputs that a node's value is computed from; the others of these are for its gradient, or for order. */
const valueInputs = (node: Node): readonly Node[] => (passing.has(node.op) ? node.inputs.slice(0, 1) : node.inputs)
const passing: ReadonlySet<string> = new Set(['custom', 'after', 'stopGradient'])

function valuesOf<P extends Place<P>>(walk: Walk, place: P, node: Node, given: readonly Value[]): Outcomes<P> {
  if (passing.has(node.op)) return [[place, given[0]]]
  if (given.every(isConstant)) return [[place, constantOf(node, given)]]
  const rule = rules[node.op]
  const wrong = rule ? rule.refuses?.(node, given) : unknown(node)
  if (!rule || wrong) throw refused(walk, node, wrong ?? '')
  return rule.values(place, node, given)
}

const unknown = (node: Node): string =>
  isControl(node) || isOp(node, 'routine') ? 'cannot be followed' : 'is not piecewise linear'

interface Rule {
  /** What is wrong with these inputs. */
  readonly refuses?: (node: Node, given: readonly Value[]) => string | undefined
  readonly values: <P extends Place<P>>(place: P, node: Node, given: readonly Value[]) => Outcomes<P>
}

/** Linear in all inputs that depend on the input: constants beside them count once, in the last column. */
const linear: Rule = { values: (place, node, given) => [[place, byColumn(node, given, true)]] }

/** Linear in each of two inputs: only one of them may depend on the input. */
const scaling = (isAllowed: (given: readonly Value[]) => boolean, wrong: string): Rule => ({
  refuses: (_, given) => (isAllowed(given) ? undefined : wrong),
  values: (place, node, given) => [[place, byColumn(node, given, false)]],
})
const product = scaling((given) => given.some(isConstant), 'multiplies two values that both depend on the input')

/** By the sign of a − b, element by element. */
const bySign = (choose: (node: Node, given: readonly Value[], signs: readonly number[]) => Value): Rule => ({
  values: (place, node, given) => {
    const difference = subtracted(given)
    return signsOf(place, sizeOf(node.shape), difference).map(([part, signs]) => [part, choose(node, given, signs)])
  },
})
const comparison = (holds: (sign: number) => boolean): Rule =>
  bySign(({ shape }, _, signs) => ({ shape, dtype: 'bool', data: Uint8Array.from(signs, (s) => Number(holds(s))) }))
const picking = (isFirst: (sign: number) => boolean): Rule =>
  bySign(({ shape }, given, signs) => {
    const inputs = columnsOf(given).map(([a, b]) => signs.map((s, i) => (isFirst(s) ? a[i] : b[i])))
    return { shape, columns: inputs.map((column) => Float64Array.from(column)) }
  })
const scaledBySign = (factor: (sign: number, x: number) => number): Rule =>
  bySign(({ shape }, given, signs) => ({
    shape,
    columns: columnsOf(given).map(([x]) => Float64Array.from(signs, (s, i) => factor(s, x[i]))),
  }))

const conversion: Rule = {
  refuses: (node) =>
    isFloat(node.dtype) ? undefined : `makes ${node.dtype} of a value that depends on the input: steps`,
  values: (place, _, [x]) => [[place, x]],
}

const choice: Rule = {
  refuses: (_, [condition]) => (isConstant(condition) ? undefined : 'has a condition that is not a comparison'),
  values: linear.values,
}

/** The largest (or smallest) over axes: candidates are compared one by one with the best so far. */
const extreme = (sign: 1 | -1): Rule => ({
  values: (place, node, [x]) => {
    const { axes } = node.attributes as { readonly axes: Dims }
    const candidates = membersOf(node.inputs[0].shape, axes)
    const { columns } = x as Affine
    const element = (i: number): number[] => columns.map((column) => column[i])
    type Race = readonly [place: typeof place, best: readonly number[]]
    let races: Race[] = [[place, candidates.map(([first]) => first)]]
    for (let turn = 1; turn < candidates[0].length; turn++) {
      races = races.flatMap(([here, best]) => {
        const lead = (i: number): number[] => {
          const [champion, rival] = [element(best[i]), element(candidates[i][turn])]
          return rival.map((r, k) => sign * (r - champion[k]))
        }
        return signsOf(here, best.length, lead).map(
          ([part, signs]): Race => [part, best.map((b, i) => (signs[i] > 0 ? candidates[i][turn] : b))],
        )
      })
    }
    return races.map(([part, best]) => [
      part,
      { shape: node.shape, columns: columns.map((column) => Float64Array.from(best, (i) => column[i])) },
    ])
  },
})

const linearOps = [
  ...['neg', 'add', 'sub', 'sum', 'reshape', 'transpose', 'broadcast', 'slice', 'pad', 'windows', 'concat'],
  ...['take', 'takeAlong', 'scatterAdd', 'scatterAddAlong'],
]

const rules: { readonly [op: string]: Rule } = {
  ...Object.fromEntries(linearOps.map((op) => [op, linear])),
  mul: product,
  matmul: product,
  conv: product,
  div: scaling(([, divisor]) => isConstant(divisor), 'divides by a value that depends on the input'),
  cast: conversion,
  where: choice,
  abs: scaledBySign((s, x) => (s === 0 ? 0 : s * x)),
  sign: bySign(({ shape }, _, signs) => array(shape, Float64Array.from(signs))),
  maximum: picking((s) => s >= 0),
  minimum: picking((s) => s <= 0),
  less: comparison((s) => s < 0),
  lessEqual: comparison((s) => s <= 0),
  equal: comparison((s) => s === 0),
  notEqual: comparison((s) => s !== 0),
  max: extreme(1),
  min: extreme(-1),
}

/** The parts of a place where all of `count` functions have one sign, with their signs. */
function signsOf<P extends Place<P>>(
  place: P,
  count: number,
  f: (i: number) => AffineFunction,
): (readonly [P, readonly number[]])[] {
  let parts: (readonly [P, readonly number[]])[] = [[place, []]]
  for (let i = 0; i < count; i++) {
    const own = f(i)
    parts = parts.flatMap(([part, signs]) => part.cut(own).map(([p, sign]) => [p, [...signs, sign]] as const))
  }
  return parts
}

/** Element i of a − b, or of a alone. */
function subtracted(given: readonly Value[]): (i: number) => AffineFunction {
  const columns = columnsOf(given)
  return (i) => columns.map(([a, b]) => (b ? a[i] - b[i] : a[i]))
}

/** The columns of all inputs, one after the other; those of a constant are 0 but for the last. */
function columnsOf(given: readonly Value[]): ArrayLike<number>[][] {
  const count = Math.max(...given.map((v) => (isConstant(v) ? 0 : v.columns.length)))
  return Array.from({ length: count }, (_, k) =>
    given.map((v) => (isConstant(v) ? (k === count - 1 ? v.data : new Float64Array(v.data.length)) : v.columns[k])),
  )
}

/** The operation on each column by itself; `once`: float constants, and what it pads with, are 0 in all but the last. */
function byColumn(node: Node, given: readonly Value[], once: boolean): Affine {
  const count = Math.max(...given.map((v) => (isConstant(v) ? 0 : v.columns.length)))
  const columns = Array.from({ length: count }, (_, k) => {
    const isLast = k === count - 1
    const inputs = given.map((v): NdArray => {
      if (!isConstant(v)) return array(v.shape, v.columns[k])
      return isLast || !once || !isFloat(v.dtype) ? v : array(v.shape, new Float64Array(v.data.length))
    })
    const op = !isLast && isOp(node, 'pad') ? { ...node, attributes: { ...node.attributes, value: 0 } } : node
    return Float64Array.from(pointwise[node.op]?.(inputs) ?? evaluateNode({ ...op, dtype: 'float64' }, inputs))
  })
  return { shape: node.shape, columns }
}

/** The commonest operations without the way over their expressions. */
const pointwise: { readonly [op: string]: (inputs: readonly NdArray[]) => Float64Array } = {
  neg: ([a]) => Float64Array.from(a.data, (x) => -x),
  add: ([a, b]) => Float64Array.from(a.data, (x, i) => x + b.data[i]),
  sub: ([a, b]) => Float64Array.from(a.data, (x, i) => x - b.data[i]),
  mul: ([a, b]) => Float64Array.from(a.data, (x, i) => x * b.data[i]),
  div: ([a, b]) => Float64Array.from(a.data, (x, i) => x / b.data[i]),
  where: ([c, a, b]) => Float64Array.from(c.data, (yes, i) => (yes ? a.data[i] : b.data[i])),
}

const array = (shape: Dims, data: Float64Array): NdArray => ({ shape, dtype: 'float64', data })
const isConstant = (value: Value): value is NdArray => 'data' in value

function constantOf(node: Node, given: readonly NdArray[]): NdArray {
  const dtype = isFloat(node.dtype) ? 'float64' : node.dtype
  return { shape: node.shape, dtype, data: evaluateNode({ ...node, dtype }, given) }
}

function identity(shape: Dims, inputs: number): Affine {
  const size = sizeOf(shape)
  const columns = Array.from({ length: inputs + 1 }, (_, k) =>
    Float64Array.from({ length: size }, (_, i) => +(i === k)),
  )
  return { shape, columns }
}

const affine = (value: Value, inputs: number): Affine =>
  isConstant(value)
    ? {
        shape: value.shape,
        columns: columnsOf([value, identity(value.shape, inputs)]).map(([a]) => Float64Array.from(a)),
      }
    : value

/** For each element of a reduction the elements that it is made of, in order. */
function membersOf(shape: Dims, axes: Dims): number[][] {
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  const strides = contiguousStrides(without(shape, axes))
  const members = Array.from({ length: sizeOf(without(shape, axes)) }, (): number[] => [])
  forEachIndex(shape, (index, position) => {
    members[
      dotIndex(
        kept.map((axis) => index[axis]),
        strides,
      )
    ].push(position)
  })
  return members
}

function refused({ caller }: Walk, node: Node, wrong: string): TypeError {
  const { op, scope, inputs, shape } = node
  const name = isOp(node, 'routine') ? node.attributes.routine.name : op
  const where = [scope?.path && `net.${scope.path}`, scope?.name].filter(Boolean).join(' ')
  const what = `${name} of ${show(inputs[0]?.shape ?? shape)} ${wrong}`
  return new TypeError(
    `${caller}: ${where ? `${where}: ` : ''}${what}: only networks of linear maps, relu, leakyRelu, abs, max, clamp and the like have linear regions`,
  )
}
