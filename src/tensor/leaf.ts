// Sources of leaf nodes: where a value that enters a graph from outside lies when a program runs.

import type { Arrival, Storage } from '../backend/backend.ts'
import { build, currentScope } from '../graph/build.ts'
import { allocate as allocateArray, type DataArray, type DType } from '../graph/dtype.ts'
import type { Node, Scope } from '../graph/node.ts'
import type { Dims } from '../graph/shape.ts'
import { Held } from './held.ts'

export interface LeafSource {
  /** Where the value lies now, on the backend in use. */
  storage(): Storage
  /** A copy of its elements. */
  read(): DataArray | Arrival
  /** Gives its memory back, if it has some of its own. */
  dispose?(): void
}

export const sourceOf = (node: Node<'leaf'>): LeafSource => node.attributes.source as LeafSource

/** Data of the host, uploaded when first used and again after it was overwritten. */
export class HostData implements LeafSource {
  readonly data: DataArray
  readonly shape: Dims
  readonly dtype: DType
  readonly op: string
  readonly scope: Scope | undefined
  /** Made when first needed: most results of compiled functions are only read. */
  private made: Held | undefined

  constructor(data: DataArray, shape: Dims, dtype: DType, op = 'tensor') {
    this.data = data
    this.shape = shape
    this.dtype = dtype
    this.op = op
    this.scope = currentScope()
  }

  /** Overwrites the data in place; later uses see the new values. */
  write(values: ArrayLike<number>): void {
    this.data.set(values)
    this.made?.write(this.data)
  }

  storage(): Storage {
    return this.held.storage()
  }
  read(): DataArray {
    return this.data.slice()
  }
  dispose(): void {
    this.held.dispose()
  }

  private get held(): Held {
    this.made ??= new Held(this, this.data)
    return this.made
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
    this.host = new HostData(this.data, [], dtype, 'number')
  }

  storage(): Storage {
    const value = this.value()
    if (this.last !== value) this.host.write([value])
    this.last = value
    return this.host.storage()
  }
  read(): DataArray {
    this.storage()
    return this.data.slice()
  }
}

/** A scalar leaf whose value is asked of `value` whenever a program that uses it runs. */
export const hostNumber = (value: () => number, dtype: DType = 'float32'): Node<'leaf'> =>
  build.leaf(new HostNumber(dtype, value), [], dtype)

export const hostLeaf = (data: DataArray, shape: Dims, dtype: DType): Node<'leaf'> =>
  build.leaf(new HostData(data, shape, dtype), shape, dtype)
