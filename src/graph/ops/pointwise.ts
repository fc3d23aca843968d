// Pointwise operations: what each does to one element, and its derivative.

import type { Expr } from '../../scalar/expr.ts'
import * as s from '../../scalar/expr.ts'
import { type DType, dtypes, isFloat } from '../dtype.ts'
import { namesOf } from '../names.ts'
import type { Node, OpName, OpTable, PointwiseName, PointwiseRecord, ShapeAndType } from '../node.ts'
import { misfit, mistake } from '../refuse.ts'
import { sameShape, show } from '../shape.ts'
import { full, noInputs, unchanged } from './batch.ts'
import { type BinaryName, type BinaryRecord, binaryTable } from './binary.ts'
import type { Accepts } from './calculus.ts'
import { type UnaryName, type UnaryRecord, unaryTable } from './unary.ts'

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
    if (x.dtype !== first.dtype) throw mistake(`${op}: dtypes ${first.dtype} and ${x.dtype} differ`)
    if (!accepts[kind].test(x.dtype)) throw mistake(`${op}: does not take ${x.dtype}: ${accepts[kind].remedy}`)
  }
  const named = inputs.find((x) => namesOf(x.shape)) ?? first
  return { shape: named.shape, dtype: result ?? first.dtype }
}

/** uint8 values travel as int32: results are brought back to their byte, so that fusing changes nothing. */
const inRange = (value: Expr, dtype: DType): Expr => (dtype === 'uint8' ? s.and(value, s.constant('i32', 255)) : value)

function unary(op: UnaryName, { accepts, scalar, derivative }: UnaryRecord): PointwiseRecord<UnaryName> {
  return {
    infer: (inputs) => inferSame(op, accepts, inputs),
    vjp: derivative === 'none' ? 'none' : (b, node, g) => [derivative<Node>(b, g, node.inputs[0] as Node, node)],
    batch: unchanged,
    scalar: ([x], node) => inRange(scalar(x as Expr, node.dtype), node.dtype),
  }
}

function binary(op: BinaryName, { accepts, scalar, derivative, result }: BinaryRecord): PointwiseRecord<BinaryName> {
  return {
    infer: (inputs) => inferSame(op, accepts, inputs, result),
    vjp:
      derivative === 'none'
        ? 'none'
        : (b, node, g) => derivative<Node>(b, g, node.inputs[0] as Node, node.inputs[1] as Node, node),
    batch: unchanged,
    scalar: ([x, y], node) => inRange(scalar(x as Expr, y as Expr, (node.inputs[0] as Node).dtype), node.dtype),
  }
}

export const unaryNames = Object.keys(unaryTable) as UnaryName[]

export const unaryOps = Object.fromEntries(unaryNames.map((op) => [op, unary(op, unaryTable[op])])) as {
  readonly [O in UnaryName]: PointwiseRecord<O>
}

const binaryNames = Object.keys(binaryTable) as BinaryName[]

export const binaryOps = Object.fromEntries(binaryNames.map((op) => [op, binary(op, binaryTable[op])])) as {
  readonly [O in BinaryName]: PointwiseRecord<O>
}

type OtherPointwise = Exclude<PointwiseName, UnaryName | BinaryName> | 'iota'

export const otherPointwiseOps: Pick<OpTable, OtherPointwise> = {
  where: {
    infer: ([c, x, y]) => {
      const condition = c as Node
      if (condition.dtype !== 'bool')
        throw mistake(`where: the condition is ${condition.dtype}: it must be bool, as a comparison gives`)
      if (!sameShape(condition.shape, (x as Node).shape))
        throw misfit(`where: shapes ${show(condition.shape)} and ${show((x as Node).shape)} differ`)
      return inferSame('where', 'any', [x as Node, y as Node])
    },
    vjp: (b, node, g) => {
      const condition = node.inputs[0] as Node
      return [null, b.where(condition, g, 0), b.where(condition, 0, g)]
    },
    batch: unchanged,
    scalar: ([c, x, y]) => s.select(c as Expr, x as Expr, y as Expr),
  },
  cast: {
    infer: ([x], { dtype }) => ({ shape: (x as Node).shape, dtype }),
    vjp: (b, node, g) => {
      const x = node.inputs[0] as Node
      return [isFloat(x.dtype) && isFloat(node.dtype) ? b.cast(g, x.dtype) : null]
    },
    batch: unchanged,
    // uint8 keeps the low byte, as an integer cast in C; floats are truncated first.
    scalar: ([x], node) => {
      const to = dtypes[node.attributes.dtype].scalar
      return inRange(s.convert(to, x as Expr), node.attributes.dtype)
    },
  },
  threefry: {
    infer: (inputs) => {
      if (inputs.some((x) => x.dtype !== 'int32')) throw mistake('threefry: keys and counters must be int32')
      return inferSame('threefry', 'integer', inputs)
    },
    vjp: 'none',
    batch: unchanged,
    scalar: ([k0, k1, c0, c1], node) =>
      s.threefry(k0 as Expr, k1 as Expr, c0 as Expr, c1 as Expr, node.attributes.word),
  },
  stopGradient: {
    infer: ([x]) => ({ shape: (x as Node).shape, dtype: (x as Node).dtype }),
    vjp: () => [null],
    batch: unchanged,
    scalar: ([x]) => x as Expr,
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
        if (c && c.dtype !== x.dtype) throw mistake(differ(`is ${c.dtype}`, x.dtype))
      })
      return [null, ...cotangents]
    },
    batch: (b, node, inputs, batch) =>
      b.node(
        'custom',
        inputs.map((x) => full(b, x, batch)),
        { ...node.attributes, vjp: batch.lift(node.attributes.vjp, node) },
      ),
    scalar: ([x]) => x as Expr,
  },
  after: {
    infer: ([x, other]) => {
      if (!sameShape((x as Node).shape, (other as Node).shape))
        throw misfit(`after: shapes ${show((x as Node).shape)} and ${show((other as Node).shape)} differ`)
      return { shape: (x as Node).shape, dtype: (x as Node).dtype }
    },
    vjp: (_, _node, g) => [g, null],
    batch: unchanged,
    scalar: ([x]) => x as Expr,
  },
  constant: {
    infer: () => {
      throw mistake('constant: made by build.constant, which gives its shape')
    },
    vjp: () => [],
    batch: noInputs,
    scalar: (_, node) => s.constant(dtypes[node.dtype].scalar, node.attributes.value),
  },
  // Not pointwise, as it depends on the position; kernels use their loop index.
  iota: {
    infer: () => {
      throw mistake('iota: made by build.iota, which gives its shape')
    },
    vjp: () => [],
    batch: noInputs,
  },
}

/** True for operations whose meaning is one expression of their inputs' elements. */
export const isPointwise = (op: OpName): boolean =>
  op in unaryOps || op in binaryOps || (op in otherPointwiseOps && op !== 'iota')

const callsFunction = (e: Expr): boolean => e.op === 'call' || e.args.some(callsFunction)

/** Pointwise operations that are worth a write and a read of memory: those that call a function. */
export const dear: ReadonlySet<OpName> = new Set<OpName>([
  ...unaryNames.filter((op) => callsFunction(unaryTable[op].scalar(s.argument('f32', 0), 'float32'))),
  ...binaryNames.filter((op) =>
    callsFunction(binaryTable[op].scalar(s.argument('f32', 0), s.argument('f32', 1), 'float32')),
  ),
  'threefry',
])
