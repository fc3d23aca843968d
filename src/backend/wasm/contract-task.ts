// Launches of products as tasks: how a product is cut into blocks, which operands are packed ahead, and the args blocks of both drivers.

import { dtypes } from '../../graph/dtype.ts'
import type { ContractKernel, ContractLaunch, Operand, TableArguments } from '../../kernel/contract.ts'
import type { LoopStep } from '../../kernel/program.ts'
import { isStill, stepOf } from '../../kernel/table.ts'
import { type Ahead, contractPlan, keptOf, nothingAhead, roundUp, scratchLayout } from './blocking.ts'
import { contractDriverIndex, packDriverIndex } from './engine-module.ts'
import type { ImageWords } from './image-words.ts'
import type { Compiled, CompiledKernel, NativeContract, NativePlan, NativeShape } from './kernels.ts'
import { tableAccess } from './layout.ts'
import { loopConstants } from './loop-constants.ts'
import type { Tile } from './micro-kernel.ts'
import { contractRecord, packRecord } from './records.ts'
import type { Task } from './tasks.ts'

/**
 * Operands that are packed ahead, by what is read and how: by the launches of one phase, where the next phase uses their memory again, or
 * by those of a loop, for all of its turns.
 */
class Packing {
  readonly tasks: Task[] = []
  readonly places = new Map<string, number>()
  /** The words that hold a place in this memory, and the first byte that is free. */
  readonly words: number[]
  bytes: number

  constructor(words: number[], bytes = 0) {
    this.words = words
    this.bytes = bytes
  }
}

/** An operand to pack ahead: outer elements, `width` a panel, and runs of `kc` of k; the function that does it, and the nanoseconds of an element. */
interface Panels {
  readonly pack: number
  readonly cost: number
  readonly callerOnly: boolean
  readonly args: number
  readonly given: readonly TableArguments[]
  readonly extent: number
  readonly width: number
  readonly k: number
  readonly kc: number
}

/** The kernel that packs operands ahead: a function of the table, and the number of its code if that is machine code. */
interface PackingKernel {
  readonly function: number
  readonly native?: number
}

/** Words of a product's args block that say where an operand was packed ahead. */
interface AheadWords {
  readonly address: number
  readonly padded: number
  readonly batch: number
}

/** Panels that are packed together, and the nanoseconds of packing that make a chunk. */
const panelsOfUnit = 8
const packingChunk = 15_000

/** With fewer rows the right operand is not packed: an element would be used too seldom to be worth it. */
const fewRows = 8

export class ContractTasks {
  private readonly image: ImageWords
  private readonly tile: Tile
  private readonly kernels: readonly CompiledKernel[]
  private readonly tables = new Map<string, number>()
  /** How products are cut into blocks, by kernel and shape: layers of a network are often alike. */
  private readonly plans = new Map<string, ReturnType<typeof contractPlan>>()
  private readonly nativePlans = new Map<string, NativePlan>()
  /** What the launches of the phase in work pack ahead, and what those of the loop in work do. */
  private packing: Packing
  private kept: Packing | undefined
  private constant: (launch: ContractLaunch) => Ahead = () => nothingAhead
  /** Bytes that packing ahead takes in any phase, and in any loop: these lie behind those. */
  private phaseBytes = 0
  private loopBytes = 0
  private readonly loopWords: number[] = []

  constructor(image: ImageWords, tile: Tile, kernels: readonly CompiledKernel[]) {
    this.image = image
    this.tile = tile
    this.kernels = kernels
    this.packing = new Packing(image.packed)
  }

  /** The tasks that pack for the products since the last call; they run before those, in a phase of their own. */
  takePacking(): Task[] {
    const { tasks, bytes } = this.packing
    this.phaseBytes = Math.max(this.phaseBytes, bytes)
    this.packing = new Packing(this.image.packed)
    return tasks
  }

  /** The tasks that pack what stays the same in all turns of a loop, whose launches `visit` makes tasks of; they run before the loop. */
  inLoop(loop: LoopStep, visit: () => void): Task[] {
    const { kept: outer, constant } = this
    const kept = new Packing(this.loopWords, outer?.bytes)
    this.kept = kept
    this.constant = loop.turns > 1 ? loopConstants(loop, this.image.source) : () => nothingAhead
    visit()
    this.loopBytes = Math.max(this.loopBytes, kept.bytes)
    // A loop in a loop runs again while the outer one's panels are in use.
    if (outer) outer.bytes = kept.bytes
    this.kept = outer
    this.constant = constant
    return kept.tasks
  }

  /** Puts what loops pack behind what phases do; gives the bytes of both. */
  placePacked(): number {
    for (const word of this.loopWords) {
      this.image.set(word, this.image.get(word) + this.phaseBytes)
      this.image.packed.push(word)
    }
    return this.phaseBytes + this.loopBytes
  }

  task(launch: ContractLaunch): Task | undefined {
    const { batch, m, n, k } = launch
    if (batch * m * n === 0) return undefined
    const kernel = this.image.source.kernels[launch.kernel]
    const compiled = this.kernels[launch.kernel]
    if (kernel.kind === 'contract' && compiled.kind === 'native contract') {
      return this.nativeTask(launch, kernel, compiled)
    }
    if (kernel.kind !== 'contract' || compiled.kind !== 'contract' || launch.padding) {
      throw new TypeError(`launch: kernel ${launch.kernel} is no contract kernel`)
    }
    const { tile } = this
    const leftRow = tile.spread ? 0 : this.leftInPlace(kernel, launch)
    const rightStep = m < fewRows ? this.rightInPlace(kernel, launch) : 0
    const packLeft = leftRow === 0 ? compiled.left.cost : 0
    const packRight = rightStep === 0 ? compiled.right.cost : 0
    const shape = { batch, m, n, k, packLeft, packRight, epilogue: compiled.epilogue.cost }
    const kept = keptOf(shape, this.constant(launch))
    const { blocking, ahead } = once(
      this.plans,
      [launch.kernel, batch, m, n, k, packLeft, packRight, +kept.left, +kept.right],
      () => contractPlan(shape, tile, kept),
    )
    const { mc, nc, kc, mBlocks, nBlocks } = blocking
    const { rightAt, tileAt } = scratchLayout(mc, nc, kc)
    const args = this.image.record(contractRecord.bytes)
    const put = (values: { readonly [F in keyof typeof contractRecord]?: number }): void => {
      for (const [name, value] of Object.entries(values)) {
        this.image.set(args + contractRecord[name as keyof typeof contractRecord] / 4, value)
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
      this.image.pointer(args + at / 4, written)
      return written
    })
    const driver = { function: packDriverIndex }
    const aheadWords = (side: 'left' | 'right'): AheadWords => ({
      address: args + contractRecord[`${side}Ahead`] / 4,
      padded: args + contractRecord[`${side}Padded`] / 4,
      batch: args + contractRecord[`${side}Batch`] / 4,
    })
    const panels = ({ index: pack, cost, callerOnly }: Compiled): Pick<Panels, 'pack' | 'cost' | 'callerOnly'> => ({
      pack,
      cost,
      callerOnly,
    })
    if (ahead.left) {
      const given = { ...panels(compiled.left), args: left, given: launch.left, extent: m, width: tile.rows, k, kc }
      this.packAhead(kept.left, driver, aheadWords('left'), given, launch)
    }
    if (ahead.right) {
      const given = {
        ...panels(compiled.right),
        args: right,
        given: launch.right,
        extent: n,
        width: tile.columns,
        k,
        kc,
      }
      this.packAhead(kept.right, driver, aheadWords('right'), given, launch)
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

  /** Has an operand packed before the phase in work, or before the loop if it stays the same in it, and tells its product where. */
  private packAhead(
    isConstant: boolean,
    driver: PackingKernel,
    words: AheadWords,
    panels: Panels,
    launch: ContractLaunch,
  ): void {
    const { pack, cost, callerOnly, args, given, extent, width, k, kc } = panels
    const padded = roundUp(extent, width)
    const isShared = given.every(({ batch }) => isStill(this.image.source.tables[batch]))
    const batch = isShared ? 1 : launch.batch
    const key = JSON.stringify([driver.function, pack, given, extent, k, kc, batch])
    const packing = (isConstant && this.kept) || this.packing
    const place = packing.places.get(key) ?? packing.bytes
    this.image.set(words.address, place)
    packing.words.push(words.address)
    this.image.set(words.padded, padded)
    this.image.set(words.batch, isShared ? 0 : k)
    if (packing.places.has(key)) return
    packing.places.set(key, place)
    packing.bytes = place + roundUp(4 * batch * padded * k, 64)

    const unit = width * panelsOfUnit
    const [runs, units] = [Math.ceil(k / kc), Math.ceil(extent / unit)]
    const at = this.image.args(packRecord.bytes / 4, driver.native)
    const values = { extent, padded, k, kc, runs, units, unit, pack, destination: place }
    for (const [name, value] of Object.entries(values)) {
      this.image.set(at + packRecord[name as keyof typeof values] / 4, value)
    }
    this.image.pointer(at + packRecord.operandArgs / 4, args)
    packing.words.push(at + packRecord.destination / 4)
    const total = batch * runs * units
    const nanoseconds = batch * extent * k * cost
    packing.tasks.push({
      function: driver.function,
      args: at,
      grain: Math.max(1, Math.ceil(total * Math.min(1, packingChunk / nanoseconds))),
      total,
      nanoseconds,
      callerOnly,
      source: launch,
      packs: given,
    })
  }

  private nativeTask(launch: ContractLaunch, kernel: ContractKernel, compiled: NativeContract): Task {
    const { batch, m, n, k, padding } = launch
    const [left, right] = (['left', 'right'] as const).map((side) =>
      isPlain(kernel[side]) ? launch[side][0] : undefined,
    )
    const constant = this.constant(launch)
    const { native, words, blocks, grain, nanoseconds, ahead, vectors } = once(
      this.nativePlans,
      [
        ...[launch.kernel, batch, m, n, k, +constant.left, +constant.right],
        ...[left, right].flatMap((given) => [given?.outer ?? -1, given?.inner ?? -1]),
        ...(padding ? [...padding.extents, ...padding.low, ...padding.high] : []),
      ],
      () => {
        const { tables } = this.image.source
        const of = (given: TableArguments | undefined): NativeShape['left'] =>
          given && { outer: tables[given.outer], inner: tables[given.inner] }
        return compiled.plan({ batch, m, n, k, left: of(left), right: of(right), padding, constant })
      },
    )
    const args = this.image.args(words.length + 3 + 6 + 1, native)
    words.forEach((word, i) => {
      this.image.set(args + i, word)
    })
    const parts = [
      [launch.left, kernel.left],
      [launch.right, kernel.right],
      [launch.epilogue, kernel.epilogue],
    ] as const
    const written = parts.map(([given, { accesses }], i) => {
      const at = this.operand(given, accesses)
      this.image.pointer(args + words.length + i, at)
      return at
    })
    if (vectors) this.image.pointer(args + words.length + 9, this.image.table(vectors, 4))
    for (const [i, side] of (['left', 'right'] as const).entries()) {
      const pack = ahead[side]
      if (!pack) continue
      const address = args + words.length + 3 + 3 * i
      const { cost, width, k, kc } = pack
      this.packAhead(
        constant[side],
        { function: compiled.index, native: compiled.packing() },
        { address, padded: address + 1, batch: address + 2 },
        {
          ...{ pack: pack.function, cost, width, k, kc },
          callerOnly: false,
          args: written[i],
          given: launch[side],
          extent: side === 'left' ? m : n,
        },
        launch,
      )
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
    const at = this.image.record(4 * tableAccess.words * given.length)
    given.forEach((g, i) => {
      const access = at + i * tableAccess.words
      const [batch, outer, inner] = tables[i]
      this.image.address(access + tableAccess.address, g.buffer, g.offset * dtypes[accesses[i].dtype].bytes)
      this.image.pointer(access + tableAccess.batch, batch)
      this.image.pointer(access + tableAccess.outer, outer)
      this.image.pointer(access + tableAccess.inner, inner)
    })
    return at
  }

  /** Writes a table in bytes, once for each element size. */
  private table(index: number, size: number): number {
    const key = `${index}*${size}`
    const known = this.tables.get(key)
    if (known !== undefined) return known
    const table = this.image.source.tables[index]
    const at = this.image.table(table, size)
    this.tables.set(key, at)
    return at
  }

  /** Bytes from row to row of a left operand that needs no packing: a plain matrix whose k are neighbours; else 0. */
  private leftInPlace(kernel: ContractKernel, { left }: ContractLaunch): number {
    if (!isPlain(kernel.left)) return 0
    const { tables } = this.image.source
    return stepOf(tables[left[0].inner]) === 1 ? 4 * (stepOf(tables[left[0].outer]) ?? 0) : 0
  }

  /** Bytes from k to k of a right operand whose columns are neighbours; else 0. */
  private rightInPlace(kernel: ContractKernel, { right }: ContractLaunch): number {
    if (!isPlain(kernel.right)) return 0
    const { tables } = this.image.source
    return stepOf(tables[right[0].outer]) === 1 ? 4 * (stepOf(tables[right[0].inner]) ?? 0) : 0
  }
}

function once<T>(known: Map<string, T>, parts: readonly number[], make: () => T): T {
  const key = parts.join()
  const value = known.get(key) ?? make()
  known.set(key, value)
  return value
}

/** Whether the operand is the elements of one float32 buffer as they are. */
function isPlain({ value, accesses }: Operand): boolean {
  return value.op === 'load' && accesses.length === 1 && accesses[0].dtype === 'float32'
}
