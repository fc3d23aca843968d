// The engine: linear memory, the function table, the module that runs programs, and the worker threads that help.

import { platform as hostPlatform } from '#platform'
import type { Chaining } from '../../kernel/program.ts'
import type { RoutineKernel } from '../../kernel/routine.ts'
import type { Table } from '../../kernel/table.ts'
import type { Platform, WorkerHandle } from '../../platform/platform.ts'
import { math } from '../../scalar/math.ts'
import { engineModule } from './engine-module.ts'
import { hostFeatures } from './features.ts'
import { scratchBytes } from './layout.ts'
import { type Block, LinearMemory } from './memory.ts'
import type { Tile } from './micro-kernel.ts'
import { type NativeCode, nativeModule } from './native.ts'
import { control, moduleRecord, timeRecord } from './records.ts'
import { type Repeat, writeTable } from './repeat.ts'
import { RoutineTable, routineModule } from './routines.ts'
import { layout, threadProgram, type WorkerData } from './worker.ts'

export interface EngineOptions {
  /** Threads that run kernels, the calling one included: a whole number from 1. Default: one for each core. */
  readonly threads?: number
  /**
   * Whether a·b + c may be one instruction, which rounds once: `true` also switches it on for the whole process where Node has it
   * behind a flag (Node 20), `false` does without. Default: what the variable TENON_RELAXED_SIMD says (1 or 0), else as the host has it.
   */
  readonly relaxedSimd?: boolean
  readonly memory?: LinearMemory
  readonly platform?: Platform
  /** Machine code that kernels may be. */
  readonly native?: NativeCode
  /** From when on launches run piece by piece. Tests say from the start. */
  readonly chaining?: Partial<Chaining>
  /** Told once when a worker could not start or died; default `console.warn`. */
  readonly warn?: (message: string) => void
}

/** A piece stays in half of a second-level cache of a megabyte. */
const usualChaining: Chaining = { leastBytes: 2 ** 20, mostBytesOfPiece: 2 ** 19, fewestPieces: 16, claim: 15_000 }

/** The parameters of `emitMicroKernel`. */
type MicroKernel = (k: number, ...rest: number[]) => void

/** Enough for V8, which counts the bytes of code that were run and stops at two million; it takes less than a millisecond. */
const warmUpSteps = 2 ** 14

type RunProgram = (program: number, times: number, scratch: number) => number

/** A piece of a launch (named by the address of its record) as a thread ran it; thread 0 is the caller's. */
export interface PieceTime {
  readonly launch: number
  readonly thread: number
  /** The iterations from `begin` to `end` − 1. */
  readonly begin: number
  readonly end: number
  /** In milliseconds, as the calling thread's performance.now(). */
  readonly start: number
  readonly stop: number
}

/** Functions of the engine's own module, at the start of the table. */
const ownFunctions = 2

export class Engine {
  readonly memory: LinearMemory
  readonly relaxedMadd: boolean
  readonly tile: Tile
  /** Threads asked for. */
  readonly threads: number
  readonly chaining: Chaining
  /** Why there are fewer threads than asked for. */
  threadNote: string | undefined
  /** Threads that could not start or died. */
  lost = 0

  private readonly platform: Platform
  private readonly warn: (message: string) => void
  private readonly control: number
  private readonly scratch: number
  private readonly table: WebAssembly.Table
  private readonly module: WebAssembly.Module
  private readonly bytes: Uint8Array<ArrayBuffer>
  private runProgram: RunProgram
  private readonly repeat: Repeat
  /** The engine's two run loops, once the measuring one was needed. */
  private loops: { readonly plain: RunProgram; readonly measuring: RunProgram; readonly records: Block } | undefined
  /** What modules may call: float64 functions, and routines. */
  private readonly host: WebAssembly.ModuleImports
  private readonly routines: RoutineTable
  /** The function of the table that runs routines, made when first asked for. */
  private routineIndex: number | undefined
  private readonly native: NativeCode | undefined
  private nativeIndex: number | undefined
  private readonly scratchBytes: number
  private readonly workers: { handle: WorkerHandle; settle: () => void; settled: Promise<void> }[] = []
  private readonly workerScratch: number[] = []
  private started = false
  private stopped: string | undefined
  private functions = ownFunctions
  /** Numbers of functions that only the calling thread had, and are free again. */
  private readonly free: number[] = []
  private generation = 0
  private lastModule: number

  /** Throws on a thread count that is no whole number from 1. Starts no thread yet. */
  constructor(options: EngineOptions = {}) {
    this.platform = options.platform ?? hostPlatform
    this.warn = options.warn ?? console.warn
    this.memory = options.memory ?? new LinearMemory()
    this.threads = this.threadCount(options.threads)
    this.routines = new RoutineTable(this.memory)
    this.native = options.native
    this.chaining = { ...usualChaining, ...options.chaining }
    this.scratchBytes = Math.max(scratchBytes, options.native?.scratchBytes ?? 0)
    this.host = { ...math, routine: (args: number) => this.routines.run(args), ...nativeImport(options.native) }
    const wanted = { 1: true, 0: false }[this.platform.environment('TENON_RELAXED_SIMD') ?? '']
    const features = hostFeatures(options.relaxedSimd ?? wanted, this.platform.enableRelaxedSimd)
    this.relaxedMadd = features.relaxedMadd
    this.tile = features.tile
    this.control = this.memory.allocate(control.bytes).address
    this.memory.views.u8.fill(0, this.control, this.control + control.bytes)
    this.scratch = this.memory.allocate(this.scratchBytes).address
    this.lastModule = this.control + control.modules - moduleRecord.next
    this.table = new WebAssembly.Table({ initial: ownFunctions, element: 'anyfunc' })
    this.bytes = this.emit()
    this.module = compiledModule(this.bytes)
    const { exports } = this.instantiate(this.module, 0)
    this.runProgram = exports.run as RunProgram
    this.repeat = exports.repeat as Repeat
    // Machine code multiplies by itself.
    if (!this.native) this.warm(exports.multiply as MicroKernel)
  }

  /**
   * Hosts compile a function well only after it has worked for a while, on a thread of their own. Without this, the first step would
   * multiply with the quick compiler's code, ten times as slow; so it gets its good code while the first program is still being made.
   */
  private warm(multiply: MicroKernel): void {
    multiply(warmUpSteps, this.scratch, 0, 0, this.scratch, 0, this.scratch, 64, 0)
  }

  /** Whether pieces of work are timed. */
  get measuring(): boolean {
    return this.loops !== undefined && this.runProgram === this.loops.measuring
  }

  /**
   * Times every piece of work from now on, or stops doing so. A measuring engine is another module, which the workers take
   * over as they do kernels, so the plain one pays nothing.
   */
  measure(on: boolean): void {
    if (on === this.measuring) return
    if (!this.loops) {
      const records = this.memory.allocate(timeRecord.capacity * timeRecord.bytes)
      const module = new WebAssembly.Module(this.emit(records.address))
      const measuring = this.instantiate(module, 0).exports.run as RunProgram
      this.loops = { plain: this.runProgram, measuring, records }
    }
    this.runProgram = on ? this.loops.measuring : this.loops.plain
    if (this.threads > 1) this.publish(on ? this.emit(this.loops.records.address) : this.bytes, 0, ownFunctions)
  }

  /** Runs a program once on a measuring engine; what ran, in order of its end, and how many pieces there was no room for. */
  runMeasured(program: number): { times: PieceTime[]; lost: number } {
    const count = (this.control + control.timed) >>> 2
    Atomics.store(this.memory.views.i32, count, 0)
    this.run(program, 1)
    const { buffer, i32 } = this.memory.views
    const made = Atomics.load(i32, count)
    const kept = Math.min(made, timeRecord.capacity)
    const first = this.loops?.records.address ?? 0
    const f64 = new Float64Array(buffer)
    const times = Array.from({ length: kept }, (_, i): PieceTime => {
      const at = first + i * timeRecord.bytes
      const word = (name: 'launch' | 'scratch' | 'begin' | 'end'): number => i32[(at + timeRecord[name]) >>> 2]
      return {
        launch: word('launch'),
        thread: 1 + this.workerScratch.indexOf(word('scratch') >>> 0),
        begin: word('begin'),
        end: word('end'),
        start: f64[(at + timeRecord.start) >>> 3],
        stop: f64[(at + timeRecord.stop) >>> 3],
      }
    })
    return { times, lost: made - kept }
  }

  private emit(timeRecords?: number): Uint8Array<ArrayBuffer> {
    return engineModule({
      control: this.control,
      callerMayBlock: this.platform.mayBlock(),
      tile: this.tile,
      relaxedMadd: this.relaxedMadd,
      shared: this.memory.shared,
      ...(timeRecords === undefined ? {} : { timeRecords }),
    })
  }

  /**
   * Adds a module of kernels whose `count` functions go into the table, and returns the index of the first. The workers
   * compile it by themselves when they next look; nobody waits for them.
   */
  addModule(bytes: Uint8Array<ArrayBuffer>, count: number): number {
    const base = this.functions
    this.functions += count
    this.table.grow(count)
    this.instantiate(new WebAssembly.Module(bytes), base)
    if (this.threads > 1) this.publish(bytes, base, count)
    return base
  }

  /** Adds a module with one function that the calling thread alone runs; returns its index in the table. */
  addOwn(bytes: Uint8Array<ArrayBuffer>): number {
    const index = this.free.pop() ?? this.functions++
    if (index >= this.table.length) this.table.grow(index + 1 - this.table.length)
    this.instantiate(new WebAssembly.Module(bytes), index)
    return index
  }

  /** Forgets a function that was added by `addOwn`. */
  dropOwn(index: number): void {
    this.table.set(index, null)
    this.free.push(index)
  }

  /** The table's function that runs routines, and the number of this one. */
  routine(kernel: RoutineKernel): { index: number; number: number } {
    this.routineIndex ??= this.addModule(routineModule(this.memory.shared), 1)
    return { index: this.routineIndex, number: this.routines.numberOf(kernel) }
  }

  /** The table's function that calls machine code. */
  nativeFunction(): number {
    this.nativeIndex ??= this.addModule(nativeModule(this.memory.shared), 1)
    return this.nativeIndex
  }

  /** Writes the entries of an offset table, each times `factor`. */
  writeTable(table: Table, factor: number, address: number): void {
    writeTable(table, factor, this.memory.views.i32, address, this.repeat)
  }

  /** Runs a program that lies in memory as `programRecord` says, `times` times over. */
  run(program: number, times: number): void {
    if (this.stopped !== undefined) throw new Error(`wasm: ${this.stopped}`)
    let failed: number
    try {
      failed = this.runProgram(program, times, this.scratch)
    } catch (error) {
      this.terminate(
        `the engine stopped because a kernel trapped: ${error instanceof Error ? error.message : String(error)}`,
      )
      throw error
    }
    if (failed !== 0) {
      this.terminate('the engine stopped because a kernel trapped on a worker thread')
      throw new Error(`wasm: ${this.stopped}`)
    }
  }

  /** Starts the workers, which report in when they are up; until then the calling thread works alone. */
  start(): void {
    if (this.started) return
    this.started = true
    for (let i = 1; i < this.threads; i++) this.startWorker()
  }

  /** Resolves when every worker takes part or has failed to. */
  async ready(): Promise<void> {
    this.start()
    for (const { handle } of this.workers) handle.keepAlive(true)
    await Promise.all(this.workers.map((w) => w.settled))
    for (const { handle } of this.workers) handle.keepAlive(false)
  }

  /** Ends the workers; a program that is run afterwards throws `reason`. */
  terminate(reason = 'the engine was terminated'): void {
    this.stopped ??= reason
    const { i32 } = this.memory.views
    Atomics.store(i32, (this.control + control.stop) >>> 2, 1)
    for (const { handle, settle } of this.workers) {
      handle.terminate()
      settle()
    }
  }

  private startWorker(): void {
    let settle = (): void => {}
    const settled = new Promise<void>((resolve) => {
      settle = resolve
    })
    const data: WorkerData = {
      memory: this.memory.memory,
      engine: this.module,
      control: this.control,
      scratch: this.memory.allocate(this.scratchBytes).address,
      functions: ownFunctions,
      native: this.native?.forWorkers,
      timeOrigin: performance.timeOrigin,
      layout,
    }
    this.workerScratch.push(data.scratch)
    let isLost = false
    const failed = (reason: string): void => {
      settle()
      if (!isLost && this.stopped === undefined) this.lost++
      isLost = true
      if (this.threadNote !== undefined || this.stopped !== undefined) return
      this.threadNote = `a worker thread could not start or died (${reason}); going on with fewer than ${this.threads} threads`
      this.warn(`tenon: ${this.threadNote}`)
    }
    const handle = this.platform.startWorker(threadProgram, data, {
      message: (value) => (value === 'ready' ? settle() : failed(String(value))),
      error: failed,
    })
    this.workers.push({ handle, settle, settled })
  }

  private instantiate(module: WebAssembly.Module, base: number): WebAssembly.Instance {
    const e = { m: this.memory.memory, t: this.table, base, clock }
    return new WebAssembly.Instance(module, { e, host: this.host })
  }

  /** Copies the bytes to where the workers find them, and rings. */
  private publish(bytes: Uint8Array, base: number, count: number): void {
    const record: Block = this.memory.allocate(moduleRecord.bytes + bytes.length)
    const { i32, u8 } = this.memory.views
    const word = (offset: number): number => (record.address + offset) >>> 2
    i32[word(moduleRecord.next)] = 0
    i32[word(moduleRecord.length)] = bytes.length
    i32[word(moduleRecord.base)] = base
    i32[word(moduleRecord.functions)] = count
    u8.set(bytes, record.address + moduleRecord.bytes)
    i32[(this.lastModule + moduleRecord.next) >>> 2] = record.address
    this.lastModule = record.address
    this.generation++
    Atomics.store(i32, (this.control + control.generation) >>> 2, this.generation)
    Atomics.notify(i32, (this.control + control.ticket) >>> 2)
  }

  private threadCount(asked: number = this.platform.cores()): number {
    if (!Number.isInteger(asked) || asked < 1) {
      throw new RangeError(`wasm: threads must be a whole number from 1, not ${asked}`)
    }
    if (asked > 1 && !this.memory.shared) {
      this.threadNote =
        'this page is not cross-origin isolated, so there is no shared memory: one thread. Serve it with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp to use all cores'
      this.warn(`tenon: ${this.threadNote}`)
      return 1
    }
    return asked
  }
}

const clock = (): number => performance.now()

/** Addresses are unsigned there. */
function nativeImport(native: NativeCode | undefined): WebAssembly.ModuleImports {
  if (!native) return {}
  const { call } = native
  return {
    native: (kernel: number, args: number, begin: number, end: number, scratch: number) =>
      call(kernel, args >>> 0, begin, end, scratch >>> 0),
  }
}

function compiledModule(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes)
  } catch (error) {
    throw new Error(
      `wasm: the host does not compile WebAssembly (${error instanceof Error ? error.message : error}); if the page has a Content-Security-Policy, add 'wasm-unsafe-eval' to its script-src`,
      { cause: error },
    )
  }
}
