// Random loop kernels with launches and buffers, for comparing emitted code with the interpreter.

import { type DataArray, type DType, dtypes } from '../../src/graph/dtype.ts'
import type {
  Access,
  AccessArguments,
  LoopKernel,
  LoopLaunch,
  Reduction,
  Stage,
  Store,
  StrideClass,
} from '../../src/kernel/loop.ts'
import type { Expr, ScalarType } from '../../src/scalar/expr.ts'
import * as x from '../../src/scalar/expr.ts'
import type { Chance } from './random.ts'

export interface LoopCase {
  readonly kernel: LoopKernel
  readonly launch: LoopLaunch
  readonly buffers: readonly DataArray[]
}

const sizes = [0, 1, 2, 3, 4, 5, 15, 16, 17, 33]

/** A kernel of random shape: maps, reductions over inner or outer axes, one to three stages. */
export function randomLoop(chance: Chance): LoopCase {
  return new Generator(chance).make()
}

class Generator {
  private readonly chance: Chance
  private readonly accesses: Access[] = []
  private readonly args: AccessArguments[] = []
  private readonly buffers: DataArray[] = []
  private extents: number[] = []
  private parallel = 0
  private reduce = 0
  private vector = -1
  private double = false
  private readonly written = new Set<number>()
  /** Accesses made for stages that loop, which may move with the reduce axes. */
  private readonly looped = new Set<number>()
  private accumulators: Expr[] = []

  constructor(chance: Chance) {
    this.chance = chance
  }

  make(): LoopCase {
    const { chance } = this
    this.reduce = chance.pick([0, 0, 1, 1, 2, 3])
    this.parallel = this.reduce === 0 ? chance.integer(1, 4) : chance.integer(0, 4)
    const total = this.parallel + this.reduce
    const big = chance.integer(0, total)
    this.extents = Array.from({ length: total }, (_, axis) =>
      axis === big || axis === total - 1 || axis === this.parallel - 1
        ? chance.pick(sizes)
        : chance.integer(chance.chance(0.1) ? 0 : 1, 4),
    )
    const choices = [-1]
    if (this.parallel > 0) choices.push(this.parallel - 1, this.parallel - 1)
    if (this.reduce > 0) choices.push(total - 1, total - 1)
    this.vector = chance.pick(choices)
    this.double = chance.chance(0.3)
    const stages = this.reduce === 0 ? [this.stage(false)] : this.reduceStages()
    const kernel: LoopKernel = {
      kind: 'loop',
      parallel: this.parallel,
      reduce: this.reduce,
      vector: this.vector,
      accesses: this.accesses,
      stages,
    }
    const alone = this.vector >= 0 && this.vector === this.parallel - 1
    const outer = this.extents.slice(0, alone && this.parallel > 1 ? this.parallel - 1 : this.parallel)
    const launch: LoopLaunch = {
      kind: 'loop',
      kernel: 0,
      extents: this.extents,
      accesses: this.args,
      total: outer.reduce((a, b) => a * b, 1),
      grain: 16,
    }
    return { kernel, launch, buffers: this.buffers }
  }

  private reduceStages(): Stage[] {
    const { chance } = this
    const stages: Stage[] = []
    const loops = chance.integer(1, 4)
    for (let i = 0; i < loops; i++) stages.push(this.stage(true))
    if (this.accumulators.length > 0 || chance.chance(0.5)) stages.push(this.stage(false))
    return stages
  }

  private stage(loop: boolean): Stage {
    const { chance } = this
    const reductions: Reduction[] = []
    const wanted = loop ? chance.integer(0, 3) : 0
    for (let i = 0; i < wanted; i++) {
      const type = this.valueType(true)
      const ops: Reduction['op'][] =
        type === 'bool' ? ['max', 'min', 'argmax', 'argmin'] : ['sum', 'sum', 'prod', 'max', 'min', 'argmax', 'argmin']
      const op = chance.pick(ops)
      const adds = op === 'sum' || op === 'prod'
      const value = adds && type !== 'i32' ? this.exactly(type, op, loop) : this.expression(type, 2, loop)
      reductions.push({ op, value, accumulator: this.accumulators.length + reductions.length })
    }
    const stores: Store[] = []
    const count = loop ? chance.integer(reductions.length > 0 ? 0 : 1, 2) : chance.integer(1, 3)
    for (let i = 0; i < count; i++) stores.push(this.store(loop))
    for (const r of reductions) {
      const type = r.op === 'argmax' || r.op === 'argmin' ? 'i32' : r.value.type
      this.accumulators.push(x.accumulator(type, r.accumulator))
    }
    return { loop, reductions, stores }
  }

  private store(loop: boolean): Store {
    const { chance } = this
    const type = this.valueType(true)
    const dtype = this.dtypeOf(type)
    const add = dtype !== 'bool' && dtype !== 'uint8' && chance.chance(0.2)
    const value = add && type !== 'i32' ? this.exactly(type, 'sum', loop) : this.expression(type, 3, loop)
    const access = this.access(dtype, loop, true, add)
    this.written.add(access)
    if (add) this.buffers[this.args[access].buffer].fill(1)
    return { access, value, mode: add ? 'add' : 'set' }
  }

  private valueType(wide: boolean): ScalarType {
    const types: ScalarType[] = ['f32', 'f32', 'f32', 'i32', 'bool']
    if (this.double && wide) types.push('f64', 'f64')
    return this.chance.pick(types)
  }

  private dtypeOf(type: ScalarType): DType {
    if (type === 'f32') return 'float32'
    if (type === 'f64') return 'float64'
    if (type === 'bool') return 'bool'
    return this.chance.pick(['int32', 'int32', 'uint8'] as const)
  }

  /** A new access with a buffer of its own. Written elements are all different, but for `add`. */
  private access(dtype: DType, loop: boolean, writes: boolean, shared = false): number {
    const { chance, extents } = this
    const axes = extents.map((_, axis) => axis).filter((axis) => loop || axis < this.parallel)
    const bounds = extents.map(() => ({ bounded: false, low: 0, high: 0 }))
    for (const axis of axes) {
      if (chance.chance(writes ? 0.05 : 0.12)) {
        const low = chance.integer(0, extents[axis] + 1)
        bounds[axis] = { bounded: true, low, high: chance.integer(low, extents[axis] + 1) }
      }
    }
    // Row-major over a random order of the axes, some left out, some backwards
    const order = chance.chance(0.6) ? [...axes] : shuffle(chance, axes)
    const strides = extents.map(() => 0)
    let size = 1
    let offset = 0
    const steps = chance.chance(0.15) ? 2 : 1
    for (const axis of order.toReversed()) {
      if ((!writes || shared) && chance.chance(0.25)) continue
      strides[axis] = size * steps
      size *= Math.max(1, extents[axis])
      if (chance.chance(0.1)) {
        offset += strides[axis] * Math.max(0, extents[axis] - 1)
        strides[axis] = -strides[axis]
      }
    }
    size *= steps
    const classes = strides.map((s, axis): StrideClass => {
      if (!axes.includes(axis) || (s === 0 && chance.chance(0.8))) return 'zero'
      return s === 1 && chance.chance(0.8) ? 'unit' : 'any'
    })
    const fixed = strides.map((s, axis) => (classes[axis] === 'zero' ? 0 : s))
    const start = chance.integer(0, 3)
    const rows = chance.integer(1, 5)
    const indirect = (!writes || shared) && chance.chance(0.15) ? this.leaf('i32', loop) : undefined
    const make = dtypes[dtype].array
    const buffer = new make(start + size * (indirect ? rows : 1))
    this.fill(buffer, dtype)
    this.buffers.push(buffer)
    this.args.push({
      buffer: this.buffers.length - 1,
      offset: start + offset,
      strides: fixed,
      low: bounds.map((b) => b.low),
      high: bounds.map((b) => b.high),
      indirectStride: size,
      indirectExtent: rows,
    })
    const fill = chance.pick(dtype === 'bool' ? [0, 1] : dtype.startsWith('float') ? [0, 1.5, -Infinity] : [0, 7])
    const access: Access = { dtype, strides: classes, bounded: bounds.map((b) => b.bounded), fill }
    if (loop) this.looped.add(this.accesses.length)
    this.accesses.push(indirect ? { ...access, indirect } : access)
    return this.accesses.length - 1
  }

  private fill(buffer: DataArray, dtype: DType): void {
    const { chance } = this
    const specials = [Number.NaN, Infinity, -Infinity, 0, -0]
    const special = chance.chance(0.1)
    for (let i = 0; i < buffer.length; i++) {
      if (dtype === 'bool') buffer[i] = chance.integer(0, 2)
      else if (dtype === 'uint8') buffer[i] = chance.integer(0, 256)
      else if (dtype === 'int32')
        buffer[i] = chance.chance(0.05) ? chance.pick([0x7fffffff, -0x80000000]) : chance.integer(-6, 7)
      else buffer[i] = special && chance.chance(0.1) ? chance.pick(specials) : chance.number() * 4 - 2
    }
  }

  /** A float value whose sum or product is exact in any order: small multiples of ¼, or ±1 and 2. */
  private exactly(type: ScalarType, op: 'sum' | 'prod', loop: boolean): Expr {
    const { chance } = this
    const values = op === 'sum' ? [-2, -1.25, -0.5, 0, 0.25, 1, 1.75] : [1, -1, 1, -1, 1, 2]
    const leaf = (): Expr => {
      const access = this.access(this.dtypeOf(type), loop, false)
      const buffer = this.buffers[this.args[access].buffer]
      for (let i = 0; i < buffer.length; i++) buffer[i] = chance.pick(values)
      this.accesses[access] = { ...this.accesses[access], fill: 1 }
      return x.load(type, access)
    }
    const shapes = [
      leaf,
      () => x.neg(leaf()),
      () => x.abs(leaf()),
      () => x.select(this.leaf('bool', loop), leaf(), leaf()),
    ]
    if (op === 'sum')
      shapes.push(
        () => x.mul(leaf(), leaf()),
        () => x.add(leaf(), leaf()),
        () => x.madd(leaf(), leaf(), leaf()),
      )
    return chance.pick(shapes)()
  }

  private leaf(type: ScalarType, loop: boolean): Expr {
    const { chance } = this
    const known = this.accumulators.filter((a) => a.type === type)
    if (known.length > 0 && chance.chance(0.5)) return chance.pick(known)
    if (type === 'i32' && chance.chance(0.2)) {
      const axis = chance.integer(0, loop ? this.extents.length : this.parallel)
      if (axis < this.extents.length && (loop || axis < this.parallel)) return x.index(axis)
    }
    if (chance.chance(0.15)) {
      const value =
        type === 'bool' ? chance.integer(0, 2) : type === 'i32' ? chance.integer(-3, 4) : chance.pick([0, 1, -0.5, 2])
      return x.constant(type, value)
    }
    const sameType = this.accesses.flatMap((a, i) => (this.reusable(a, i, type, loop) ? [i] : []))
    if (sameType.length > 0 && chance.chance(0.5)) return x.load(type, chance.pick(sameType))
    return x.load(type, this.access(this.dtypeOf(type), loop, false))
  }

  /** Whether a load may use the access: not one that is written, for then order within a stage would matter. */
  private reusable(access: Access, i: number, type: ScalarType, loop: boolean): boolean {
    if (dtypes[access.dtype].scalar !== type || this.written.has(i)) return false
    return loop || !this.looped.has(i)
  }

  private expression(type: ScalarType, depth: number, loop: boolean): Expr {
    const { chance } = this
    if (depth === 0 || chance.chance(0.2)) return this.leaf(type, loop)
    const sub = (t: ScalarType = type): Expr => this.expression(t, depth - 1, loop)
    const from = this.valueType(this.double)
    if (chance.chance(0.2)) return x.select(sub('bool'), sub(), sub())
    if (chance.chance(0.15) && from !== type) return x.convert(type, sub(from))
    if (type === 'bool') {
      const t = this.valueType(this.double)
      return chance.pick([
        () => x.lt(sub(t), sub(t)),
        () => x.le(sub(t), sub(t)),
        () => x.eq(sub(t), sub(t)),
        () => x.ne(sub(t), sub(t)),
        () => x.and(sub(), sub()),
        () => x.or(sub(), sub()),
        () => x.xor(sub(), sub()),
        () => x.not(sub()),
      ])()
    }
    if (type === 'i32') {
      const count = (): Expr => (chance.chance(0.9) ? x.constant('i32', chance.integer(0, 33)) : sub())
      return chance.pick([
        () => x.add(sub(), sub()),
        () => x.sub(sub(), sub()),
        () => x.mul(sub(), sub()),
        () => x.min(sub(), sub()),
        () => x.max(sub(), sub()),
        () => x.neg(sub()),
        () => x.abs(sub()),
        () => x.and(sub(), sub()),
        () => x.xor(sub(), sub()),
        () => x.not(sub()),
        () => x.shl(sub(), count()),
        () => x.shr(sub(), count()),
        () => x.sar(sub(), count()),
        () => x.madd(sub(), sub(), sub()),
        () => (chance.chance(0.2) ? x.div(sub(), sub()) : x.or(sub(), sub())),
      ])()
    }
    return chance.pick([
      () => x.add(sub(), sub()),
      () => x.sub(sub(), sub()),
      () => x.mul(sub(), sub()),
      () => x.div(sub(), sub()),
      () => x.min(sub(), sub()),
      () => x.max(sub(), sub()),
      () => x.madd(sub(), sub(), sub()),
      () => x.neg(sub()),
      () => x.abs(sub()),
      () => x.sqrt(sub()),
      () => x.floor(sub()),
      () => x.ceil(sub()),
      () => x.trunc(sub()),
      () => x.round(sub()),
      () => x.call('tanh', sub()),
      () => x.call('exp', sub()),
      () => x.call('sigmoid', sub()),
    ])()
  }
}

function shuffle<T>(chance: Chance, list: readonly T[]): T[] {
  const result = [...list]
  for (let i = result.length - 1; i > 0; i--) {
    const j = chance.integer(0, i + 1)
    ;[result[i], result[j]] = [result[j], result[i]]
  }
  return result
}
