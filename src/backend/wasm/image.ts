// A program as words: tables, args blocks, launches and phases, with pointers relative to the start of the image.

import { dtypes } from '../../graph/dtype.ts'
import { sizeOf } from '../../graph/shape.ts'
import type { ContractKernel, ContractLaunch, Operand, TableArguments } from '../../kernel/contract.ts'
import type { LoopLaunch } from '../../kernel/loop.ts'
import type { Launch, LoopStep, Program, Step } from '../../kernel/program.ts'
import type { RoutineLaunch } from '../../kernel/routine.ts'
import { contractPlan, roundUp, scratchLayout } from './blocking.ts'
import { loopCost, worthSharing } from './cost.ts'
import { contractDriverIndex, packDriverIndex } from './engine-module.ts'
import type { Compiled, CompiledKernel, NativeContract } from './kernels.ts'
import { loopLayout, tableAccess } from './layout.ts'
import type { Tile } from './micro-kernel.ts'
import { nativeKernelWord } from './native.ts'
import {
  contractRecord,
  launchRecord,
  loopRecord,
  moveRecord,
  packRecord,
  programRecord,
  stepKinds,
  stepRecord,
} from './records.ts'
import { routineArgs } from './routines.ts'
import { Words } from './words.ts'

export interface ProgramImage {
  readonly words: Int32Array
  /** Number of the word at which the program record starts. */
  readonly root: number
  /** Words that hold a byte offset from the start of the image, to which the image's address is added. */
  readonly pointers: readonly number[]
  /** Words that hold an address in one of the program's buffers. */
  readonly addresses: readonly { readonly word: number; readonly buffer: number; readonly offset: number }[]
  /** Words that hold a byte offset in memory for operands that are packed ahead, and the bytes of that memory. */
  readonly packed: readonly number[]
  readonly packedBytes: number
  /** The launches by the words at which their records start. */
  readonly launches: ReadonlyMap<number, Launch>
}

/** Lays a program out for an engine with the given threads and register tile. */
export function programImage(
  program: Program,
  kernels: readonly CompiledKernel[],
  engine: { readonly threads: number; readonly tile: Tile },
): ProgramImage {
  const writer = new Writer(engine, program, kernels)
  const root = writer.program()
  return {
    words: writer.words.view(),
    root,
    pointers: writer.pointers,
    addresses: writer.addresses,
    packed: writer.packed,
    packedBytes: writer.packedBytes,
    launches: writer.launches,
  }
}

/** Operands that the launches of one phase have packed ahead, by what is read and how; the next phase uses their memory again. */
interface Packing {
  readonly tasks: Task[]
  readonly places: Map<string, number>
  bytes: number
}

/** An operand to pack ahead: outer elements, `width` a panel. */
interface Panels {
  readonly operand: Compiled
  readonly args: number
  readonly given: readonly TableArguments[]
  readonly extent: number
  readonly width: number
}

/** A launch before it is written: which function runs on which args block, in what pieces. */
interface Task {
  readonly function: number
  readonly args: number
  readonly grain: number
  readonly total: number
  readonly nanoseconds: number
  readonly callerOnly: boolean
  readonly source: Launch
}

/** Nanoseconds per element, a rough guess: routines run alone anyway. */
const routineCost = 20
/** A step as it is written: numbers of steps instead of nesting. */
type Flat =
  | { readonly kind: 'phase'; readonly tasks: Task[]; readonly shared: boolean }
  | { readonly kind: 'enter'; readonly loop: LoopStep; target: number }
  | { readonly kind: 'turn'; readonly enter: number; readonly target: number }
  | { readonly kind: 'unless'; readonly flag: number; target: number }
  | { readonly kind: 'jump'; target: number }

/** Panels that are packed together, and the nanoseconds of packing that make a chunk. */
const panelsOfUnit = 8
const packingChunk = 15_000

/** With fewer rows the right operand is not packed: an element would be used too seldom to be worth it. */
const fewRows = 8

class Writer {
  readonly words = new Words()
  readonly pointers: number[] = []
  readonly addresses: { readonly word: number; readonly buffer: number; readonly offset: number }[] = []
  readonly packed: number[] = []
  packedBytes = 0
  readonly launches = new Map<number, Launch>()
  private readonly engine: { readonly threads: number; readonly tile: Tile }
  private readonly source: Program
  private readonly kernels: readonly CompiledKernel[]
  private readonly tables = new Map<string, number>()
  private readonly flat: Flat[] = []
  /** The number of steps at which the last one is a phase that the next one may join: no jump leads between them. */
  private joinable = -1
  /** What the launches of the phase in work pack ahead, and where. */
  private packing: Packing = { tasks: [], places: new Map(), bytes: 0 }
  /** The words that hold an address in each moving buffer. */
  private readonly moved = new Map<number, { readonly word: number; readonly offset: number }[]>()

  constructor(
    engine: { readonly threads: number; readonly tile: Tile },
    source: Program,
    kernels: readonly CompiledKernel[],
  ) {
    this.engine = engine
    this.source = source
    this.kernels = kernels
  }

  /** Writes everything; returns the word number of the program record. */
  program(): number {
    this.walk(this.source.steps)
    const { flat } = this
    const launches = flat.map((step) => {
      const first = this.words.length
      if (step.kind === 'phase') for (const task of step.tasks) this.launch(task, step.shared)
      return first
    })
    const root = this.record(programRecord.bytes)
    this.words.set(root, flat.length)
    const stepAt = (i: number): number => root + (programRecord.bytes + i * stepRecord.bytes) / 4
    flat.forEach((step, i) => {
      const at = this.record(stepRecord.bytes)
      const put = (name: keyof typeof stepRecord, value: number): void => {
        this.words.set(at + stepRecord[name] / 4, value)
      }
      put('kind', stepKinds[step.kind])
      if (step.kind === 'phase') {
        const chunks = step.tasks.reduce((sum, task) => sum + Math.ceil(task.total / task.grain), 0)
        put('launches', step.tasks.length)
        this.pointer(at + stepRecord.first / 4, launches[i])
        put('chunks', step.shared ? chunks : 0)
        put('work', Math.min(1e9, Math.round(work(step.tasks))))
        return
      }
      this.pointer(at + stepRecord.target / 4, stepAt(step.target))
      if (step.kind === 'unless') this.address(at + stepRecord.subject / 4, step.flag, 0)
    })
    // Inner loops, which end first, come first: outer ones move words of theirs.
    flat.forEach((step, end) => {
      if (step.kind !== 'turn') return
      const { loop } = flat[step.enter] as Extract<Flat, { kind: 'enter' }>
      const record = this.loop(loop)
      for (const i of [step.enter, end]) this.pointer(stepAt(i) + stepRecord.subject / 4, record)
    })
    return root
  }

  /** Flattens steps into phases and jumps. */
  private walk(steps: readonly Step[]): void {
    const { flat } = this
    for (const step of steps) {
      if (step.kind === 'phase') this.phase(step.launches)
      else if (step.kind === 'branch') {
        const unless: Flat = { kind: 'unless', flag: step.flag, target: -1 }
        flat.push(unless)
        this.walk(step.whenTrue)
        const jump: Flat = { kind: 'jump', target: -1 }
        flat.push(jump)
        unless.target = flat.length
        this.walk(step.whenFalse)
        jump.target = flat.length
      } else {
        const enter: Flat = { kind: 'enter', loop: step, target: -1 }
        const at = flat.push(enter) - 1
        const unless: Flat | undefined = step.test && { kind: 'unless', flag: step.test.flag, target: -1 }
        this.walk(step.test?.steps ?? [])
        if (unless) flat.push(unless)
        this.walk(step.steps)
        flat.push({ kind: 'turn', enter: at, target: at + 1 })
        enter.target = flat.length
        if (unless) unless.target = flat.length
      }
      this.joinable = step.kind === 'phase' ? flat.length : -1
    }
  }

  /** A phase to write; neighbours that the calling thread runs alone are joined. */
  private phase(launches: readonly Launch[]): void {
    this.packing = { tasks: [], places: new Map(), bytes: 0 }
    const tasks = launches.flatMap((launch) => this.task(launch) ?? [])
    this.packedBytes = Math.max(this.packedBytes, this.packing.bytes)
    this.tasks(this.packing.tasks)
    this.tasks(tasks)
  }

  private tasks(tasks: Task[]): void {
    if (tasks.length === 0) return
    const shared =
      this.engine.threads > 1 &&
      tasks.some((task, i) => i > 0 || task.total > task.grain) &&
      tasks.every((task) => !task.callerOnly) &&
      work(tasks) >= worthSharing
    const last = this.flat.at(-1)
    if (last?.kind === 'phase' && this.joinable === this.flat.length && !shared && !last.shared)
      last.tasks.push(...tasks)
    else this.flat.push({ kind: 'phase', tasks, shared })
    this.joinable = this.flat.length
  }

  /** Writes the record of a loop and the words that its buffers move. */
  private loop({ turns, moving }: LoopStep): number {
    const moves = moving.flatMap((buffer) => {
      const place = this.source.buffers[buffer]
      if (place.kind !== 'moving') throw new TypeError(`loop: buffer ${buffer} does not move`)
      return (this.moved.get(buffer) ?? []).map((m) => ({ ...m, place }))
    })
    const first = this.words.length
    for (const { word, offset, place } of moves) {
      const at = this.record(moveRecord.bytes)
      this.pointer(at + moveRecord.word / 4, word)
      this.address(at + moveRecord.base / 4, place.buffer, place.first + offset)
      this.words.set(at + moveRecord.step / 4, place.step)
    }
    const end = this.words.length
    const at = this.record(loopRecord.bytes)
    this.words.set(at + loopRecord.turns / 4, turns)
    this.pointer(at + loopRecord.moves / 4, first)
    this.pointer(at + loopRecord.movesEnd / 4, end)
    return at
  }

  private launch(task: Task, shared: boolean): void {
    const at = this.record(launchRecord.bytes)
    this.launches.set(at, task.source)
    // Little work is one piece; much work stays in pieces even on one thread, for V8 replaces slow code between calls only.
    const grain = shared || task.nanoseconds >= worthSharing ? task.grain : task.total
    this.words.set(at + launchRecord.function / 4, task.function)
    this.pointer(at + launchRecord.args / 4, task.args)
    this.words.set(at + launchRecord.grain / 4, grain)
    this.words.set(at + launchRecord.total / 4, task.total)
    this.words.set(at + launchRecord.chunks / 4, Math.ceil(task.total / grain))
  }

  private task(launch: Launch): Task | undefined {
    if (launch.kind === 'loop') return this.loopTask(launch)
    return launch.kind === 'contract' ? this.contractTask(launch) : this.routineTask(launch)
  }

  private loopTask(launch: LoopLaunch): Task | undefined {
    if (launch.total === 0) return undefined
    const compiled = this.kernels[launch.kernel]
    if (compiled.kind !== 'loop') throw new TypeError(`launch: kernel ${launch.kernel} is no loop kernel`)
    const layout = loopLayout(compiled.kernel)
    const args = this.args(layout.words, compiled.loop.native)
    const put = (words: readonly number[], values: readonly number[], scale: number): void => {
      for (const [i, word] of words.entries()) if (word >= 0) this.words.set(args + word, values[i] * scale)
    }
    put(layout.extents, launch.extents, 1)
    for (const [i, access] of layout.accesses.entries()) {
      const given = launch.accesses[i]
      const size = dtypes[compiled.kernel.accesses[i].dtype].bytes
      this.address(args + access.address, given.buffer, given.offset * size)
      put(access.strides, given.strides, size)
      put(access.low, given.low, 1)
      put(access.high, given.high, 1)
      put([access.indirectStride], [given.indirectStride], size)
      put([access.indirectExtent], [given.indirectExtent], 1)
    }
    return {
      function: compiled.loop.index,
      args,
      grain: Math.min(Math.max(1, launch.grain), launch.total),
      total: launch.total,
      nanoseconds: loopCost(compiled.loop.cost, launch),
      callerOnly: compiled.loop.callerOnly,
      source: launch,
    }
  }

  private routineTask(launch: RoutineLaunch): Task {
    const compiled = this.kernels[launch.kernel]
    if (compiled.kind !== 'routine') throw new TypeError(`launch: kernel ${launch.kernel} is no routine`)
    const args = this.record(4)
    this.words.set(args + routineArgs.number, compiled.number)
    for (const { buffer, shape } of launch.arguments) {
      const at = this.record(4 * (2 + shape.length))
      this.address(at, buffer, 0)
      this.words.set(at + 1, shape.length)
      shape.forEach((extent, axis) => {
        this.words.set(at + 2 + axis, extent)
      })
    }
    const elements = sizeOf(launch.arguments[launch.arguments.length - 1].shape)
    return {
      function: compiled.index,
      args,
      grain: 1,
      total: 1,
      nanoseconds: elements * routineCost,
      callerOnly: true,
      source: launch,
    }
  }

  private contractTask(launch: ContractLaunch): Task | undefined {
    const { batch, m, n, k } = launch
    if (batch * m * n === 0) return undefined
    const kernel = this.source.kernels[launch.kernel]
    const compiled = this.kernels[launch.kernel]
    if (kernel.kind === 'contract' && compiled.kind === 'native contract') {
      return this.nativeContractTask(launch, kernel, compiled)
    }
    if (kernel.kind !== 'contract' || compiled.kind !== 'contract') {
      throw new TypeError(`launch: kernel ${launch.kernel} is no contract kernel`)
    }
    const { tile } = this.engine
    const leftRow = tile.spread ? 0 : this.leftInPlace(kernel, launch)
    const rightStep = m < fewRows ? this.rightInPlace(kernel, launch) : 0
    const { blocking, ahead } = contractPlan(
      {
        batch,
        m,
        n,
        k,
        packLeft: leftRow === 0 ? compiled.left.cost : 0,
        packRight: rightStep === 0 ? compiled.right.cost : 0,
        epilogue: compiled.epilogue.cost,
      },
      tile,
    )
    const { mc, nc, kc, mBlocks, nBlocks } = blocking
    const { rightAt, tileAt } = scratchLayout(mc, nc, kc)
    const args = this.record(contractRecord.bytes)
    const put = (values: { readonly [F in keyof typeof contractRecord]?: number }): void => {
      for (const [name, value] of Object.entries(values)) {
        this.words.set(args + contractRecord[name as keyof typeof contractRecord] / 4, value)
      }
    }
    put({ m, n, k, mc, nc, kc, mBlocks, nBlocks, leftRow, rightStep, rightAt, tileAt })
    put({ packLeft: compiled.left.index, packRight: compiled.right.index, epilogue: compiled.epilogue.index })
    const operands = [
      [contractRecord.leftArgs, launch.left, kernel.left],
      [contractRecord.rightArgs, launch.right, kernel.right],
      [contractRecord.epilogueArgs, launch.epilogue, kernel.epilogue],
    ] as const
    const [left, right] = operands.map(([at, given, { accesses }]) => {
      const written = this.operand(given, accesses)
      this.pointer(args + at / 4, written)
      return written
    })
    if (ahead.left) {
      const panels = { operand: compiled.left, args: left, given: launch.left, extent: m, width: tile.rows }
      this.packAhead(args, 'left', panels, launch, kc)
    }
    if (ahead.right) {
      const panels = { operand: compiled.right, args: right, given: launch.right, extent: n, width: tile.columns }
      this.packAhead(args, 'right', panels, launch, kc)
    }
    return {
      function: contractDriverIndex,
      args,
      grain: Math.min(blocking.grain, blocking.blocks),
      total: blocking.blocks,
      nanoseconds: blocking.nanoseconds,
      callerOnly: compiled.left.callerOnly || compiled.right.callerOnly || compiled.epilogue.callerOnly,
      source: launch,
    }
  }

  /** Has an operand packed before the phase in work, and tells the contract driver where, in its record at `driver`. */
  private packAhead(driver: number, side: 'left' | 'right', panels: Panels, launch: ContractLaunch, kc: number): void {
    const { operand, args, given, extent, width } = panels
    const { k } = launch
    const padded = roundUp(extent, width)
    const isShared = given.every(({ batch }) => this.source.tables[batch].every((x) => x === 0))
    const batch = isShared ? 1 : launch.batch
    const key = JSON.stringify([operand.index, given, extent, k, kc, batch])
    const place = this.packing.places.get(key) ?? this.packing.bytes
    const put = (at: number, record: { readonly [name: string]: number }, name: string, value: number): void => {
      this.words.set(at + record[name] / 4, value)
    }
    put(driver, contractRecord, `${side}Ahead`, place)
    this.packed.push(driver + contractRecord[`${side}Ahead`] / 4)
    put(driver, contractRecord, `${side}Padded`, padded)
    put(driver, contractRecord, `${side}Batch`, isShared ? 0 : k)
    if (this.packing.places.has(key)) return
    this.packing.places.set(key, place)
    this.packing.bytes = place + roundUp(4 * batch * padded * k, 64)

    const unit = width * panelsOfUnit
    const [runs, units] = [Math.ceil(k / kc), Math.ceil(extent / unit)]
    const at = this.record(packRecord.bytes)
    const values = { extent, padded, k, kc, runs, units, unit, pack: operand.index, destination: place }
    for (const [name, value] of Object.entries(values)) put(at, packRecord, name, value)
    this.pointer(at + packRecord.operandArgs / 4, args)
    this.packed.push(at + packRecord.destination / 4)
    const total = batch * runs * units
    const nanoseconds = batch * extent * k * operand.cost
    this.packing.tasks.push({
      function: packDriverIndex,
      args: at,
      grain: Math.max(1, Math.ceil(total * Math.min(1, packingChunk / nanoseconds))),
      total,
      nanoseconds,
      callerOnly: operand.callerOnly,
      source: launch,
    })
  }

  private nativeContractTask(launch: ContractLaunch, kernel: ContractKernel, compiled: NativeContract): Task {
    const { batch, m, n, k } = launch
    const rightStep = m < fewRows ? this.rightInPlace(kernel, launch) : 0
    const { words, blocks, grain, nanoseconds } = compiled.plan({ batch, m, n, k, rightStep })
    const args = this.args(words.length + 3, compiled.native)
    words.forEach((word, i) => {
      this.words.set(args + i, word)
    })
    const parts = [
      [launch.left, kernel.left],
      [launch.right, kernel.right],
      [launch.epilogue, kernel.epilogue],
    ] as const
    for (const [i, [given, { accesses }]] of parts.entries()) {
      this.pointer(args + words.length + i, this.operand(given, accesses))
    }
    return {
      function: compiled.index,
      args,
      grain: Math.min(grain, blocks),
      total: blocks,
      nanoseconds,
      callerOnly: false,
      source: launch,
    }
  }

  /** Writes the args block of an operand or epilogue. */
  private operand(given: readonly TableArguments[], accesses: Operand['accesses']): number {
    const tables = given.map((g, i) => {
      const { bytes } = dtypes[accesses[i].dtype]
      return [this.table(g.batch, bytes), this.table(g.outer, bytes), this.table(g.inner, bytes)] as const
    })
    const at = this.record(4 * tableAccess.words * given.length)
    given.forEach((g, i) => {
      const access = at + i * tableAccess.words
      const [batch, outer, inner] = tables[i]
      this.address(access + tableAccess.address, g.buffer, g.offset * dtypes[accesses[i].dtype].bytes)
      this.pointer(access + tableAccess.batch, batch)
      this.pointer(access + tableAccess.outer, outer)
      this.pointer(access + tableAccess.inner, inner)
    })
    return at
  }

  /** Writes a table in bytes, once for each element size. */
  private table(index: number, size: number): number {
    const key = `${index}*${size}`
    const known = this.tables.get(key)
    if (known !== undefined) return known
    const entries = this.source.tables[index]
    const at = this.words.add(entries.length)
    const words = this.words.view()
    for (let i = 0; i < entries.length; i++) words[at + i] = entries[i] * size
    this.tables.set(key, at)
    return at
  }

  /** Bytes from row to row of a left operand that needs no packing: a plain matrix whose k are neighbours; else 0. */
  private leftInPlace(kernel: ContractKernel, { left }: ContractLaunch): number {
    if (!isPlain(kernel.left)) return 0
    const { tables } = this.source
    return affineStep(tables[left[0].inner]) === 1 ? 4 * affineStep(tables[left[0].outer]) : 0
  }

  /** Bytes from k to k of a right operand whose columns are neighbours; else 0. */
  private rightInPlace(kernel: ContractKernel, { right }: ContractLaunch): number {
    if (!isPlain(kernel.right)) return 0
    const { tables } = this.source
    return affineStep(tables[right[0].outer]) === 1 ? 4 * affineStep(tables[right[0].inner]) : 0
  }

  /** An args block, with the number of its machine code before it. */
  private args(words: number, native: number | undefined): number {
    if (native === undefined) return this.record(4 * words)
    const args = this.record(4 * (words + 1)) - nativeKernelWord
    this.words.set(args + nativeKernelWord, native)
    return args
  }
  private record(bytes: number): number {
    return this.words.add(bytes / 4)
  }
  private pointer(word: number, target: number): void {
    this.words.set(word, 4 * target)
    this.pointers.push(word)
  }
  private address(word: number, buffer: number, offset: number): void {
    if (buffer < 0 || buffer >= this.source.buffers.length) throw new RangeError(`launch: there is no buffer ${buffer}`)
    if (this.source.buffers[buffer].kind !== 'moving') {
      this.addresses.push({ word, buffer, offset })
      return
    }
    const moved = this.moved.get(buffer) ?? []
    moved.push({ word, offset })
    this.moved.set(buffer, moved)
  }
}

/** Nanoseconds that the tasks take, roughly. */
function work(tasks: readonly Task[]): number {
  return tasks.reduce((sum, task) => sum + task.nanoseconds, 0)
}

/** Whether the operand is the elements of one float32 buffer as they are. */
function isPlain({ value, accesses }: Operand): boolean {
  return value.op === 'load' && accesses.length === 1 && accesses[0].dtype === 'float32'
}

/** The distance between neighbouring entries if it is the same everywhere, else 0; 0 too for fewer than two entries. */
function affineStep(table: Int32Array): number {
  if (table.length < 2) return 0
  const step = table[1] - table[0]
  for (let i = 2; i < table.length; i++) if (table[i] - table[i - 1] !== step) return 0
  return step
}
