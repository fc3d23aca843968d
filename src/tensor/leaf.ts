// Sources of leaf nodes: where a value that enters a graph from outside lies when a program runs.

import type { Backend, Storage } from '../backend/backend.ts'
import { build } from '../graph/build.ts'
import { allocate as allocateArray, type DataArray, type DType, dtypes } from '../graph/dtype.ts'
import type { Node } from '../graph/node.ts'
import { type Dims, sizeOf } from '../graph/shape.ts'
import { backend, runtime } from './runtime.ts'

export interface LeafSource {
  /** Where the value lies now, on the backend in use. */
  storage(): Storage
}

export const sourceOf = (node: Node<'leaf'>): LeafSource => node.attributes.source as LeafSource

export const bytesOf = (dtype: DType, shape: Dims): number => sizeOf(shape) * dtypes[dtype].bytes

/** Memory that is given back when `owner` is no longer reachable. */
export function allocateFor(owner: object, bytes: number): Storage {
  const on = backend()
  const storage = on.allocate(bytes)
  runtime.outstanding += bytes
  // The collector does not see a backend's memory. An array buffer of the same size, whose pages are never touched and so
  // cost nothing, makes it look for garbage in time.
  const weight = bytes >= heavy ? new ArrayBuffer(bytes) : undefined
  runtime.released.register(owner, { backend: on, storage, weight })
  return storage
}

const heavy = 1 << 18

/** Data of the host, uploaded when first used and again after it was overwritten. */
export class HostData implements LeafSource {
  readonly data: DataArray
  private uploaded: { on: Backend; storage: Storage; current: boolean } | undefined

  constructor(data: DataArray) {
    this.data = data
  }

  /** Overwrites the data in place; later uses see the new values. */
  write(values: ArrayLike<number>): void {
    this.data.set(values)
    if (this.uploaded) this.uploaded.current = false
  }

  storage(): Storage {
    if (this.uploaded?.on !== backend()) {
      this.uploaded = { on: backend(), storage: allocateFor(this, this.data.byteLength), current: false }
    }
    if (!this.uploaded.current) {
      backend().upload(this.uploaded.storage, this.data)
      this.uploaded.current = true
    }
    return this.uploaded.storage
  }
}

/** A number that the host computes anew for each call of a compiled function: a learning rate, a step count. */
export class HostNumber implements LeafSource {
  readonly data: DataArray
  private readonly value: () => number
  private readonly host: HostData
  /** Not read back from `data`, which rounds. */
  private last: number | undefined

  constructor(dtype: DType, value: () => number) {
    this.data = allocateArray(dtype, 1)
    this.value = value
    this.host = new HostData(this.data)
  }

  storage(): Storage {
    const value = this.value()
    if (this.last !== value) this.host.write([value])
    this.last = value
    return this.host.storage()
  }
}

/** A scalar leaf whose value is asked of `value` whenever a program that uses it runs. */
export const hostNumber = (value: () => number, dtype: DType = 'float32'): Node<'leaf'> =>
  build.leaf(new HostNumber(dtype, value), [], dtype)

export const hostLeaf = (data: DataArray, shape: Dims, dtype: DType): Node<'leaf'> =>
  build.leaf(new HostData(data), shape, dtype)
