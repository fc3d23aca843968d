// The WebAssembly backend: SIMD kernels and threads over one memory, in Node and in browsers.

import { type DataArray, type DType, dtypes } from '../../graph/dtype.ts'
import type { SeesPadding } from '../../kernel/contract.ts'
import type { Chaining, Program } from '../../kernel/program.ts'
import type { KernelBackend, Loaded, ProgramTime, Storage } from '../backend.ts'
import { Engine, type EngineOptions } from './engine.ts'
import { KernelCache } from './kernels.ts'
import { LoadedProgram, type ProgramKernels } from './load.ts'
import { Block, type LinearMemory } from './memory.ts'

export interface WasmBackend extends KernelBackend {
  /** Whether kernels use one instruction for a·b + c. */
  readonly relaxedMadd: boolean
  /** Bytes of linear memory in use. */
  readonly usedBytes: number
  /** Resolves when every worker thread takes part or has failed to; nothing needs to wait for it. */
  ready(): Promise<void>
  /** Ends the worker threads; the backend can't run programs afterwards. */
  terminate(): void
}

export type WasmOptions = EngineOptions

/**
 * A backend with memory and threads of its own. Throws when `threads` is no whole number from 1, or the host grants no memory.
 */
export function createWasmBackend(options: WasmOptions = {}): WasmBackend {
  const engine = new Engine(options)
  const cache = new KernelCache(engine)
  return new EngineBackend('wasm', engine, { compile: ({ kernels }) => cache.compile(kernels) })
}

/** A backend on an engine, whatever its kernels are. */
export class EngineBackend implements WasmBackend {
  readonly kind = 'kernels'
  readonly name: string
  private readonly engine: Engine
  private readonly memory: LinearMemory
  private readonly kernels: ProgramKernels
  private onEnd: () => void
  private listener: ((run: ProgramTime) => void) | undefined

  /** `onEnd` is called once when the backend ends. */
  constructor(name: string, engine: Engine, kernels: ProgramKernels, onEnd: () => void = () => {}) {
    this.onEnd = onEnd

    this.name = name
    this.engine = engine
    this.memory = engine.memory
    this.kernels = kernels
    // Backends are made when first needed: the workers come up while the first program is compiled.
    engine.start()
  }

  get seesPadding(): SeesPadding | undefined {
    return this.kernels.seesPadding
  }
  get chaining(): Chaining {
    return this.engine.chaining
  }
  get threads(): number {
    return this.engine.threads - this.engine.lost
  }
  get threadNote(): string | undefined {
    return this.engine.threadNote
  }
  get relaxedMadd(): boolean {
    return this.engine.relaxedMadd
  }
  get usedBytes(): number {
    return this.memory.usedBytes
  }

  allocate(bytes: number): Storage {
    return this.memory.allocate(bytes)
  }

  release(storage: Storage): void {
    this.memory.release(this.own(storage))
  }

  upload(storage: Storage, data: DataArray): void {
    const block = this.own(storage)
    if (data.byteLength > block.bytes) {
      throw new RangeError(`wasm: upload of ${data.byteLength} bytes into a storage of ${block.bytes}`)
    }
    this.memory.views.u8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), block.address)
  }

  download(storage: Storage, dtype: DType, length: number): DataArray {
    const block = this.own(storage)
    const { array, bytes } = dtypes[dtype]
    if (length * bytes > block.bytes) {
      throw new RangeError(`wasm: download of ${length} ${dtype} from a storage of ${block.bytes} bytes`)
    }
    const copy = new array(length)
    const { buffer, f32 } = this.memory.views
    // A loss that is read after every step: a view would cost more than all the rest.
    if (dtype === 'float32' && length <= 16) for (let i = 0; i < length; i++) copy[i] = f32[(block.address >>> 2) + i]
    else copy.set(new array(buffer, block.address, length))
    return copy
  }

  copy(from: Storage, to: Storage): void {
    const [source, target] = [this.own(from), this.own(to)]
    if (source.bytes > target.bytes)
      throw new RangeError(`wasm: copy of ${source.bytes} bytes into a storage of ${target.bytes}`)
    this.memory.views.u8.copyWithin(target.address, source.address, source.address + source.bytes)
  }

  load(program: Program): Loaded {
    return new LoadedProgram(this.engine, this.kernels, program, (run) => this.listener?.(run))
  }

  measure(listener: ((run: ProgramTime) => void) | undefined): void {
    this.listener = listener
    this.engine.measure(listener !== undefined)
  }

  ready(): Promise<void> {
    return this.engine.ready()
  }

  terminate(): void {
    this.engine.terminate()
    this.onEnd()
    this.onEnd = () => {}
  }

  private own(storage: Storage): Block {
    if (!(storage instanceof Block && storage.memory === this.memory)) {
      throw new TypeError('wasm: this storage belongs to another backend')
    }
    if (storage.address < 0) throw new Error(`wasm: this storage of ${storage.bytes} bytes was released`)
    return storage
  }
}
