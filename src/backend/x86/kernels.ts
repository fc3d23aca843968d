// Which kernels become machine code, found again by their structure; all others stay with WebAssembly.

import { dtypes } from '../../graph/dtype.ts'
import type { ContractKernel, ContractLaunch, Operand, Padding, SeesPadding } from '../../kernel/contract.ts'
import { epilogueKey, loopKey, operandKey } from '../../kernel/key.ts'
import type { LoopKernel, LoopLaunch } from '../../kernel/loop.ts'
import { type Kernel, type Launch, launchesOf, type Program } from '../../kernel/program.ts'
import { isRun, lengthOf, stepOf, type Table } from '../../kernel/table.ts'
import type { Expr } from '../../scalar/expr.ts'
import { expressionCost, iterationCost, loopCost } from '../wasm/cost.ts'
import type { Engine } from '../wasm/engine.ts'
import type { Compiled, CompiledKernel, KernelCache, NativeContract, NativePlan } from '../wasm/kernels.ts'
import type { Assembler, Label } from './assembler.ts'
import { nativePlan, nativeScratch, rowsOf } from './blocking.ts'
import type { CodeMemory } from './code-memory.ts'
import { type ContractWord, contractWords, emitContract, emitPackAhead, isNativeContract } from './contract.ts'
import { emitEpilogue } from './epilogue.ts'
import type { CpuFeatures } from './features.ts'
import { type InPlace, inPlaceOf, leftInPlace } from './in-place.ts'
import { emitNativeLoop, type NativeLoop, nativeLoop } from './loop.ts'
import { emitMicroKernel, type LeftSource } from './micro-kernel.ts'
import { emitPack } from './pack.ts'
import { streams } from './streaming.ts'
import type { Standing } from './tables.ts'
import type { Alternate, VectorTarget } from './target.ts'
import {
  type GradientsPlan,
  gradientsPlan,
  type ImagesPlan,
  imagesPlan,
  products,
  slopesOf,
  type Tables,
  windowsOf,
} from './winograd.ts'
import { emitFilterGradients, emitImages } from './winograd-drivers.ts'
import { type WinogradWord, winogradWords } from './winograd-function.ts'
import { emitElements, emitFilters, emitSlopes, emitSums, emitTurned, emitWeights } from './winograd-turns.ts'

/** Nanoseconds of work from which a call of machine code, about 100 from WebAssembly through JavaScript, pays. */
const usuallyWorth = 1000

/** Nanoseconds to move an element into a panel: runs of memory along its rows, or across them. */
const packCost = { outer: 0.15, inner: 0.25 }

/** Nanoseconds to turn around a sixteenth of the elements of a filter. */
const filtersCost = 0.5

export class NativeKernels {
  private readonly engine: Engine
  private readonly code: CodeMemory
  private readonly rest: KernelCache
  private readonly worthCalling: number
  private readonly cache: CpuFeatures['cache']
  private readonly target: VectorTarget
  private readonly winograd: boolean
  private readonly known = new Map<string, Compiled>()
  /** Functions that products consist of. */
  private readonly parts = new Map<string, number>()

  constructor(
    engine: Engine,
    code: CodeMemory,
    rest: KernelCache,
    cache: CpuFeatures['cache'],
    {
      worthCalling = usuallyWorth,
      winograd = true,
    }: { readonly worthCalling?: number; readonly winograd?: boolean } = {},
  ) {
    this.engine = engine
    this.code = code
    this.target = code.target
    this.rest = rest
    this.cache = cache
    this.worthCalling = worthCalling
    this.winograd = winograd && code.target.alternate !== undefined
  }

  compile(program: Program): CompiledKernel[] {
    const launches = launchesByKernel(program)
    const native = program.kernels.map((kernel, i) => this.native(kernel, launches.get(i) ?? [], program))
    const others = program.kernels.filter((_, i) => native[i] === undefined)
    const compiled = this.rest.compile(others)
    return native.map((found) => found ?? (compiled.shift() as CompiledKernel))
  }

  /** What was compiled, and the parts that its launches asked for, can be called from now on. */
  publish(): void {
    this.code.publish()
  }

  private native(kernel: Kernel, launches: readonly Launch[], program: Program): CompiledKernel | undefined {
    if (kernel.kind === 'loop') {
      const made = nativeLoop(kernel, this.target)
      if (!made) return undefined
      const loops = launches.filter((launch) => launch.kind === 'loop')
      // Half as many lanes take twice as long
      const cost = iterationCost(made.kernel) * (this.target.lanes / made.vectors.lanes)
      if (!loops.some((launch) => loopCost(cost, launch) >= this.worthCalling)) return undefined
      if (loops.some((launch) => reachesFar(kernel, launch))) return undefined
      const isStreaming = loops.every((launch) => streams(kernel, launch, program.buffers))
      return { kind: 'loop', kernel, loop: this.loop(kernel, made, cost, isStreaming) }
    }
    if (kernel.kind !== 'contract' || !isNativeContract(kernel)) return undefined
    const products = launches.filter((launch) => launch.kind === 'contract')
    return this.contract(kernel, standingOf(kernel, products, program.tables))
  }

  private contract(kernel: ContractKernel, standing: ContractStanding): NativeContract {
    const cost = (roots: readonly Expr[]): number => this.target.price.relative * expressionCost(roots, true)
    const [left, right] = [kernel.left, kernel.right].map((o) => cost([o.value]) + packCost[o.lane])
    const epilogueCost = cost(kernel.epilogue.stores.map((s) => s.value)) + 0.1
    const streams = standing.epilogue.filter(({ inner }) => !inner).length
    const { columns } = this.target.tile
    const packLeft = (width: number): number => this.pack(kernel.left, width, standing.left)
    const packRight = (): number => this.pack(kernel.right, columns, standing.right)
    const epilogue = (): number =>
      this.part(`epilogue ${epilogueKey(kernel.epilogue)} ${JSON.stringify(standing.epilogue)}`, (a) =>
        emitEpilogue(a, this.target, kernel.epilogue, standing.epilogue),
      )
    return {
      kind: 'native contract',
      index: this.engine.nativeFunction(),
      plan: ({ left: leftTables, right: rightTables, padding, constant, ...shape }) => {
        if (padding && leftTables && rightTables) {
          const operands = { left: leftTables, right: rightTables, padding }
          const seeing = this.winogradPlan(shape, operands, { code: epilogue, cost: epilogueCost })
          if (!seeing) throw new Error('x86: a convolution does not see the padding that it was asked about')
          return seeing.make()
        }
        const place = rightTables && inPlaceOf(rightTables.outer, rightTables.inner, this.target.lanes)
        const strides = leftTables && !constant.left && leftInPlace(leftTables, shape.n, this.target)
        const costs = { packLeft: strides ? 0 : left, packRight: right, epilogue: epilogueCost, streams }
        const plan = nativePlan({ ...shape, ...costs }, place, this.cache, this.target, constant)
        const { blocking, ahead, tileRows, inPlace } = plan
        const { blocks, grain, nanoseconds, mc, nc, kc } = blocking
        if (this.winograd && leftTables && rightTables) {
          const operands = { left: leftTables, right: rightTables }
          const turned = this.winogradPlan(shape, operands, { code: epilogue, cost: epilogueCost })
          if (turned && turned.nanoseconds < nanoseconds) return turned.make()
        }
        const known: { readonly [N in ContractWord]?: number } = {
          ...this.microKernels(tileRows, shape, inPlace, strides ? 'place' : 'panel'),
          ...shape,
          ...blocking,
          ...nativeScratch(mc, nc, kc, inPlace, this.target),
          tileRows,
          leftRow: strides ? strides.row : 0,
          leftStep: strides ? strides.step : 0,
          piece: inPlace?.columns ?? 0,
          pieceVectors: inPlace?.vectors ?? 0,
          run: inPlace?.run ?? 0,
          gap: inPlace?.gap ?? 0,
          packLeft: strides ? 0 : packLeft(tileRows),
          packRight: inPlace ? 0 : packRight(),
          epilogue: epilogue(),
        }
        const words = contractWords.flatMap((name) => known[name] ?? [])
        const { k } = shape
        const vectors = inPlace?.table
        const packs = {
          left: ahead.left ? { function: packLeft(tileRows), cost: left, width: tileRows, k, kc } : undefined,
          right: ahead.right ? { function: packRight(), cost: right, width: columns, k, kc } : undefined,
        }
        return { native: this.driver(), words, blocks, grain, nanoseconds, ahead: packs, vectors }
      },
      packing: () => this.part('pack ahead', (a) => emitPackAhead(a, this.target, this.code.addressOf(0))),
    }
  }

  /** Winograd's way reads only what is there; its time is held against that of all multiplications and of the copy that is not made. */
  readonly seesPadding: SeesPadding = (product) => {
    const plan = this.winograd ? this.winogradPlan(product, product, { code: () => 0, cost: 0.2 }) : undefined
    const { batch, m, n, right } = product
    const multiplications = batch * m * n * lengthOf(right.inner)
    return plan !== undefined && plan.nanoseconds < multiplications * this.target.price.multiplyAdd
  }

  /** How a product is taken by Winograd's way, where it is a convolution for which there is one. */
  private winogradPlan(
    shape: { readonly batch: number; readonly m: number; readonly n: number },
    { left, right, padding }: { readonly left: Tables; readonly right: Tables; readonly padding?: Padding },
    epilogue: { readonly code: () => number; readonly cost: number },
  ): { readonly nanoseconds: number; readonly make: () => NativePlan } | undefined {
    const { cache, target } = this
    const { batch, m } = shape
    const images = batch === 1 ? windowsOf(right.outer, right.inner, padding) : undefined
    const plan = images && imagesPlan(images, m, epilogue.cost, cache, target)
    if (plan) return { nanoseconds: plan.nanoseconds, make: () => this.images(plan, m, epilogue.code(), padding) }
    const windows = windowsOf(right.inner, right.outer, padding)
    const slopes = windows && slopesOf(left, windows)
    const gradients = slopes && gradientsPlan(windows, slopes, shape, cache, target)
    if (!gradients) return undefined
    return {
      nanoseconds: gradients.nanoseconds,
      make: () => this.gradients(gradients, shape, epilogue.code(), padding),
    }
  }

  private images(plan: ImagesPlan, m: number, epilogue: number, padding: Padding | undefined): NativePlan {
    const { target } = this
    const tileRows = rowsOf(m, target)
    const k = products * plan.channels
    const filters = this.part(`filters ${tileRows}`, (a) => emitFilters(a, target, tileRows))
    // The last block of an image may be of any width
    const tiles = this.microKernels(tileRows, { m, n: target.tile.columns + target.lanes }, undefined, 'panel')
    return {
      ...this.winogradOf(plan, { ...tiles, m, tileRows, sums: this.turning('sums', emitSums), epilogue }, padding),
      native: this.part('images', (a) => emitImages(a, target, this.code.addressOf(0))),
      blocks: plan.images * plan.units,
      ahead: { left: { function: filters, cost: filtersCost, width: tileRows, k, kc: k }, right: undefined },
    }
  }

  private gradients(
    plan: GradientsPlan,
    { batch, m, n }: { readonly batch: number; readonly m: number; readonly n: number },
    epilogue: number,
    padding: Padding | undefined,
  ): NativePlan {
    const { target } = this
    const tileRows = rowsOf(m, target)
    const parts = {
      ...this.microKernels(tileRows, { m, n: plan.channels }, undefined, 'place'),
      ...{ m, n, tileRows, epilogue },
      turned: this.part('turned', (a) => emitTurned(a, target)),
      slopes: this.turning('slopes', emitSlopes),
      weights: this.part('weights', (a) => emitWeights(a, target)),
    }
    return {
      ...this.winogradOf(plan, parts, padding),
      native: this.part('gradients', (a) => emitFilterGradients(a, target, this.code.addressOf(0))),
      blocks: batch,
      ahead: { left: undefined, right: undefined },
    }
  }

  private winogradOf(
    plan: ImagesPlan | GradientsPlan,
    parts: { readonly [N in WinogradWord]?: number },
    padding: Padding | undefined,
  ): Pick<NativePlan, 'words' | 'grain' | 'nanoseconds' | 'vectors'> {
    const known: { readonly [N in WinogradWord]?: number } = {
      ...plan,
      ...parts,
      elements: padding
        ? this.turning('elements of padded images', (a, target, alternate) => emitElements(a, target, alternate, true))
        : this.turning('elements', emitElements),
      ...(padding && {
        rowLow: padding.low[0],
        rowSpan: padding.high[0] - padding.low[0],
        columnLow: padding.low[1],
        columnSpan: padding.high[1] - padding.low[1],
      }),
    }
    const last = winogradWords.indexOf('leftArgs')
    const words = winogradWords.slice(0, last).map((name) => known[name] ?? 0)
    return { words, grain: 1, nanoseconds: plan.nanoseconds, vectors: undefined }
  }

  /** A function that reads or writes every second element. */
  private turning(name: string, emit: (a: Assembler, target: VectorTarget, alternate: Alternate) => Label): number {
    const { target } = this
    const { alternate } = target
    if (!alternate) throw new Error('x86: there are no vectors of every second element')
    return this.part(name, (a) => emit(a, target, alternate))
  }

  private pack(operand: Operand, width: number, standing: readonly Standing[]): number {
    return this.part(`pack ${width} ${operandKey(operand)} ${JSON.stringify(standing)}`, (a) =>
      emitPack(a, this.target, operand, width, standing),
    )
  }

  /** The function that all products share. */
  private driver(): number {
    return this.part('product', (a) => emitContract(a, this.target, this.code.addressOf(0)))
  }

  /** Those of the four micro-kernels that a product of m by n has tiles for. */
  private microKernels(
    tileRows: number,
    { m, n }: { readonly m: number; readonly n: number },
    inPlace: InPlace | undefined,
    left: LeftSource,
  ): { readonly [N in ContractWord]?: number } {
    const source = inPlace ? 'place' : 'panel'
    const micro = (rows: number, vectors: number, has: boolean): number =>
      has
        ? this.part(`tile ${rows} ${vectors} ${source} ${left}`, (a) =>
            emitMicroKernel(a, this.target, rows, vectors, source, left),
          )
        : 0
    const { tile, lanes } = this.target
    const rest = m % tileRows
    const [hasWide, hasNarrow] = inPlace
      ? [n > inPlace.columns || inPlace.vectors > 1, true]
      : [n > lanes, n % tile.columns > 0 && n % tile.columns <= lanes]
    return {
      wide: micro(tileRows, 2, m >= tileRows && hasWide),
      wideRest: micro(rest, 2, rest > 0 && hasWide),
      narrow: micro(tileRows, 1, m >= tileRows && hasNarrow),
      narrowRest: micro(rest, 1, rest > 0 && hasNarrow),
    }
  }

  /** A function found by its key, emitted when first asked for. */
  private part(key: string, emit: (a: Assembler) => Label): number {
    const known = this.parts.get(key)
    if (known !== undefined) return known
    const [made] = this.code.install((a) => [emit(a)])
    this.parts.set(key, made)
    return made
  }

  private loop(kernel: LoopKernel, made: NativeLoop, cost: number, isStreaming: boolean): Compiled {
    const key = `${isStreaming ? 'streaming ' : ''}${loopKey(kernel)}`
    const known = this.known.get(key)
    if (known) return known
    const [native] = this.code.install((a) => [emitNativeLoop(a, made, { streams: isStreaming })], made.vectors)
    const compiled: Compiled = {
      index: this.engine.nativeFunction(),
      cost: cost * this.target.price.relative,
      callerOnly: false,
      native,
    }
    this.known.set(key, compiled)
    return compiled
  }
}

/** For each part of a product, where its accesses stand still. */
interface ContractStanding {
  readonly left: readonly Standing[]
  readonly right: readonly Standing[]
  readonly epilogue: readonly Standing[]
}

function launchesByKernel(program: Program): Map<number, Launch[]> {
  const found = new Map<number, Launch[]>()
  for (const launch of launchesOf(program.steps)) {
    const list = found.get(launch.kernel)
    if (list) list.push(launch)
    else found.set(launch.kernel, [launch])
  }
  return found
}

/** Where the accesses of a product stand still in all of its launches; those that are stored to never do. */
function standingOf(
  kernel: ContractKernel,
  launches: readonly ContractLaunch[],
  tables: Program['tables'],
): ContractStanding {
  const stored = new Set(kernel.epilogue.stores.map((s) => s.access))
  const part = (name: 'left' | 'right' | 'epilogue'): Standing[] =>
    kernel[name].accesses.map((_, i) => {
      const every = (axis: 'outer' | 'inner', holds: (table: Table) => boolean): boolean =>
        launches.every((launch) => holds(tables[launch[name][i][axis]]))
      const stands = (axis: 'outer' | 'inner'): boolean =>
        !(name === 'epilogue' && stored.has(i)) && every(axis, (table) => stepOf(table) === 0)
      const [outerRun, innerRun] = [every('outer', isRun), every('inner', isRun)]
      return { outer: stands('outer'), inner: stands('inner'), outerRun, innerRun }
    })
  return { left: part('left'), right: part('right'), epilogue: part('epilogue') }
}

/** Whether lanes may lie 2 GiB apart: gathers count their distances with a sign. */
function reachesFar(kernel: LoopKernel, { accesses }: LoopLaunch): boolean {
  return kernel.accesses.some(({ indirect, dtype }, a) => {
    const { strides, indirectStride, indirectExtent } = accesses[a]
    const lanes = kernel.vector < 0 ? 0 : 64 * Math.abs(strides[kernel.vector])
    const rows = indirect === undefined ? 0 : indirectStride * indirectExtent
    return dtypes[dtype].bytes * (lanes + rows) >= 2 ** 31
  })
}
