// A backend on another thread: tells it what to do, in order and in batches, and hands out what it sends back.

import type { DataArray, DType } from '../../graph/dtype.ts'
import type { Graph } from '../../graph/graph.ts'
import type { Arrival, Loaded, RemoteBackend, Storage } from '../backend.ts'
import type { Command, Port, Reply } from './messages.ts'

export interface RemoteOptions {
  readonly name: string
  /** Threads asked for; the engine says when it is up how many there are. */
  readonly threads: number
  readonly port: Port
  /** Another way, for when the first one fails before it ever worked, and what to say of it. */
  readonly otherwise?: (reason: string) => { readonly port: Port; readonly note: string }
}

/** Commands that wait for one another before they are posted at the latest. */
const batch = 64

/** Numbers in the memory of another thread. */
class Handle implements Storage {
  readonly owner: Remote
  readonly id: number
  readonly bytes: number
  constructor(owner: Remote, id: number, bytes: number) {
    this.owner = owner
    this.id = id
    this.bytes = bytes
  }
}

/** A read that was asked for. */
class Read implements Arrival {
  private data: DataArray | undefined
  private error: Error | undefined
  private waiting: { resolve(data: DataArray): void; reject(error: Error): void } | undefined
  private promise: Promise<DataArray> | undefined

  settle(data: DataArray | Error): void {
    if (data instanceof Error) {
      this.error = data
      this.waiting?.reject(data)
    } else {
      this.data = data
      this.waiting?.resolve(data)
    }
  }

  now(): DataArray | undefined {
    if (this.error) throw this.error
    return this.data
  }

  later(): Promise<DataArray> {
    this.promise ??= new Promise((resolve, reject) => {
      if (this.error) reject(this.error)
      else if (this.data) resolve(this.data)
      else this.waiting = { resolve, reject }
    })
    return this.promise
  }
}

/** A backend behind a port. Commands wait until the engine over there is up. */
export const createRemoteBackend = (options: RemoteOptions): RemoteBackend => new Remote(options)

class Remote implements RemoteBackend {
  readonly kind = 'remote'
  readonly name: string
  threads: number
  threadNote: string | undefined
  private port: Port
  private otherwise: RemoteOptions['otherwise']
  private state: 'starting' | 'up' | 'failed' = 'starting'
  private failure = ''
  private commands: Command[] = []
  private isFlushDue = false
  private nextId = 0
  private readonly reads = new Map<number, Read>()
  private isReady = false
  private readonly whenReady: (() => void)[] = []

  constructor({ name, threads, port, otherwise }: RemoteOptions) {
    this.name = name
    this.threads = threads
    this.port = port
    this.otherwise = otherwise
    this.open(port)
  }

  allocate(bytes: number): Storage {
    const handle = new Handle(this, this.nextId++, bytes)
    this.tell({ do: 'allocate', storage: handle.id, bytes })
    return handle
  }

  release(storage: Storage): void {
    this.tell({ do: 'release', storage: this.own(storage) })
  }

  upload(storage: Storage, data: DataArray): void {
    // A copy: the caller may overwrite its data before it is posted.
    this.tell({ do: 'upload', storage: this.own(storage), data: data.slice() })
  }

  download(storage: Storage, dtype: DType, length: number): Arrival {
    const [read, request] = [new Read(), this.nextId++]
    if (this.state === 'failed') read.settle(new Error(this.failure))
    else {
      this.reads.set(request, read)
      this.tell({ do: 'download', request, storage: this.own(storage), dtype, length })
      this.flush()
    }
    return read
  }

  copy(from: Storage, to: Storage): void {
    this.tell({ do: 'copy', from: this.own(from), to: this.own(to) })
  }

  prepare(graph: Graph): Loaded {
    const program = this.nextId++
    this.tell({ do: 'prepare', program, graph })
    return {
      run: (bindings, times = 1) =>
        this.tell({ do: 'run', program, bindings: bindings.map((storage) => this.own(storage)), times }),
      release: () => this.tell({ do: 'drop', program }),
    }
  }

  ready(): Promise<void> {
    if (this.isReady) return Promise.resolve()
    return new Promise((resolve) => this.whenReady.push(resolve))
  }

  private own(storage: Storage): number {
    if (storage instanceof Handle && storage.owner === this) return storage.id
    throw new TypeError(`${this.name}: this storage belongs to another backend`)
  }

  private tell(command: Command): void {
    if (this.state === 'failed') return
    this.commands.push(command)
    if (this.commands.length >= batch) this.flush()
    else if (!this.isFlushDue) {
      this.isFlushDue = true
      queueMicrotask(() => {
        this.isFlushDue = false
        this.flush()
      })
    }
  }

  private flush(): void {
    if (this.state !== 'up' || this.commands.length === 0) return
    const { commands } = this
    this.commands = []
    const uploads = commands.flatMap((c) => (c.do === 'upload' ? [c.data.buffer as ArrayBuffer] : []))
    this.port.post(commands, uploads)
  }

  private open(port: Port): void {
    this.port = port
    try {
      port.open(
        (reply) => this.hear(reply),
        (reason) => this.fail(reason),
      )
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error))
    }
  }

  private hear(reply: Reply): void {
    if (reply.is === 'up') {
      this.state = 'up'
      this.flush()
      return
    }
    if (reply.is === 'ready') {
      this.threads = reply.threads
      this.threadNote = [this.threadNote, reply.note].filter(Boolean).join('; ') || undefined
      this.settled()
      return
    }
    if (reply.is === 'broken') {
      // There was a worker: another place would not help.
      this.otherwise = undefined
      this.fail(reply.reason)
      return
    }
    const read = this.reads.get(reply.request)
    this.reads.delete(reply.request)
    if (reply.is === 'data') read?.settle(reply.data)
    else {
      this.tell({ do: 'acknowledge' })
      read?.settle(new Error(reply.message))
    }
  }

  private fail(reason: string): void {
    const other = this.state === 'starting' ? this.otherwise?.(reason) : undefined
    this.otherwise = undefined
    if (other) {
      this.threadNote = other.note
      this.open(other.port)
      return
    }
    this.failure = this.state === 'up' ? `${this.name}: the worker with the engine stopped: ${reason}` : reason
    this.state = 'failed'
    this.threadNote = this.failure
    for (const read of this.reads.values()) read.settle(new Error(this.failure))
    this.reads.clear()
    this.commands = []
    this.settled()
  }

  private settled(): void {
    this.isReady = true
    for (const resolve of this.whenReady.splice(0)) resolve()
  }
}
