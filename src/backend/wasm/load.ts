// Loading: puts a program's image into linear memory, and keeps the binding addresses in it up to date.

import type { SeesPadding } from '../../kernel/contract.ts'
import type { Program } from '../../kernel/program.ts'
import type { Loaded, ProgramTime, Storage } from '../backend.ts'
import type { Engine } from './engine.ts'
import { type ProgramImage, programImage } from './image.ts'
import type { CompiledKernel } from './kernels.ts'
import { Block } from './memory.ts'
import { isSmall, straightLayout, straightModule, straightWords } from './straight.ts'
import type { Task } from './tasks.ts'

/** Runs after which making one function of a small program pays. */
const oftenRun = 100

/** Compiles the kernels of programs. */
export interface ProgramKernels {
  compile(program: Program): CompiledKernel[]
  readonly seesPadding?: SeesPadding
  /** The program is complete: it asks for no more of their parts. */
  publish?(): void
}

export class LoadedProgram implements Loaded {
  private readonly engine: Engine
  private readonly arena: Block | undefined
  /** Where operands lie that are packed ahead of their products. */
  private readonly packed: Block | undefined
  private readonly image: Block
  private readonly program: number
  /** Per binding slot: the words that hold an address in it, as pairs of word number and offset. */
  private readonly patches: number[][]
  private readonly bytesNeeded: number[]
  private readonly bound: (Block | undefined)[]
  private readonly addresses: number[]
  private readonly source: Program
  private readonly launches: ReadonlyMap<number, Task>
  private readonly onMeasured: (run: ProgramTime) => void
  /** The program as one function, if it is small and was run often. */
  private straight: { readonly block: Block; readonly index: number } | undefined
  private readonly isSmall: boolean
  private runs = 0
  private released = false

  constructor(
    engine: Engine,
    kernels: ProgramKernels,
    program: Program,
    onMeasured: (run: ProgramTime) => void = () => {},
  ) {
    this.engine = engine
    this.source = program
    this.onMeasured = onMeasured
    const compiled = kernels.compile(program)
    const image = programImage(program, compiled, engine)
    kernels.publish?.()
    this.isSmall = isSmall(program, compiled)
    this.arena = program.arenaBytes > 0 ? engine.memory.allocate(program.arenaBytes) : undefined
    try {
      if (image.packedBytes > 0) this.packed = engine.memory.allocate(image.packedBytes)
      this.image = engine.memory.allocate(4 * image.words.length)
    } catch (error) {
      for (const block of [this.arena, this.packed]) if (block) engine.memory.release(block)
      throw error
    }
    this.program = this.image.address + 4 * image.root
    this.patches = Array.from({ length: program.bindings }, () => [])
    this.bytesNeeded = Array.from({ length: program.bindings }, () => 0)
    this.bound = Array.from({ length: program.bindings }, () => undefined)
    this.addresses = Array.from({ length: program.bindings }, () => -1)
    this.launches = image.launches
    this.write(image, program)
  }

  run(bindings: readonly Storage[], times = 1, unchanged = false): void {
    if (this.released) throw new Error('wasm: this program was released')
    for (let slot = 0; !unchanged && slot < this.bound.length; slot++) {
      const block = this.bound[slot]
      const known = block !== undefined && bindings[slot] === block && block.address === this.addresses[slot]
      if (!known) this.bind(slot, bindings[slot])
    }
    if (this.engine.measuring) for (let i = 0; i < times; i++) this.measure()
    else this.engine.run(this.straight?.block.address ?? this.program, times)
    this.runs += times
    if (this.runs > oftenRun && this.isSmall && !this.straight) this.straighten()
  }

  /** Makes one function of the program. It computes the same numbers, bit for bit. */
  private straighten(): void {
    const { engine, source, arena } = this
    const index = engine.addOwn(straightModule(source, arena?.address ?? 0, engine))
    const block = engine.memory.allocate(4 * (straightLayout.args + source.bindings))
    const first = block.address >>> 2
    const { i32 } = engine.memory.views
    i32.set(straightWords(block.address, index, source.bindings), first)
    this.addresses.forEach((address, slot) => {
      const word = first + straightLayout.args + slot
      i32[word] = address
      this.patches[slot].push(word, 0)
    })
    this.straight = { block, index }
  }

  private measure(): void {
    const start = performance.now()
    const { times, lost } = this.engine.runMeasured(this.program)
    const stop = performance.now()
    const pieces = times.flatMap(({ launch, thread, begin, end, start, stop }) => {
      const task = this.launches.get((launch - this.image.address) >>> 2)
      return task ? [{ launch: task.source, packing: task.packs !== undefined, thread, begin, end, start, stop }] : []
    })
    this.onMeasured({ program: this.source, start, stop, pieces, lost })
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.engine.memory.release(this.image)
    if (this.straight) {
      this.engine.memory.release(this.straight.block)
      this.engine.dropOwn(this.straight.index)
    }
    for (const block of [this.arena, this.packed]) if (block) this.engine.memory.release(block)
  }

  private write(image: ProgramImage, program: Program): void {
    const { i32 } = this.engine.memory.views
    const first = this.image.address >>> 2
    i32.set(image.words, first)
    for (const { word, table, factor } of image.tables) {
      this.engine.writeTable(table, factor, this.image.address + 4 * word)
    }
    for (const word of image.pointers) i32[first + word] += this.image.address
    for (const word of image.packed) i32[first + word] += this.packed?.address ?? 0
    for (const { word, buffer, offset } of image.addresses) {
      const place = program.buffers[buffer]
      if (place.kind === 'arena') i32[first + word] = (this.arena?.address ?? 0) + place.offset + offset
      else if (place.kind === 'binding') this.patches[place.slot].push(first + word, offset)
    }
    for (const place of program.buffers) {
      if (place.kind === 'binding') this.bytesNeeded[place.slot] = Math.max(this.bytesNeeded[place.slot], place.bytes)
    }
  }

  private bind(slot: number, storage: Storage | undefined): void {
    if (!(storage instanceof Block && storage.memory === this.engine.memory)) {
      throw new TypeError(`wasm: binding ${slot} is no storage of this backend`)
    }
    if (storage.address < 0) throw new Error(`wasm: binding ${slot} was released`)
    if (storage.bytes < this.bytesNeeded[slot]) {
      throw new RangeError(
        `wasm: binding ${slot} has ${storage.bytes} bytes, the program needs ${this.bytesNeeded[slot]}`,
      )
    }
    const { i32 } = this.engine.memory.views
    const patches = this.patches[slot]
    for (let i = 0; i < patches.length; i += 2) i32[patches[i]] = storage.address + patches[i + 1]
    this.bound[slot] = storage
    this.addresses[slot] = storage.address
  }
}
