/** How far rounding may move the values of a graph: each is computed in float64, exactly and with every rounding operation disturbed. */

import { evaluateNode } from '../../src/backend/reference/index.ts'
import { type ControlMeaning, controlMeanings } from '../../src/backend/reference/meanings.ts'
import { type DataArray, type DType, isFloat } from '../../src/graph/dtype.ts'
import { type ControlName, isControl, isOp, type NdArray, type Node, type OpName } from '../../src/graph/node.ts'
import { dear } from '../../src/graph/ops/pointwise.ts'
import { topologicalOrder } from '../../src/graph/walk.ts'
import { randomOf } from './random.ts'

export interface Conditioned {
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly value: DataArray
  /** What an element may be off by; infinite where rounding decides what it is. */
  readonly radius: Float64Array
  /** The same after many more disturbed runs, for what seems wrong: a few may all have fallen on one side of a step. */
  surer(): Conditioned
}

/** A unit in the last place, relative. */
const ulp: { readonly [D in DType]: number } = { float32: 2 ** -23, float64: 2 ** -52, int32: 0, uint8: 0, bool: 0 }
const disturbance = 3
/**
 * How a result is moved, from -1 to 1, in each disturbed run: at random, always up, always down, as its dtype rounds; and last,
 * to 0 what an earlier run carried past 0: no random number hits it, and log and division tell it from all others.
 */
type Move = (() => number) | 'round' | 'zero'
const moves: readonly (() => Move)[] = [
  () => drawn(17),
  () => drawn(18),
  () => () => 1,
  () => () => -1,
  () => 'round',
  () => 'zero',
]
const drawn = (seed: number): Move => {
  const random = randomOf(seed)
  return () => 2 * random() - 1
}
const moreMoves = Array.from({ length: 48 }, (_, i) => () => drawn(100 + i))
/** The largest of a few disturbed runs, times this, bounds what any order of rounding gives. */
const safety = 24

/** Values of operations that choose, move or compare are exact. */
const rounding: ReadonlySet<OpName> = new Set<OpName>([
  ...dear,
  ...(['sqrt', 'add', 'sub', 'mul', 'div'] as const),
  ...(['remainder', 'cast', 'sum', 'prod', 'matmul', 'conv', 'scatterAdd', 'scatterAddAlong', 'routine'] as const),
])
/** Where the rounding of terms does not show in that of their sum. */
const adding: ReadonlySet<OpName> = new Set<OpName>([
  ...(['sum', 'prod', 'matmul', 'conv', 'scatterAdd', 'scatterAddAlong', 'routine', 'add', 'sub'] as const),
  ...(['remainder', 'pow', 'sin', 'cos', 'tan'] as const),
])

const comparing: ReadonlySet<OpName> = new Set<OpName>(['equal', 'notEqual', 'less', 'lessEqual'])

const wide = <T extends { readonly dtype: DType }>(x: T): T => (x.dtype === 'float32' ? { ...x, dtype: 'float64' } : x)

/** The values of outputs, and how well they are determined; undefined where numbers leave the range of their dtype. */
export function conditioned(
  outputs: readonly Node[],
  leaf: (node: Node) => DataArray,
): readonly Conditioned[] | undefined {
  const exact = new Evaluation(leaf, undefined)
  const values = exact.run(outputs)
  if (exact.leftRange) return undefined
  const around = (list: readonly (() => Move)[]): Conditioned[] => {
    const disturbed = list.map((move) => new Evaluation(leaf, move(), exact).run(outputs))
    return spreadOf(outputs, values, disturbed, (o) => {
      surer ??= around([...moreMoves, ...moves])
      return surer[o]
    })
  }
  let surer: Conditioned[] | undefined
  return around(moves)
}

function spreadOf(
  outputs: readonly Node[],
  values: readonly NdArray[],
  disturbed: readonly (readonly NdArray[])[],
  surer: (output: number) => Conditioned,
): Conditioned[] {
  return outputs.map(({ dtype, shape }, o) => {
    const value = values[o].data
    const radius = Float64Array.from(value, (v, k) => {
      let spread = 0
      for (const run of disturbed) {
        const other = run[o].data[k]
        if (Object.is(v, other) || v === other) continue
        const distance = Math.abs(v - other)
        spread = Number.isNaN(distance) || !isFloat(dtype) ? Infinity : Math.max(spread, distance)
      }
      return safety * spread + 4 * ulp[dtype] * (Number.isFinite(v) ? Math.abs(v) : 0)
    })
    return { dtype, shape, value, radius, surer: () => surer(o) }
  })
}

/** The same without bounds: values in float64, or undefined where numbers leave the range of their dtype. */
export function valuesInRange(
  outputs: readonly Node[],
  leaf: (node: Node) => DataArray,
): readonly DataArray[] | undefined {
  const exact = new Evaluation(leaf, undefined)
  const values = exact.run(outputs)
  return exact.leftRange ? undefined : values.map(({ data }) => data)
}

/** The values in float64, undisturbed. */
export const wideValues = (outputs: readonly Node[], leaf: (node: Node) => DataArray): DataArray[] =>
  new Evaluation(leaf, undefined).run(outputs).map(({ data }) => data)

/** The first element that is off by more than rounding explains, in words. */
export const mismatch = (actual: ArrayLike<number>, expected: Conditioned): string | undefined =>
  differing(actual, expected) && differing(actual, expected.surer())

function differing(actual: ArrayLike<number>, expected: Conditioned): string | undefined {
  const { value, radius, dtype, shape } = expected
  if (actual.length !== value.length) return `${actual.length} elements instead of ${value.length}`
  for (let i = 0; i < value.length; i++) {
    const [a, b] = [actual[i], value[i]]
    if (radius[i] === Infinity || Object.is(a, b) || a === b || Math.abs(a - b) <= radius[i]) continue
    return `element ${i} of ${dtype} [${shape}]: ${a} instead of ${b}, allowed ${radius[i]}`
  }
  return undefined
}

class Evaluation {
  leftRange = false
  private readonly leaf: (node: Node) => DataArray
  private readonly move: Move | undefined
  /** The undisturbed one. */
  private readonly exact: Evaluation | undefined
  /** Of each node that rounds, the floats of every time it was evaluated; and which of them some disturbance carried to 0 or past it. */
  private readonly history = new Map<Node, DataArray[]>()
  private readonly crossed = new Map<Node, (Uint8Array | undefined)[]>()
  private readonly times = new Map<Node, number>()

  constructor(leaf: (node: Node) => DataArray, move: Move | undefined, exact?: Evaluation) {
    this.leaf = leaf
    this.move = move
    this.exact = exact
  }

  run(outputs: readonly Node[], given: ReadonlyMap<Node, NdArray> = new Map()): NdArray[] {
    const values = new Map(given)
    const results = new Map<Node, readonly NdArray[]>()
    for (const node of topologicalOrder(outputs, (n) => given.has(n))) {
      if (values.has(node)) continue
      const inputs = node.inputs.map((x) => values.get(x) as NdArray)
      if (isControl(node)) results.set(node, this.control(node, inputs))
      else if (isOp(node, 'part')) values.set(node, results.get(node.inputs[0])?.[node.attributes.index] as NdArray)
      else values.set(node, this.value(node, inputs))
    }
    return outputs.map((o) => values.get(o) as NdArray)
  }

  private control(node: Node<ControlName>, inputs: readonly NdArray[]): readonly NdArray[] {
    const meaning = controlMeanings[node.op] as ControlMeaning<ControlName>
    // A scan stacks in the dtype that its body's outputs have.
    const own = new Map<Node, Node>()
    const widely = (outputs: readonly Node[]): Node[] =>
      outputs.map((o) => {
        const wider = wide(o)
        own.set(wider, o)
        return wider
      })
    const { attributes } = node
    const inFull = isOp(node, 'scan')
      ? {
          ...node,
          attributes: {
            ...attributes,
            body: { ...node.attributes.body, outputs: widely(node.attributes.body.outputs) },
          },
        }
      : node
    const results = meaning(inputs, inFull as Node<ControlName>, ({ parameters, outputs }, args) =>
      this.run(
        outputs.map((o) => own.get(o) ?? o),
        new Map(parameters.map((p, i) => [p, args[i]])),
      ),
    )
    return results.map((x) => wide({ ...x, data: x.dtype === 'float32' ? Float64Array.from(x.data) : x.data }))
  }

  private value(node: Node, inputs: readonly NdArray[]): NdArray {
    if (isOp(node, 'leaf')) {
      const data = this.leaf(node)
      return wide({
        shape: node.shape,
        dtype: node.dtype,
        data: node.dtype === 'float32' ? Float64Array.from(data) : data,
      })
    }
    const wider = wide({ ...node, inputs: node.inputs.map(wide) })
    const attributes = isOp(node, 'cast') ? { dtype: wider.dtype } : node.attributes
    const unit = Math.max(ulp[node.dtype], ...node.inputs.map((x) => ulp[x.dtype]))
    const terms = adding.has(node.op)
      ? inputs.map((x) => this.disturbed(x, unit))
      : this.tied(node, this.kept(node, inputs))
    if (node.op === 'prod') this.watchFactors(node, wider as Node, inputs[0])
    const data = this.unsure(node, inputs, evaluateNode({ ...wider, attributes } as Node, terms))
    const made: NdArray = { shape: node.shape, dtype: wider.dtype, data }
    this.watch(node.dtype, data)
    if (!isFloat(node.dtype)) return made
    return this.near0(node, rounding.has(node.op) ? this.disturbed(made, ulp[node.dtype]) : made)
  }

  /** What becomes an integer is a number of its dtype before: the low bits of large ones are zeros. */
  private kept(node: Node, inputs: readonly NdArray[]): readonly NdArray[] {
    if (!isOp(node, 'cast') || isFloat(node.dtype) || node.inputs[0].dtype !== 'float32') return inputs
    return inputs.map((x) => ({ ...x, data: Float64Array.from(x.data, Math.fround) }))
  }

  /** What is compared: equal where a disturbance changed which of the two is larger. */
  private tied(node: Node, inputs: readonly NdArray[]): readonly NdArray[] {
    const [a, b] = inputs
    if (!comparing.has(node.op) || !isFloat(node.inputs[0].dtype)) return inputs
    const distance = Float64Array.from(a.data, (v, k) => (v === b.data[k] ? 0 : v - b.data[k]))
    const near = this.near0(node, { ...a, data: distance })
    if (this.move !== 'zero') return inputs
    return [{ ...a, data: a.data.map((v, k) => (near.data[k] === 0 ? b.data[k] : v)) }, b]
  }

  private disturbed(x: NdArray, unit: number): NdArray {
    const { move } = this
    if (!move || move === 'zero' || !isFloat(x.dtype)) return x
    const moved =
      move === 'round'
        ? (v: number): number => (unit === ulp.float32 ? Math.fround(v) : v)
        : (v: number): number => v * (1 + disturbance * unit * move())
    return { ...x, data: Float64Array.from(x.data, moved) }
  }

  /** Notes which numbers a disturbance carries to 0 or past it; in the last run they are 0. */
  private near0(node: Node, x: NdArray): NdArray {
    const time = this.times.get(node) ?? 0
    this.times.set(node, time + 1)
    const { exact, move } = this
    if (!exact) {
      const all = this.history.get(node)
      if (all) all.push(x.data)
      else this.history.set(node, [x.data])
      return x
    }
    const before = exact.history.get(node)?.[time]
    if (!before || !(rounding.has(node.op) || comparing.has(node.op))) return x
    const marks = exact.crossed.get(node) ?? []
    if (move === 'zero') {
      const crossed = marks[time]
      return crossed ? { ...x, data: x.data.map((v, k) => (crossed[k] && Number.isFinite(v) ? 0 : v)) } : x
    }
    for (let k = 0; k < before.length; k++) {
      if (before[k] * x.data[k] > 0 || before[k] === x.data[k] || Number.isNaN(before[k] + x.data[k])) continue
      marks[time] ??= new Uint8Array(before.length)
      marks[time][k] = 1
      exact.crossed.set(node, marks)
    }
    return x
  }

  /** Beyond what float32 holds to full precision, float64 tells nothing of it. */
  private watch(dtype: DType, data: DataArray): void {
    if (!isFloat(dtype)) return
    const [least, most] = dtype === 'float32' ? [1e-34, 1e37] : [1e-290, 1e290]
    for (const v of data) {
      const size = Math.abs(v)
      if ((size > most && size < Infinity) || (size > 0 && size < least)) this.leftRange = true
    }
  }

  /** In another order the large factors, or the small ones, may meet each other first. */
  private watchFactors(node: Node, wider: Node, x: NdArray): void {
    const bounded = (bound: (size: number) => number): DataArray =>
      evaluateNode(wider, [{ ...x, data: Float64Array.from(x.data, (v) => bound(Math.abs(v))) }])
    this.watch(
      node.dtype,
      bounded((size) => Math.max(size, 1)),
    )
    this.watch(
      node.dtype,
      bounded((size) => (size === 0 ? 1 : Math.min(size, 1))),
    )
  }

  /** Whether a number is exactly 0 no disturbance tells: where one carries it past 0, it may as well be. */
  private unsure(node: Node, [x]: readonly NdArray[], data: DataArray): DataArray {
    if (!isOp(node, 'cast') || node.dtype !== 'bool' || !isFloat(node.inputs[0].dtype)) return data
    const of = node.inputs[0]
    const before = this.exact?.history.get(of)?.[(this.times.get(of) ?? 0) - 1]
    return before ? data.map((v, k) => (Math.sign(before[k]) === -Math.sign(x.data[k]) ? 1 - v : v)) : data
  }
}
