// Evaluation of scalar expressions in JavaScript: a tree of closures over an array of arguments.

import { type Expr, type ExprOp, type ScalarType, topological } from './expr.ts'
import { math } from './math.ts'
import { threefry } from './threefry.ts'

export type Evaluate = (args: readonly number[]) => number

/**
 * Turns an expression whose leaves are `const` and `argument` into a function of the argument values; bool is 0 or 1.
 * Float values are computed in double precision, or, with `rounded`, every float32 operation is rounded to float32,
 * which is what a machine computes. The function keeps scratch values: it is not reentrant.
 */
export function evaluator(root: Expr, { rounded = false }: { readonly rounded?: boolean } = {}): Evaluate {
  const order = topological([root])
  const uses = new Map<Expr, number>()
  for (const e of order) for (const a of e.args) uses.set(a, (uses.get(a) ?? 0) + 1)

  const values = new Float64Array(order.length)
  const closures = new Map<Expr, Evaluate>()
  const shared: { readonly slot: number; readonly compute: Evaluate }[] = []
  for (const e of order) {
    const compute = closure(
      e,
      e.args.map((a) => closures.get(a) ?? (() => 0)),
      rounded,
    )
    if ((uses.get(e) ?? 0) > 1 && e.args.length > 0) {
      const slot = shared.length
      shared.push({ slot, compute })
      closures.set(e, () => values[slot])
    } else closures.set(e, compute)
  }
  const result = closures.get(root) ?? (() => 0)
  if (shared.length === 0) return result
  return (args) => {
    for (const { slot, compute } of shared) values[slot] = compute(args)
    return result(args)
  }
}

function closure(e: Expr, parts: readonly Evaluate[], rounded: boolean): Evaluate {
  const [a, b, c] = parts
  const { value } = e
  if (e.op === 'const') {
    const k = rounded && e.type === 'f32' ? Math.fround(value) : value
    return () => k
  }
  if (e.op === 'argument') return (args) => args[value]
  if (e.op === 'select') return (args) => (a(args) !== 0 ? b(args) : c(args))
  if (e.op === 'threefry') return threefryWord(parts, value)
  const { f, arity } = scalarFunction(e)
  if (rounded && e.type === 'f32') {
    const round = Math.fround
    if (e.op === 'madd') return (args) => round(round(a(args) * b(args)) + c(args))
    if (arity === 1) return (args) => round(f(a(args), 0, 0))
    return (args) => round(f(a(args), b(args), 0))
  }
  if (arity === 1) return (args) => f(a(args), 0, 0)
  if (arity === 2) return (args) => f(a(args), b(args), 0)
  return (args) => f(a(args), b(args), c(args))
}

function threefryWord(parts: readonly Evaluate[], word: number): Evaluate {
  const [key0, key1, counter0, counter1] = parts
  const block = new Int32Array(2)
  return (args) => {
    threefry(key0(args), key1(args), counter0(args), counter1(args), block)
    return block[word]
  }
}

type Scalar = (a: number, b: number, c: number) => number

function scalarFunction(e: Expr): { f: Scalar; arity: number } {
  const arity = e.args.length
  if (e.op === 'call' && e.name) return { f: math[e.name], arity }
  if (e.op === 'convert') return { f: conversions[e.args[0].type][e.type], arity }
  const operand = e.args[0]?.type ?? e.type
  const table = operand === 'bool' ? bools : operand === 'i32' ? integers : floats
  const f = e.op === 'bitcast' ? bitcasts[operand === 'f64' ? 'upper' : e.type] : table[e.op]
  if (!f) throw new TypeError(`evaluate: ${e.op} has no meaning for ${operand} in plain JavaScript`)
  return { f, arity }
}

type Table = { readonly [Op in ExprOp]?: Scalar }

const comparisons: Table = {
  lt: (a, b) => (a < b ? 1 : 0),
  le: (a, b) => (a <= b ? 1 : 0),
  eq: (a, b) => (a === b ? 1 : 0),
  ne: (a, b) => (a !== b ? 1 : 0),
}

const floats: Table = {
  ...comparisons,
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  madd: (a, b, c) => a * b + c,
  min: (a, b) => Math.min(a, b),
  max: (a, b) => Math.max(a, b),
  neg: (a) => -a,
  abs: Math.abs,
  sqrt: Math.sqrt,
  floor: Math.floor,
  ceil: Math.ceil,
  trunc: Math.trunc,
  round: roundToEven,
}

const integers: Table = {
  ...comparisons,
  add: (a, b) => (a + b) | 0,
  sub: (a, b) => (a - b) | 0,
  mul: Math.imul,
  div: (a, b) => (b === 0 ? 0 : (a / b) | 0),
  madd: (a, b, c) => (Math.imul(a, b) + c) | 0,
  min: (a, b) => (a < b ? a : b),
  max: (a, b) => (a > b ? a : b),
  neg: (a) => -a | 0,
  abs: (a) => Math.abs(a) | 0,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => ~a,
  shl: (a, b) => a << b,
  shr: (a, b) => (a >>> b) | 0,
  sar: (a, b) => a >> b,
}

const bools: Table = {
  ...comparisons,
  min: (a, b) => a & b,
  max: (a, b) => a | b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  not: (a) => 1 - a,
}

const keep: Scalar = (a) => a
const saturate: Scalar = (a) => (a >= 0x7fffffff ? 0x7fffffff : a <= -0x80000000 ? -0x80000000 : a | 0)
const truth: Scalar = (a) => (a !== 0 ? 1 : 0)

const conversions: { readonly [From in ScalarType]: { readonly [To in ScalarType]: Scalar } } = {
  f32: { f32: keep, f64: keep, i32: saturate, bool: truth },
  f64: { f32: (a) => Math.fround(a), f64: keep, i32: saturate, bool: truth },
  i32: { f32: keep, f64: keep, i32: keep, bool: truth },
  bool: { f32: keep, f64: keep, i32: keep, bool: keep },
}

const bits = new DataView(new ArrayBuffer(8))
const bitcasts: { readonly [To in ScalarType | 'upper']?: Scalar } = {
  upper: (a) => {
    bits.setFloat64(0, a)
    return bits.getInt32(0)
  },
  f64: (a) => {
    bits.setInt32(0, a)
    bits.setInt32(4, 0)
    return bits.getFloat64(0)
  },
  i32: (a) => {
    bits.setFloat32(0, a)
    return bits.getInt32(0)
  },
  f32: (a) => {
    bits.setInt32(0, a)
    return bits.getFloat32(0)
  },
}

function roundToEven(a: number): number {
  if (!(Math.abs(a) < 2 ** 52)) return a
  const low = Math.floor(a)
  const rest = a - low
  const nearest = rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1
  return nearest === 0 && (a < 0 || Object.is(a, -0)) ? -0 : nearest
}
