// The program of a worker thread, as text: it has to run in Node and in browsers without a file of its own.

import { control, moduleRecord } from './records.ts'

/** What a worker is given. */
export interface WorkerData {
  readonly memory: WebAssembly.Memory
  /** The engine's own module; kernel modules are read from memory, because a parked worker receives no messages. */
  readonly engine: WebAssembly.Module
  readonly control: number
  readonly scratch: number
  readonly functions: number
  /** The caller's time origin, by which all threads tell the time. */
  readonly timeOrigin: number
}

/** Posts 'ready' when the worker takes part, or the reason why a kernel trapped on it. */
export const workerSource = `
const { memory, engine, control, scratch, functions, timeOrigin } = data
const table = new WebAssembly.Table({ initial: functions, element: 'anyfunc' })
const refuse = () => { throw new Error('float64 functions and routines run on the calling thread') }
const host = new Proxy({}, { get: () => refuse })
const clock = () => performance.now() + (performance.timeOrigin - timeOrigin)
const words = () => new Int32Array(memory.buffer)
const word = (offset) => (control + offset) >>> 2
const instantiate = (module, base, count) => {
  if (table.length < base + count) table.grow(base + count - table.length)
  return new WebAssembly.Instance(module, { e: { m: memory, t: table, base, clock }, host })
}
let generation = 0
let link = control + ${control.modules}
const update = () => {
  const i32 = words()
  const published = Atomics.load(i32, word(${control.generation}))
  for (; generation < published; generation++) {
    const record = i32[link >>> 2] >>> 0
    const field = (offset) => i32[(record + offset) >>> 2]
    const bytes = record + ${moduleRecord.bytes}
    // This thread may not have heard yet that the memory grew.
    if (!(bytes + field(${moduleRecord.length}) <= memory.buffer.byteLength)) return
    const module = new Uint8Array(memory.buffer, bytes, field(${moduleRecord.length})).slice()
    const { exports } = instantiate(new WebAssembly.Module(module), field(${moduleRecord.base}), field(${moduleRecord.functions}))
    // Another engine: one that measures, or one that does no longer.
    if (exports.work) work = exports.work
    link = record + ${moduleRecord.next}
  }
}
let { work } = instantiate(engine, 0, functions).exports
update()
Atomics.add(words(), word(${control.online}), 1)
post('ready')
try {
  while (work(scratch, generation) !== 0) update()
} catch (error) {
  const i32 = words()
  Atomics.add(i32, word(${control.online}), -1)
  Atomics.store(i32, word(${control.failed}), 1)
  Atomics.add(i32, word(${control.done}), 1)
  Atomics.notify(i32, word(${control.done}))
  post(String(error))
}
`
