/** For every operation: where its inputs may lie, in which shapes and with which attributes it is tested, and what happens at the edges. */

import { build } from '../../src/graph/build.ts'
import type { DType } from '../../src/graph/dtype.ts'
import type { BinaryName, Node, OpAttributes, OpName, ShapeAndType, Subgraph, UnaryName } from '../../src/graph/node.ts'
import { type BinaryRecord, binaryTable } from '../../src/graph/ops/binary.ts'
import { type UnaryRecord, unaryTable } from '../../src/graph/ops/unary.ts'
import { recurrence, runningArgmax } from '../../src/graph/routines/recurrence.ts'
import { argsort } from '../../src/graph/routines/sort.ts'
import type { Dims } from '../../src/graph/shape.ts'
import type { Random } from '../support/random.ts'

/** Draws the elements of an input. */
type Values = (random: Random, count: number) => number[]

export interface Input {
  readonly shape: Dims
  readonly values: Values
  /** The dtype under test, unless the operation asks for another one here. Only inputs without it are differentiated. */
  readonly dtype?: DType
}

export interface Sample<A> {
  readonly inputs: readonly Input[]
  readonly attributes: A
}

/** Inputs (one number each) beyond the usual range. */
export type Extreme = readonly number[]

/** Of an operation with attributes of type A. */
export interface Domain<A> {
  /** The dtypes it takes; derivatives are tested in float64. */
  readonly dtypes: readonly DType[]
  readonly samples: readonly Sample<A>[]
  /** `none`: its record has no rule; `stops`: a rule that gives no gradient. */
  readonly derivative: 'smooth' | 'none' | 'stops'
  /** Points at which the value is defined. */
  readonly extremes?: readonly Extreme[]
  /** Those of them, and others, at which the gradient has to be finite. */
  readonly finiteGradient?: readonly Extreme[]
  /** How a node is made of its inputs, where it is not just `build.node`. */
  make?(inputs: readonly Node[], attributes: A): Node
}

export type Domains = { readonly [O in OpName]: Domain<OpAttributes[O]> }

// --- how inputs are drawn ----------------------------------------------------

const between =
  (low: number, high: number): Values =>
  (random, count) =>
    Array.from({ length: count }, () => low + (high - low) * random())

/** Of both signs, with absolute values in a range: for functions that have a corner or a pole at 0. */
const around0 =
  (low: number, high: number): Values =>
  (random, count) =>
    Array.from({ length: count }, () => (random() < 0.5 ? -1 : 1) * (low + (high - low) * random()))

const integers =
  (low: number, high: number): Values =>
  (random, count) =>
    Array.from({ length: count }, () => Math.floor(low + (high + 1 - low) * random()))

/** Different values in random order: no ties, and none come near. */
const distinct =
  (low: number, high: number): Values =>
  (random, count) => {
    const values = Array.from({ length: count }, (_, i) => low + ((high - low) * (i + 0.5)) / count)
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[values[i], values[j]] = [values[j], values[i]]
    }
    return values
  }

const exactly =
  (...values: number[]): Values =>
  (_, count) =>
    Array.from({ length: count }, (_, i) => values[i % values.length])

/** Stands for a subgraph that `make` puts in. */
const empty: Subgraph = { parameters: [], outputs: [] }

/** A function of values like the inputs as a subgraph. */
function body(inputs: readonly ShapeAndType[], f: (parameters: Node[]) => Node[]): Subgraph {
  const parameters = inputs.map(({ shape, dtype }) => build.leaf({}, shape, dtype))
  return { parameters, outputs: f(parameters) }
}

const part = (node: Node, index = 0): Node => build.node('part', [node], { index })

const of = (shape: Dims, values: Values): Input => ({ shape, values })
const int32 = (shape: Dims, values: Values): Input => ({ shape, values, dtype: 'int32' })
const bool = (shape: Dims): Input => ({ shape, values: integers(0, 1), dtype: 'bool' })

// --- kinds of operations -----------------------------------------------------

const floats = ['float32', 'float64'] as const
const numbers = ['float32', 'float64', 'int32', 'uint8'] as const
const whole = ['int32', 'uint8', 'bool'] as const
const every = ['float32', 'float64', 'int32', 'uint8', 'bool'] as const

const shapes: readonly Dims[] = [[], [1], [0, 3], [2, 3], [3, 1, 7], [33]]
const pairs: readonly (readonly [Dims, Dims])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[], [4]],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [0, 3],
    [1, 3],
  ],
  [[1], [17]],
  [[2, 3, 4], [4]],
]

/** What every function is asked at: zeros of both signs, tiny, large, infinite, not a number. */
const usual = [0, -0, 1e-30, -1e-30, 1, -1, 1e4, -1e4, Infinity, -Infinity, NaN]
const points = (list: readonly number[]): Extreme[] => list.map((x) => [x])
const pointPairs = (list: readonly number[]): Extreme[] => list.flatMap((x) => list.map((y) => [x, y]))

interface Unary {
  readonly dtypes?: readonly DType[]
  readonly values: Values
  readonly derivative?: 'none'
  readonly finiteGradient?: readonly number[]
}

function unary({ dtypes = floats, values, derivative, finiteGradient }: Unary): Domain<OpAttributes['neg']> {
  return {
    dtypes,
    samples: shapes.map((shape) => ({ inputs: [of(shape, values)], attributes: {} })),
    derivative: derivative ?? 'smooth',
    extremes: points(usual),
    ...(finiteGradient ? { finiteGradient: points(finiteGradient) } : {}),
  }
}

interface Binary {
  readonly dtypes?: readonly DType[]
  readonly x: Values
  readonly y: Values
  readonly derivative?: 'none'
  readonly extremes?: readonly Extreme[]
  readonly finiteGradient?: readonly Extreme[]
}

function binary(
  op: BinaryName,
  { dtypes = floats, x, y, derivative, extremes, finiteGradient }: Binary,
): Domain<OpAttributes['add']> {
  return {
    dtypes,
    samples: pairs.map(([a, b]) => ({ inputs: [of(a, x), of(b, y)], attributes: {} })),
    derivative: derivative ?? 'smooth',
    extremes: extremes ?? pointPairs([0, -0, 1, -2.5, 1e4, Infinity, -Infinity, NaN]),
    ...(finiteGradient ? { finiteGradient } : {}),
    make: ([a, b]) => build.binary(op, a, b),
  }
}

const comparison = (op: BinaryName): Domain<OpAttributes['add']> =>
  binary(op, { dtypes: every, x: integers(0, 3), y: integers(0, 3), derivative: 'none' })
const logic = (op: BinaryName): Domain<OpAttributes['add']> =>
  binary(op, { dtypes: whole, x: integers(0, 200), y: integers(0, 200), derivative: 'none', extremes: [] })

const dtypesOf = { any: every, float: floats, number: numbers, integer: ['int32', 'uint8'], bits: whole } as const

/** Of an operation that says no more of itself than its record does: where that is finite, on from its ends. */
function usualDomain({
  accepts,
  derivative,
  domain = [-Infinity, Infinity],
}: UnaryRecord): Domain<OpAttributes['neg']> {
  const [low, high] = [Math.max(-3, domain[0]), Math.min(3, domain[1])]
  const margin = (high - low) / 8
  return unary({
    dtypes: dtypesOf[accepts],
    values: between(low + margin, high - margin),
    ...(derivative === 'none' ? { derivative } : {}),
  })
}

const usualDomains = Object.fromEntries(
  Object.entries(unaryTable).map(([op, record]) => [op, usualDomain(record)]),
) as Pick<Domains, UnaryName>

/** The same for operations of two inputs: of both signs and away from the corners at 0, or inside the record's intervals. */
function usualBinaryDomain(op: BinaryName, record: BinaryRecord): Domain<OpAttributes['add']> {
  const { accepts, derivative, domain } = record
  const [x, y] = domain?.map(([low, high]) => between(low + (high - low) / 8, high - (high - low) / 8)) ?? [
    around0(0.3, 3),
    around0(0.3, 3),
  ]
  return binary(op, {
    dtypes: dtypesOf[accepts],
    x,
    y,
    ...(derivative === 'none' ? { derivative } : {}),
  })
}

const usualBinaryDomains = Object.fromEntries(
  Object.entries(binaryTable).map(([op, record]) => [op, usualBinaryDomain(op as BinaryName, record)]),
) as Pick<Domains, BinaryName>

/** Everything finite, out to where squares overflow nothing. */
const finite = [0, 1e-30, 1, -1, 1e4, -1e4]

const reductions: readonly { shape: Dims; axes: Dims }[] = [
  { shape: [2, 3], axes: [0] },
  { shape: [2, 3], axes: [1] },
  { shape: [4, 1, 5], axes: [0, 2] },
  { shape: [2, 3, 4], axes: [1] },
  { shape: [2, 3, 4], axes: [0, 1, 2] },
  { shape: [5, 33], axes: [1] },
  { shape: [33, 5], axes: [0] },
  { shape: [7], axes: [0] },
  { shape: [3], axes: [] },
  { shape: [], axes: [] },
  { shape: [1, 1], axes: [1] },
  { shape: [0, 3], axes: [1] },
]
const emptyAxis: readonly { shape: Dims; axes: Dims }[] = [
  { shape: [0, 3], axes: [0] },
  { shape: [2, 0, 3], axes: [0, 1, 2] },
]

const reduction = (values: Values): Domain<OpAttributes['sum']> => ({
  dtypes: numbers,
  samples: [...reductions, ...emptyAxis].map(({ shape, axes }) => ({
    inputs: [of(shape, values)],
    attributes: { axes },
  })),
  derivative: 'smooth',
})

const extremum = (): Domain<OpAttributes['max']> => ({
  dtypes: every,
  samples: reductions.flatMap(({ shape, axes }) =>
    (['even', 'first'] as const).map((ties) => ({
      inputs: [of(shape, distinct(-9, 9))],
      attributes: { axes, ties },
    })),
  ),
  derivative: 'smooth',
})

const arg = (): Domain<OpAttributes['argmax']> => ({
  dtypes: every,
  samples: [
    ...reductions.map(({ shape, axes }) => ({ inputs: [of(shape, integers(-2, 2))], attributes: { axes } })),
    { inputs: [of([3, 5], exactly(1, NaN, 7, NaN, 7, -Infinity, Infinity))], attributes: { axes: [1] } },
  ],
  derivative: 'none',
})

// --- the operations ----------------------------------------------------------

export const domains: Domains = {
  leaf: { dtypes: every, samples: [], derivative: 'stops' },
  constant: {
    dtypes: every,
    samples: [2.75, -1, 0, 1e10, Infinity, NaN].map((value) => ({ inputs: [], attributes: { value } })),
    derivative: 'stops',
  },
  iota: {
    dtypes: ['int32'],
    samples: [
      { inputs: [], attributes: { axis: 0 } },
      { inputs: [], attributes: { axis: 1 } },
      { inputs: [], attributes: { axis: 2 } },
    ],
    derivative: 'stops',
    make: (_, { axis }) => build.iota([3, 4, 5], axis),
  },

  ...usualDomains,
  neg: unary({ dtypes: numbers, values: between(-3, 3), finiteGradient: usual.filter((x) => !Number.isNaN(x)) }),
  abs: unary({ dtypes: numbers, values: around0(0.1, 3), finiteGradient: [...finite, -0, Infinity, -Infinity] }),
  sign: unary({ dtypes: numbers, values: around0(0.1, 3), derivative: 'none' }),
  floor: unary({ dtypes: numbers, values: between(-3, 3), derivative: 'none' }),
  ceil: unary({ dtypes: numbers, values: between(-3, 3), derivative: 'none' }),
  round: unary({ dtypes: numbers, values: exactly(0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6, -7.9), derivative: 'none' }),
  trunc: unary({ dtypes: numbers, values: between(-3, 3), derivative: 'none' }),
  not: { ...unary({ dtypes: whole, values: integers(0, 200), derivative: 'none' }), extremes: [] },
  sqrt: unary({ values: between(0.2, 4), finiteGradient: [1e-30, 1, 1e4, Infinity] }),
  exp: unary({ values: between(-3, 3), finiteGradient: [0, -0, 1e-30, 1, -1, -1e4, -Infinity] }),
  expm1: unary({ values: between(-3, 3), finiteGradient: [0, -0, 1e-30, 1, -1, -1e4, -Infinity] }),
  log: unary({ values: between(0.2, 4), finiteGradient: [1e-30, 1, 1e4, Infinity] }),
  log1p: unary({ values: between(-0.8, 4), finiteGradient: [0, 1e-30, 1, 1e4, Infinity] }),
  sin: unary({ values: between(-4, 4), finiteGradient: finite }),
  cos: unary({ values: between(-4, 4), finiteGradient: finite }),
  tan: unary({ values: between(-1.2, 1.2), finiteGradient: finite }),
  asin: unary({ values: between(-0.8, 0.8), finiteGradient: [0, 1e-30] }),
  acos: unary({ values: between(-0.8, 0.8), finiteGradient: [0, 1e-30] }),
  atan: unary({ values: between(-4, 4), finiteGradient: [...finite, Infinity, -Infinity] }),
  sinh: unary({ values: between(-2, 2), finiteGradient: [0, 1e-30, 1, -1] }),
  cosh: unary({ values: between(-2, 2), finiteGradient: [0, 1e-30, 1, -1] }),
  tanh: unary({ values: between(-3, 3), finiteGradient: [...finite, Infinity, -Infinity] }),
  asinh: unary({ values: between(-4, 4), finiteGradient: [...finite, Infinity, -Infinity] }),
  acosh: unary({ values: between(1.5, 4), finiteGradient: [1e4, Infinity] }),
  atanh: unary({ values: between(-0.8, 0.8), finiteGradient: [0, 1e-30] }),
  erf: unary({ values: between(-2, 2), finiteGradient: [...finite, Infinity, -Infinity] }),
  sigmoid: unary({ values: between(-4, 4), finiteGradient: [...finite, Infinity, -Infinity] }),

  ...usualBinaryDomains,
  add: binary('add', { dtypes: every, x: integers(-90, 90), y: integers(-90, 90) }),
  sub: binary('sub', { dtypes: numbers, x: integers(-90, 90), y: integers(-90, 90) }),
  mul: binary('mul', { dtypes: every, x: around0(0.5, 30), y: around0(0.5, 30) }),
  div: binary('div', {
    dtypes: ['float32', 'float64', 'int32', 'uint8'],
    x: around0(2, 90),
    y: around0(1, 4),
    finiteGradient: [
      [0, 1],
      [1e4, 1e4],
      [1, Infinity],
      [-1e4, -Infinity],
    ],
  }),
  pow: binary('pow', {
    x: between(0.3, 3),
    y: between(-2, 2),
    extremes: pointPairs([0, 1, 2, 3, 0.5, -1, -2, -0.5, Infinity, -Infinity, NaN]),
    finiteGradient: [
      [0, 2],
      [0, 1],
      [0, 0],
      [3, 0],
      [1, 1e4],
      [0, 3],
    ],
  }),
  atan2: binary('atan2', {
    x: around0(0.3, 3),
    y: around0(0.3, 3),
    finiteGradient: [
      [0, 0],
      [0, 1],
      [1, 0],
      [-1, 0],
      [1e4, -1e4],
    ],
  }),
  maximum: binary('maximum', {
    dtypes: numbers,
    x: distinct(-9, 9),
    y: distinct(-8.85, 9.15),
    finiteGradient: pointPairs([0, 1e4, -1e4, Infinity, -Infinity]),
  }),
  minimum: binary('minimum', {
    dtypes: numbers,
    x: distinct(-9, 9),
    y: distinct(-8.85, 9.15),
    finiteGradient: pointPairs([0, 1e4, -1e4, Infinity, -Infinity]),
  }),
  remainder: binary('remainder', {
    dtypes: numbers,
    x: exactly(7.3, -7.3, 5.2, -5.2, 0.4),
    y: exactly(2, 3.5, -2, -3.5),
  }),
  equal: comparison('equal'),
  notEqual: comparison('notEqual'),
  less: comparison('less'),
  lessEqual: comparison('lessEqual'),
  and: logic('and'),
  or: logic('or'),
  xor: logic('xor'),
  shiftLeft: binary('shiftLeft', {
    dtypes: ['int32', 'uint8'],
    x: integers(-9, 99),
    y: integers(0, 7),
    derivative: 'none',
    extremes: [],
  }),
  shiftRight: binary('shiftRight', {
    dtypes: ['int32', 'uint8'],
    x: integers(-9, 99),
    y: integers(0, 7),
    derivative: 'none',
    extremes: [],
  }),

  where: {
    dtypes: every,
    samples: [
      { inputs: [bool([2, 3]), of([2, 3], between(-3, 3)), of([2, 3], between(-3, 3))], attributes: {} },
      { inputs: [bool([3, 1]), of([4], between(-3, 3)), of([], between(-3, 3))], attributes: {} },
      { inputs: [bool([0, 2]), of([2], between(-3, 3)), of([0, 2], between(-3, 3))], attributes: {} },
    ],
    derivative: 'smooth',
    make: ([condition, x, y]) => build.where(condition, x, y),
  },
  cast: {
    dtypes: every,
    samples: every.flatMap((dtype) => [
      { inputs: [of([2, 5], integers(-300, 300))], attributes: { dtype } },
      { inputs: [of([7], exactly(0.9, -0.9, 254.9, 256, 3e9, -3e9, NaN))], attributes: { dtype } },
      { inputs: [of([0], between(0, 1))], attributes: { dtype } },
    ]),
    derivative: 'smooth',
    make: ([x], { dtype }) => build.cast(x, dtype),
  },
  threefry: {
    dtypes: ['int32'],
    samples: ([0, 1] as const).map((word) => ({
      inputs: Array.from({ length: 4 }, () => of([37], integers(-(2 ** 31), 2 ** 31 - 1))),
      attributes: { word },
    })),
    derivative: 'none',
  },
  stopGradient: {
    dtypes: every,
    samples: [{ inputs: [of([2, 3], between(-3, 3))], attributes: {} }],
    derivative: 'stops',
  },
  custom: {
    dtypes: floats,
    samples: [{ inputs: [of([2, 3], between(-3, 3))], attributes: { vjp: () => [] } }],
    derivative: 'smooth',
    make: ([x]) =>
      build.node('custom', [build.unary('sin', x), x], { vjp: (g) => [build.binary('mul', g, build.unary('cos', x))] }),
  },
  after: {
    dtypes: every,
    samples: [
      { inputs: [of([2, 3], between(-3, 3)), int32([2, 3], integers(-9, 9))], attributes: {} },
      { inputs: [of([0], between(-3, 3)), int32([0], integers(-9, 9))], attributes: {} },
    ],
    derivative: 'smooth',
  },

  reshape: {
    dtypes: every,
    samples: (
      [
        [
          [2, 6],
          [3, 4],
        ],
        [[4], [2, 1, 2]],
        [[1, 1], []],
        [
          [0, 3],
          [2, 0],
        ],
      ] as const
    ).map(([from, shape]) => ({
      inputs: [of(from, between(-3, 3))],
      attributes: { shape },
    })),
    derivative: 'smooth',
  },
  transpose: {
    dtypes: every,
    samples: (
      [
        [
          [2, 3],
          [1, 0],
        ],
        [
          [2, 3, 4],
          [2, 0, 1],
        ],
        [
          [2, 1, 3, 2],
          [3, 1, 0, 2],
        ],
        [
          [17, 19],
          [1, 0],
        ],
        [
          [0, 2],
          [1, 0],
        ],
      ] as const
    ).map(([shape, permutation]) => ({ inputs: [of(shape, between(-3, 3))], attributes: { permutation } })),
    derivative: 'smooth',
  },
  broadcast: {
    dtypes: every,
    samples: (
      [
        [[], [2, 3]],
        [[3], [2, 3]],
        [
          [2, 1],
          [2, 4],
        ],
        [
          [1, 3, 1],
          [2, 2, 3, 5],
        ],
        [[1], [0]],
        [
          [1, 3],
          [0, 3],
        ],
      ] as const
    ).map(([from, shape]) => ({ inputs: [of(from, between(-3, 3))], attributes: { shape } })),
    derivative: 'smooth',
  },
  slice: {
    dtypes: every,
    samples: [
      { inputs: [of([5, 6], between(-3, 3))], attributes: { starts: [1, 0], sizes: [3, 6], steps: [1, 1] } },
      { inputs: [of([5, 6], between(-3, 3))], attributes: { starts: [0, 1], sizes: [3, 2], steps: [2, 3] } },
      { inputs: [of([5, 6], between(-3, 3))], attributes: { starts: [4, 5], sizes: [5, 3], steps: [-1, -2] } },
      { inputs: [of([7], between(-3, 3))], attributes: { starts: [5], sizes: [2], steps: [-4] } },
      { inputs: [of([5, 6], between(-3, 3))], attributes: { starts: [0, 0], sizes: [0, 2], steps: [1, 1] } },
      { inputs: [of([40], between(-3, 3))], attributes: { starts: [3], sizes: [33], steps: [1] } },
      { inputs: [of([4], between(-3, 3))], attributes: { starts: [2], sizes: [1], steps: [-3] } },
    ],
    derivative: 'smooth',
  },
  pad: {
    dtypes: every,
    samples: [
      { inputs: [of([2, 3], between(-3, 3))], attributes: { low: [1, 0], high: [0, 2], interior: [0, 0], value: 0 } },
      { inputs: [of([2, 3], between(-3, 3))], attributes: { low: [0, 1], high: [2, 1], interior: [1, 2], value: 5 } },
      { inputs: [of([0, 2], between(-3, 3))], attributes: { low: [1, 0], high: [2, 0], interior: [3, 0], value: 1 } },
      { inputs: [of([1], between(-3, 3))], attributes: { low: [0], high: [0], interior: [4], value: 1 } },
      { inputs: [of([3, 33], between(-3, 3))], attributes: { low: [0, 2], high: [0, 3], interior: [0, 0], value: 0 } },
      { inputs: [of([], between(-3, 3))], attributes: { low: [], high: [], interior: [], value: 0 } },
    ],
    derivative: 'smooth',
  },
  windows: {
    dtypes: every,
    samples: [
      { inputs: [of([2, 7], between(-3, 3))], attributes: { size: [3], stride: [1], dilation: [1] } },
      { inputs: [of([2, 7], between(-3, 3))], attributes: { size: [2], stride: [2], dilation: [1] } },
      { inputs: [of([2, 7], between(-3, 3))], attributes: { size: [2], stride: [3], dilation: [1] } },
      { inputs: [of([9], between(-3, 3))], attributes: { size: [3], stride: [2], dilation: [2] } },
      { inputs: [of([2, 5, 6], between(-3, 3))], attributes: { size: [2, 3], stride: [2, 1], dilation: [1, 1] } },
      { inputs: [of([1, 2, 6, 5], between(-3, 3))], attributes: { size: [2, 2], stride: [2, 2], dilation: [1, 1] } },
      { inputs: [of([4, 4], between(-3, 3))], attributes: { size: [1, 1], stride: [2, 3], dilation: [5, 1] } },
      { inputs: [of([0, 4], between(-3, 3))], attributes: { size: [2], stride: [1], dilation: [1] } },
    ],
    derivative: 'smooth',
  },
  concat: {
    dtypes: every,
    samples: [
      { inputs: [of([2, 3], between(-3, 3)), of([2, 2], between(-3, 3))], attributes: { axis: 1 } },
      {
        inputs: [of([1, 3], between(-3, 3)), of([0, 3], between(-3, 3)), of([2, 3], between(-3, 3))],
        attributes: { axis: 0 },
      },
      { inputs: [of([5], between(-3, 3))], attributes: { axis: 0 } },
      { inputs: [of([0], between(-3, 3)), of([0], between(-3, 3))], attributes: { axis: 0 } },
    ],
    derivative: 'smooth',
  },

  sum: reduction(integers(-9, 9)),
  prod: reduction(around0(0.5, 1.5)),
  max: extremum(),
  min: extremum(),
  argmax: arg(),
  argmin: arg(),

  matmul: {
    dtypes: numbers,
    samples: (
      [
        [
          [2, 3],
          [3, 4],
        ],
        [
          [1, 1],
          [1, 1],
        ],
        [
          [3, 0],
          [0, 2],
        ],
        [
          [0, 3],
          [3, 2],
        ],
        [
          [5, 2, 3],
          [5, 3, 2],
        ],
        [
          [2, 2, 1, 3],
          [2, 2, 3, 4],
        ],
        [
          [17, 33],
          [33, 18],
        ],
        [
          [0, 2, 3],
          [0, 3, 2],
        ],
      ] as const
    ).map(([a, b]) => ({ inputs: [of(a, integers(-4, 4)), of(b, integers(-4, 4))], attributes: {} })),
    derivative: 'smooth',
  },
  conv: {
    dtypes: floats,
    samples: (
      [
        { x: [2, 3, 7], w: [4, 3, 3], strides: [1], dilation: [1], groups: 1 },
        { x: [2, 3, 8], w: [4, 3, 3], strides: [2], dilation: [1], groups: 1 },
        { x: [1, 2, 9], w: [2, 2, 3], strides: [1], dilation: [3], groups: 1 },
        { x: [2, 4, 6], w: [6, 2, 2], strides: [1], dilation: [1], groups: 2 },
        { x: [2, 4, 6], w: [4, 1, 3], strides: [2], dilation: [2], groups: 4 },
        { x: [2, 3, 6, 5], w: [4, 3, 3, 2], strides: [1, 1], dilation: [1, 1], groups: 1 },
        { x: [1, 2, 7, 8], w: [3, 2, 2, 3], strides: [2, 3], dilation: [1, 2], groups: 1 },
        { x: [2, 4, 5, 5], w: [2, 2, 1, 1], strides: [2, 2], dilation: [1, 1], groups: 2 },
        { x: [1, 4, 9, 8], w: [4, 2, 3, 4], strides: [2, 3], dilation: [1, 1], groups: 2 },
        { x: [1, 2, 11], w: [3, 2, 2], strides: [4], dilation: [1], groups: 1 },
        { x: [1, 2, 4, 10], w: [2, 2, 3, 5], strides: [1, 2], dilation: [1, 1], groups: 1 },
        { x: [1, 1, 4, 3, 4], w: [2, 1, 2, 2, 2], strides: [1, 1, 2], dilation: [1, 2, 1], groups: 1 },
        { x: [0, 2, 5], w: [3, 2, 2], strides: [1], dilation: [1], groups: 1 },
      ] as const
    ).map(({ x, w, strides, dilation, groups }) => ({
      inputs: [of(x, between(-2, 2)), of(w, between(-2, 2))],
      attributes: { strides, dilation, groups },
    })),
    derivative: 'smooth',
  },

  take: {
    dtypes: every,
    samples: [
      { inputs: [of([5, 3], between(-9, 9)), int32([4], integers(-5, 4))], attributes: { axis: 0 } },
      { inputs: [of([2, 5], between(-9, 9)), int32([2, 3], integers(-5, 4))], attributes: { axis: 1 } },
      { inputs: [of([4], between(-9, 9)), int32([], integers(0, 3))], attributes: { axis: 0 } },
      { inputs: [of([3, 2], between(-9, 9)), int32([3], exactly(-9, 99, 1))], attributes: { axis: 0 } },
      { inputs: [of([3, 2], between(-9, 9)), int32([0], integers(0, 2))], attributes: { axis: 0 } },
      { inputs: [of([2, 7, 33], between(-9, 9)), int32([9], integers(-7, 6))], attributes: { axis: 1 } },
    ],
    derivative: 'smooth',
  },
  scatterAdd: {
    dtypes: numbers,
    samples: [
      { inputs: [int32([4], integers(-5, 4)), of([4, 3], integers(-9, 9))], attributes: { axis: 0, length: 5 } },
      {
        inputs: [int32([2, 3], integers(-2, 1)), of([2, 2, 3, 4], integers(-9, 9))],
        attributes: { axis: 1, length: 2 },
      },
      { inputs: [int32([], integers(0, 3)), of([3], integers(-9, 9))], attributes: { axis: 0, length: 4 } },
      { inputs: [int32([0], integers(0, 3)), of([0, 2], integers(-9, 9))], attributes: { axis: 0, length: 3 } },
      { inputs: [int32([40], integers(0, 3)), of([40, 17], integers(-9, 9))], attributes: { axis: 0, length: 4 } },
    ],
    derivative: 'smooth',
  },
  routine: {
    dtypes: ['float32', 'float64', 'int32'],
    samples: [
      { inputs: [of([2, 7], distinct(-3, 3))], attributes: { routine: argsort, parameters: [0] } },
      { inputs: [of([300], integers(-9, 9))], attributes: { routine: argsort, parameters: [1] } },
      { inputs: [of([3, 0], distinct(-3, 3))], attributes: { routine: argsort, parameters: [0] } },
      { inputs: [of([2, 9], integers(-2, 2))], attributes: { routine: runningArgmax, parameters: [] } },
      { inputs: [of([2, 3, 5], between(-3, 3))], attributes: { routine: recurrence, parameters: [0] } },
      { inputs: [of([7], between(-3, 3))], attributes: { routine: recurrence, parameters: [1] } },
      {
        inputs: [of([2, 5], between(-2, 2)), of([2, 5], between(-3, 3))],
        attributes: { routine: recurrence, parameters: [0] },
      },
      {
        inputs: [of([1, 6], between(-2, 2)), of([1, 6], between(-3, 3))],
        attributes: { routine: recurrence, parameters: [1] },
      },
    ],
    derivative: 'smooth',
  },
  takeAlong: {
    dtypes: every,
    samples: [
      { inputs: [of([5, 3], between(-9, 9)), int32([2, 3], integers(-5, 4))], attributes: { axis: 0 } },
      { inputs: [of([2, 5], between(-9, 9)), int32([2, 1], integers(-5, 4))], attributes: { axis: 1 } },
      { inputs: [of([2, 3, 4], between(-9, 9)), int32([2, 5, 4], exactly(-9, 9, 0, 1))], attributes: { axis: 1 } },
      { inputs: [of([0, 3], between(-9, 9)), int32([0, 2], integers(0, 2))], attributes: { axis: 1 } },
    ],
    derivative: 'smooth',
  },
  scatterAddAlong: {
    dtypes: numbers,
    samples: [
      { inputs: [int32([2, 3], integers(-5, 4)), of([2, 3], integers(-9, 9))], attributes: { axis: 0, length: 5 } },
      { inputs: [int32([2, 6], integers(-2, 1)), of([2, 6], integers(-9, 9))], attributes: { axis: 1, length: 2 } },
      { inputs: [int32([0, 2], integers(0, 2)), of([0, 2], integers(-9, 9))], attributes: { axis: 1, length: 3 } },
    ],
    derivative: 'smooth',
  },

  cond: {
    dtypes: floats,
    samples: [0, 1].map((which) => ({
      inputs: [
        { shape: [], values: exactly(which), dtype: 'bool' },
        of([2, 3], between(0.5, 2)),
        of([2, 3], between(-2, 2)),
      ],
      attributes: { whenTrue: empty, whenFalse: empty },
    })),
    derivative: 'smooth',
    make: ([predicate, ...inputs]) => {
      const branch = (op: BinaryName): Subgraph => body(inputs, ([x, y]) => [build.binary(op, x, y)])
      return part(build.node('cond', [predicate, ...inputs], { whenTrue: branch('div'), whenFalse: branch('mul') }))
    },
  },
  scan: {
    dtypes: floats,
    samples: [false, true].flatMap((reverse) =>
      [0, 1, 4].map((length) => ({
        inputs: [of([3], between(-1, 1)), of([length, 3], between(-1, 1)), of([], between(-1, 1))],
        attributes: { body: empty, carries: 1, sequences: 1, length, reverse },
      })),
    ),
    derivative: 'smooth',
    make: (inputs, attributes) => {
      const slices = inputs.map((x, i) => (i === 1 ? { ...x, shape: x.shape.slice(1) } : x))
      const turn = body(slices, ([carry, x, c]) => {
        const next = build.binary('add', build.binary('mul', carry, build.unary('sin', x)), c)
        return [next, build.binary('mul', next, carry)]
      })
      const node = build.node('scan', inputs, { ...attributes, body: turn })
      return build.binary('add', build.node('part', [node], { index: 0 }), build.sum(part(node, 1), [0]))
    },
  },
  whileLoop: {
    dtypes: floats,
    samples: [0, 2, 9].map((maximum) => ({
      inputs: [of([], between(1, 2)), of([], between(1.5, 2))],
      attributes: { condition: empty, body: empty, carries: 1, maximum },
    })),
    derivative: 'smooth',
    make: (inputs, attributes) =>
      part(
        build.node('whileLoop', inputs, {
          ...attributes,
          condition: body(inputs, ([x]) => [build.binary('less', x, 100)]),
          body: body(inputs, ([x, c]) => [build.binary('mul', x, c)]),
        }),
      ),
  },
  // Its rule is that of the operation whose result it is.
  part: {
    dtypes: floats,
    samples: [{ inputs: [of([2], between(-1, 1))], attributes: { index: 0 } }],
    derivative: 'none',
    make: (inputs) =>
      part(
        build.node('cond', [build.constant(1, [], 'bool'), ...inputs], {
          whenTrue: body(inputs, ([x]) => [build.unary('neg', x)]),
          whenFalse: body(inputs, ([x]) => [x]),
        }),
      ),
  },
}
