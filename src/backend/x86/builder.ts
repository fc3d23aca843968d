// Functions of machine code, written as for a stack machine: each instruction becomes one or a few of the processor's.

import type { Code, LaneName } from '../wasm/code.ts'
import type { BlockType, MemoryOp, Plain, ValueType } from '../wasm/opcodes.ts'
import { type Assembler, type Constant, type Label, type Memory, register } from './assembler.ts'
import { bitsOf, frame, linear, longBitsOf, parameterRegisters } from './convention.ts'
import {
  type Encode,
  type Instruction,
  instruction,
  type Kind,
  reg,
  type Traits,
  type ValueKind,
} from './instruction.ts'
import { broadcasts, lower } from './lower.ts'
import { meanings } from './meanings.ts'
import { memoryMeanings } from './memory-meanings.ts'
import { compare, type Entry, inverse, operandsOf, type StackMachine } from './stack.ts'
import type { VectorTarget } from './target.ts'

interface Block {
  readonly label: Label
  readonly result: number | undefined
}

export class NativeFunction implements Code, StackMachine {
  readonly lanes: number
  readonly target: VectorTarget
  readonly freshLocals = true
  readonly code: Instruction[] = []
  /** Whether whole vectors are stored past the caches, which they must be aligned for (`streaming.ts`). */
  readonly streams: boolean
  private readonly a: Assembler
  private readonly parameters: number
  private readonly kinds: Kind[] = []
  private readonly doubles = new Set<number>()
  /** The register of each local, once it is known of which kind it is. */
  private readonly locals: (number | undefined)[] = []
  private stack: Entry[] = []
  private readonly blocks: Block[] = []
  private readonly constants = new Map<Constant, Instruction>()
  private readonly constantRegisters = new Set<number>()
  private depth = 0
  private calls = false

  constructor(a: Assembler, target: VectorTarget, parameters: number, streams = false) {
    this.a = a
    this.streams = streams
    this.target = target
    this.lanes = target.lanes
    this.parameters = parameters
    for (let i = 0; i < parameters; i++) {
      const v = this.fresh('general')
      this.locals.push(v)
      this.emit(v, [], (asm, to) => asm.move(to, { base: register.rsp, displacement: 8 * i }, true))
    }
  }

  /** Writes the machine code, which begins at `entry`. */
  finish(): Label {
    const entry = this.a.label()
    if (this.streams) this.emit(-1, [], (asm) => asm.storeFence())
    this.a.align(64).bind(entry)
    lower(this.a, [...this.constants.values(), ...this.code], this.kinds, {
      target: this.target,
      frameStart: frame.bytes,
      parameters: parameterRegisters.slice(0, this.parameters),
      calls: this.calls,
    })
    return entry
  }

  // ---- Locals and constants

  local(type: ValueType): number {
    const kind = type === 'v128' ? undefined : kinds[type]
    return this.locals.push(kind && this.fresh(kind)) - 1
  }
  get(local: number): this {
    this.stack.push({ is: 'register', register: this.registerOf(local) })
    return this
  }
  set(local: number): this {
    const entry = this.take()
    const known = this.locals[local]
    if (entry.is === 'bits' && (known === undefined || this.kinds[known] === 'vector')) {
      const to = known ?? this.fresh(vectorOf(entry.bits))
      this.locals[local] = to
      this.keep(to)
      this.constantTo(to, entry.bits)
      return this
    }
    const given = this.value(entry)
    const to = known ?? this.freshAs(given)
    this.locals[local] = to
    const value = this.as(this.kinds[to], given)
    this.keep(to)
    if (value === to) return this
    const last = this.code.at(-1)
    // What was computed just now, and is read by no one else, goes where it is wanted at once.
    const moves = last?.to === value && (entry.is !== 'register' || value !== given || this.temporary[value])
    if (last && moves && !(last.early && last.from.includes(to))) last.to = to
    else this.move(to, value)
    return this
  }
  tee(local: number): this {
    return this.set(local).get(local)
  }
  i32(value: number): this {
    this.stack.push({ is: 'number', value: value | 0 })
    return this
  }
  i64(value: number): this {
    return this.i32(value)
  }
  f32(value: number): this {
    return this.splat('f32', value)
  }
  f64(value: number): this {
    return this.splat('f64', value)
  }
  splat(type: 'f32' | 'f64' | 'i32', value: number): this {
    const bits = type === 'f64' ? longBitsOf(value) : type === 'f32' ? bitsOf(value) : value | 0
    this.stack.push({ is: 'bits', bits })
    return this
  }
  iota(from: number): this {
    return this.numbers((lane) => from + lane)
  }
  /** A whole number for each lane. */
  numbers(of: (lane: number) => number): this {
    const words = Array.from({ length: this.lanes }, (_, lane) => of(lane))
    return this.push('vector', [], (a, to) => a.vector('vmovups', to, 0, a.constants(words)))
  }

  // ---- Instructions

  op(name: Plain): this {
    const meaning = meanings[name]
    if (!meaning) throw new Error(`x86: no instruction for ${name}`)
    meaning(this)
    return this
  }
  memory(name: MemoryOp, offset = 0): this {
    const meaning = memoryMeanings[name]
    if (!meaning) throw new Error(`x86: no instruction for ${name}`)
    meaning(this, offset)
    return this
  }
  lane(name: LaneName, lane: number): this {
    if (lane !== 0) throw new Error('x86: only the first lane is taken out')
    const v = this.popVector()
    if (name !== 'i32x4.extract_lane') this.stack.push({ is: 'register', register: v })
    else this.push('general', [v], (a, to, s) => a.vector('vmovdStore', reg(s), 0, to, { bytes: 16 }))
    return this
  }
  rotate(distance: number): this {
    const v = this.popVector()
    const [kind, float] = this.isDouble(v) ? (['double', 'f64'] as const) : (['vector', 'f32'] as const)
    return this.push(kind, [v], (a, to, s) => this.target.rotate(a, float, to, reg(s), distance))
  }
  upperHalf(to: 'f64' | 'i32', lanes: boolean): this {
    const { target } = this
    if (to === 'f64' && lanes) return this.push('double', [this.popVector()], (a, t, s) => target.toUpper(a, t, reg(s)))
    if (to === 'f64')
      return this.push('double', [this.popGeneral()], (a, t, s) => {
        a.vector('vmovd', t, 0, reg(s), { bytes: 16 }).vector('vpsllqi', t, 0, t, { bytes: 16, immediate: 32 })
      })
    if (lanes) return this.push('vector', [this.popVector()], (a, t, s) => target.fromUpper(a, t, reg(s)))
    this.push('vector', [this.popVector()], (a, t, s) => {
      a.vector('vpsrlqi', t, 0, reg(s), { bytes: 16, immediate: 32 })
    })
    return this.lane('i32x4.extract_lane', 0)
  }
  call(): this {
    throw new Error('x86: functions of JavaScript are called from WebAssembly only')
  }

  // ---- Control

  block(body: () => void): this {
    const label = this.a.label()
    this.blocks.push({ label, result: undefined })
    body()
    this.blocks.pop()
    return this.bind(label)
  }
  loop(body: () => void): this {
    const label = this.a.label()
    this.depth++
    this.bind(label)
    this.blocks.push({ label, result: undefined })
    body()
    this.blocks.pop()
    this.depth--
    return this
  }
  if(then: () => void, otherwise?: () => void, type: BlockType = 'none'): this {
    const [other, end] = [this.a.label(), this.a.label()]
    const condition = this.take()
    this.settle()
    this.jumpUnless(condition, otherwise ? other : end)
    const below = this.stack
    const arm = (body: () => void): number | undefined => {
      this.stack = []
      this.blocks.push({ label: end, result: undefined })
      body()
      this.blocks.pop()
      return type === 'none' ? undefined : this.value(this.take())
    }
    const first = arm(then)
    let result: number | undefined
    if (first !== undefined) {
      result = this.freshAs(first)
      this.move(result, first)
    }
    if (otherwise) {
      this.emitJump(end)
      this.bind(other)
      const second = arm(otherwise)
      if (second !== undefined && result !== undefined) this.move(result, this.as(this.kinds[result], second))
    }
    this.stack = below
    this.bind(end)
    if (result !== undefined) this.stack.push({ is: 'register', register: result })
    return this
  }
  br(depth: number): this {
    this.emitJump(this.labelAt(depth))
    return this
  }
  brIf(depth: number): this {
    this.jumpIf(this.take(), this.labelAt(depth))
    return this
  }
  /** `for (i = from; i < to; i += step) body`, with `to` in a local. */
  range(i: number, from: () => void, to: number, step: number, body: () => void): this {
    from()
    this.set(i)
    return this.block(() => {
      this.loop(() => {
        this.get(i).get(to).op('i32.ge_s').brIf(1)
        body()
        this.get(i).i32(step).op('i32.add').set(i).br(0)
      })
    })
  }

  // ---- What only this machine has

  /** Emits one instruction whose operand is popped from the stack, and pushes its result. */
  machine(pops: Kind, pushes: ValueKind, emit: (a: Assembler, to: number, from: number) => void): this {
    return this.push(pushes, [this.pop(pops)], (a, to, s) => emit(a, to, reg(s)))
  }
  /**
   * Calls a function of ours with the whole numbers that `parameters` push; it may change all registers, so that values lie in the
   * frame in a function that calls. The function is a label, or its address in the register on the stack.
   */
  callFunction(to: Label | undefined, parameters: readonly (() => void)[]): this {
    this.calls = true
    const slot = (i: number): Memory => ({ base: register.rsp, displacement: frame.outgoing + 8 * i })
    const address = to === undefined ? [this.popGeneral()] : []
    parameters.forEach((push, i) => {
      push()
      this.emit(-1, [this.popGeneral()], (a, _, s) => a.store(slot(i), reg(s), true))
    })
    this.emit(-1, address, (a, _, s) => {
      if (to === undefined) a.move(register.rax, reg(s), true)
      parameters.forEach((_, i) => {
        a.move(parameterRegisters[i], slot(i), true)
      })
      if (to === undefined) a.callRegister(register.rax)
      else a.call(to)
    })
    return this
  }
  /** Replaces the address in the linear memory on the stack by one of the machine. */
  absolute(): this {
    const { from, displacement } = this.popAddress(0)
    return this.push('general', [from], (a, to, s) => a.lea(to, linear(s, displacement), true))
  }
  pop(kind: Kind): number {
    return this.as(kind, this.value(this.take()))
  }
  popGeneral(): number {
    return this.pop('general')
  }
  popVector(): number {
    return this.pop('vector')
  }
  popMask(): number {
    return this.pop('mask')
  }
  /** The address on the stack as a place in the linear memory. */
  popAddress(offset: number): { readonly from: number; readonly displacement: number } {
    const entry = this.take()
    if (entry.is === 'sum') return { from: entry.register, displacement: entry.value + offset }
    return { from: this.value(entry), displacement: offset }
  }
  push(kind: ValueKind, from: readonly number[], emit: Encode, traits?: Partial<Traits>): this {
    const to = this.fresh(kind)
    this.temporary[to] = true
    this.emit(to, from, emit, traits)
    this.stack.push({ is: 'register', register: to })
    return this
  }
  emit(to: number, from: readonly number[], emit: Encode, traits?: Partial<Traits>): void {
    this.code.push(instruction(to, from, emit, this.depth, traits))
  }
  take(): Entry {
    const entry = this.stack.pop()
    if (entry === undefined) throw new Error('x86: nothing is on the stack')
    return entry
  }
  put(entry: Entry): void {
    this.stack.push(entry)
  }
  kindOf(register: number): Kind {
    return this.kinds[register]
  }
  isDouble(register: number): boolean {
    return this.doubles.has(register)
  }

  // ---- Small parts

  /** By register, whether it was pushed by an instruction and is read once. */
  private readonly temporary: boolean[] = []

  private fresh(kind: ValueKind): number {
    if (kind !== 'double') return this.kinds.push(this.actual(kind)) - 1
    const made = this.kinds.push('vector') - 1
    this.doubles.add(made)
    return made
  }

  /** A register for the same kind of value. */
  private freshAs(value: number): number {
    return this.fresh(this.isDouble(value) ? 'double' : this.kinds[value])
  }

  /** Masks lie in registers of their own, or in vectors. */
  private actual(kind: Kind): Kind {
    return kind === 'mask' ? this.target.maskKind : kind
  }

  private registerOf(local: number): number {
    const known = this.locals[local]
    if (known === undefined) throw new Error(`x86: local ${local} is read before it is set`)
    return known
  }

  /** The entry in a register. */
  value(entry: Entry): number {
    switch (entry.is) {
      case 'register':
        return entry.register
      case 'number': {
        const to = this.fresh('general')
        const { value } = entry
        this.emit(to, [], (a, t) => a.constantTo(t, value))
        return to
      }
      case 'sum': {
        const to = this.fresh('general')
        const { value } = entry
        this.emit(to, [entry.register], (a, t, s) => {
          if (t === reg(s)) a.arithmeticImmediate('add', t, value)
          else a.lea(t, { base: reg(s), displacement: value })
        })
        return to
      }
      case 'bits':
        return this.constant(entry.bits)
      case 'comparison': {
        const to = this.fresh('general')
        const { condition, a: first, b } = entry
        this.emit(to, operandsOf(first, b), (a, t, x, y) => {
          compare(a, x, y, b)
          a.set(condition, t).loadByte(t, t)
        })
        return to
      }
      default:
        return entry satisfies never
    }
  }

  /** A value of one kind as another. */
  private as(kind: Kind, value: number): number {
    const from = this.kinds[value]
    if (from === this.actual(kind)) return value
    const to = this.fresh(kind)
    if (kind === 'vector' && from === 'mask') this.emit(to, [value], (a, t, s) => a.vector('vpmovm2d', t, 0, reg(s)))
    else if (kind === 'mask' && from === 'vector')
      this.emit(to, [value], (a, t, s) => a.vector('vpmovd2m', t, 0, reg(s)))
    else throw new Error(`x86: a ${from} register where a ${kind} one is needed`)
    return to
  }

  private constant(bits: Constant): number {
    const known = this.constants.get(bits)
    if (known) return known.to
    const to = this.fresh(vectorOf(bits))
    this.constants.set(bits, constantInstruction(to, bits, 0))
    this.constantRegisters.add(to)
    return to
  }

  private constantTo(to: number, bits: Constant): void {
    this.code.push(constantInstruction(to, bits, this.depth))
    this.constantRegisters.add(to)
  }

  /** Whether the register holds a constant, or did when it was first set. */
  isConstant(register: number): boolean {
    return this.constantRegisters.has(register)
  }

  private move(to: number, from: number): void {
    const kind = this.kinds[to]
    this.emit(
      to,
      [from],
      (a, t, s) => {
        if (t === s) return
        if (kind === 'general') a.move(t, reg(s), true)
        else if (kind === 'vector') a.vector('vmovaps', t, 0, reg(s), { bytes: this.target.registerBytes })
        else a.mask('kmovw', t, 0, reg(s))
      },
      { moves: true },
    )
  }

  /** Before a register changes, gives what still waits for its old value on the stack a copy. */
  private keep(changing: number): void {
    if (!this.stack.some((entry) => reads(entry, changing))) return
    this.stack = this.stack.map((entry) => {
      if (!reads(entry, changing)) return entry
      const copy = this.freshAs(changing)
      // The value that goes into it may have been computed just before, reading the old one.
      const last = this.code.at(-1)
      const at =
        last && last.to >= 0 && last.to !== changing && last.label === undefined
          ? this.code.length - 1
          : this.code.length
      this.move(copy, changing)
      const [made] = this.code.splice(this.code.length - 1)
      this.code.splice(at, 0, made)
      return replaced(entry, changing, copy)
    })
  }

  /** Before control parts, copies what waits on the stack, for either part could change it. */
  private settle(): void {
    this.stack = this.stack.map((entry): Entry => {
      if (entry.is === 'number' || entry.is === 'bits') return entry
      if (entry.is === 'register' && this.temporary[entry.register]) return entry
      const value = this.value(entry)
      if (entry.is !== 'register') return { is: 'register', register: value }
      const copy = this.freshAs(value)
      this.move(copy, value)
      return { is: 'register', register: copy }
    })
  }

  private bind(label: Label): this {
    this.emit(-1, [], () => {}, { label })
    return this
  }

  private labelAt(depth: number): Label {
    const block = this.blocks.at(-1 - depth)
    if (!block) throw new Error('x86: a branch out of the function')
    return block.label
  }

  emitJump(to: Label): void {
    this.emit(-1, [], (a) => a.jump(to), { jumps: to, ends: true })
  }

  private jumpIf(condition: Entry, to: Label): void {
    this.jumpOn(condition, to, false)
  }

  private jumpUnless(condition: Entry, to: Label): void {
    this.jumpOn(condition, to, true)
  }

  private jumpOn(condition: Entry, to: Label, inverted: boolean): void {
    if (condition.is === 'comparison') {
      const { a: first, b } = condition
      const wanted = inverted ? inverse[condition.condition] : condition.condition
      this.emit(
        -1,
        operandsOf(first, b),
        (a, _, x, y) => {
          compare(a, x, y, b)
          a.jumpIf(wanted, to)
        },
        { jumps: to },
      )
      return
    }
    const value = this.value(condition)
    this.emit(-1, [value], (a, _, s) => a.test(reg(s), reg(s)).jumpIf(inverted ? 'equal' : 'notEqual', to), {
      jumps: to,
    })
  }

  /** Leaves the function. */
  leave(): this {
    this.emit(-1, [], () => {}, { ends: true })
    return this
  }
}

/** The kinds of locals. */
const kinds = { i32: 'general', i64: 'general', f32: 'vector', f64: 'double' } as const

const vectorOf = (bits: Constant): ValueKind => (typeof bits === 'number' ? 'vector' : 'double')

function constantInstruction(to: number, bits: Constant, depth: number): Instruction {
  const emit: Encode = (a, t) => {
    // Zero needs no memory
    if (bits === 0 || bits === 0n) a.vector('vxorps', t, t, t)
    else a.vector(broadcasts(bits), t, 0, a.constant(bits))
  }
  return instruction(to, [], emit, depth, { constant: bits })
}

const reads = (entry: Entry, register: number): boolean =>
  ((entry.is === 'register' || entry.is === 'sum') && entry.register === register) ||
  (entry.is === 'comparison' && (entry.a === register || entry.b === register))

function replaced(entry: Entry, from: number, to: number): Entry {
  if (entry.is === 'register' || entry.is === 'sum') return { ...entry, register: to }
  if (entry.is !== 'comparison') return entry
  return { ...entry, a: entry.a === from ? to : entry.a, b: entry.b === from ? to : entry.b }
}
