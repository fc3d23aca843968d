// Pointwise operations: what each does to one element, and its derivative.

import type { Expr, FunctionName } from '../../scalar/expr.ts'
import * as s from '../../scalar/expr.ts'
import { type DType, dtypes, isFloat } from '../dtype.ts'
import { namesOf } from '../names.ts'
import type { BinaryName, Build, Node, OpName, OpRecord, OpTable, ShapeAndType, UnaryName } from '../node.ts'
import { misfit } from '../refuse.ts'
import { sameShape, show } from '../shape.ts'
import { full, noInputs, unchanged } from './batch.ts'

type Accepts = 'float' | 'number' | 'integer' | 'bits' | 'any'

const accepts: { readonly [A in Accepts]: { test: (d: DType) => boolean; remedy: string } } = {
  float: { test: isFloat, remedy: 'cast it to float32 first' },
  number: { test: (d) => d !== 'bool', remedy: 'cast it to int32 or float32 first' },
  integer: { test: (d) => d === 'int32' || d === 'uint8', remedy: 'cast it to int32 first' },
  bits: { test: (d) => !isFloat(d), remedy: 'cast it to int32 or bool first' },
  any: { test: () => true, remedy: '' },
}

function inferSame(op: string, kind: Accepts, inputs: readonly Node[], result?: DType): ShapeAndType {
  const [first] = inputs as [Node]
  for (const x of inputs) {
    if (!sameShape(x.shape, first.shape)) throw misfit(`${op}: shapes ${show(first.shape)} and ${show(x.shape)} differ`)
    if (x.dtype !== first.dtype) throw new TypeError(`${op}: dtypes ${first.dtype} and ${x.dtype} differ`)
    if (!accepts[kind].test(x.dtype)) throw new TypeError(`${op}: does not take ${x.dtype}: ${accepts[kind].remedy}`)
  }
  const named = inputs.find((x) => namesOf(x.shape)) ?? first
  return { shape: named.shape, dtype: result ?? first.dtype }
}

/** uint8 values travel as int32: results are brought back to their byte, so that fusing changes nothing. */
const inRange = (value: Expr, dtype: DType): Expr => (dtype === 'uint8' ? s.and(value, s.constant('i32', 255)) : value)

type UnaryRule = (b: Build, g: Node, x: Node, y: Node) => Node
type BinaryRule = (b: Build, g: Node, x: Node, y: Node, out: Node) => readonly [Node | null, Node | null]

function unary(
  op: UnaryName,
  kind: Accepts,
  scalar: (x: Expr, dtype: DType) => Expr,
  rule: UnaryRule | 'none',
): OpRecord<UnaryName> {
  return {
    infer: (inputs) => inferSame(op, kind, inputs),
    vjp: rule === 'none' ? 'none' : (b, node, g) => [rule(b, g, node.inputs[0] as Node, node)],
    batch: unchanged,
    meaning: { kind: 'pointwise', scalar: ([x], node) => inRange(scalar(x as Expr, node.dtype), node.dtype) },
  }
}

function binary(
  op: BinaryName,
  kind: Accepts,
  scalar: (x: Expr, y: Expr, dtype: DType) => Expr,
  rule: BinaryRule | 'none',
  result?: DType,
): OpRecord<BinaryName> {
  return {
    infer: (inputs) => inferSame(op, kind, inputs, result),
    vjp: rule === 'none' ? 'none' : (b, node, g) => rule(b, g, node.inputs[0] as Node, node.inputs[1] as Node, node),
    batch: unchanged,
    meaning: {
      kind: 'pointwise',
      scalar: ([x, y], node) => inRange(scalar(x as Expr, y as Expr, (node.inputs[0] as Node).dtype), node.dtype),
    },
  }
}

/** A function of the scalar language with its derivative. */
const fn = (name: FunctionName & UnaryName, rule: UnaryRule): OpRecord<UnaryName> =>
  unary(name, 'float', (x) => s.call(name, x), rule)

/** Rounding: the identity on integers. */
const rounding = (name: UnaryName, f: (x: Expr) => Expr): OpRecord<UnaryName> =>
  unary(name, 'number', (x, d) => (isFloat(d) ? f(x) : x), 'none')

const one = (x: Expr): Expr => s.constant(x.type, 1)
const zero = (x: Expr): Expr => s.constant(x.type, 0)

const square = (b: Build, x: Node): Node => b.binary('mul', x, x)

export const unaryOps: { readonly [O in UnaryName]: OpRecord<O> } = {
  neg: unary('neg', 'number', s.neg, (b, g) => b.unary('neg', g)),
  // The derivative at 0 is 0.
  abs: unary('abs', 'number', s.abs, (b, g, x) => b.binary('mul', g, b.unary('sign', x))),
  // NaN stays NaN, ±0 gives 0.
  sign: unary(
    'sign',
    'number',
    (x) => s.select(s.lt(zero(x), x), one(x), s.select(s.lt(x, zero(x)), s.neg(one(x)), s.mul(x, zero(x)))),
    'none',
  ),
  floor: rounding('floor', s.floor),
  ceil: rounding('ceil', s.ceil),
  round: rounding('round', s.round),
  trunc: rounding('trunc', s.trunc),
  sqrt: unary('sqrt', 'float', s.sqrt, (b, g, _, y) => b.binary('div', g, b.binary('mul', y, 2))),
  not: unary('not', 'bits', s.not, 'none'),
  exp: fn('exp', (b, g, _, y) => b.binary('mul', g, y)),
  expm1: fn('expm1', (b, g, _, y) => b.binary('mul', g, b.binary('add', y, 1))),
  log: fn('log', (b, g, x) => b.binary('div', g, x)),
  log1p: fn('log1p', (b, g, x) => b.binary('div', g, b.binary('add', x, 1))),
  sin: fn('sin', (b, g, x) => b.binary('mul', g, b.unary('cos', x))),
  cos: fn('cos', (b, g, x) => b.unary('neg', b.binary('mul', g, b.unary('sin', x)))),
  tan: fn('tan', (b, g, _, y) => b.binary('mul', g, b.binary('add', square(b, y), 1))),
  asin: fn('asin', (b, g, x) =>
    b.binary('div', g, b.unary('sqrt', b.binary('mul', b.binary('sub', 1, x), b.binary('add', 1, x)))),
  ),
  acos: fn('acos', (b, g, x) =>
    b.unary('neg', b.binary('div', g, b.unary('sqrt', b.binary('mul', b.binary('sub', 1, x), b.binary('add', 1, x))))),
  ),
  atan: fn('atan', (b, g, x) => b.binary('div', g, b.binary('add', square(b, x), 1))),
  sinh: fn('sinh', (b, g, x) => b.binary('mul', g, b.unary('cosh', x))),
  cosh: fn('cosh', (b, g, x) => b.binary('mul', g, b.unary('sinh', x))),
  tanh: fn('tanh', (b, g, _, y) => b.binary('mul', g, b.binary('sub', 1, square(b, y)))),
  asinh: fn('asinh', (b, g, x) => b.binary('div', g, b.unary('sqrt', b.binary('add', square(b, x), 1)))),
  acosh: fn('acosh', (b, g, x) =>
    b.binary('div', g, b.unary('sqrt', b.binary('mul', b.binary('sub', x, 1), b.binary('add', x, 1)))),
  ),
  atanh: fn('atanh', (b, g, x) => b.binary('div', g, b.binary('mul', b.binary('sub', 1, x), b.binary('add', 1, x)))),
  erf: fn('erf', (b, g, x) =>
    b.binary('mul', g, b.binary('mul', b.unary('exp', b.unary('neg', square(b, x))), 2 / Math.sqrt(Math.PI))),
  ),
  // −g·y·(y − 1), not g·y·(1 − y): the same numbers, but no 1 − sigmoid that would be computed anew.
  sigmoid: fn('sigmoid', (b, g, _, y) => b.binary('mul', b.unary('neg', g), b.binary('mul', y, b.binary('sub', y, 1)))),
}

/** Where both are equal, the gradient is shared evenly, as PyTorch does. */
const extremum =
  (firstWins: (b: Build, x: Node, y: Node) => Node): BinaryRule =>
  (b, g, x, y) => {
    const tie = b.binary('equal', x, y)
    const half = b.binary('mul', g, 0.5)
    const first = firstWins(b, x, y)
    return [b.where(tie, half, b.where(first, g, 0)), b.where(tie, half, b.where(first, 0, g))]
  }

const compare = (op: BinaryName, f: (x: Expr, y: Expr) => Expr): OpRecord<BinaryName> =>
  binary(
    op,
    'any',
    (x, y) => (x.type === 'bool' ? f(s.convert('i32', x), s.convert('i32', y)) : f(x, y)),
    'none',
    'bool',
  )

const bits = (op: BinaryName, f: (x: Expr, y: Expr) => Expr): OpRecord<BinaryName> => binary(op, 'bits', f, 'none')

export const binaryOps: { readonly [O in BinaryName]: OpRecord<O> } = {
  add: binary(
    'add',
    'any',
    (x, y) => (x.type === 'bool' ? s.or(x, y) : s.add(x, y)),
    (_, g) => [g, g],
  ),
  sub: binary('sub', 'number', s.sub, (b, g) => [g, b.unary('neg', g)]),
  mul: binary(
    'mul',
    'any',
    (x, y) => (x.type === 'bool' ? s.and(x, y) : s.mul(x, y)),
    (b, g, x, y) => [b.binary('mul', g, y), b.binary('mul', g, x)],
  ),
  div: binary('div', 'number', s.div, (b, g, _, y, out) => {
    const dx = b.binary('div', g, y)
    return [dx, b.unary('neg', b.binary('mul', dx, out))]
  }),
  // x^y: the factor of x is 0 where y is 0, that of y is 0 where x is 0 and y is not negative.
  pow: binary(
    'pow',
    'float',
    (x, y) => s.call('pow', x, y),
    (b, g, x, y, out) => {
      const power = b.binary('mul', y, b.binary('pow', x, b.binary('sub', y, 1)))
      const dx = b.binary('mul', g, b.where(b.binary('equal', y, 0), 0, power))
      const atZero = b.binary('and', b.binary('equal', x, 0), b.binary('lessEqual', b.constant(0, y.shape, y.dtype), y))
      const dy = b.where(atZero, 0, b.binary('mul', g, b.binary('mul', out, b.unary('log', b.where(atZero, 1, x)))))
      return [dx, dy]
    },
  ),
  atan2: binary(
    'atan2',
    'float',
    (y, x) => s.call('atan2', y, x),
    (b, g, y, x) => {
      // 0 at the origin, where the angle has no derivative, and far out, where the square of the distance overflows.
      const squared = b.binary('add', square(b, x), square(b, y))
      const isRegular = b.binary('and', b.binary('less', 0, squared), b.binary('less', squared, Infinity))
      const scale = b.binary('div', g, b.where(isRegular, squared, 1))
      return [
        b.binary('mul', scale, b.where(isRegular, x, 0)),
        b.unary('neg', b.binary('mul', scale, b.where(isRegular, y, 0))),
      ]
    },
  ),
  maximum: binary(
    'maximum',
    'number',
    s.max,
    extremum((b, x, y) => b.binary('less', y, x)),
  ),
  minimum: binary(
    'minimum',
    'number',
    s.min,
    extremum((b, x, y) => b.binary('less', x, y)),
  ),
  // The sign follows the divisor, as in Python; an integer modulo 0 is 0, as in NumPy.
  remainder: binary('remainder', 'number', remainder, (b, g, x, y) => [
    g,
    b.unary('neg', b.binary('mul', g, b.unary('floor', b.binary('div', x, y)))),
  ]),
  equal: compare('equal', s.eq),
  notEqual: compare('notEqual', s.ne),
  less: compare('less', s.lt),
  lessEqual: compare('lessEqual', s.le),
  and: bits('and', s.and),
  or: bits('or', s.or),
  xor: bits('xor', s.xor),
  shiftLeft: binary('shiftLeft', 'integer', s.shl, 'none'),
  // Logical: zeros come in from the left.
  shiftRight: binary('shiftRight', 'integer', s.shr, 'none'),
}

function remainder(x: Expr, y: Expr, dtype: DType): Expr {
  const quotient = isFloat(dtype) ? s.floor(s.div(x, y)) : s.div(x, y)
  const product = s.mul(quotient, y)
  const rest = s.sub(x, product)
  // A quotient of 0 leaves x, also where y is infinite.
  const r = s.select(s.eq(quotient, zero(x)), x, isFloat(dtype) ? s.sub(rest, lost(quotient, y, product)) : rest)
  const otherSign = s.and(s.ne(r, zero(r)), s.xor(isNegative(r), isNegative(y)))
  const result = s.select(otherSign, s.add(r, y), r)
  return isFloat(dtype) ? result : s.select(s.eq(y, zero(y)), y, result)
}

/** What rounding took from the product of two floats, which Veltkamp's splitting and Dekker's sum give exactly. */
function lost(a: Expr, b: Expr, product: Expr): Expr {
  const high = (x: Expr): Expr => {
    const scaled = s.mul(x, s.constant(x.type, x.type === 'f32' ? 4097 : 134217729))
    return s.sub(scaled, s.sub(scaled, x))
  }
  const [a1, b1] = [high(a), high(b)]
  const [a2, b2] = [s.sub(a, a1), s.sub(b, b1)]
  const error = s.sub(s.sub(s.sub(product, s.mul(a1, b1)), s.mul(a2, b1)), s.mul(a1, b2))
  const exact = s.sub(s.mul(a2, b2), error)
  // Splitting overflows for huge factors, whose remainders have no digits left anyway.
  return s.select(s.lt(s.abs(exact), s.abs(b)), exact, zero(b))
}

const isNegative = (x: Expr): Expr => s.lt(x, zero(x))

type OtherPointwise = 'where' | 'cast' | 'threefry' | 'stopGradient' | 'custom' | 'after' | 'constant' | 'iota'

export const otherPointwiseOps: Pick<OpTable, OtherPointwise> = {
  where: {
    infer: ([c, x, y]) => {
      const condition = c as Node
      if (condition.dtype !== 'bool')
        throw new TypeError(`where: the condition is ${condition.dtype}: it must be bool, as a comparison gives`)
      if (!sameShape(condition.shape, (x as Node).shape))
        throw misfit(`where: shapes ${show(condition.shape)} and ${show((x as Node).shape)} differ`)
      return inferSame('where', 'any', [x as Node, y as Node])
    },
    vjp: (b, node, g) => {
      const condition = node.inputs[0] as Node
      return [null, b.where(condition, g, 0), b.where(condition, 0, g)]
    },
    batch: unchanged,
    meaning: { kind: 'pointwise', scalar: ([c, x, y]) => s.select(c as Expr, x as Expr, y as Expr) },
  },
  cast: {
    infer: ([x], { dtype }) => ({ shape: (x as Node).shape, dtype }),
    vjp: (b, node, g) => {
      const x = node.inputs[0] as Node
      return [isFloat(x.dtype) && isFloat(node.dtype) ? b.cast(g, x.dtype) : null]
    },
    batch: unchanged,
    meaning: {
      kind: 'pointwise',
      // uint8 keeps the low byte, as an integer cast in C; floats are truncated first.
      scalar: ([x], node) => {
        const to = dtypes[node.attributes.dtype].scalar
        return inRange(s.convert(to, x as Expr), node.attributes.dtype)
      },
    },
  },
  threefry: {
    infer: (inputs) => {
      if (inputs.some((x) => x.dtype !== 'int32')) throw new TypeError('threefry: keys and counters must be int32')
      return inferSame('threefry', 'integer', inputs)
    },
    vjp: 'none',
    batch: unchanged,
    meaning: {
      kind: 'pointwise',
      scalar: ([k0, k1, c0, c1], node) =>
        s.threefry(k0 as Expr, k1 as Expr, c0 as Expr, c1 as Expr, node.attributes.word),
    },
  },
  stopGradient: {
    infer: ([x]) => ({ shape: (x as Node).shape, dtype: (x as Node).dtype }),
    vjp: () => [null],
    batch: unchanged,
    meaning: { kind: 'pointwise', scalar: ([x]) => x as Expr },
  },
  custom: {
    infer: ([x]) => ({ shape: (x as Node).shape, dtype: (x as Node).dtype }),
    vjp: (_, node, g) => {
      const cotangents = node.attributes.vjp(g)
      if (cotangents.length !== node.inputs.length - 1) {
        throw misfit(`custom gradient: returned ${cotangents.length} cotangents for ${node.inputs.length - 1} inputs`)
      }
      cotangents.forEach((c, i) => {
        const x = node.inputs[i + 1] as Node
        const differ = (has: string, own: string): string =>
          `custom gradient: cotangent ${i} ${has}, its input ${own}: they must be equal`
        if (c && !sameShape(c.shape, x.shape)) throw misfit(differ(`has shape ${show(c.shape)}`, show(x.shape)))
        if (c && c.dtype !== x.dtype) throw new TypeError(differ(`is ${c.dtype}`, x.dtype))
      })
      return [null, ...cotangents]
    },
    batch: (b, node, inputs, batch) =>
      b.node(
        'custom',
        inputs.map((x) => full(b, x, batch)),
        { ...node.attributes, vjp: batch.lift(node.attributes.vjp, node) },
      ),
    meaning: { kind: 'pointwise', scalar: ([x]) => x as Expr },
  },
  after: {
    infer: ([x, other]) => {
      if (!sameShape((x as Node).shape, (other as Node).shape))
        throw misfit(`after: shapes ${show((x as Node).shape)} and ${show((other as Node).shape)} differ`)
      return { shape: (x as Node).shape, dtype: (x as Node).dtype }
    },
    vjp: (_, _node, g) => [g, null],
    batch: unchanged,
    meaning: { kind: 'pointwise', scalar: ([x]) => x as Expr },
  },
  constant: {
    infer: () => {
      throw new TypeError('constant: made by build.constant, which gives its shape')
    },
    vjp: () => [],
    batch: noInputs,
    meaning: { kind: 'pointwise', scalar: (_, node) => s.constant(dtypes[node.dtype].scalar, node.attributes.value) },
  },
  // Its scalar meaning depends on the position, so the reference evaluates it as a structure; kernels use their loop index.
  iota: {
    infer: () => {
      throw new TypeError('iota: made by build.iota, which gives its shape')
    },
    vjp: () => [],
    batch: noInputs,
    meaning: {
      kind: 'structural',
      evaluate: (_, node) => {
        const inner = node.shape.slice(node.attributes.axis + 1).reduce((n, d) => n * d, 1)
        const extent = node.shape[node.attributes.axis] as number
        const total = node.shape.reduce((n, d) => n * d, 1)
        return Int32Array.from({ length: total }, (_, i) => Math.floor(i / inner) % extent)
      },
    },
  },
}

/** True for operations whose meaning is one expression of their inputs' elements. */
export const isPointwise = (op: OpName): boolean =>
  op in unaryOps || op in binaryOps || (op in otherPointwiseOps && op !== 'iota')

/** Pointwise operations that are worth a write and a read of memory. */
export const dear: ReadonlySet<OpName> = new Set<OpName>([
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'tan',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'tanh',
  'asinh',
  'acosh',
  'atanh',
  'erf',
  'sigmoid',
  'pow',
  'atan2',
  'threefry',
])
