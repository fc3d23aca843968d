/** The reference fixture: values and derivatives computed by PyTorch in float64. */

import { platform } from '#platform'
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
  readonly cotangents: readonly ReferenceArray[]
  readonly grads: readonly ReferenceArray[]
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
  readonly jvp: ReferenceArray
  readonly vjp: ReferenceArray
}

interface Reference {
  readonly cases: readonly ReferenceCase[]
  readonly second_order: SecondOrder
  /** Read by the tests of optimizers, schedules and initialisation, which know their form. */
  readonly optimizers: unknown
  readonly schedules: unknown
  readonly gains: unknown
  readonly clip_grad_norm: unknown
}

const file = new URL('../fixtures/torch-reference.json.gz', import.meta.url)

/** JSON has no infinities: inside arrays they are written as text. */
const infinities: { readonly [text: string]: number } = { inf: Infinity, '-inf': -Infinity }
const revive = (_: string, value: unknown): unknown =>
  Array.isArray(value) ? value.map((v) => (typeof v === 'string' ? (infinities[v] ?? v) : v)) : value

async function load(): Promise<Reference> {
  const packed =
    platform.name === 'node'
      ? await (await import('node:fs/promises')).readFile(file)
      : await (await fetch(file)).arrayBuffer()
  const text = new TextDecoder().decode(await unpackGzip(new Uint8Array(packed), file.href))
  return JSON.parse(text, revive) as Reference
}

export const reference = await load()

/** The cases of a group, by name. */
export const casesOf = (group: ReferenceCase['group']): ReadonlyMap<string, ReferenceCase> =>
  new Map(reference.cases.filter((c) => c.group === group).map((c) => [c.name, c]))

/** A fixture's array as a tensor: indices become int32, floats the dtype asked for. */
export function toTensor(array: ReferenceArray, dtype: 'float32' | 'float64' = 'float64'): Tensor {
  const own: { readonly [D in ReferenceArray['dtype']]: DType } = { float64: dtype, int64: 'int32', bool: 'bool' }
  return tensor(new Float64Array(array.data), { shape: array.shape, dtype: own[array.dtype] })
}
