// The program of a worker thread: takes part in the runs of an engine, and compiles the kernels that come.

import type { NativeForWorkers } from '../../platform/platform.ts'
import { control, moduleRecord } from './records.ts'

/** What a worker is given. */
export interface WorkerData {
  readonly memory: WebAssembly.Memory
  /** The engine's own module; kernel modules are read from memory, because a parked worker receives no messages. */
  readonly engine: WebAssembly.Module
  readonly control: number
  readonly scratch: number
  readonly functions: number
  /** Machine code, where kernels may be that. */
  readonly native: NativeForWorkers | undefined
  /** The caller's time origin, by which all threads tell the time. */
  readonly timeOrigin: number
  /** Where things lie in memory: the program can't look it up, because it may be sent as text. */
  readonly layout: typeof layout
}

export const layout = { control, moduleRecord }

type Work = (scratch: number, generation: number) => number

type NativeFunction = (...values: number[]) => void
/** What of koffi a worker uses. */
interface Koffi {
  load(library: string | null): { func(declaration: string): () => void }
  proto(declaration: string): unknown
  decode(address: bigint, prototype: unknown): NativeFunction
}

/** Posts 'ready' when the worker takes part, or the reason why a kernel trapped on it. Uses nothing but its arguments. */
export function threadProgram(
  data: WorkerData,
  post: (value: unknown) => void,
  load?: (path: string) => unknown,
): void {
  const { memory, engine, control: block, scratch, functions, timeOrigin, native } = data
  const { control, moduleRecord } = data.layout
  const table = new WebAssembly.Table({ initial: functions, element: 'anyfunc' })
  const refuse = (): never => {
    throw new Error('float64 functions and routines run on the calling thread')
  }
  const callNative = (): NativeFunction => {
    if (!native || !load) return refuse
    const koffi = load(native.koffiPath) as Koffi
    koffi.load(native.library).func(native.ordinary)()
    const call = koffi.decode(native.address, koffi.proto(native.prototype))
    return (kernel, args, begin, end, own) => call(kernel, args >>> 0, begin, end, own >>> 0)
  }
  const host = new Proxy({ native: callNative() } as WebAssembly.ModuleImports, {
    get: (given, name: string) => given[name] ?? refuse,
  })
  const clock = (): number => performance.now() + (performance.timeOrigin - timeOrigin)
  const words = (): Int32Array => new Int32Array(memory.buffer)
  const word = (offset: number): number => (block + offset) >>> 2
  const instantiate = (module: WebAssembly.Module, base: number, count: number): WebAssembly.Instance => {
    if (table.length < base + count) table.grow(base + count - table.length)
    return new WebAssembly.Instance(module, { e: { m: memory, t: table, base, clock }, host })
  }
  let generation = 0
  let link = block + control.modules
  const update = (): void => {
    const i32 = words()
    const published = Atomics.load(i32, word(control.generation))
    for (; generation < published; generation++) {
      const record = i32[link >>> 2] >>> 0
      const field = (offset: number): number => i32[(record + offset) >>> 2]
      const bytes = record + moduleRecord.bytes
      // This thread may not have heard yet that the memory grew.
      if (!(bytes + field(moduleRecord.length) <= memory.buffer.byteLength)) return
      const module = new Uint8Array(memory.buffer, bytes, field(moduleRecord.length)).slice()
      const compiled = new WebAssembly.Module(module)
      const { exports } = instantiate(compiled, field(moduleRecord.base), field(moduleRecord.functions))
      // Another engine: one that measures, or one that does no longer.
      if (exports.work) work = exports.work as Work
      link = record + moduleRecord.next
    }
  }
  let work = instantiate(engine, 0, functions).exports.work as Work
  update()
  Atomics.add(words(), word(control.online), 1)
  post('ready')
  try {
    while (work(scratch, generation) !== 0) update()
  } catch (error) {
    const i32 = words()
    Atomics.add(i32, word(control.online), -1)
    Atomics.store(i32, word(control.failed), 1)
    Atomics.add(i32, word(control.done), 1)
    Atomics.notify(i32, word(control.done))
    post(String(error))
  }
}
