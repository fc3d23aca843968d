// Reductions over axes, which are removed from the shape; what each gives for an empty range is stated in the table below.

import { type DType, isFloat } from '../dtype.ts'
import type { Build, Node, OpRecord, OpTable, ShapeAndType } from '../node.ts'
import { misfit, mistake } from '../refuse.ts'
import { contiguousStrides, type Dims, show, sizeOf, without } from '../shape.ts'
import { shifted } from './batch.ts'

type ReduceName = 'sum' | 'prod' | 'max' | 'min' | 'argmax' | 'argmin'

const batch = shifted<ReduceName>((own) => ({ ...own, axes: own.axes.map((axis) => axis + 1) }))

function infer(op: ReduceName, x: Node, axes: Dims, dtype: DType): ShapeAndType {
  if (axes.some((a, i) => a < 0 || a >= x.shape.length || (i > 0 && a <= (axes[i - 1] as number)))) {
    throw misfit(`${op}: axes ${show(axes)} of ${show(x.shape)} must be distinct, ascending and in range`)
  }
  if (op.startsWith('arg') && axes.some((a) => x.shape[a] === 0))
    throw misfit(`${op}: no elements to choose from along axes ${show(axes)} of ${show(x.shape)}`)
  return { shape: without(x.shape, axes), dtype }
}

/** The result of reducing nothing. */
export function identityOf(op: 'sum' | 'prod' | 'max' | 'min', dtype: DType): number {
  if (op === 'sum') return 0
  if (op === 'prod') return 1
  const highest = isFloat(dtype)
    ? Infinity
    : { int32: 2147483647, uint8: 255, bool: 1 }[dtype as 'int32' | 'uint8' | 'bool']
  const lowest = isFloat(dtype)
    ? -Infinity
    : { int32: -2147483648, uint8: 0, bool: 0 }[dtype as 'int32' | 'uint8' | 'bool']
  return op === 'max' ? lowest : highest
}

/** 1 where the element is the first extremum of its cell, as booleans of the input's shape. */
function firstMask(b: Build, x: Node, axes: Dims, arg: 'argmax' | 'argmin'): Node {
  const place = b.spread(b.node(arg, [x], { axes }), x.shape, axes)
  const strides = contiguousStrides(axes.map((a) => x.shape[a] as number))
  const position = axes
    .map((axis, i) => b.binary('mul', b.iota(x.shape, axis), strides[i] as number))
    .reduce((sum, next) => b.binary('add', sum, next))
  return b.binary('equal', position, place)
}

function extremum(op: 'max' | 'min', arg: 'argmax' | 'argmin'): OpRecord<'max' | 'min'> {
  return {
    infer: ([x], { axes }) => {
      if ((x as Node).dtype !== 'bool' && axes.some((a) => (x as Node).shape[a] === 0) && !isFloat((x as Node).dtype)) {
        throw misfit(`${op}: no elements along axes ${show(axes)} of ${show((x as Node).shape)}`)
      }
      return infer(op, x as Node, axes, (x as Node).dtype)
    },
    vjp: (b, node, g) => {
      const x = node.inputs[0] as Node
      const { axes, ties } = node.attributes
      if (sizeOf(x.shape) === 0 || axes.length === 0) return [b.reshape(b.spread(g, x.shape, axes), x.shape)]
      const spread = b.spread(g, x.shape, axes)
      if (ties === 'first') return [b.where(firstMask(b, x, axes, arg), spread, 0)]
      const tied = b.binary('equal', x, b.spread(node, x.shape, axes))
      const count = b.spread(b.sum(b.cast(tied, x.dtype), axes), x.shape, axes)
      return [b.where(tied, b.binary('div', spread, count), 0)]
    },
    batch,
  }
}

function arg(op: 'argmax' | 'argmin'): OpRecord<'argmax' | 'argmin'> {
  return {
    infer: ([x], { axes }) => infer(op, x as Node, axes, 'int32'),
    vjp: 'none',
    batch,
  }
}

/** Products of pairs, level by level; exact where elements are zero, and differentiable again. */
function prodVjp(b: Build, x: Node, axes: Dims, g: Node): Node {
  const rest = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis))
  const order = [...rest, ...axes]
  const cells = rest.map((axis) => x.shape[axis] as number)
  const count = sizeOf(axes.map((axis) => x.shape[axis] as number))
  const rank = cells.length
  const part = (v: Node, start: number, size: number): Node =>
    b.slice(v, [...new Array<number>(rank).fill(0), start], [...cells, size])
  const down = (v: Node, n: number, cotangent: Node): Node => {
    if (n <= 1) return b.reshape(cotangent, [...cells, n])
    const half = Math.floor(n / 2)
    const left = part(v, 0, half)
    const right = part(v, half, half)
    const last = n % 2 ? [part(v, n - 1, 1)] : []
    const product = b.binary('mul', left, right)
    const level = last.length ? b.node('concat', [product, ...last], { axis: rank }) : product
    const inner = down(level, half + last.length, cotangent)
    const pairs = part(inner, 0, half)
    return b.node(
      'concat',
      [b.binary('mul', pairs, right), b.binary('mul', pairs, left), ...(last.length ? [part(inner, half, 1)] : [])],
      { axis: rank },
    )
  }
  if (count === 0) return b.constant(0, x.shape, x.dtype)
  const flat = b.reshape(b.transpose(x, order), [...cells, count])
  const result = b.reshape(
    down(flat, count, g),
    order.map((axis) => x.shape[axis] as number),
  )
  const inverse = new Array<number>(order.length)
  order.forEach((axis, i) => {
    inverse[axis] = i
  })
  return b.transpose(result, inverse)
}

export const reduceOps: Pick<OpTable, ReduceName> = {
  sum: {
    infer: ([x], { axes }) => {
      if ((x as Node).dtype === 'bool') throw mistake('sum: does not take bool: cast it to int32 first')
      return infer('sum', x as Node, axes, (x as Node).dtype)
    },
    vjp: (b, node, g) => [b.spread(g, (node.inputs[0] as Node).shape, node.attributes.axes)],
    batch,
  },
  prod: {
    infer: ([x], { axes }) => {
      if ((x as Node).dtype === 'bool') throw mistake('prod: does not take bool: cast it to int32 first')
      return infer('prod', x as Node, axes, (x as Node).dtype)
    },
    vjp: (b, node, g) => [prodVjp(b, node.inputs[0] as Node, node.attributes.axes, g)],
    batch,
  },
  max: extremum('max', 'argmax'),
  min: extremum('min', 'argmin'),
  argmax: arg('argmax'),
  argmin: arg('argmin'),
}
