// A backend that interprets programs word by word: the living definition of the kernel language, to check the compiler on its own.

import type { KernelBackend, Storage } from '../../src/backend/backend.ts'
import { type DataArray, dtypes } from '../../src/graph/dtype.ts'
import type { ContractKernel, ContractLaunch, TableArguments } from '../../src/kernel/contract.ts'
import type { AccessArguments, LoopKernel, LoopLaunch } from '../../src/kernel/loop.ts'
import type { Launch, Program, Step } from '../../src/kernel/program.ts'
import type { RoutineKernel, RoutineLaunch } from '../../src/kernel/routine.ts'
import { evaluator } from '../../src/scalar/evaluate.ts'
import { argument, type Expr, rewrite, topological } from '../../src/scalar/expr.ts'
import { entriesOf } from '../support/table-entries.ts'

interface Memory extends Storage {
  readonly buffer: ArrayBuffer
}

/** Called with each program that is loaded, for tests that look at it. */
export function interpreterBackend(
  onLoad: (program: Program) => void = () => {},
  onLaunch: (launch: Launch) => void = () => {},
): KernelBackend {
  return {
    kind: 'kernels',
    name: 'interpreter',
    threads: 1,
    threadNote: undefined,
    allocate: (bytes): Memory => ({ bytes, buffer: new ArrayBuffer(bytes) }),
    release: () => {},
    upload: (storage, data) => {
      new Uint8Array((storage as Memory).buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    },
    download: (storage, dtype, length) => new dtypes[dtype].array((storage as Memory).buffer, 0, length).slice(),
    copy: (from, to) => {
      new Uint8Array((to as Memory).buffer).set(new Uint8Array((from as Memory).buffer))
    },
    load(program) {
      onLoad(program)
      const arena = new ArrayBuffer(program.arenaBytes)
      return {
        run(bindings, times = 1) {
          for (let t = 0; t < times; t++) runProgram(program, arena, bindings as readonly Memory[], onLaunch)
        },
        release: () => {},
      }
    },
  }
}

function runProgram(
  program: Program,
  arena: ArrayBuffer,
  bindings: readonly Memory[],
  onLaunch: (launch: Launch) => void,
): void {
  /** How far each moving buffer has come, in bytes. */
  const moved = new Map<number, number>()
  const whereIs = (buffer: number): { memory: ArrayBuffer; offset: number } => {
    const place = program.buffers[buffer]
    if (place.kind === 'arena') return { memory: arena, offset: place.offset }
    if (place.kind === 'binding') return { memory: bindings[place.slot].buffer, offset: 0 }
    const { memory, offset } = whereIs(place.buffer)
    return { memory, offset: offset + place.first + (moved.get(buffer) ?? 0) }
  }
  const view = (buffer: number, dtype: keyof typeof dtypes): DataArray => {
    const { memory, offset } = whereIs(buffer)
    const type = dtypes[dtype]
    return new type.array(memory, offset, Math.floor(program.buffers[buffer].bytes / type.bytes))
  }
  const isSet = (flag: number): boolean => view(flag, 'bool')[0] !== 0
  const runSteps = (steps: readonly Step[]): void => {
    for (const step of steps) {
      if (step.kind === 'branch') runSteps(isSet(step.flag) ? step.whenTrue : step.whenFalse)
      else if (step.kind === 'loop') {
        for (let turn = 0; turn < step.turns; turn++) {
          for (const b of step.moving) moved.set(b, turn * (program.buffers[b] as { step: number }).step)
          if (step.test) {
            runSteps(step.test.steps)
            if (!isSet(step.test.flag)) break
          }
          runSteps(step.steps)
        }
      } else for (const launch of step.launches) runLaunch(launch)
    }
  }
  const runLaunch = (launch: Launch): void => {
    onLaunch(launch)
    const kernel = program.kernels[launch.kernel]
    if (launch.kind === 'loop') runLoop(kernel as LoopKernel, launch, view)
    else if (launch.kind === 'contract') runContract(program, kernel as ContractKernel, launch, view)
    else runRoutine(kernel as RoutineKernel, launch, view)
  }
  runSteps(program.steps)
}

function runRoutine(
  { routine, parameters, inputs, result }: RoutineKernel,
  launch: RoutineLaunch,
  viewOf: ViewOf,
): void {
  const arrays = launch.arguments.map(({ buffer, shape }, i) => {
    const dtype = inputs[i] ?? result
    return { shape, dtype, data: viewOf(buffer, dtype) }
  })
  routine.run(arrays.slice(0, -1), arrays[arrays.length - 1], parameters)
}

type ViewOf = (buffer: number, dtype: keyof typeof dtypes) => DataArray

/** An expression as a function of its leaves' values. */
function closure(root: Expr): { leaves: Expr[]; run: (values: number[]) => number } {
  const leaves = topological([root]).filter((e) => e.op === 'load' || e.op === 'index' || e.op === 'accumulator')
  const run = evaluator(
    rewrite(root, (e) => (leaves.includes(e) ? argument(e.type, leaves.indexOf(e)) : e)),
    { rounded: true },
  )
  return { leaves, run }
}

function runLoop(kernel: LoopKernel, launch: LoopLaunch, viewOf: ViewOf): void {
  const views = kernel.accesses.map((a, i) => viewOf(launch.accesses[i].buffer, a.dtype))
  const index = new Array<number>(kernel.parallel + kernel.reduce).fill(0)
  let accumulators: number[] = []
  const cache = new Map<Expr, ReturnType<typeof closure>>()
  const value = (e: Expr): number => {
    const c = cache.get(e) ?? closure(e)
    cache.set(e, c)
    return c.run(
      c.leaves.map((l) =>
        l.op === 'index' ? index[l.value] : l.op === 'accumulator' ? accumulators[l.value] : read(l.value),
      ),
    )
  }
  const place = (number: number): number => {
    const access = kernel.accesses[number]
    const args: AccessArguments = launch.accesses[number]
    let at = args.offset
    index.forEach((i, axis) => {
      at += i * args.strides[axis]
    })
    if (!access.indirect) return at
    const row = value(access.indirect)
    const wrapped = row < 0 ? row + args.indirectExtent : row
    return at + Math.max(0, Math.min(args.indirectExtent - 1, wrapped)) * args.indirectStride
  }
  const read = (number: number): number => {
    const access = kernel.accesses[number]
    const args = launch.accesses[number]
    if (access.bounded.some((b, axis) => b && (index[axis] < args.low[axis] || index[axis] >= args.high[axis])))
      return access.fill
    const at = place(number)
    if (at < 0 || at >= views[number].length)
      throw new RangeError(`read outside the buffer: ${at} of ${views[number].length}`)
    return views[number][at]
  }
  const each = (axes: number[], body: () => void): void => {
    if (axes.length === 0) {
      body()
      return
    }
    const [axis, ...rest] = axes
    for (index[axis] = 0; index[axis] < launch.extents[axis]; index[axis]++) each(rest, body)
    index[axis] = 0
  }
  const parallel = Array.from({ length: kernel.parallel }, (_, i) => i)
  const reduce = Array.from({ length: kernel.reduce }, (_, i) => kernel.parallel + i)
  each(parallel, () => {
    accumulators = []
    for (const stage of kernel.stages) {
      const best = new Map<number, number>()
      for (const r of stage.reductions) {
        accumulators[r.accumulator] = { sum: 0, prod: 1, max: -Infinity, min: Infinity, argmax: 0, argmin: 0 }[r.op]
      }
      let position = 0
      const once = (): void => {
        const found = stage.reductions.map((r) => value(r.value))
        // All values of a point are known before the first is written: a store may overwrite what another reads.
        const values = stage.stores.map((s) => value(s.value))
        for (const [i, s] of stage.stores.entries()) {
          const at = place(s.access)
          const v = values[i]
          if (at < 0 || at >= views[s.access].length) throw new RangeError('write outside the buffer')
          views[s.access][at] = s.mode === 'add' ? views[s.access][at] + v : v
        }
        stage.reductions.forEach((r, i) => {
          const [old, x] = [accumulators[r.accumulator], found[i]]
          if (r.op === 'sum') accumulators[r.accumulator] = r.value.type === 'i32' ? (old + x) | 0 : old + x
          else if (r.op === 'prod') accumulators[r.accumulator] = r.value.type === 'i32' ? Math.imul(old, x) : old * x
          else if (r.op === 'max') accumulators[r.accumulator] = Math.max(old, x)
          else if (r.op === 'min') accumulators[r.accumulator] = Math.min(old, x)
          else {
            const b = best.get(r.accumulator)
            const better =
              b === undefined || (!Number.isNaN(b) && (Number.isNaN(x) || (r.op === 'argmax' ? x > b : x < b)))
            if (better) {
              best.set(r.accumulator, x)
              accumulators[r.accumulator] = position
            }
          }
        })
        position++
      }
      if (stage.loop) each(reduce, once)
      else once()
    }
  })
}

function runContract(program: Program, kernel: ContractKernel, launch: ContractLaunch, viewOf: ViewOf): void {
  const tables = program.tables.map(entriesOf)
  const at = (t: TableArguments, b: number, o: number, i: number): number =>
    t.offset + tables[t.batch][b] + tables[t.outer][o] + tables[t.inner][i]
  const operand = (side: 'left' | 'right'): ((b: number, o: number, i: number) => number) => {
    const views = kernel[side].accesses.map((a, n) => viewOf(launch[side][n].buffer, a.dtype))
    const c = closure(kernel[side].value)
    return (b, o, i) => c.run(c.leaves.map((l) => views[l.value][at(launch[side][l.value], b, o, i)]))
  }
  const [left, right] = [operand('left'), operand('right')]
  const views = kernel.epilogue.accesses.map((a, n) => viewOf(launch.epilogue[n].buffer, a.dtype))
  const stores = kernel.epilogue.stores.map((s) => ({ ...s, c: closure(s.value) }))
  for (let b = 0; b < launch.batch; b++) {
    for (let m = 0; m < launch.m; m++) {
      for (let n = 0; n < launch.n; n++) {
        let sum = 0
        for (let k = 0; k < launch.k; k++) sum += left(b, m, k) * right(b, n, k)
        const values = stores.map(({ c }) =>
          c.run(
            c.leaves.map((l) => (l.op === 'accumulator' ? sum : views[l.value][at(launch.epilogue[l.value], b, m, n)])),
          ),
        )
        stores.forEach((s, i) => {
          views[s.access][at(launch.epilogue[s.access], b, m, n)] = values[i]
        })
      }
    }
  }
}
