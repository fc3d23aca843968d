// Functions of machine code, written as for a stack machine: each instruction becomes one or a few of the processor's.

import type { Code } from '../wasm/code.ts'
import type { BlockType, MemoryOp, Plain, ValueType } from '../wasm/opcodes.ts'
import { type Assembler, type Condition, type Label, type Memory, register } from './assembler.ts'
import type { MaskName, VectorName } from './forms.ts'
import { type Instruction, type Kind, reg, type Source } from './instruction.ts'
import { readFirst } from './liveness.ts'
import { lower } from './lower.ts'

/** Elements in a vector of 512 bits. */
export const lanes = 16

/** Registers of the parameters of functions of ours, in order; r15 holds the address of the linear memory. */
export const parameterRegisters = [
  register.rdi,
  register.rsi,
  register.rdx,
  register.rcx,
  register.r8,
  register.r9,
  register.r10,
  register.r11,
] as const

/** What lies at the start of a frame: parameters, what a division saves, parameters for others, and two vectors taken apart. */
export const frame = { parameters: 0, division: 64, outgoing: 128, lanes: 192, bytes: 320 } as const

/** A value on the stack of the machine; what costs nothing to put off is put off. */
type Entry =
  | { readonly is: 'register'; readonly register: number }
  | { readonly is: 'number'; readonly value: number }
  /** A register plus a number. */
  | { readonly is: 'sum'; readonly register: number; readonly value: number }
  | {
      readonly is: 'comparison'
      readonly condition: Condition
      readonly a: number
      readonly b: number | { readonly value: number }
    }
  /** 32 bits, in all lanes. */
  | { readonly is: 'bits'; readonly bits: number }

interface Block {
  readonly label: Label
  readonly result: number | undefined
}

export class NativeFunction implements Code {
  readonly lanes = lanes
  readonly freshLocals = true
  readonly code: Instruction[] = []
  private readonly a: Assembler
  private readonly parameters: number
  private readonly kinds: Kind[] = []
  /** The register of each local, once it is known of which kind it is. */
  private readonly locals: (number | undefined)[] = []
  private stack: Entry[] = []
  private readonly blocks: Block[] = []
  private readonly constants = new Map<number, Instruction>()
  private readonly constantRegisters = new Set<number>()
  private depth = 0
  private calls = false

  constructor(a: Assembler, parameters: number) {
    this.a = a
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
    this.a.align(64).bind(entry)
    const code = [...this.constants.values(), ...this.code]
    // Locals start as zero
    const zeros = readFirst(code).map((to): Instruction => {
      if (this.kinds[to] !== 'general') throw new Error('x86: a vector is read before it is set')
      return { to, from: [], emit: (a, t) => a.constantTo(t, 0), depth: 0 }
    })
    lower(this.a, [...zeros, ...code], this.kinds, {
      frameStart: frame.bytes,
      parameters: parameterRegisters.slice(0, this.parameters),
      calls: this.calls,
    })
    return entry
  }

  // ---- Locals and constants

  local(type: ValueType): number {
    return (
      this.locals.push(
        type === 'v128' ? undefined : this.fresh(type === 'i32' || type === 'i64' ? 'general' : 'vector'),
      ) - 1
    )
  }
  get(local: number): this {
    this.stack.push({ is: 'register', register: this.registerOf(local) })
    return this
  }
  set(local: number): this {
    const entry = this.take()
    const known = this.locals[local]
    if (entry.is === 'bits' && (known === undefined || this.kinds[known] === 'vector')) {
      const to = known ?? this.fresh('vector')
      this.locals[local] = to
      this.keep(to)
      this.constantTo(to, entry.bits)
      return this
    }
    const given = this.value(entry)
    const to = known ?? this.fresh(this.kinds[given])
    this.locals[local] = to
    const value = this.as(this.kinds[to], given)
    this.keep(to)
    if (value === to) return this
    const last = this.code.at(-1)
    // What was computed just now, and is read by no one else, goes where it is wanted at once.
    const moves = last?.to === value && (entry.is !== 'register' || value !== given || this.temporary.has(value))
    if (last && moves && !(last.early && last.from.includes(to))) this.code[this.code.length - 1] = { ...last, to }
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
  f64(): this {
    throw new Error('x86: float64 stays with WebAssembly')
  }
  splat(type: 'f32' | 'i32', value: number): this {
    this.stack.push({ is: 'bits', bits: type === 'f32' ? bitsOf(value) : value | 0 })
    return this
  }
  iota(from: number): this {
    const words = Array.from({ length: lanes }, (_, i) => from + i)
    return this.push('vector', [], (a, to) => a.vector('vmovups', to, 0, a.constants(words)))
  }

  // ---- Instructions

  op(name: Plain): this {
    const meaning = operations[name]
    if (!meaning) throw new Error(`x86: no instruction for ${name}`)
    meaning(this)
    return this
  }
  memory(name: MemoryOp, offset = 0): this {
    const meaning = memoryOperations[name]
    if (!meaning) throw new Error(`x86: no instruction for ${name}`)
    meaning(this, offset)
    return this
  }
  lane(name: 'f32x4.extract_lane' | 'i32x4.extract_lane', lane: number): this {
    if (lane !== 0) throw new Error('x86: only the first lane is taken out')
    const v = this.popVector()
    if (name === 'f32x4.extract_lane') this.stack.push({ is: 'register', register: v })
    else this.push('general', [v], (a, to, [s]) => a.vector('vmovdStore', reg(s), 0, to, { bytes: 16 }))
    return this
  }
  rotate(distance: number): this {
    const v = this.popVector()
    return this.push('vector', [v], (a, to, [s]) => a.vector('valignd', to, reg(s), reg(s), { immediate: distance }))
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
      result = this.fresh(this.kinds[first])
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
    this.emitJump(this.target(depth))
    return this
  }
  brIf(depth: number): this {
    this.jumpIf(this.take(), this.target(depth))
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

  /** Emits one instruction whose operands are popped from the stack, the last on top, and pushes its result. */
  machine(
    pops: readonly Kind[],
    pushes: Kind | undefined,
    emit: (a: Assembler, to: number, from: readonly number[]) => void,
    early = false,
  ): this {
    const from = pops
      .toReversed()
      .map((kind) => this.pop(kind))
      .reverse()
    const to = pushes === undefined ? -1 : this.fresh(pushes)
    this.emit(to, from, (a, t, s) => emit(a, t, s.map(reg)), { early })
    if (to >= 0) this.stack.push({ is: 'register', register: to })
    return this
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
      this.emit(-1, [this.popGeneral()], (a, _, [s]) => a.store(slot(i), reg(s), true))
    })
    this.emit(-1, address, (a, _, [s]) => {
      if (s !== undefined) a.move(register.rax, reg(s), true)
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
    return this.push('general', [from], (a, to, [s]) => a.lea(to, linear(s, displacement), true))
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
  push(
    kind: Kind,
    from: readonly number[],
    emit: (a: Assembler, to: number, from: readonly Source[]) => void,
    rest: Partial<Instruction> = {},
  ): this {
    const to = this.fresh(kind)
    this.temporary.add(to)
    this.emit(to, from, emit, rest)
    this.stack.push({ is: 'register', register: to })
    return this
  }
  emit(
    to: number,
    from: readonly number[],
    emit: (a: Assembler, to: number, from: readonly Source[]) => void,
    rest: Partial<Instruction> = {},
  ): void {
    this.code.push({ to, from, emit, depth: this.depth, ...rest })
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

  // ---- Small parts

  /** Registers that were pushed by an instruction and are read once. */
  private readonly temporary = new Set<number>()

  private fresh(kind: Kind): number {
    return this.kinds.push(kind) - 1
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
        this.emit(to, [entry.register], (a, t, [s]) => {
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
        this.emit(to, operandsOf(first, b), (a, t, s) => {
          compare(a, s, b)
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
    if (from === kind) return value
    const to = this.fresh(kind)
    if (kind === 'vector' && from === 'mask') this.emit(to, [value], (a, t, [s]) => a.vector('vpmovm2d', t, 0, reg(s)))
    else if (kind === 'mask' && from === 'vector')
      this.emit(to, [value], (a, t, [s]) => a.vector('vpmovd2m', t, 0, reg(s)))
    else throw new Error(`x86: a ${from} register where a ${kind} one is needed`)
    return to
  }

  private constant(bits: number): number {
    const known = this.constants.get(bits)
    if (known) return known.to
    const to = this.fresh('vector')
    this.constants.set(bits, { ...constantInstruction(to, bits), depth: 0 })
    this.constantRegisters.add(to)
    return to
  }

  private constantTo(to: number, bits: number): void {
    this.code.push({ ...constantInstruction(to, bits), depth: this.depth })
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
      (a, t, [s]) => {
        if (t === s) return
        if (kind === 'general') a.move(t, reg(s), true)
        else if (kind === 'vector') a.vector('vmovaps', t, 0, reg(s))
        else a.mask('kmovw', t, 0, reg(s))
      },
      { moves: true },
    )
  }

  /** Before a register changes, gives what still waits for its old value on the stack a copy. */
  private keep(changing: number): void {
    this.stack = this.stack.map((entry) => {
      if (!reads(entry, changing)) return entry
      const copy = this.fresh(this.kinds[changing])
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
      if (entry.is === 'register' && this.temporary.has(entry.register)) return entry
      const value = this.value(entry)
      if (entry.is !== 'register') return { is: 'register', register: value }
      const copy = this.fresh(this.kinds[value])
      this.move(copy, value)
      return { is: 'register', register: copy }
    })
  }

  private bind(label: Label): this {
    this.emit(-1, [], () => {}, { label })
    return this
  }

  private target(depth: number): Label {
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
        (a, _, s) => {
          compare(a, s, b)
          a.jumpIf(wanted, to)
        },
        { jumps: to },
      )
      return
    }
    const value = this.value(condition)
    this.emit(-1, [value], (a, _, [s]) => a.test(reg(s), reg(s)).jumpIf(inverted ? 'equal' : 'notEqual', to), {
      jumps: to,
    })
  }

  /** Leaves the function. */
  leave(): this {
    this.emit(-1, [], () => {}, { ends: true })
    return this
  }
}

const constantInstruction = (to: number, bits: number): Omit<Instruction, 'depth'> => ({
  to,
  from: [],
  constant: bits,
  emit: (a, t) => {
    // Zero needs no memory
    if (bits === 0) a.vector('vpxord', t, t, t)
    else a.vector('vbroadcastss', t, 0, a.constant(bits))
  },
})

type Second = number | { readonly value: number }

const operandsOf = (a: number, b: Second): number[] => (typeof b === 'number' ? [a, b] : [a])

function compare(a: Assembler, [first, second]: readonly Source[], b: Second): void {
  if (typeof b === 'number') a.arithmetic('cmp', reg(first), reg(second))
  else if (b.value === 0) a.test(reg(first), reg(first))
  else a.arithmeticImmediate('cmp', reg(first), b.value)
}

const reads = (entry: Entry, register: number): boolean =>
  ((entry.is === 'register' || entry.is === 'sum') && entry.register === register) ||
  (entry.is === 'comparison' && (entry.a === register || entry.b === register))

function replaced(entry: Entry, from: number, to: number): Entry {
  if (entry.is === 'register' || entry.is === 'sum') return { ...entry, register: to }
  if (entry.is !== 'comparison') return entry
  return { ...entry, a: entry.a === from ? to : entry.a, b: entry.b === from ? to : entry.b }
}

const inverse: { readonly [C in Condition]: Condition } = {
  overflow: 'overflow',
  below: 'aboveOrEqual',
  aboveOrEqual: 'below',
  equal: 'notEqual',
  notEqual: 'equal',
  belowOrEqual: 'above',
  above: 'belowOrEqual',
  less: 'greaterOrEqual',
  greaterOrEqual: 'less',
  lessOrEqual: 'greater',
  greater: 'lessOrEqual',
}

export function bitsOf(value: number): number {
  return new Int32Array(new Float32Array([value]).buffer)[0]
}

/** A place in the linear memory. */
export const linear = (address: Source | undefined, displacement: number): Memory => ({
  base: register.r15,
  index: reg(address),
  displacement,
})

// ---- What each instruction becomes

type Meaning = (f: NativeFunction) => void

const arithmetic =
  (name: 'add' | 'or' | 'and' | 'sub' | 'xor', value: (a: number, b: number) => number): Meaning =>
  (f) => {
    const [b, a] = [f.take(), f.take()]
    if (a.is === 'number' && b.is === 'number') {
      f.put({ is: 'number', value: value(a.value, b.value) | 0 })
      return
    }
    if (name === 'add' || name === 'sub') {
      const [base, plus] = a.is === 'number' && name === 'add' ? [b, a] : [a, b]
      if (plus.is === 'number') {
        const amount = name === 'add' ? plus.value : -plus.value | 0
        if (base.is === 'sum') f.put({ is: 'sum', register: base.register, value: (base.value + amount) | 0 })
        else f.put({ is: 'sum', register: f.value(base), value: amount })
        return
      }
    }
    if (b.is === 'number') {
      const { value: number } = b
      f.push('general', [f.value(a)], (asm, to, [s]) => {
        if (to !== s) asm.move(to, reg(s))
        asm.arithmeticImmediate(name, to, number)
      })
      return
    }
    const [x, y] = [f.value(a), f.value(b)]
    f.push('general', [x, y], (asm, to, [s, t]) => {
      const [first, second] = [reg(s), reg(t)]
      if (to === first) asm.arithmetic(name, to, second)
      else if (name === 'add') asm.lea(to, { base: first, index: second })
      else if (to !== second) asm.move(to, first).arithmetic(name, to, second)
      else if (name === 'sub') asm.negate(to).arithmetic('add', to, first)
      else asm.arithmetic(name, to, first)
    })
  }

const comparison =
  (condition: Condition, flipped: Condition): Meaning =>
  (f) => {
    const [b, a] = [f.take(), f.take()]
    if (b.is === 'number') f.put({ is: 'comparison', condition, a: f.value(a), b: { value: b.value } })
    else if (a.is === 'number') f.put({ is: 'comparison', condition: flipped, a: f.value(b), b: { value: a.value } })
    else {
      const [x, y] = [f.value(a), f.value(b)]
      f.put({ is: 'comparison', condition, a: x, b: y })
    }
  }

const shift =
  (kind: 'shl' | 'shr' | 'sar'): Meaning =>
  (f) => {
    const [b, a] = [f.take(), f.take()]
    if (b.is === 'number') {
      const count = b.value & 31
      f.push('general', [f.value(a)], (asm, to, [s]) => {
        if (to !== s) asm.move(to, reg(s))
        asm.shift(kind, to, count)
      })
      return
    }
    const [x, y] = [f.value(a), f.value(b)]
    f.push('general', [x, y], (asm, to, [s, t]) => asm.shiftBy(kind, to, reg(s), reg(t)))
  }

/** Division is rare: its fixed registers are saved around it. */
const division =
  (signed: boolean, rest: boolean): Meaning =>
  (f) => {
    const b = f.popGeneral()
    const a = f.popGeneral()
    f.push('general', [a, b], (asm, to, [s, t]) => {
      const { rsp, rax, rdx } = register
      const slot = (n: number): Memory => ({ base: rsp, displacement: frame.division + 8 * n })
      asm.store(slot(0), rax, true).store(slot(1), rdx, true).store(slot(2), reg(t), true).move(rax, reg(s))
      if (signed) asm.cdq()
      else asm.arithmetic('xor', rdx, rdx)
      asm.divide(signed, slot(2)).store(slot(3), rest ? rdx : rax, true)
      asm.move(rax, slot(0), true).move(rdx, slot(1), true).move(to, slot(3), true)
    })
  }

/** A choice by a condition: the first where it holds, else the second. */
const choose: Meaning = (f) => {
  const condition = f.take()
  const b = f.value(f.take())
  const a = f.value(f.take())
  if (f.kindOf(a) !== 'general') {
    const c = f.value(condition)
    f.push('vector', [a, b, c], (asm, to, [x, y, z]) => {
      asm.mask('kmovwFrom', scratchMask, 0, reg(z))
      asm.vector('vblendmps', to, reg(y), reg(x), { bytes: 16, mask: scratchMask })
    })
    return
  }
  const c: Extract<Entry, { is: 'comparison' }> =
    condition.is === 'comparison'
      ? condition
      : { is: 'comparison', condition: 'notEqual', a: f.value(condition), b: { value: 0 } }
  f.push('general', [a, b, ...operandsOf(c.a, c.b)], (asm, to, [x, y, ...compared]) => {
    compare(asm, compared, c.b)
    if (to === x) asm.moveIf(inverse[c.condition], to, reg(y))
    else {
      if (to !== y) asm.move(to, reg(y))
      asm.moveIf(c.condition, to, reg(x))
    }
  })
}

/** A mask register that is never given to a value. */
export const scratchMask = 7

/** Bytes of a scalar or of a whole vector. */
type Bytes = 16 | 64

const binary =
  (name: VectorName, bytes: Bytes, rest: { commutes?: boolean; swapped?: boolean } = {}): Meaning =>
  (f) => {
    const top = f.popVector()
    const below = f.popVector()
    let [a, b] = rest.swapped ? [top, below] : [below, top]
    if (rest.commutes && f.isConstant(a)) [a, b] = [b, a]
    f.push('vector', [a, b], (asm, to, [x, y]) => vector(asm, name, to, reg(x), y, bytes), { folds: true })
  }

const unary =
  (name: VectorName, bytes: Bytes, immediate?: number): Meaning =>
  (f) => {
    f.push('vector', [f.popVector()], (asm, to, [x]) => vector(asm, name, to, 0, x, bytes, immediate), { folds: true })
  }

/** An operation with a constant as its other operand. */
const withConstant =
  (name: VectorName, bytes: Bytes, bits: number): Meaning =>
  (f) => {
    f.splat('i32', bits)
    binary(name, bytes)(f)
  }

function vector(
  asm: Assembler,
  name: VectorName,
  to: number,
  first: number,
  last: Source | undefined,
  bytes: Bytes,
  immediate?: number,
): void {
  const options = { bytes, ...(immediate === undefined ? {} : { immediate }) }
  if (typeof last === 'number') asm.vector(name, to, first, last, options)
  else if (last !== undefined) asm.vector(name, to, first, last.memory, { ...options, broadcast: last.broadcast })
}

/** Minimum and maximum of which a NaN wins, and −0 is less than 0. */
const extreme =
  (immediate: number, bytes: Bytes): Meaning =>
  (f) => {
    const b = f.popVector()
    const a = f.popVector()
    f.push(
      'vector',
      [a, a, b],
      (asm, to, [, x, y]) => {
        const [p, q] = [reg(x), reg(y)]
        asm.vector('vcmpps', scratchMask, p, q, { bytes, immediate: 3 })
        asm.vector('vrangeps', to, p, q, { bytes, immediate })
        asm.vector('vaddps', to, p, q, { bytes, mask: scratchMask })
      },
      { early: true },
    )
  }

/** A comparison: a mask in lanes, or 0 or 1 for scalars. */
const lanesCompare =
  (name: 'vcmpps' | 'vpcmpd' | 'vpcmpud', bytes: Bytes, immediate: number): Meaning =>
  (f) => {
    const b = f.popVector()
    const a = f.popVector()
    if (bytes === 64) {
      f.push('mask', [a, b], (asm, to, [x, y]) => vector(asm, name, to, reg(x), y, bytes, immediate), { folds: true })
      return
    }
    f.push(
      'general',
      [a, b],
      (asm, to, [x, y]) => {
        vector(asm, name, scratchMask, reg(x), y, bytes, immediate)
        asm.mask('kmovwTo', to, 0, scratchMask).arithmeticImmediate('and', to, 1)
      },
      { folds: true },
    )
  }

/** Truncates, NaN to 0, and beyond the integers to the last of them. */
function saturate(asm: Assembler, to: number, from: number, bytes: Bytes): void {
  asm.vector('vcmpps', scratchMask, from, asm.constant(bitsOf(2147483648)), { bytes, broadcast: true, immediate: 13 })
  asm.vector('vcvttps2dq', to, 0, from, { bytes })
  // Too large becomes −2³¹; one less is 2³¹ − 1
  asm.vector('vpaddd', to, to, asm.constant(-1), { bytes, broadcast: true, mask: scratchMask })
}

const truncate =
  (bytes: Bytes): Meaning =>
  (f) => {
    const v = f.popVector()
    const emit = (asm: Assembler, to: number, from: number): void => {
      saturate(asm, to, from, bytes)
      asm.vector('vcmpps', scratchMask, from, from, { bytes, immediate: 7 })
      asm.vector('vmovaps', to, 0, to, { bytes, mask: scratchMask, zero: true })
    }
    f.push('vector', [v, v], (asm, to, [x]) => emit(asm, to, reg(x)), { early: true })
    if (bytes === 16) f.lane('i32x4.extract_lane', 0)
  }

/** Operations on lanes that may be masks on both sides. */
const logical =
  (name: VectorName, mask: MaskName, value: (a: number, b: number) => number): Meaning =>
  (f) => {
    const [top, below] = [f.take(), f.take()]
    if (top.is === 'bits' && below.is === 'bits') {
      f.put({ is: 'bits', bits: value(below.bits, top.bits) })
      return
    }
    const [b, a] = [f.value(top), f.value(below)]
    const [kindA, kindB] = [f.kindOf(a), f.kindOf(b)]
    if (kindA === 'mask' && kindB === 'mask') {
      // kandn inverts its first operand, v128.andnot its second
      const [x, y] = mask === 'kandnw' ? [b, a] : [a, b]
      f.push('mask', [x, y], (asm, to, [s, t]) => asm.mask(mask, to, reg(s), reg(t)))
      return
    }
    if (name === 'vpandd' && (kindA === 'mask' || kindB === 'mask')) {
      const [k, v] = kindA === 'mask' ? [a, b] : [b, a]
      f.push('vector', [k, v], (asm, to, [m, s]) => asm.vector('vmovaps', to, 0, reg(s), { mask: reg(m), zero: true }))
      return
    }
    if (name === 'vpandnd' && kindB === 'mask') {
      f.push('vector', [b, a], (asm, to, [m, s]) => {
        asm.mask('knotw', scratchMask, 0, reg(m))
        asm.vector('vmovaps', to, 0, reg(s), { mask: scratchMask, zero: true })
      })
      return
    }
    f.put({ is: 'register', register: a })
    const x = f.popVector()
    f.put({ is: 'register', register: b })
    const y = f.popVector()
    const [first, second] = name === 'vpandnd' ? [y, x] : [x, y]
    f.push('vector', [first, second], (asm, to, [s, t]) => vector(asm, name, to, reg(s), t, 64), { folds: true })
  }

/** Bits of the first operand where the third has them, else of the second. */
const bitselect: Meaning = (f) => {
  const k = f.popMask()
  const b = f.value(f.take())
  const a = f.value(f.take())
  if (f.kindOf(a) === 'mask' && f.kindOf(b) === 'mask') {
    f.push('mask', [a, b, k], (asm, to, [x, y, z]) => {
      asm
        .mask('kandw', scratchMask, reg(x), reg(z))
        .mask('kandnw', to, reg(z), reg(y))
        .mask('korw', to, to, scratchMask)
    })
    return
  }
  f.put({ is: 'register', register: b })
  const y = f.popVector()
  f.put({ is: 'register', register: a })
  const x = f.popVector()
  f.push('vector', [k, y, x], (asm, to, [m, s, t]) => asm.vector('vblendmps', to, reg(s), reg(t), { mask: reg(m) }))
}

const multiplyAdd: Meaning = (f) => {
  const c = f.popVector()
  const second = f.popVector()
  const first = f.popVector()
  const [a, b] = f.isConstant(first) ? [second, first] : [first, second]
  const addend = f.isConstant(c)
  f.push(
    'vector',
    addend ? [a, b, c] : [a, c, b],
    (asm, to, [x, y, z]) => {
      const [p, q, r] = addend ? [x, y, z] : [x, z, y]
      fuse(asm, to, reg(p), q, r)
    },
    { folds: true },
  )
}

/** to = a · b + c, where b or c may be in memory. */
function fuse(asm: Assembler, to: number, a: number, b: Source | undefined, c: Source | undefined): void {
  if (typeof c !== 'number') {
    if (to === a) vector(asm, 'vfmadd213ps', to, reg(b), c, 64)
    else if (to === b) vector(asm, 'vfmadd213ps', to, a, c, 64)
    else {
      asm.vector('vmovaps', to, 0, a)
      vector(asm, 'vfmadd213ps', to, reg(b), c, 64)
    }
  } else if (to === a && to !== c) vector(asm, 'vfmadd132ps', to, c, b, 64)
  else if (to === b && to !== c) asm.vector('vfmadd213ps', to, a, c)
  else {
    if (to !== c) asm.vector('vmovaps', to, 0, c)
    vector(asm, 'vfmadd231ps', to, a, b, 64)
  }
}

const lanesShift =
  (byConstant: VectorName, byVector: VectorName): Meaning =>
  (f) => {
    const count = f.take()
    const v = f.popVector()
    if (count.is === 'number') {
      const { value } = count
      f.push('vector', [v], (asm, to, [s]) => asm.vector(byConstant, to, 0, reg(s), { immediate: value & 31 }))
      return
    }
    const n = f.value(count)
    f.push('general', [n], (asm, to, [s]) => {
      if (to !== s) asm.move(to, reg(s))
      asm.arithmeticImmediate('and', to, 31)
    })
    f.push('vector', [f.popGeneral()], (asm, to, [s]) => asm.vector('vmovd', to, 0, reg(s), { bytes: 16 }))
    const amount = f.popVector()
    f.push('vector', [v, amount], (asm, to, [s, t]) => asm.vector(byVector, to, reg(s), reg(t)))
  }

const spread: Meaning = (f) => {
  const entry = f.take()
  if (entry.is === 'number') f.put({ is: 'bits', bits: entry.value })
  else if (entry.is === 'bits') f.put(entry)
  else {
    const v = f.value(entry)
    if (f.kindOf(v) === 'general') f.push('vector', [v], (asm, to, [s]) => asm.vector('vpbroadcastd', to, 0, reg(s)))
    else f.push('vector', [v], (asm, to, [s]) => asm.vector('vbroadcastss', to, 0, reg(s)))
  }
}

const floats = (shape: 'f32' | 'f32x4', bytes: Bytes): [string, Meaning][] => [
  [`${shape}.add`, binary('vaddps', bytes, { commutes: true })],
  [`${shape}.sub`, binary('vsubps', bytes)],
  [`${shape}.mul`, binary('vmulps', bytes, { commutes: true })],
  [`${shape}.div`, binary('vdivps', bytes)],
  [`${shape}.min`, extreme(4, bytes)],
  [`${shape}.max`, extreme(5, bytes)],
  [`${shape}.neg`, withConstant('vpxord', bytes, -0x80000000)],
  [`${shape}.abs`, withConstant('vpandd', bytes, 0x7fffffff)],
  [`${shape}.sqrt`, unary('vsqrtps', bytes)],
  [`${shape}.nearest`, unary('vrndscaleps', bytes, 8)],
  [`${shape}.floor`, unary('vrndscaleps', bytes, 9)],
  [`${shape}.ceil`, unary('vrndscaleps', bytes, 10)],
  [`${shape}.trunc`, unary('vrndscaleps', bytes, 11)],
  [`${shape}.eq`, lanesCompare('vcmpps', bytes, 0)],
  [`${shape}.lt`, lanesCompare('vcmpps', bytes, 1)],
  [`${shape}.le`, lanesCompare('vcmpps', bytes, 2)],
  [`${shape}.ne`, lanesCompare('vcmpps', bytes, 4)],
  [`${shape}.ge`, lanesCompare('vcmpps', bytes, 13)],
  [`${shape}.gt`, lanesCompare('vcmpps', bytes, 14)],
]

const operations: { readonly [N in Plain]?: Meaning } = Object.fromEntries<Meaning>([
  ...floats('f32', 16),
  ...floats('f32x4', 64),
  ['drop', (f) => void f.take()],
  ['return', (f) => void f.leave()],
  ['select', choose],
  ['i32.add', arithmetic('add', (a, b) => a + b)],
  ['i32.sub', arithmetic('sub', (a, b) => a - b)],
  ['i32.and', arithmetic('and', (a, b) => a & b)],
  ['i32.or', arithmetic('or', (a, b) => a | b)],
  ['i32.xor', arithmetic('xor', (a, b) => a ^ b)],
  [
    'i32.mul',
    (f) => {
      const b = f.popGeneral()
      const a = f.popGeneral()
      f.push('general', [a, b], (asm, to, [x, y]) => {
        if (to === y) asm.multiply(to, reg(x))
        else {
          if (to !== x) asm.move(to, reg(x))
          asm.multiply(to, reg(y))
        }
      })
    },
  ],
  ['i32.shl', shift('shl')],
  ['i32.shr_u', shift('shr')],
  ['i32.shr_s', shift('sar')],
  ['i32.div_s', division(true, false)],
  ['i32.div_u', division(false, false)],
  ['i32.rem_u', division(false, true)],
  ['i32.eqz', (f) => comparison('equal', 'equal')(f.i32(0))],
  ['i32.eq', comparison('equal', 'equal')],
  ['i32.ne', comparison('notEqual', 'notEqual')],
  ['i32.lt_s', comparison('less', 'greater')],
  ['i32.lt_u', comparison('below', 'above')],
  ['i32.gt_s', comparison('greater', 'less')],
  ['i32.gt_u', comparison('above', 'below')],
  ['i32.le_s', comparison('lessOrEqual', 'greaterOrEqual')],
  ['i32.le_u', comparison('belowOrEqual', 'aboveOrEqual')],
  ['i32.ge_s', comparison('greaterOrEqual', 'lessOrEqual')],
  ['i32.ge_u', comparison('aboveOrEqual', 'belowOrEqual')],
  ['i32.trunc_sat_f32_s', truncate(16)],
  [
    'f32.convert_i32_s',
    (f) => {
      f.push('vector', [f.popGeneral()], (asm, to, [s]) => {
        asm.vector('vmovd', to, 0, reg(s), { bytes: 16 }).vector('vcvtdq2ps', to, 0, to, { bytes: 16 })
      })
    },
  ],
  [
    'f32.reinterpret_i32',
    (f) => {
      f.push('vector', [f.popGeneral()], (asm, to, [s]) => asm.vector('vmovd', to, 0, reg(s), { bytes: 16 }))
    },
  ],
  ['i32.reinterpret_f32', (f) => void f.lane('i32x4.extract_lane', 0)],
  ['f32x4.splat', spread],
  ['i32x4.splat', spread],
  ['f32x4.pmin', binary('vminps', 64, { swapped: true })],
  ['f32x4.pmax', binary('vmaxps', 64, { swapped: true })],
  ['f32x4.relaxed_madd', multiplyAdd],
  ['f32x4.convert_i32x4_s', unary('vcvtdq2ps', 64)],
  ['i32x4.trunc_sat_f32x4_s', truncate(64)],
  ['i32x4.add', binary('vpaddd', 64, { commutes: true })],
  ['i32x4.sub', binary('vpsubd', 64)],
  ['i32x4.mul', binary('vpmulld', 64, { commutes: true })],
  ['i32x4.min_s', binary('vpminsd', 64, { commutes: true })],
  ['i32x4.max_s', binary('vpmaxsd', 64, { commutes: true })],
  ['i32x4.abs', unary('vpabsd', 64)],
  [
    'i32x4.neg',
    (f) => {
      const v = f.popVector()
      f.splat('i32', 0)
      f.put({ is: 'register', register: v })
      binary('vpsubd', 64)(f)
    },
  ],
  ['i32x4.eq', lanesCompare('vpcmpd', 64, 0)],
  ['i32x4.lt_s', lanesCompare('vpcmpd', 64, 1)],
  ['i32x4.le_s', lanesCompare('vpcmpd', 64, 2)],
  ['i32x4.ne', lanesCompare('vpcmpd', 64, 4)],
  ['i32x4.ge_s', lanesCompare('vpcmpd', 64, 5)],
  ['i32x4.gt_s', lanesCompare('vpcmpd', 64, 6)],
  ['i32x4.lt_u', lanesCompare('vpcmpud', 64, 1)],
  ['i32x4.shl', lanesShift('vpslldi', 'vpslld')],
  ['i32x4.shr_u', lanesShift('vpsrldi', 'vpsrld')],
  ['i32x4.shr_s', lanesShift('vpsradi', 'vpsrad')],
  ['v128.and', logical('vpandd', 'kandw', (a, b) => a & b)],
  ['v128.or', logical('vpord', 'korw', (a, b) => a | b)],
  ['v128.xor', logical('vpxord', 'kxorw', (a, b) => a ^ b)],
  ['v128.andnot', logical('vpandnd', 'kandnw', (a, b) => a & ~b)],
  [
    'v128.not',
    (f) => {
      const v = f.value(f.take())
      if (f.kindOf(v) === 'mask') f.push('mask', [v], (asm, to, [s]) => asm.mask('knotw', to, 0, reg(s)))
      else {
        f.put({ is: 'register', register: v })
        withConstant('vpxord', 64, -1)(f)
      }
    },
  ],
  ['v128.bitselect', bitselect],
])

const loads =
  (kind: Kind, emit: (a: Assembler, to: number, place: Memory) => void) =>
  (f: NativeFunction, offset: number): void => {
    const { from, displacement } = f.popAddress(offset)
    f.push(kind, [from], (a, to, [s]) => emit(a, to, linear(s, displacement)))
  }
const stores =
  (kind: Kind, emit: (a: Assembler, value: number, place: Memory) => void) =>
  (f: NativeFunction, offset: number): void => {
    const value = f.pop(kind)
    const { from, displacement } = f.popAddress(offset)
    f.emit(-1, [from, value], (a, _, [s, v]) => emit(a, reg(v), linear(s, displacement)))
  }

const memoryOperations: { readonly [N in MemoryOp]?: (f: NativeFunction, offset: number) => void } = {
  'f32.load': loads('vector', (a, to, place) => a.vector('vmovss', to, 0, place, { bytes: 16 })),
  'i32.load': loads('general', (a, to, place) => a.move(to, place)),
  'i32.load8_u': loads('general', (a, to, place) => a.loadByte(to, place)),
  'v128.load': loads('vector', (a, to, place) => a.vector('vmovups', to, 0, place)),
  'f32.store': stores('vector', (a, value, place) => a.vector('vmovssStore', value, 0, place, { bytes: 16 })),
  'i32.store': stores('general', (a, value, place) => a.store(place, value)),
  'i32.store8': stores('general', (a, value, place) => a.storeByte(place, value)),
  'v128.store': stores('vector', (a, value, place) => a.vector('vmovupsStore', value, 0, place)),
}
