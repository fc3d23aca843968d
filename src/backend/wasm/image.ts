// A program as words: tables, args blocks, launches and phases, with pointers relative to the start of the image.

import type { Chaining, Launch, LoopStep, Phase, Program, Step } from '../../kernel/program.ts'
import { ContractTasks } from './contract-task.ts'
import { worthSharing } from './cost.ts'
import { ImageWords } from './image-words.ts'
import type { CompiledKernel } from './kernels.ts'
import { linkedTasks } from './link.ts'
import type { Tile } from './micro-kernel.ts'
import { launchRecord, loopRecord, moveRecord, programRecord, stepKinds, stepRecord } from './records.ts'
import { loopTask, routineTask, type Task } from './tasks.ts'

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
  readonly tables: ImageWords['tables']
  /** Whose launches the records at these words are. */
  readonly launches: ReadonlyMap<number, Task>
}

/** Lays a program out for an engine with the given threads and register tile. */
export function programImage(
  program: Program,
  kernels: readonly CompiledKernel[],
  engine: { readonly threads: number; readonly tile: Tile; readonly chaining: Chaining },
): ProgramImage {
  const writer = new Writer(engine, program, kernels)
  const root = writer.program()
  const packedBytes = writer.products.placePacked()
  return {
    words: writer.words.view(),
    root,
    pointers: writer.words.pointers,
    addresses: writer.words.addresses,
    packed: writer.words.packed,
    packedBytes,
    tables: writer.words.tables,
    launches: writer.launches,
  }
}

/** A step as it is written: numbers of steps instead of nesting. */
type Flat =
  | { readonly kind: 'phase'; readonly tasks: Task[]; readonly shared: boolean }
  | { readonly kind: 'enter'; readonly loop: LoopStep; target: number }
  | { readonly kind: 'turn'; readonly enter: number; readonly target: number }
  | { readonly kind: 'unless'; readonly flag: number; target: number }
  | { readonly kind: 'jump'; target: number }

class Writer {
  readonly words: ImageWords
  readonly products: ContractTasks
  readonly launches = new Map<number, Task>()
  private readonly threads: number
  private readonly chaining: Chaining
  private readonly source: Program
  private readonly kernels: readonly CompiledKernel[]
  private readonly flat: Flat[] = []
  /** The number of steps at which the last one is a phase that the next one may join: no jump leads between them. */
  private joinable = -1

  constructor(
    { threads, tile, chaining }: { readonly threads: number; readonly tile: Tile; readonly chaining: Chaining },
    source: Program,
    kernels: readonly CompiledKernel[],
  ) {
    this.words = new ImageWords(source)
    this.products = new ContractTasks(this.words, tile, kernels)
    this.threads = threads
    this.chaining = chaining
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
    const root = this.words.record(programRecord.bytes)
    this.words.set(root, flat.length)
    const stepAt = (i: number): number => root + (programRecord.bytes + i * stepRecord.bytes) / 4
    flat.forEach((step, i) => {
      const at = this.words.record(stepRecord.bytes)
      const put = (name: keyof typeof stepRecord, value: number): void => {
        this.words.set(at + stepRecord[name] / 4, value)
      }
      put('kind', stepKinds[step.kind])
      if (step.kind === 'phase') {
        const chunks = step.tasks.reduce(
          (sum, task) => sum + (task.follows ? 0 : Math.ceil(task.total / task.grain)),
          0,
        )
        put('launches', step.tasks.length)
        this.words.pointer(at + stepRecord.first / 4, launches[i])
        put('chunks', step.shared ? chunks : 0)
        put('work', Math.min(1e9, Math.round(work(step.tasks))))
        return
      }
      this.words.pointer(at + stepRecord.target / 4, stepAt(step.target))
      if (step.kind === 'unless') this.words.address(at + stepRecord.subject / 4, step.flag, 0)
    })
    // Inner loops, which end first, come first: outer ones move words of theirs.
    flat.forEach((step, end) => {
      if (step.kind !== 'turn') return
      const { loop } = flat[step.enter] as Extract<Flat, { kind: 'enter' }>
      const record = this.loop(loop)
      for (const i of [step.enter, end]) this.words.pointer(stepAt(i) + stepRecord.subject / 4, record)
    })
    return root
  }

  /** Flattens steps into phases and jumps. */
  private walk(steps: readonly Step[]): void {
    const { flat } = this
    for (const step of steps) {
      if (step.kind === 'phase') this.phase(step)
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
        const before = flat.push({ kind: 'jump', target: flat.length + 1 }) - 1
        const enter: Flat = { kind: 'enter', loop: step, target: -1 }
        const at = flat.push(enter) - 1
        const unless: Flat | undefined = step.test && { kind: 'unless', flag: step.test.flag, target: -1 }
        const tasks = this.products.inLoop(step, () => {
          this.walk(step.test?.steps ?? [])
          if (unless) flat.push(unless)
          this.walk(step.steps)
        })
        if (tasks.length > 0) flat[before] = { kind: 'phase', tasks, shared: this.isShared(tasks) }
        flat.push({ kind: 'turn', enter: at, target: at + 1 })
        enter.target = flat.length
        if (unless) unless.target = flat.length
      }
      this.joinable = step.kind === 'phase' ? flat.length : -1
    }
  }

  /** A phase to write; neighbours that the calling thread runs alone are joined. Chains that can't run piece by piece are phases one after the other. */
  private phase({ launches, chains = [] }: Phase): void {
    const tasks: (Task | undefined)[] = launches.map((launch) => this.task(launch))
    const packing = this.products.takePacking()
    const apart = new Map<Launch, number>()
    for (const { first, length, pieces } of chains) {
      const members = tasks.slice(first, first + length)
      const linked = linkedTasks(
        members,
        packing,
        { pieces, threads: this.threads, claim: this.chaining.claim },
        this.source,
      )
      if (linked) tasks.splice(first, length, ...linked)
      else for (let i = 1; i < length; i++) apart.set(launches[first + i], i)
    }
    const turns = Math.max(0, ...apart.values())
    for (let turn = 0; turn <= turns; turn++) {
      const isNow = (task: Task | undefined): task is Task =>
        task !== undefined && (apart.get(task.source) ?? 0) === turn
      this.tasks(packing.filter(isNow))
      this.tasks(tasks.filter(isNow))
    }
  }

  private tasks(tasks: Task[]): void {
    if (tasks.length === 0) return
    const shared = this.isShared(tasks)
    const last = this.flat.at(-1)
    if (last?.kind === 'phase' && this.joinable === this.flat.length && !shared && !last.shared)
      last.tasks.push(...tasks)
    else this.flat.push({ kind: 'phase', tasks, shared })
    this.joinable = this.flat.length
  }

  private isShared(tasks: readonly Task[]): boolean {
    return (
      this.threads > 1 &&
      tasks.some((task, i) => (i > 0 && !task.follows) || task.total > task.grain) &&
      tasks.every((task) => !task.callerOnly) &&
      work(tasks) >= worthSharing
    )
  }

  /** Writes the record of a loop and the words that its buffers move. */
  private loop({ turns, moving }: LoopStep): number {
    const moves = moving.flatMap((buffer) => {
      const place = this.source.buffers[buffer]
      if (place.kind !== 'moving') throw new TypeError(`loop: buffer ${buffer} does not move`)
      return (this.words.moved.get(buffer) ?? []).map((m) => ({ ...m, place }))
    })
    const first = this.words.length
    for (const { word, offset, place } of moves) {
      const at = this.words.record(moveRecord.bytes)
      this.words.pointer(at + moveRecord.word / 4, word)
      this.words.address(at + moveRecord.base / 4, place.buffer, place.first + offset)
      this.words.set(at + moveRecord.step / 4, place.step)
    }
    const end = this.words.length
    const at = this.words.record(loopRecord.bytes)
    this.words.set(at + loopRecord.turns / 4, turns)
    this.words.pointer(at + loopRecord.moves / 4, first)
    this.words.pointer(at + loopRecord.movesEnd / 4, end)
    return at
  }

  private launch(task: Task, shared: boolean): void {
    const at = this.words.record(launchRecord.bytes)
    this.launches.set(at, task)
    // Little work is one piece; much work stays in pieces even on one thread, for V8 replaces slow code between calls only.
    const isLinked = task.follows || task.followed
    const grain = isLinked || shared || task.nanoseconds >= worthSharing ? task.grain : task.total
    this.words.set(at + launchRecord.function / 4, task.function)
    this.words.pointer(at + launchRecord.args / 4, task.args)
    this.words.set(at + launchRecord.grain / 4, grain)
    this.words.set(at + launchRecord.total / 4, task.total)
    this.words.set(at + launchRecord.chunks / 4, task.follows ? 0 : Math.ceil(task.total / grain))
    this.words.set(at + launchRecord.followed / 4, Number(task.followed ?? false))
  }

  private task(launch: Launch): Task | undefined {
    if (launch.kind === 'contract') return this.products.task(launch)
    const compiled = this.kernels[launch.kernel]
    return launch.kind === 'loop' ? loopTask(this.words, compiled, launch) : routineTask(this.words, compiled, launch)
  }
}

/** Nanoseconds that the tasks take, roughly. */
function work(tasks: readonly Task[]): number {
  return tasks.reduce((sum, task) => sum + task.nanoseconds, 0)
}
