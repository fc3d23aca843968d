// Making tensors: from data, filled, and from several others.

import { build } from '../graph/build.ts'
import { checkFinite, checkInteger, checkWhole } from '../graph/check.ts'
import { allocate, checkDType, type DataArray, type DType, dtypes, isFloat, promote } from '../graph/dtype.ts'
import { isOp } from '../graph/node.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { type Dims, normalizeAxis, sameShape, show, sizeOf } from '../graph/shape.ts'
import type { Promote } from './dtype-types.ts'
import type * as joined from './joined-types.ts'
import { HostData, hostLeaf } from './leaf.ts'
import { flattenNested, type Nested, toArray } from './nested.ts'
import type * as shapes from './shape-types.ts'
import type { AnyDims, AnyTensor, Checked, Shape, Sound, Writable } from './shape-types.ts'
import { type Tensor, wrap } from './tensor.ts'

const arrayDType = (data: DataArray): DType =>
  (Object.keys(dtypes) as DType[]).findLast((d) => d !== 'bool' && data instanceof dtypes[d].array) ?? 'float32'

/**
 * A tensor of nested arrays, or of a typed array with a shape. Numbers become float32, booleans bool, typed arrays keep
 * their type; the data is copied.
 *
 *     tensor([[1, 2], [3, 4]])              // float32 [2, 2]
 *     tensor(new Int32Array(6), { shape: [2, 3] })
 */
export function tensor<
  const V extends Nested | DataArray,
  const S extends Dims | undefined = undefined,
  D extends DType = shapes.DTypeOfValues<V>,
>(
  values: V,
  options?: { readonly shape?: S; readonly dtype?: D },
): Tensor<S extends Dims ? Writable<S> : shapes.ShapeOfValues<V>, NoInfer<D>>
export function tensor(
  values: Nested | DataArray,
  options: { readonly shape?: Dims; readonly dtype?: DType } = {},
): Tensor {
  if (options.dtype) checkDType('tensor', options.dtype)
  if (ArrayBuffer.isView(values)) {
    const data = values as DataArray
    const dtype = options.dtype ?? arrayDType(data)
    const shape = options.shape ?? [data.length]
    if (sizeOf(shape) !== data.length)
      throw misfit(`tensor: ${data.length} elements don't fit the shape ${show(shape)} of ${sizeOf(shape)}`)
    return wrap(hostLeaf(toDType(data, dtype), shape, dtype))
  }
  const { flat, shape: found } = flattenNested(values as Nested)
  const dtype = options.dtype ?? (flat.length > 0 && flat.every((v) => typeof v === 'boolean') ? 'bool' : 'float32')
  const shape = options.shape ?? found
  if (sizeOf(shape) !== flat.length)
    throw misfit(`tensor: ${flat.length} elements don't fit the shape ${show(shape)} of ${sizeOf(shape)}`)
  return wrap(hostLeaf(toArray(flat, dtype), shape, dtype))
}

function toDType(data: DataArray, dtype: DType): DataArray {
  const out = allocate(dtype, data.length)
  if (dtype === 'bool') for (let i = 0; i < data.length; i++) out[i] = data[i] === 0 ? 0 : 1
  else out.set(data)
  return out
}

/** Overwrites the data of a tensor made by `tensor` in place, so that a loop can feed batches without allocating. */
export function write(target: Tensor, values: ArrayLike<number>): void {
  const { node } = target
  if (!isOp(node, 'leaf') || !(node.attributes.source instanceof HostData))
    throw mistake('write: only tensors made from data by tensor() can be overwritten')
  if (values.length !== target.size)
    throw misfit(`write: ${values.length} elements for a tensor of shape ${show(target.shape)}`)
  node.attributes.source.write(values)
}

/** Every element `value`. */
export const full = <const S extends AnyDims, D extends DType = 'float32'>(
  shape: S,
  value: number,
  dtype?: D,
): Tensor<Writable<S>, NoInfer<D>> => {
  if (typeof value !== 'number') throw mistake(`full: the value is ${String(value)}, it must be a number`)
  return wrap(build.constant(value, shape, dtype ?? 'float32'))
}
/** Zeros of a shape, float32 unless told. */
export const zeros = <const S extends AnyDims, D extends DType = 'float32'>(
  shape: S,
  dtype?: D,
): Tensor<Writable<S>, NoInfer<D>> => full(shape, 0, dtype)
/** Ones of a shape, float32 unless told. */
export const ones = <const S extends AnyDims, D extends DType = 'float32'>(
  shape: S,
  dtype?: D,
): Tensor<Writable<S>, NoInfer<D>> => full(shape, 1, dtype)
/** Zeros of the shape and dtype of x. */
export const zerosLike = <S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> =>
  wrap(build.constant(0, x.shape, x.dtype))
/** Ones of the shape and dtype of x. */
export const onesLike = <S extends Shape, D extends DType>(x: Tensor<S, D>): Tensor<S, D> =>
  wrap(build.constant(1, x.shape, x.dtype))

/** The elements of a tensor that was made from data, none of one that is computed. */
export const knownValues = ({ node }: Tensor): DataArray | readonly number[] =>
  isOp(node, 'leaf') && node.attributes.source instanceof HostData ? node.attributes.source.data : []

/** start, start + step, … before stop; int32 unless a dtype is given or a number has a fraction. */
export function arange<D extends DType = 'int32' | 'float32'>(
  start: number,
  stop?: number,
  step?: number,
  dtype?: D,
): Tensor<[number], NoInfer<D>>
export function arange(start: number, stop?: number, step = 1, dtype?: DType): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop]
  checkFinite('arange', { start: from, stop: to, step })
  if (step === 0) throw misfit('arange: the step is 0, it must be another number')
  const n = Math.max(0, Math.ceil((to - from) / step))
  const type = dtype ?? ([from, step].every(Number.isInteger) ? 'int32' : 'float32')
  return wrap(build.iota([n], 0))
    .cast(type)
    .mul(step)
    .add(from)
}

/** `count` numbers from start to stop, both included. */
export function linspace<const N extends number, D extends DType = 'float32'>(
  start: number,
  stop: number,
  count: N,
  dtype?: D,
): Tensor<[N], NoInfer<D>>
export function linspace(start: number, stop: number, count: number, dtype: DType = 'float32'): Tensor {
  checkFinite('linspace', { start, stop })
  checkWhole('linspace', { count }, 0)
  const values = Float64Array.from({ length: count }, (_, i) =>
    count === 1 ? start : start + ((stop - start) * i) / (count - 1),
  )
  return tensor(values, { dtype })
}

/** 1 where the column is the row plus `offset`, else 0. */
export function eye<const N extends number, const M extends number = N, D extends DType = 'float32'>(
  rows: N,
  columns?: M,
  dtype?: D,
  offset?: number,
): Tensor<[N, M], NoInfer<D>>
export function eye(rows: number, columns = rows, dtype: DType = 'float32', offset = 0): Tensor {
  checkWhole('eye', { rows, columns }, 0)
  checkInteger('eye', { offset })
  const row = wrap(build.iota([rows, columns], 0)).add(offset)
  return row.equal(wrap(build.iota([rows, columns], 1))).cast(dtype)
}

/** The index along an axis of the given shape, int32. */
export const iota = <const S extends AnyDims>(shape: S, axis: number): Tensor<Writable<S>, 'int32'> =>
  wrap(build.iota(shape, normalizeAxis(axis, shape.length, 'iota')))

/** Joins along an existing axis; dtypes are promoted. */
export function concat<const T extends AnyTensor[] | readonly AnyTensor[], const I extends number = 0>(
  tensors: Checked<NoInfer<joined.Concatenated<T, I>>, T>,
  axis?: I,
): Tensor<Sound<joined.Concatenated<T, I>>, Promoted<T>>
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  const [first] = tensors
  if (!first) throw misfit('concat: needs at least one tensor')
  const dtype = tensors.map((t) => t.dtype).reduce(promote)
  const at = normalizeAxis(axis, first.rank, 'concat')
  return wrap(
    build.node(
      'concat',
      tensors.map((t) => t.cast(dtype).node),
      { axis: at },
    ),
  )
}

type Promoted<T extends readonly AnyTensor[]> = T extends [infer A, infer B]
  ? Promote<shapes.DTypeOf<A>, shapes.DTypeOf<B>>
  : T extends readonly [infer First, ...infer Rest extends readonly AnyTensor[]]
    ? Rest extends readonly []
      ? shapes.DTypeOf<First>
      : Promote<shapes.DTypeOf<First>, Promoted<Rest>>
    : DType

/** Joins along a new axis. */
export function stack<const T extends readonly AnyTensor[], const I extends number = 0>(
  tensors: Checked<NoInfer<joined.Stacked<joined.ShapesOf<T>, I>>, T>,
  axis?: I,
): Tensor<Sound<joined.Stacked<joined.ShapesOf<T>, I>>, Promoted<T>>
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  const [first] = tensors
  if (!first) throw misfit('stack: needs at least one tensor')
  const other = tensors.find((t) => !sameShape(t.shape, first.shape))
  if (other) throw misfit(`stack: shapes ${show(first.shape)} and ${show(other.shape)} differ`)
  return concat(
    tensors.map((t) => t.unsqueeze(axis)),
    axis,
  )
}

/** Parts of the given size (the last may be smaller), or of the given sizes, along an axis. */
export function split<S extends Shape, D extends DType, const I extends number = 0>(
  x: Tensor<S, D>,
  size: number | Dims,
  axis?: I,
): Tensor<Sound<shapes.Replaced<'split', S, I, [number]>>, D>[]
export function split(x: Tensor, size: number | Dims, axis = 0): Tensor[] {
  const at = normalizeAxis(axis, x.rank, 'split')
  const extent = x.shape[at] as number
  if (typeof size === 'number' && !(Number.isInteger(size) && size > 0))
    throw misfit(`split: the size is ${size}, it must be a positive integer, or a list of sizes`)
  const sizes =
    typeof size === 'number'
      ? Array.from({ length: Math.ceil(extent / size) }, (_, i) => Math.min(size, extent - i * size))
      : size
  if (sizes.reduce((a, b) => a + b, 0) !== extent)
    throw misfit(`split: sizes ${show(sizes)} don't add up to ${extent}, axis ${at} of ${show(x.shape)}`)
  let start = 0
  return sizes.map((n) => {
    const part = x.slice(
      ...x.shape.map((_, a): readonly [number, number] | null => (a === at ? [start, start + n] : null)),
    )
    start += n
    return part
  })
}

/** The index of the class as a vector of zeros with a single one, in a new last axis; zeros alone for an index that is no class. */
export function oneHot<S extends Shape, const N extends number, D extends DType = 'float32'>(
  indices: Tensor<S>,
  classes: N,
  dtype?: D,
): Tensor<Sound<shapes.Inserted<'oneHot', S, -1, N>>, NoInfer<D>>
export function oneHot(indices: Tensor, classes: number, dtype: DType = 'float32'): Tensor {
  checkWhole('oneHot', { classes }, 0)
  if (isFloat(indices.dtype)) throw mistake(`oneHot: indices are ${indices.dtype}: cast them to int32`)
  return indices
    .unsqueeze(-1)
    .equal(iota([...indices.shape, classes], indices.rank))
    .cast(dtype)
}
