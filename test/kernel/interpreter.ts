// An obvious interpreter of kernels over typed arrays: what a kernel means, one element after the other.

import type { DataArray, DType } from '../../src/graph/dtype.ts'
import type { ContractKernel, ContractLaunch, Operand, TableArguments } from '../../src/kernel/contract.ts'
import type { LoopKernel, LoopLaunch, Reduction, Stage } from '../../src/kernel/loop.ts'
import { evaluator } from '../../src/scalar/evaluate.ts'
import { argument, type Expr, rewrite } from '../../src/scalar/expr.ts'
import { expand } from '../../src/scalar/functions.ts'

/** What leaves of an expression mean at the current element. */
interface Leaves {
  load(access: number): number
  index(axis: number): number
  accumulator(id: number): number
}

/** Compiles an expression with kernel leaves; float32 arithmetic is rounded after every operation. */
function compile(root: Expr): (leaves: Leaves) => number {
  const found: Expr[] = []
  const replaced = rewrite(expand(root), (e) => {
    if (e.op !== 'load' && e.op !== 'index' && e.op !== 'accumulator') return e
    found.push(e)
    return argument(e.type, found.length - 1)
  })
  const evaluate = evaluator(replaced, { rounded: true })
  return (leaves) =>
    evaluate(
      found.map((e) =>
        e.op === 'load' ? leaves.load(e.value) : e.op === 'index' ? leaves.index(e.value) : leaves.accumulator(e.value),
      ),
    )
}

const stored = (dtype: DType, value: number): number =>
  dtype === 'bool' ? Number(value !== 0) : dtype === 'uint8' ? value & 255 : value

/** Runs all iterations of a launch on the program's buffers. */
export function interpretLoop(kernel: LoopKernel, launch: LoopLaunch, buffers: readonly DataArray[]): void {
  const axes = kernel.parallel + kernel.reduce
  const index = new Array<number>(axes).fill(0)
  const accumulators: number[] = []
  const indirect = kernel.accesses.map((a) => (a.indirect ? compile(a.indirect) : undefined))
  const stages = kernel.stages.map((s) => ({
    stage: s,
    reductions: s.reductions.map((r) => compile(r.value)),
    stores: s.stores.map((t) => compile(t.value)),
  }))

  const inside = (a: number): boolean =>
    kernel.accesses[a].bounded.every(
      (b, i) => !b || (index[i] >= launch.accesses[a].low[i] && index[i] < launch.accesses[a].high[i]),
    )
  const place = (a: number): number => {
    const { offset, strides, indirectStride, indirectExtent } = launch.accesses[a]
    const at = index.reduce((sum, n, axis) => sum + n * strides[axis], offset)
    const row = indirect[a]?.(leaves) ?? 0
    const fromStart = row < 0 ? row + indirectExtent : row
    return at + Math.max(Math.min(fromStart, indirectExtent - 1), 0) * indirectStride
  }
  const leaves: Leaves = {
    load: (a) => {
      const value = inside(a) ? buffers[launch.accesses[a].buffer][place(a)] : kernel.accesses[a].fill
      return kernel.accesses[a].dtype === 'bool' ? Number(value !== 0) : value
    },
    index: (axis) => index[axis],
    accumulator: (id) => accumulators[id],
  }

  const runStage = (stage: Stage, reductions: readonly Reducer[], stores: readonly ((l: Leaves) => number)[]): void => {
    for (const r of reductions) r.take()
    const values = stores.map((s) => s(leaves))
    stage.stores.forEach((store, i) => {
      if (!inside(store.access)) return
      const { dtype } = kernel.accesses[store.access]
      const buffer = buffers[launch.accesses[store.access].buffer]
      const at = place(store.access)
      const value = store.mode === 'add' ? stored(dtype, buffer[at] + values[i]) : stored(dtype, values[i])
      buffer[at] = dtype === 'bool' ? Number(value !== 0) : value
    })
  }

  visit(index, launch.extents, 0, kernel.parallel, () => {
    for (const { stage, reductions, stores } of stages) {
      const reducers = stage.reductions.map((r, i) => reducer(r, () => reductions[i](leaves)))
      if (stage.loop && kernel.reduce > 0) {
        visit(index, launch.extents, kernel.parallel, axes, () => runStage(stage, reducers, stores))
      } else runStage(stage, reducers, stores)
      stage.reductions.forEach((r, i) => {
        accumulators[r.accumulator] = reducers[i].result()
      })
    }
  })
}

/** Runs `body` for every combination of indices of the axes from … to − 1. */
function visit(index: number[], extents: readonly number[], from: number, to: number, body: () => void): void {
  if (from === to) {
    body()
    return
  }
  for (let i = 0; i < extents[from]; i++) {
    index[from] = i
    visit(index, extents, from + 1, to, body)
  }
}

interface Reducer {
  take(): void
  result(): number
}

/** One reduction; sums and products of floats are kept in double precision. */
function reducer(reduction: Reduction, value: () => number): Reducer {
  const { op } = reduction
  const { type } = reduction.value
  const round = type === 'f32' ? Math.fround : type === 'f64' ? (x: number) => x : (x: number) => x | 0
  const seeksLarge = op === 'max' || op === 'argmax'
  const integers = type === 'bool' ? [0, 1] : [-0x80000000, 0x7fffffff]
  const [lowest, highest] = type === 'f32' || type === 'f64' ? [-Infinity, Infinity] : integers
  let total = op === 'sum' ? 0 : op === 'prod' ? 1 : seeksLarge ? lowest : highest
  let best = 0
  let count = 0
  return {
    take() {
      const v = value()
      if (op === 'sum') total = type === 'i32' ? (total + v) | 0 : total + v
      else if (op === 'prod') total = type === 'i32' ? Math.imul(total, v) : total * v
      else if (op === 'max' || op === 'min') total = seeksLarge ? Math.max(total, v) : Math.min(total, v)
      else if (!Number.isNaN(total) && (Number.isNaN(v) || (seeksLarge ? v > total : v < total))) {
        total = v
        best = count
      }
      count++
    },
    result: () => (op === 'argmax' || op === 'argmin' ? best : round(total)),
  }
}

/** Runs a contract launch; sums are kept in double precision. */
export function interpretContract(
  kernel: ContractKernel,
  launch: ContractLaunch,
  buffers: readonly DataArray[],
  tables: readonly Int32Array[],
): void {
  const reader = (accesses: Operand['accesses'], args: readonly TableArguments[]) => ({
    at: (i: number, b: number, o: number, k: number): number =>
      args[i].offset + tables[args[i].batch][b] + tables[args[i].outer][o] + tables[args[i].inner][k],
    load(i: number, b: number, o: number, k: number): number {
      const value = buffers[args[i].buffer][this.at(i, b, o, k)]
      return accesses[i].dtype === 'bool' ? Number(value !== 0) : value
    },
  })
  const none = { index: () => 0, accumulator: () => 0 }
  const left = reader(kernel.left.accesses, launch.left)
  const right = reader(kernel.right.accesses, launch.right)
  const epilogue = reader(kernel.epilogue.accesses, launch.epilogue)
  const leftValue = compile(kernel.left.value)
  const rightValue = compile(kernel.right.value)
  const stores = kernel.epilogue.stores.map((s) => compile(s.value))
  for (let b = 0; b < launch.batch; b++) {
    for (let m = 0; m < launch.m; m++) {
      for (let n = 0; n < launch.n; n++) {
        let sum = 0
        for (let k = 0; k < launch.k; k++) {
          const l = leftValue({ ...none, load: (i) => left.load(i, b, m, k) })
          const r = rightValue({ ...none, load: (i) => right.load(i, b, n, k) })
          sum += l * r
        }
        const total = Math.fround(sum)
        const values = stores.map((s) =>
          s({ index: () => 0, accumulator: () => total, load: (i) => epilogue.load(i, b, m, n) }),
        )
        kernel.epilogue.stores.forEach((store, i) => {
          const { dtype } = kernel.epilogue.accesses[store.access]
          const buffer = buffers[launch.epilogue[store.access].buffer]
          const at = epilogue.at(store.access, b, m, n)
          const value = stored(dtype, values[i] + (store.mode === 'add' ? buffer[at] : 0))
          buffer[at] = dtype === 'bool' ? Number(value !== 0) : value
        })
      }
    }
  }
}
