// Parameters and buffers: variables with initial values.

import { allocate, checkDType, type DType, dtypes } from '../graph/dtype.ts'
import { misfit } from '../graph/refuse.ts'
import { checkShape, type Dims, show, sizeOf } from '../graph/shape.ts'
import { Variable } from '../tensor/index.ts'
import type { Initializer } from './init.ts'
import type { Json } from './module.ts'
import { nextStream } from './stream.ts'

export { checkFinite, checkInteger, checkPositive, checkProbability, checkRange, checkWhole } from '../graph/check.ts'

export interface ParameterOptions {
  /** Initial weights; each layer's default is PyTorch's. */
  readonly init?: Initializer
  /** Initial biases. */
  readonly biasInit?: Initializer
  /** float32 unless told. */
  readonly dtype?: 'float32' | 'float64'
}

/** A variable to train. Each draws from a stream of its own, so that one layer's size does not change the next layer's numbers. */
export const parameter = (name: string, shape: Dims, init: Initializer, dtype: DType = 'float32'): Variable =>
  new Variable(drawn(name, shape, init, dtype), shape, dtype, { name })

/** A variable that is kept but not trained. */
export const buffer = (name: string, shape: Dims, value: number, dtype: DType = 'float32'): Variable =>
  new Variable(allocate(dtype, elements(name, shape, dtype)).fill(value), shape, dtype, { name, trainable: false })

function drawn(name: string, shape: Dims, init: Initializer, dtype: DType): Float32Array | ReturnType<typeof allocate> {
  const data = allocate(dtype, elements(name, shape, dtype))
  const values = init(shape, nextStream())
  if (values.length !== data.length) {
    throw misfit(`${name} ${show(shape)}: the initializer gave ${values.length} values for ${data.length} elements`)
  }
  data.set(values)
  return data
}

function elements(name: string, shape: Dims, dtype: DType): number {
  checkShape(shape)
  checkDType(name, dtype)
  const bytes = sizeOf(shape) * dtypes[dtype].bytes
  if (bytes > engineBytes)
    throw misfit(
      `${name} ${dtype} ${show(shape)}: ${(bytes / 2 ** 30).toFixed(2)} GiB, and the engine's memory holds 4 GiB at most: choose fewer units, or several smaller layers`,
    )
  return sizeOf(shape)
}

/** What WebAssembly can address. Said before numbers are drawn, which would take minutes. */
const engineBytes = 2 ** 32

/** The options that are not at their defaults, for a module's configuration. */
export function given(
  options: { readonly [name: string]: Json | undefined },
  defaults: { readonly [name: string]: Json },
): { [name: string]: Json } {
  const kept: { [name: string]: Json } = {}
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && JSON.stringify(value) !== JSON.stringify(defaults[name])) kept[name] = value
  }
  return kept
}
