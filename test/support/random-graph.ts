/** Random graphs of every operation and dtype, as plain data: inputs, and steps that work on a growing pool of values. */

import fc from 'fast-check'
import { build } from '../../src/graph/build.ts'
import { allocate, type DType, isFloat, representable } from '../../src/graph/dtype.ts'
import type { BinaryName, Node, OpName, UnaryName } from '../../src/graph/node.ts'
import { binaryOps, unaryOps } from '../../src/graph/ops/pointwise.ts'
import { recurrence, runningArgmax } from '../../src/graph/routines/recurrence.ts'
import { argsort } from '../../src/graph/routines/sort.ts'
import { sizeOf } from '../../src/graph/shape.ts'
import { checkpoint, cond, grad, random, scan, Tensor, tensor, whileLoop } from '../../src/tensor/index.ts'
import { librarySteps } from './library-steps.ts'
import { flat, material } from './material.ts'
import { kindOf, moduleSteps, prepareModule } from './module-steps.ts'
import { type Step as Composition, steps as compositions } from './programs.ts'
import { normals, randomOf } from './random.ts'
import { domainOf } from './samples.ts'

export interface GraphInput {
  readonly shape: readonly number[]
  readonly dtype: DType
  /** `special`: zeros of both signs, infinities, NaN, large and tiny numbers among others. */
  readonly values: 'normal' | 'integers' | 'special'
}

export interface GraphStep {
  readonly op: string
  /** Operands, counted from the end of the pool. */
  readonly x: number
  readonly y: number
  /** Chooses attributes. */
  readonly n: number
  /** Of a loop, branch or checkpoint. */
  readonly body?: readonly GraphStep[]
}

export interface RandomGraph {
  readonly inputs: readonly GraphInput[]
  readonly steps: readonly GraphStep[]
  /** Whether the gradient of the results by the inputs is among the outputs. */
  readonly gradient: boolean
}

export interface Limits {
  /** Elements of the largest value. */
  readonly size: number
}
export const small: Limits = { size: 600 }
export const medium: Limits = { size: 6000 }
export const large: Limits = { size: 60_000 }

// --- choices -----------------------------------------------------------------

/** Draws attributes from a number: each call takes some of it; 0 gives the first choice always. */
type Choose = (count: number) => number

function chooser(n: number): Choose {
  let rest = n
  return (count) => {
    const chosen = rest % count
    rest = Math.floor(rest / count)
    return chosen
  }
}

const dtypes = ['float32', 'float64', 'int32', 'uint8', 'bool'] as const

const rangeOf = (op: OpName, input: number): readonly [number, number] => {
  const drawn = domainOf(op)
    .samples.flatMap(({ inputs }) => (inputs[input] ? [inputs[input]] : []))
    .flatMap(({ shape, values }) => values(randomOf(1), sizeOf(shape)))
    .filter(Number.isFinite)
  return [Math.min(...drawn), Math.max(...drawn)]
}

/** As an operation takes it: of one of its dtypes, and now and then squeezed into its domain. */
function admitted(x: Node, op: OpName, input: number, choose: Choose): Node {
  const { dtypes: taken } = domainOf(op)
  const typed = taken.includes(x.dtype) ? x : build.cast(x, taken[choose(taken.length)])
  if (!isFloat(typed.dtype) || choose(3) === 0) return typed
  const [low, high] = rangeOf(op, input)
  return build.binary('add', build.binary('mul', build.unary('sigmoid', typed), high - low), low)
}

// --- shapes ------------------------------------------------------------------

const broadcasts = (x: readonly number[], y: readonly number[]): boolean =>
  Array.from({ length: Math.min(x.length, y.length) }, (_, i) => [x.at(-1 - i), y.at(-1 - i)]).every(
    ([a, b]) => a === b || a === 1 || b === 1,
  )

/** The value itself where it broadcasts with the shape, else made of its elements. */
const beside = (y: Node, shape: readonly number[]): Node => (broadcasts(y.shape, shape) ? y : material(y, shape))

const someAxes = (x: Node, choose: Choose): number[] => x.shape.map((_, a) => a).filter(() => choose(2) === 0)

/** At least `rank` axes. */
const ranked = (x: Node, rank: number): Node =>
  x.shape.length >= rank ? x : build.reshape(x, [...new Array<number>(rank - x.shape.length).fill(1), ...x.shape])

const asFloat = (x: Node): Node => (isFloat(x.dtype) ? x : build.cast(x, 'float32'))
const asNumber = (x: Node): Node => (x.dtype === 'bool' ? build.cast(x, 'int32') : x)

// --- steps -------------------------------------------------------------------

type Run = (steps: readonly GraphStep[], pool: readonly Node[]) => Node[]
/** Null where the shapes do not allow it. */
type Step = (x: Node, y: Node, choose: Choose, body: readonly GraphStep[], run: Run) => Node | null

const reduction =
  (op: 'sum' | 'prod'): Step =>
  (x, _, choose) =>
    build.node(op, [asNumber(x)], { axes: someAxes(x, choose) })
const extremum =
  (op: 'max' | 'min'): Step =>
  (x, _, choose) => {
    const axes = someAxes(x, choose)
    return sizeOf(x.shape) === 0 ? null : build.node(op, [x], { axes, ties: choose(2) === 0 ? 'even' : 'first' })
  }
const arg =
  (op: 'argmax' | 'argmin'): Step =>
  (x, _, choose) =>
    sizeOf(x.shape) === 0 ? null : build.node(op, [x], { axes: someAxes(x, choose) })

const indices = (y: Node, shape: readonly number[]): Node => material(y, shape, 'int32', 3)

/** The last value of this shape that a body makes; integers and floats are cast. */
function bodyResult(steps: readonly GraphStep[], pool: readonly Node[], like: Node, run: Run): Tensor {
  const made = run(steps, pool)
  const fits = made.findLast(({ shape }) => shape.join() === like.shape.join())
  const last = made.at(-1) ?? like
  const y = new Tensor(build.cast(fits ?? build.broadcast(material(last, []), like.shape), like.dtype))
  return isFloat(like.dtype) ? y.tanh() : y
}

const structural: { readonly [O in Exclude<OpName, UnaryName | BinaryName>]: Step } = {
  // Inputs are leaves, and loops and branches are read by parts.
  leaf: () => null,
  part: () => null,
  constant: (x, _, choose) => build.constant([0, 1, -2.5, 1e4, NaN, Infinity][choose(6)], x.shape, x.dtype),
  iota: (x, _, choose) => (x.shape.length === 0 ? null : build.iota(x.shape, choose(x.shape.length))),
  where: (x, y, choose) => {
    const wide = beside(y, x.shape)
    const condition = choose(2) === 0 ? build.binary('less', x, 1) : build.cast(wide, 'bool')
    return build.where(condition, x, wide)
  },
  cast: (x, _, choose) => build.cast(x, dtypes[choose(5)]),
  threefry: (x, y, choose) => {
    const words = [x, y, y, x].map((w, i) => indices(w, [1 + i > 2 ? sizeOf(x.shape) : sizeOf(x.shape)]))
    return build.node('threefry', words, { word: choose(2) === 0 ? 0 : 1 })
  },
  stopGradient: (x) => build.node('stopGradient', [x], {}),
  custom: (x) => {
    const float = asFloat(x)
    return build.node('custom', [build.unary('sin', float), float], {
      vjp: (g) => [build.binary('mul', g, build.unary('cos', float))],
    })
  },
  after: (x, y) => build.node('after', [x, material(y, x.shape)], {}),

  reshape: (x, _, choose) => {
    const size = sizeOf(x.shape)
    const factor = [2, 3, 1][choose(3)]
    if (choose(3) === 0 || size % factor !== 0) return flat(x)
    return build.reshape(x, choose(2) === 0 ? [factor, size / factor] : [size / factor, 1, factor])
  },
  transpose: (x, _, choose) => {
    const rest = x.shape.map((_, a) => a)
    return build.transpose(
      x,
      x.shape.map(() => rest.splice(choose(rest.length), 1)[0]),
    )
  },
  broadcast: (x, _, choose) => {
    const wide = x.shape.map((d) => (d === 1 ? [3, 1, 0, 2][choose(4)] : d))
    return build.broadcast(x, choose(2) === 0 && wide.length < 4 ? [1 + choose(3), ...wide] : wide)
  },
  slice: (x, _, choose) => {
    const ranges = x.shape.map((d) => {
      const [start, step] = [choose(Math.max(1, d)), [1, -1, 2, -2, -3][choose(5)]]
      const reach = step > 0 ? d - start : start + 1
      const most = d === 0 ? 0 : Math.ceil(reach / Math.abs(step))
      return { start, step, size: Math.max(0, most - choose(3)) }
    })
    return build.slice(
      x,
      ranges.map((r) => r.start),
      ranges.map((r) => r.size),
      ranges.map((r) => r.step),
    )
  },
  pad: (x, _, choose) => {
    const counts = (): number[] => x.shape.map(() => choose(3))
    return build.pad(x, counts(), counts(), counts(), [0, 1, -3, 0.5][choose(4)])
  },
  windows: (x, _, choose) => {
    const count = 1 + choose(Math.min(2, x.shape.length))
    const size: number[] = []
    const [stride, dilation] = [size.slice(), size.slice()]
    for (const extent of x.shape.slice(-count)) {
      if (extent === 0) return null
      const k = 1 + choose(Math.min(3, extent))
      size.push(k)
      stride.push(1 + choose(3))
      dilation.push(1 + choose(k === 1 ? 3 : Math.floor((extent - 1) / (k - 1))))
    }
    return x.shape.length === 0 ? null : build.node('windows', [x], { size, stride, dilation })
  },
  concat: (x, y, choose) => {
    if (x.shape.length === 0) return null
    const axis = choose(x.shape.length)
    const other = material(
      y,
      x.shape.map((d, a) => (a === axis ? choose(4) : d)),
      x.dtype,
    )
    return build.node('concat', choose(2) === 0 ? [x, other] : [other, x, x], { axis })
  },

  sum: reduction('sum'),
  prod: reduction('prod'),
  max: extremum('max'),
  min: extremum('min'),
  argmax: arg('argmax'),
  argmin: arg('argmin'),

  matmul: (x, y, choose) => {
    const a = ranked(asNumber(x), 2)
    const [batch, [, k]] = [a.shape.slice(0, -2), a.shape.slice(-2)]
    const columns = [3, 1, 2, 17, 0, 33, 70][choose(7)]
    const b = choose(3) === 0 ? build.swap(a) : material(y, [...batch, k, columns], a.dtype)
    return choose(4) === 0 ? build.node('matmul', [build.swap(b), build.swap(a)], {}) : build.node('matmul', [a, b], {})
  },
  conv: (x, y, choose) => {
    const image = ranked(asFloat(x), 3)
    const [, channels, ...space] = image.shape
    if (space.some((d) => d === 0) || channels === 0 || space.length > 2) return null
    const groups = channels % 2 === 0 && choose(2) === 1 ? 2 : 1
    const kernel = space.map((d) => 1 + choose(Math.min(3, d)))
    const weight = material(y, [groups * (1 + choose(3)), channels / groups, ...kernel], image.dtype)
    return build.node('conv', [image, weight], {
      strides: space.map(() => 1 + choose(2)),
      dilation: kernel.map((k, i) => (k === 1 ? 1 : 1 + choose(Math.min(2, Math.floor((space[i] - 1) / (k - 1)))))),
      groups,
    })
  },
  take: (x, y, choose) => {
    if (sizeOf(x.shape) === 0 || x.shape.length === 0) return null
    const at = indices(y, [[3], [], [2, 2], [0], [1]][choose(5)])
    return build.node('take', [x, at], { axis: choose(x.shape.length) })
  },
  scatterAdd: (x, y, choose) => {
    const updates = asNumber(x)
    if (updates.shape.length === 0) return build.node('scatterAdd', [indices(y, []), updates], { axis: 0, length: 3 })
    const axis = choose(updates.shape.length)
    return build.node('scatterAdd', [indices(y, [updates.shape[axis]]), updates], { axis, length: 1 + choose(5) })
  },
  takeAlong: (x, y, choose) => {
    if (sizeOf(x.shape) === 0 || x.shape.length === 0) return null
    const axis = choose(x.shape.length)
    const shape = x.shape.map((d, a) => (a === axis ? choose(4) : d))
    return build.node('takeAlong', [x, indices(y, shape)], { axis })
  },
  scatterAddAlong: (x, y, choose) => {
    const updates = asNumber(x)
    if (updates.shape.length === 0) return null
    const at = indices(y, updates.shape)
    return build.node('scatterAddAlong', [at, updates], { axis: choose(updates.shape.length), length: 1 + choose(5) })
  },
  routine: (x, y, choose) => {
    if (x.shape.length === 0) return null
    const parameters = [choose(2)]
    const which = choose(4)
    if (which === 0) return build.node('routine', [x], { routine: argsort, parameters })
    if (which === 1) return build.node('routine', [x], { routine: runningArgmax, parameters: [] })
    const terms = asNumber(x)
    const factors = material(isFloat(terms.dtype) ? build.unary('tanh', asFloat(y)) : y, terms.shape, terms.dtype)
    return build.node('routine', which === 2 ? [terms] : [factors, terms], { routine: recurrence, parameters })
  },

  cond: (x, y, _, body, run) => {
    const predicate = new Tensor(build.binary('less', material(y, []), 1))
    const branch = (pool: readonly Node[]) => (): Tensor => bodyResult(body, pool, x, run)
    return cond(predicate, branch([y, x]), branch([x, y])).node
  },
  scan: (x, y, choose, body, run) => {
    const sequence = ranked(y, 1)
    if (sequence.shape[0] > 20) return null
    const [carry, stacked] = scan(
      (state: Tensor, slice: Tensor) => {
        const next = bodyResult(body, [slice.node, state.node], state.node, run)
        return [next, next]
      },
      new Tensor(x),
      new Tensor(sequence),
      { reverse: choose(2) === 1 },
    )
    return choose(2) === 0 ? carry.node : stacked.node
  },
  whileLoop: (x, y, choose, body, run) => {
    const turns = choose(4)
    const start = new Tensor(build.constant(0, [], 'int32'))
    const [, result] = whileLoop(
      ([i]: readonly Tensor[]) => i.less(turns),
      ([i, state]) => [i.add(1), bodyResult(body, [y, state.node], state.node, run)],
      [start, new Tensor(x)],
      { maximum: 3 },
    )
    return result.node
  },
}

const pointwise: { readonly [op: string]: Step } = Object.fromEntries([
  ...(Object.keys(unaryOps) as UnaryName[]).map((op): [string, Step] => [
    op,
    (x, _, choose) => build.unary(op, admitted(x, op, 0, choose)),
  ]),
  ...(Object.keys(binaryOps) as BinaryName[]).map((op): [string, Step] => [
    op,
    (x, y, choose) => {
      const a = admitted(x, op, 0, choose)
      return build.binary(op, a, build.cast(admitted(beside(y, x.shape), op, 1, choose), a.dtype))
    },
  ]),
])

/** What users write in one call, on floats. */
const composed = (f: Composition): Step => {
  return (x, y, choose) => {
    const a = asFloat(x)
    return f(new Tensor(a), new Tensor(build.cast(y, a.dtype)), choose(12))?.node ?? null
  }
}

const withBodies: { readonly [op: string]: Step } = {
  cond: structural.cond,
  scan: structural.scan,
  whileLoop: structural.whileLoop,
  checkpoint: (x, y, _, body, run) =>
    checkpoint((a: Tensor, b: Tensor) => bodyResult(body, [a.node, b.node], a.node, run))(
      new Tensor(asFloat(x)),
      new Tensor(y),
    ).node,
}

const plain: { readonly [op: string]: Step } = {
  ...Object.fromEntries(
    [...Object.entries(compositions), ...Object.entries(librarySteps)].map(([name, f]) => [`${name}()`, composed(f)]),
  ),
  ...pointwise,
  ...structural,
  'random.uniform()': (x, _, choose) => random.uniform(x.shape, { key: random.key(choose(100)) }).node,
  'random.normal()': (x, _, choose) =>
    random.normal(x.shape, { key: random.key(choose(100)), dtype: choose(2) === 0 ? 'float32' : 'float64' }).node,
}
const modules: { readonly [op: string]: Step } = Object.fromEntries(
  Object.entries(moduleSteps).map(([kind, f]) => [`nn.${kind}()`, composed(f)]),
)
const steps = { ...plain, ...withBodies, ...modules }

// --- running -----------------------------------------------------------------

function runSteps(program: readonly GraphStep[], start: readonly Node[], limits: Limits): Node[] {
  const pool = [...start]
  const inner: Run = (body, given) => runSteps(body, given, small)
  for (const { op, x, y, n, body = [] } of program) {
    const pick = (i: number): Node => pool[pool.length - 1 - (i % pool.length)]
    const made = steps[op](pick(x), pick(y), chooser(n), body, inner)
    if (made && sizeOf(made.shape) <= limits.size && made.shape.length <= 6) pool.push(made)
  }
  return pool.slice(start.length)
}

/** The last values that the graph makes, and the gradients by its float inputs. */
export function outputsOf(graph: RandomGraph, inputs: readonly Tensor[], limits = small): Tensor[] {
  const made = runSteps(
    graph.steps,
    inputs.map((t) => t.node),
    limits,
  ).slice(-3)
  const outputs = made.map((node) => new Tensor(node))
  if (!graph.gradient) return outputs
  const total = objective(outputs)
  const wrt = inputs.filter((t) => isFloat(t.dtype))
  return total && wrt.length > 0 ? [...outputs, ...grad(total, wrt)] : outputs
}

/** One number of all float outputs, in which no two elements weigh the same. */
export function objective(outputs: readonly Tensor[]): Tensor | undefined {
  const terms = outputs.filter((t) => isFloat(t.dtype)).map((t, i) => t.mul(weights(t, i)).sum().cast('float64'))
  return terms.length === 0 ? undefined : terms.reduce((a, b) => a.add(b))
}

function weights({ size, shape, dtype }: Tensor, of: number): Tensor {
  const angles = build.binary('add', build.cast(build.iota([size], 0), 'float64'), 0.7 * of)
  return new Tensor(build.cast(build.unary('cos', angles), dtype)).reshape(shape)
}

const odd = [0, -0, 1, -1, Infinity, -Infinity, NaN, 1e4, -1e4, 1e-6, 0.5, 3]

/** Fresh leaves; `variant` gives other numbers. */
export function leavesOf(graph: RandomGraph, variant = 0): Tensor[] {
  for (const kind of graph.steps.map(({ op }) => kindOf(op))) if (kind) prepareModule(kind)
  return graph.inputs.map(({ shape, dtype, values }, i) => {
    const draw = randomOf(1 + i + 100 * variant)
    const size = sizeOf(shape)
    const drawn =
      values === 'normal'
        ? normals(draw, size).map((v) => (isFloat(dtype) ? v : v * 9))
        : Array.from({ length: size }, () =>
            values === 'integers' ? Math.floor(draw() * 19) - 9 : odd[Math.floor(draw() * odd.length)],
          )
    const data = allocate(dtype, size)
    drawn.forEach((v, k) => {
      data[k] = representable(v, dtype)
    })
    return tensor(data, { shape, dtype })
  })
}

/** As text that can be pasted into a test. */
export const asText = (graph: RandomGraph): string =>
  JSON.stringify(graph)
    .replace(/"(\w+)":/g, ' $1: ')
    .replace(/"/g, "'")

// --- drawing -----------------------------------------------------------------

const shapes = [
  [2, 3],
  [],
  [3],
  [1],
  [0],
  [3, 4],
  [2, 1, 3],
  [17],
  [5, 4],
  [0, 3],
  [2, 3, 7],
  [1, 1, 5],
  [2, 4, 5],
  [31],
]
/** Beyond a vector, a register tile and a panel, and next to them. */
const mediumShapes = [
  [67],
  [40, 37],
  [33, 65],
  [2, 3, 17, 5],
  [130],
  [16, 32],
  [1, 97],
  [64, 1],
  [128, 3],
  [3, 31, 33],
  [1013],
]
const largeShapes = [[64, 33], [257], [4, 8, 40], [128, 128], [2, 3, 17, 19], [5000], [300, 7]]

const stepOf = (ops: readonly string[]): fc.Arbitrary<GraphStep> =>
  fc.record({ op: fc.constantFrom(...ops), x: fc.nat(6), y: fc.nat(9), n: fc.nat(1_000_000) })

const plainStep = stepOf(Object.keys(plain).filter((op) => !(op in withBodies)))
const moduleStep = stepOf(Object.keys(modules))
const withBody = (inner: fc.Arbitrary<GraphStep>): fc.Arbitrary<GraphStep> =>
  fc
    .tuple(stepOf(Object.keys(withBodies)), fc.array(inner, { minLength: 1, maxLength: 4 }))
    .map(([outer, body]) => ({ ...outer, body }))
/** Loops and branches, now and then inside of each other. */
const nested = withBody(fc.oneof({ weight: 15, arbitrary: plainStep }, { weight: 1, arbitrary: withBody(plainStep) }))
const step: fc.Arbitrary<GraphStep> = fc.oneof(
  { weight: 36, arbitrary: plainStep },
  { weight: 2, arbitrary: moduleStep },
  { weight: 3, arbitrary: nested },
)

const inputFrom = (from: readonly (readonly number[])[], dtype: fc.Arbitrary<DType>): fc.Arbitrary<GraphInput> =>
  fc.record({
    shape: fc.constantFrom(...from),
    dtype,
    values: fc.constantFrom('normal', 'normal', 'integers', 'special'),
  })

const graphsFrom = (
  from: readonly (readonly number[])[],
  [minLength, maxLength] = [1, 12],
): fc.Arbitrary<RandomGraph> =>
  fc.record({
    inputs: fc.array(
      inputFrom(from, fc.constantFrom('float32', 'float32', 'float32', 'float64', 'int32', 'uint8', 'bool')),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
    steps: fc.array(step, { minLength, maxLength }),
    gradient: fc.boolean(),
  })

export const randomGraphs = graphsFrom(shapes)
export const mediumGraphs = graphsFrom(mediumShapes)
export const largeGraphs = graphsFrom(largeShapes)
/** So many nodes that chains are cut and much memory is used again. */
export const longGraphs = graphsFrom(shapes, [40, 120])
/** Modules one after the other. */
export const moduleStacks: fc.Arbitrary<RandomGraph> = fc.record({
  inputs: fc.array(inputFrom(shapes, fc.constantFrom('float32', 'float64')), { minLength: 1, maxLength: 2 }),
  steps: fc.array(
    moduleStep.map((one) => ({ ...one, x: one.x % 2 })),
    { minLength: 1, maxLength: 3 },
  ),
  gradient: fc.boolean(),
})
