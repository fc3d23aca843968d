/** The PyTorch fixture: values and derivatives computed by PyTorch in float64. */

import { unpackGzip } from '../../src/data/gzip.ts'
import { type DType, type Tensor, tensor } from '../../src/tensor/index.ts'

/** An array of the fixture, row-major; `int64` and `bool` inputs are indices and masks. */
export interface ReferenceArray {
  readonly dtype: 'float64' | 'int64' | 'bool'
  readonly shape: readonly number[]
  readonly data: readonly number[]
}

export type Attribute = number | string | boolean | null | readonly number[] | readonly string[]

/** One operator, layer, loss or module: its outputs, and the gradients of Σ ⟨cotangents, outputs⟩ by the inputs `diff`. */
export interface ReferenceCase {
  readonly name: string
  readonly group: 'op' | 'loss' | 'conv' | 'pool' | 'norm' | 'embed' | 'module' | 'attention' | 'signal'
  readonly attrs: { readonly [name: string]: Attribute }
  readonly inputs: readonly ReferenceArray[]
  readonly outputs: readonly ReferenceArray[]
  readonly diff: readonly number[]
  readonly cotangents?: readonly ReferenceArray[]
  readonly grads?: readonly ReferenceArray[]
}

/** Derivatives of small functions of v = `at`, written out in `f` and `jac_f`. */
interface SecondOrder {
  readonly f: string
  readonly at: ReferenceArray
  readonly value: number
  readonly hessian: ReferenceArray
  readonly hvp_vector: ReferenceArray
  readonly hvp: ReferenceArray
  readonly jac_f: string
  readonly jacobian: ReferenceArray
  /** The Jacobian times `hvp_vector`, and its transpose times it. */
  readonly jvp: ReferenceArray
  readonly vjp: ReferenceArray
}

/** An optimizer with its options, and where it goes in 25 steps. */
export interface OptimizerRun {
  readonly args: { readonly [name: string]: number | boolean }
  readonly trajectory: readonly (readonly number[])[]
}

export interface Reference {
  readonly cases: readonly ReferenceCase[]
  readonly second_order: SecondOrder
  readonly optimizers: { readonly runs: { readonly [nameAndObjective: string]: OptimizerRun } }
  readonly schedules: { readonly runs: { readonly [name: string]: readonly number[] } }
  readonly gains: { readonly [name: string]: number }
  readonly clip_grad_norm: {
    readonly before: readonly ReferenceArray[]
    readonly after: readonly ReferenceArray[]
    readonly max_norm: number
    readonly total_norm: number
  }
}

/** JSON has no infinities: inside arrays they are written as text. */
const infinities: { readonly [text: string]: number } = { inf: Infinity, '-inf': -Infinity }
const revive = (_: string, value: unknown): unknown =>
  Array.isArray(value) ? value.map((v) => (typeof v === 'string' ? (infinities[v] ?? v) : v)) : value

/** The fixture that a gzipped file holds. */
export async function parseReference(packed: Uint8Array<ArrayBuffer>, file: string): Promise<Reference> {
  return JSON.parse(new TextDecoder().decode(await unpackGzip(packed, file)), revive) as Reference
}

/** A fixture's array as a tensor: indices become int32, floats the dtype asked for. */
export function toTensor(array: ReferenceArray, dtype: 'float32' | 'float64' = 'float64'): Tensor {
  const own: { readonly [D in ReferenceArray['dtype']]: DType } = { float64: dtype, int64: 'int32', bool: 'bool' }
  return tensor(new Float64Array(array.data), { shape: array.shape, dtype: own[array.dtype] })
}
