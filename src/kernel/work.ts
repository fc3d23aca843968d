// What a launch does in numbers: its size, its arithmetic, and the bytes it has to move at least.

import { dtypes } from '../graph/dtype.ts'
import { type Expr, topological } from '../scalar/expr.ts'
import { expand } from '../scalar/functions.ts'
import type { ContractKernel, ContractLaunch } from './contract.ts'
import type { LoopKernel, LoopLaunch } from './loop.ts'
import type { Launch, Program } from './program.ts'
import type { RoutineKernel, RoutineLaunch } from './routine.ts'

export interface Work {
  /** Arithmetic operations; a multiply and an add are two, the functions of the scalar language count as what they are made of. */
  readonly flops: number
  /** Bytes read and written if each element is moved once. */
  readonly bytes: number
}

export function workOf(program: Program, launch: Launch): Work {
  if (launch.kind === 'loop') return loopWork(program, launch)
  return launch.kind === 'contract' ? contractWork(program, launch) : routineWork(program, launch)
}

/** `matmul+add 128×784×256`: the label's name, or its operations, and the extents. */
export function nameOf(program: Program, launch: Launch): string {
  const { name = '', ops = '' } = program.labels?.get(launch) ?? {}
  return `${name || ops || launch.kind} ${sizeOf(program, launch)}`
}

/** Extents, as `128×784×256` (m, k, n) of a product, or `128×10 over 256` of a reduction. */
function sizeOf(program: Program, launch: Launch): string {
  if (launch.kind === 'contract') {
    const { batch, m, n, k } = launch
    return `${batch > 1 ? `${batch}·` : ''}${m}×${k}×${n}`
  }
  if (launch.kind === 'routine') return (launch.arguments.at(-1)?.shape ?? []).join('×')
  const { parallel } = program.kernels[launch.kernel] as LoopKernel
  const outer = launch.extents.slice(0, parallel).join('×')
  const inner = launch.extents.slice(parallel).join('×')
  return inner ? `${outer} over ${inner}` : outer
}

function loopWork(program: Program, launch: LoopLaunch): Work {
  const kernel = program.kernels[launch.kernel] as LoopKernel
  const product = (extents: readonly number[]): number => extents.reduce((a, b) => a * b, 1)
  const rows = product(launch.extents.slice(0, kernel.parallel))
  const all = product(launch.extents)
  let flops = 0
  for (const { loop, reductions, stores } of kernel.stages) {
    const roots = [...reductions.map((r) => r.value), ...stores.map((t) => t.value)]
    const adding = stores.filter((t) => t.mode === 'add').length
    flops += (operations(roots) + reductions.length + adding) * (loop ? all : rows)
  }
  const moved = new Traffic(program)
  const stored = new Set(kernel.stages.flatMap((s) => s.stores.map((t) => t.access)))
  launch.accesses.forEach(({ buffer, strides }, i) => {
    const elements = product(launch.extents.filter((_, axis) => strides[axis] !== 0))
    moved.add(buffer, elements * dtypes[kernel.accesses[i].dtype].bytes, stored.has(i))
  })
  return { flops, bytes: moved.bytes }
}

/** What a routine does with its elements is its own affair: an operation for each is counted. */
function routineWork(program: Program, launch: RoutineLaunch): Work {
  const { inputs, result } = program.kernels[launch.kernel] as RoutineKernel
  const sizes = launch.arguments.map(({ shape }) => shape.reduce((a, b) => a * b, 1))
  const bytes = sizes.reduce((sum, size, i) => sum + size * dtypes[inputs[i] ?? result].bytes, 0)
  return { flops: sizes.at(-1) ?? 0, bytes }
}

function contractWork(program: Program, launch: ContractLaunch): Work {
  const kernel = program.kernels[launch.kernel] as ContractKernel
  const { batch, m, n, k } = launch
  const moved = new Traffic(program)
  for (const { buffer } of launch.left) moved.add(buffer, 4 * batch * m * k, false)
  for (const { buffer } of launch.right) moved.add(buffer, 4 * batch * k * n, false)
  const stored = new Set(kernel.epilogue.stores.map((t) => t.access))
  launch.epilogue.forEach(({ buffer }, i) => {
    moved.add(buffer, batch * m * n * dtypes[kernel.epilogue.accesses[i].dtype].bytes, stored.has(i))
  })
  const pointwise = operations(kernel.epilogue.stores.map((t) => t.value))
  return { flops: batch * m * n * (2 * k + pointwise), bytes: moved.bytes }
}

/** Bytes by buffer: several accesses to one buffer are thought to find each other's elements in a cache. */
class Traffic {
  private readonly program: Program
  private readonly read = new Map<number, number>()
  private readonly written = new Map<number, number>()

  constructor(program: Program) {
    this.program = program
  }
  add(buffer: number, bytes: number, isStore: boolean): void {
    const side = isStore ? this.written : this.read
    side.set(buffer, Math.min(this.program.buffers[buffer].bytes, Math.max(side.get(buffer) ?? 0, bytes)))
  }
  get bytes(): number {
    let bytes = 0
    for (const side of [this.read, this.written]) for (const b of side.values()) bytes += b
    return bytes
  }
}

/** Arithmetic on one element. */
function operations(roots: readonly Expr[]): number {
  let count = 0
  const memo = new Map<Expr, Expr>()
  for (const e of topological(roots.map((root) => expand(root, memo))))
    if (e.op !== 'load' && e.args.length > 0) count += e.op === 'madd' ? 2 : 1
  return count
}
