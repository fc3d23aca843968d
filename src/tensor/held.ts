// Values in a backend's memory, which is a cache of bounded size: what has not been used for long moves to arrays that the JavaScript collector sees.

import type { Arrival, Backend, Storage } from '../backend/backend.ts'
import { type DataArray, type DType, dtypes } from '../graph/dtype.ts'
import type { Scope } from '../graph/node.ts'
import { type Dims, show, sizeOf } from '../graph/shape.ts'
import { backend, runtime } from './runtime.ts'

/** What a report says of a value. */
export interface About {
  readonly op: string
  readonly shape: Dims
  readonly dtype: DType
  readonly scope?: Scope | undefined
}

/**
 * The elements of one value, on the backend, on the host, or on both. Nothing has to be released by hand, and nothing waits for
 * finalizers, which never run inside a synchronous loop: beyond `runtime.residents.limit` bytes the values that were not used
 * for longest leave the backend.
 */
export class Held {
  readonly bytes: number
  private readonly resident: Resident
  /** How many variables have this value now. */
  owners = 0

  /** A value for a program to write, or with `host` one that is known already. */
  constructor({ op, shape, dtype, scope }: About, host?: DataArray) {
    this.bytes = bytesOf(dtype, shape)
    // Not the node itself, which would keep its history.
    this.resident = new Resident({ op, shape, dtype, scope }, this.bytes, host)
  }

  /** Where it lies on the backend in use; it stays there until the next `beginUse`. */
  storage(): Storage {
    const storage = this.resident.storage()
    if (!this.resident.watched && (this.bytes >= heavy || !this.resident.canLeave)) watch(this, this.resident)
    return storage
  }
  /** A copy of the elements. */
  read(): DataArray | Arrival {
    return this.resident.read()
  }
  /** Replaces the elements. */
  write(data: DataArray): void {
    this.resident.write(data)
  }
  /** To be called after a program wrote it. */
  written(): void {
    this.resident.host = undefined
  }
  /** Leaves the backend's memory now; it comes back when it is used. */
  spill(): void {
    this.resident.spill()
  }
  /** Gives its memory back; reading it throws from now on. */
  dispose(): void {
    if (this.owners === 0) this.resident.dispose()
  }
  /** A value of its own with the same elements. */
  copy(): Held {
    const { about, host } = this.resident
    beginUse()
    const copy = new Held(about, host?.slice())
    if (!host) backend().copy(this.storage(), copy.storage())
    return copy
  }
}

/** The part that the list of residents holds: it outlives its owner until it is evicted. */
export class Resident {
  readonly about: About
  readonly bytes: number
  /** The elements, if the host knows them. */
  host: DataArray | undefined
  /** The last use, by `runtime.residents.use`. */
  used = 0
  /** Whether it leaves the backend when its owner is collected. */
  watched = false
  private on: Backend | undefined
  private block: Storage | undefined
  private evicted = false
  private disposed = false

  constructor(about: About, bytes: number, host: DataArray | undefined) {
    this.about = about
    this.bytes = bytes
    this.host = host
  }

  storage(): Storage {
    const { residents } = runtime
    this.used = residents.use
    if (this.block !== undefined && this.on === (runtime.backend ?? backend())) return this.block
    this.checkAlive()
    // It was made on another backend.
    if (this.block !== undefined) this.spill()
    // Values that come back show that the cache is too small for what is in use.
    if (this.evicted) residents.limit += 2 * this.bytes
    const on = backend()
    const block = allocate(on, this.bytes, () => `${this.about.op} ${this.about.dtype} ${show(this.about.shape)}`)
    this.on = on
    this.block = block
    residents.moves++
    residents.values.add(this)
    residents.bytes += weightOf(this.bytes)
    if (this.host) on.upload(block, this.host)
    return block
  }

  /** Whether its elements can be had at once, so that the memory can be given to others. */
  get canLeave(): boolean {
    return this.host !== undefined || this.on?.kind !== 'remote'
  }

  read(): DataArray | Arrival {
    this.checkAlive()
    if (this.host) return this.host.slice()
    this.used = runtime.residents.use
    return this.download()
  }

  write(data: DataArray): void {
    this.checkAlive()
    if (!this.host) this.host = data.slice()
    else if (this.host !== data) this.host.set(data)
    if (this.block === undefined) return
    if (this.on === backend()) this.on.upload(this.block, this.host)
    else this.free()
  }

  spill(isEvicted = false): void {
    if (this.block === undefined) return
    if (!this.host) {
      const read = this.download()
      const data = isArrival(read) ? read.now() : read
      if (!data)
        throw new Error('a value of an engine in a worker is used on another backend: read it with data() first')
      this.host = data
    }
    this.evicted = isEvicted
    this.free()
  }

  dispose(): void {
    this.disposed = true
    this.host = undefined
    this.free()
  }

  free(): void {
    if (this.block === undefined) return
    this.on?.release(this.block)
    this.block = undefined
    runtime.residents.moves++
    runtime.residents.values.delete(this)
    runtime.residents.bytes -= weightOf(this.bytes)
    // The registry would keep what the host holds of it.
    if (this.watched) runtime.released.unregister(this)
    this.watched = false
  }

  private download(): DataArray | Arrival {
    const { dtype, shape } = this.about
    if (this.block === undefined || !this.on) throw new Error(`tensor: ${dtype} ${show(shape)} was never computed`)
    return this.on.download(this.block, dtype, sizeOf(shape))
  }

  private checkAlive(): void {
    const { op, dtype, shape } = this.about
    if (this.disposed)
      throw new Error(`this value (${op} ${dtype} ${show(shape)}) was disposed: read it before, or leave disposal out`)
  }
}

/** Whatever is used from here to the next call stays where it is. */
export function beginUse(): void {
  runtime.residents.use++
}

export const bytesOf = (dtype: DType, shape: Dims): number => sizeOf(shape) * dtypes[dtype].bytes

/** Memory of the backend; for more than there is, values that are not in use and programs are put out first. */
export function allocate(on: Backend, bytes: number, what: () => string): Storage {
  const { residents } = runtime
  const excess = residents.bytes + weightOf(bytes) - residents.limit
  if (excess > 0) evict(excess + residents.limit / 4)
  return withRoom(
    () => on.allocate(bytes),
    () => bytes,
    what,
  )
}

/** Runs something that takes memory of the backend; where there is too little, makes room and tries again. */
export function withRoom<T>(take: () => T, bytes: () => number, what: () => string): T {
  for (const makeRoom of [() => evict(2 * bytes()), () => evict(Infinity), dropPrograms]) {
    try {
      return take()
    } catch (error) {
      if (!isOutOfMemory(error)) throw error
      makeRoom()
    }
  }
  try {
    return take()
  } catch (error) {
    if (!isOutOfMemory(error)) throw error
    const holders = largestHolders()
    throw new RangeError(`${what()}: ${error.message}${holders ? `; the largest values in memory: ${holders}` : ''}`, {
      cause: error,
    })
  }
}

/** Gives back the memory of programs that are not in use; they are compiled again when they are needed. */
function dropPrograms(): void {
  const { executables, residents } = runtime
  for (const [key, executable] of executables) {
    if (executable.used === residents.use) continue
    executables.delete(key)
    executable.release()
  }
}

export const isArrival = (read: DataArray | Arrival): read is Arrival => 'later' in read

const isOutOfMemory = (error: unknown): error is RangeError =>
  error instanceof RangeError && error.message.includes('out of memory')

function largestHolders(): string {
  const rows = new Map<string, number>()
  for (const { about, bytes } of runtime.residents.values) {
    const { op, dtype, shape, scope } = about
    const text = `${op} ${dtype} ${show(shape)}${scope?.path ? ` of ${scope.path}` : ''}${scope?.place ? ` at ${scope.place}` : ''}`
    rows.set(text, (rows.get(text) ?? 0) + bytes)
  }
  const largest = [...rows].sort((a, b) => b[1] - a[1]).slice(0, 5)
  return largest.map(([text, bytes]) => `${text} ${(bytes / 2 ** 20).toFixed(1)} MiB`).join(', ')
}

/** Small values cost more than their bytes: a block, and what describes it. */
const weightOf = (bytes: number): number => bytes + 512

/** Puts out values that are not in use, those used longest ago first, until `bytes` are free. */
function evict(bytes: number): void {
  const { residents } = runtime
  const idle = [...residents.values].filter((r) => r.used < residents.use && r.canLeave).sort((a, b) => a.used - b.used)
  let freed = 0
  for (const resident of idle) {
    if (freed >= bytes) break
    freed += weightOf(resident.bytes)
    resident.spill(true)
  }
}

/** Of values from this size on, the memory is given back when their owner is collected, before they need to be put out. */
const heavy = 1 << 18

function watch(owner: Held, resident: Resident): void {
  runtime.outstanding += resident.bytes
  // The collector does not see a backend's memory. An array buffer of the same size, whose pages are never touched and so
  // cost nothing, makes it look for garbage in time.
  resident.watched = true
  runtime.released.register(owner, { resident, weight: new ArrayBuffer(resident.bytes) }, resident)
}
