// The kernels an engine has compiled, found again by their structure.

import type { Epilogue, Operand, Padding } from '../../kernel/contract.ts'
import { epilogueKey, loopExpressions, loopKey, operandKey } from '../../kernel/key.ts'
import type { LoopKernel } from '../../kernel/loop.ts'
import type { Kernel } from '../../kernel/program.ts'
import type { Table } from '../../kernel/table.ts'
import { type Expr, type FunctionName, topological } from '../../scalar/expr.ts'
import { type FunctionBuilder, ModuleBuilder } from './assembler.ts'
import type { Ahead } from './blocking.ts'
import { expressionCost, iterationCost } from './cost.ts'
import { emitEpilogue, emitPack } from './emit-contract.ts'
import { emitLoop } from './emit-loop.ts'
import type { Engine } from './engine.ts'
import { importEngine } from './engine-module.ts'
import type { EmitEnvironment } from './layout.ts'

/** A compiled function. */
export interface Compiled {
  /** Its index in the function table. */
  index: number
  /** Nanoseconds per iteration or element, roughly. */
  readonly cost: number
  /** Whether it calls float64 functions, which only the calling thread has. */
  readonly callerOnly: boolean
  /** The number of its machine code, if it is that. */
  readonly native?: number
}

/** A product as machine code, and its blocking for a shape. */
export interface NativeContract {
  readonly kind: 'native contract'
  readonly index: number
  plan(shape: NativeShape): NativePlan
  /** The number of the code that packs ahead, emitted when asked for. */
  packing(): number
}
/** How an operand is packed ahead: a function of the code for panels of so many outer elements, nanoseconds an element, all of k and a run of it. */
export interface NativePack {
  readonly function: number
  readonly cost: number
  readonly width: number
  readonly k: number
  readonly kc: number
}
export interface NativeShape {
  readonly batch: number
  readonly m: number
  readonly n: number
  readonly k: number
  /** The tables of a left and a right operand that could be read in place. */
  readonly left: { readonly outer: Table; readonly inner: Table } | undefined
  readonly right: { readonly outer: Table; readonly inner: Table } | undefined
  readonly padding?: Padding | undefined
  /** The operands that stay the same in all turns of the loop around it: they are packed before that. */
  readonly constant: Ahead
}
export interface NativePlan {
  /** The number of the code that runs it. */
  readonly native: number
  /** The args block, but for the addresses of the args blocks of left, right and epilogue, which follow, and the three words of each
   * operand that was packed ahead. */
  readonly words: readonly number[]
  readonly ahead: { readonly left: NativePack | undefined; readonly right: NativePack | undefined }
  readonly blocks: number
  readonly grain: number
  readonly nanoseconds: number
  /** Where the vectors of the right operand begin, if it is read in place: a table whose address is the last word. */
  readonly vectors: Table | undefined
}

export type CompiledKernel =
  | { readonly kind: 'loop'; readonly kernel: LoopKernel; readonly loop: Compiled }
  | NativeContract
  | { readonly kind: 'routine'; readonly index: number; readonly number: number }
  | { readonly kind: 'contract'; readonly left: Compiled; readonly right: Compiled; readonly epilogue: Compiled }

interface Job {
  readonly roots: readonly Expr[]
  readonly emit: (module: ModuleBuilder, environment: EmitEnvironment) => FunctionBuilder
  readonly compiled: Compiled
}

/** What is yet to be compiled, by key. */
type Jobs = Map<string, Job>

export class KernelCache {
  private readonly engine: Engine
  private readonly known = new Map<string, Compiled>()

  constructor(engine: Engine) {
    this.engine = engine
  }

  /** The compiled form of each kernel; those not seen before are compiled together, in one module. */
  compile(kernels: readonly Kernel[]): CompiledKernel[] {
    const jobs: Jobs = new Map()
    const found = kernels.map((kernel): CompiledKernel => {
      if (kernel.kind === 'loop') return { kind: 'loop', kernel, loop: this.loop(kernel, jobs) }
      if (kernel.kind === 'routine') return { kind: 'routine', ...this.engine.routine(kernel) }
      return {
        kind: 'contract',
        left: this.pack(kernel.left, this.engine.tile.rows, jobs),
        right: this.pack(kernel.right, this.engine.tile.columns, jobs),
        epilogue: this.epilogue(kernel.epilogue, jobs),
      }
    })
    if (jobs.size > 0) this.build([...jobs.values()])
    for (const [key, job] of jobs) this.known.set(key, job.compiled)
    return found
  }

  private loop(kernel: LoopKernel, jobs: Jobs): Compiled {
    const emit: Job['emit'] = (module, environment) => emitLoop(module, kernel, environment)
    return this.find(loopKey(kernel), () => iterationCost(kernel), loopExpressions(kernel), emit, jobs)
  }

  private pack(operand: Operand, width: number, jobs: Jobs): Compiled {
    const emit: Job['emit'] = (module, environment) => emitPack(module, operand, width, environment)
    const cost = (): number => 0.2 + expressionCost([operand.value], true)
    return this.find(`pack${width}|${operandKey(operand)}`, cost, [operand.value], emit, jobs)
  }

  private epilogue(epilogue: Epilogue, jobs: Jobs): Compiled {
    const emit: Job['emit'] = (module, environment) => emitEpilogue(module, epilogue, environment)
    const roots = epilogue.stores.map((s) => s.value)
    const cost = (): number => 0.2 + expressionCost(roots, true)
    return this.find(`epilogue|${epilogueKey(epilogue)}`, cost, roots, emit, jobs)
  }

  private find(key: string, cost: () => number, roots: readonly Expr[], emit: Job['emit'], jobs: Jobs): Compiled {
    const known = this.known.get(key) ?? jobs.get(key)?.compiled
    if (known) return known
    const compiled: Compiled = { index: -1, cost: cost(), callerOnly: float64Calls(roots).length > 0 }
    jobs.set(key, { roots, emit, compiled })
    return compiled
  }

  private build(jobs: readonly Job[]): void {
    const module = new ModuleBuilder()
    const base = importEngine(module, this.engine.memory.shared)
    const names = new Set(jobs.flatMap((job) => float64Calls(job.roots)))
    const imports = new Map([...names].map((name) => [name, importMath(module, name)] as const))
    const environment: EmitEnvironment = {
      relaxedMadd: this.engine.relaxedMadd,
      math: (name) => {
        const index = imports.get(name)
        if (index === undefined) throw new Error(`wasm: ${name} in float64 was not imported`)
        return index
      },
    }
    module.element(
      base,
      jobs.map((job) => job.emit(module, environment)),
    )
    const first = this.engine.addModule(module.build(), jobs.length)
    jobs.forEach((job, i) => {
      job.compiled.index = first + i
    })
  }
}

function float64Calls(roots: readonly Expr[]): FunctionName[] {
  return topological(roots).flatMap((e) => (e.op === 'call' && e.type === 'f64' && e.name ? [e.name] : []))
}

function importMath(module: ModuleBuilder, name: FunctionName): number {
  const binary = name === 'pow' || name === 'atan2'
  return module.importFunction('host', name, binary ? ['f64', 'f64'] : ['f64'], ['f64'])
}
