// A WebAssembly module assembler: functions are built by emitting instructions, a module is turned into bytes.

import type { Code } from './code.ts'
import {
  atomic,
  type BlockType,
  type MemoryOp,
  memory,
  type Plain,
  plain,
  saturating,
  simd,
  simdLane,
  simdLaneMemory,
  simdMemory,
  type ValueType,
} from './opcodes.ts'

const valueTypes: { readonly [T in ValueType]: number } = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b }

export type { MemoryOp, Plain, ValueType } from './opcodes.ts'

/** The bytes of each instruction without immediates. */
const encodings = new Map<string, readonly number[]>([
  ...Object.entries(plain).map(([name, code]) => [name, [code]] as const),
  ...Object.entries(saturating).map(([name, code]) => [name, [0xfc, ...unsigned(code)]] as const),
  ...Object.entries(simd).map(([name, code]) => [name, [0xfd, ...unsigned(code)]] as const),
])

/** Unsigned and signed LEB128. */
function unsigned(value: number, out: number[] = []): number[] {
  let n = value >>> 0
  do {
    const byte = n & 127
    n >>>= 7
    out.push(n ? byte | 128 : byte)
  } while (n)
  return out
}
function signed(value: number, out: number[] = []): number[] {
  let n = value | 0
  for (;;) {
    const byte = n & 127
    n >>= 7
    const last = n === (byte & 64 ? -1 : 0)
    out.push(last ? byte : byte | 128)
    if (last) return out
  }
}

/** One function under construction. Every emitter returns the function, so that instructions can be chained. */
export class FunctionBuilder implements Code {
  readonly lanes = 4
  readonly freshLocals = false
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  /** Index in the module's function space, imports first. */
  readonly index: number
  readonly name: string | undefined
  readonly locals: ValueType[] = []
  readonly code: number[] = []

  constructor(index: number, name: string | undefined, params: readonly ValueType[], results: readonly ValueType[]) {
    this.index = index
    this.name = name
    this.params = params
    this.results = results
  }

  /** A new local; returns its index. */
  local(type: ValueType): number {
    this.locals.push(type)
    return this.params.length + this.locals.length - 1
  }
  get(local: number): this {
    this.code.push(0x20)
    return this.u(local)
  }
  set(local: number): this {
    this.code.push(0x21)
    return this.u(local)
  }
  tee(local: number): this {
    this.code.push(0x22)
    return this.u(local)
  }
  globalGet(index: number): this {
    return this.bytes(0x23).u(index)
  }
  i32(value: number): this {
    this.code.push(0x41)
    signed(value, this.code)
    return this
  }
  /** An i64 constant in the range of int32. */
  i64(value: number): this {
    this.code.push(0x42)
    signed(value, this.code)
    return this
  }
  f32(value: number): this {
    return this.bytes(0x43, ...new Uint8Array(new Float32Array([value]).buffer))
  }
  f64(value: number): this {
    return this.bytes(0x44, ...new Uint8Array(new Float64Array([value]).buffer))
  }
  /** A constant vector of four 32-bit lanes. Prefer a local that is loaded before the loop (V8 rebuilds constants). */
  v128(lanes: Int32Array | Float32Array): this {
    return this.bytes(0xfd, 12, ...new Uint8Array(lanes.buffer, lanes.byteOffset, 16))
  }
  upperHalf(): this {
    throw new Error('wasm: float64 has no place in lanes')
  }
  splat(type: 'f32' | 'f64' | 'i32', value: number): this {
    if (type === 'f64') return this.f64(value).op('f64x2.splat')
    return this.v128(type === 'f32' ? new Float32Array(4).fill(value) : new Int32Array(4).fill(value))
  }
  iota(from: number): this {
    return this.v128(new Int32Array([from, from + 1, from + 2, from + 3]))
  }
  rotate(distance: number): this {
    const copy = this.local('v128')
    this.tee(copy).get(copy)
    return this.shuffle(Array.from({ length: 16 }, (_, i) => (i + 4 * distance) % 16))
  }
  op(name: Plain): this {
    const encoding = encodings.get(name)
    if (!encoding) throw new Error(`wasm: ${name} is not emitted`)
    for (const byte of encoding) this.code.push(byte)
    return this
  }
  /** A load or store at the address on the stack plus `offset`; alignment is a hint that is always left at one byte's worth or natural. */
  memory(name: MemoryOp, offset = 0): this {
    if (name in memory) {
      const [code, align] = memory[name as keyof typeof memory]
      return this.bytes(code, align).u(offset)
    }
    const [code] = simdMemory[name as keyof typeof simdMemory]
    return this.bytes(0xfd)
      .u(code)
      .bytes(2 > simdMemory[name as keyof typeof simdMemory][1] ? 0 : 2)
      .u(offset)
  }
  laneMemory(name: keyof typeof simdLaneMemory, lane: number, offset = 0): this {
    return this.bytes(0xfd).u(simdLaneMemory[name][0]).bytes(2).u(offset).bytes(lane)
  }
  lane(name: keyof typeof simdLane, lane: number): this {
    return this.bytes(0xfd).u(simdLane[name]).bytes(lane)
  }
  /** i8x16.shuffle with sixteen byte indices into the two vectors on the stack. */
  shuffle(bytes: readonly number[]): this {
    return this.bytes(0xfd)
      .u(0x0d)
      .bytes(...bytes)
  }
  atomic(name: keyof typeof atomic, offset = 0): this {
    const [code, align] = atomic[name]
    return this.bytes(0xfe).u(code).bytes(align).u(offset)
  }
  atomicFence(): this {
    return this.bytes(0xfe, 0x03, 0x00)
  }
  memoryFill(): this {
    return this.bytes(0xfc).u(11).bytes(0)
  }
  memoryCopy(): this {
    return this.bytes(0xfc).u(10).bytes(0, 0)
  }
  call(functionIndex: number): this {
    return this.bytes(0x10).u(functionIndex)
  }
  /** Calls through table 0 with the function type of index `type` (see `ModuleBuilder.type`). */
  callIndirect(type: number): this {
    return this.bytes(0x11).u(type).bytes(0)
  }
  block(body: () => void, type: BlockType = 'none'): this {
    return this.structured(0x02, body, type)
  }
  /** `br(0)` inside the body continues the loop. */
  loop(body: () => void, type: BlockType = 'none'): this {
    return this.structured(0x03, body, type)
  }
  if(then: () => void, otherwise?: () => void, type: BlockType = 'none'): this {
    this.bytes(0x04, type === 'none' ? 0x40 : valueTypes[type])
    then()
    if (otherwise) {
      this.bytes(0x05)
      otherwise()
    }
    return this.bytes(0x0b)
  }
  br(depth: number): this {
    return this.bytes(0x0c).u(depth)
  }
  brIf(depth: number): this {
    return this.bytes(0x0d).u(depth)
  }
  /** `for (i = from; i <s to; i += step) body`, with `to` in a local; a test before the first turn. */
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

  private structured(opcode: number, body: () => void, type: BlockType): this {
    this.bytes(opcode, type === 'none' ? 0x40 : valueTypes[type])
    body()
    return this.bytes(0x0b)
  }
  private bytes(...values: number[]): this {
    for (const v of values) this.code.push(v)
    return this
  }
  private u(value: number): this {
    if (value >= 0 && value < 128) this.code.push(value)
    else unsigned(value, this.code)
    return this
  }
}

interface Import {
  readonly module: string
  readonly name: string
  readonly description: readonly number[]
}

/** A module under construction. Import memory, table and functions before the first function is added. */
export class ModuleBuilder {
  private readonly types: string[] = []
  private readonly typeBytes: number[][] = []
  private readonly imports: Import[] = []
  private readonly functions: FunctionBuilder[] = []
  private readonly globals: number[][] = []
  private readonly elements: { offsetGlobal: number; functions: number[] }[] = []
  private importedFunctions = 0
  private importedGlobals = 0

  /** The index of a function type, shared by equal signatures. */
  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${params.join()}>${results.join()}`
    const known = this.types.indexOf(key)
    if (known >= 0) return known
    this.types.push(key)
    this.typeBytes.push([
      0x60,
      ...unsigned(params.length),
      ...params.map((t) => valueTypes[t]),
      ...unsigned(results.length),
      ...results.map((t) => valueTypes[t]),
    ])
    return this.types.length - 1
  }
  importMemory(module: string, name: string, maximumPages: number, shared: boolean): void {
    this.imports.push({ module, name, description: [2, shared ? 3 : 1, ...unsigned(1), ...unsigned(maximumPages)] })
  }
  importTable(module: string, name: string, minimum: number): void {
    this.imports.push({ module, name, description: [1, 0x70, 0, ...unsigned(minimum)] })
  }
  /** Returns the function's index. */
  importFunction(module: string, name: string, params: readonly ValueType[], results: readonly ValueType[]): number {
    this.imports.push({ module, name, description: [0, ...unsigned(this.type(params, results))] })
    return this.importedFunctions++
  }
  /** An immutable i32 global; returns its index. */
  importGlobal(module: string, name: string): number {
    this.imports.push({ module, name, description: [3, valueTypes.i32, 0] })
    return this.importedGlobals++
  }
  function(
    name: string | undefined,
    params: readonly ValueType[],
    results: readonly ValueType[] = [],
  ): FunctionBuilder {
    const f = new FunctionBuilder(this.importedFunctions + this.functions.length, name, params, results)
    this.functions.push(f)
    return f
  }
  /** Puts the functions into table 0 from the index that the imported i32 global holds. */
  element(offsetGlobal: number, functions: readonly FunctionBuilder[]): void {
    this.elements.push({ offsetGlobal, functions: functions.map((f) => f.index) })
  }
  /** The bytes of the module. Functions with a name are exported under it. */
  build(): Uint8Array<ArrayBuffer> {
    const text = (s: string): number[] => {
      const bytes = new TextEncoder().encode(s)
      return [...unsigned(bytes.length), ...bytes]
    }
    const parts: (readonly number[])[] = [[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]]
    const section = (id: number, count: number, content: readonly (readonly number[])[]): void => {
      if (count === 0) return
      const size = unsigned(count)
      parts.push([id, ...unsigned(total(content) + size.length)], size, ...content)
    }
    const typeOf = this.functions.map((f) => this.type(f.params, f.results))
    section(1, this.typeBytes.length, this.typeBytes)
    section(
      2,
      this.imports.length,
      this.imports.map((i) => [...text(i.module), ...text(i.name), ...i.description]),
    )
    section(
      3,
      this.functions.length,
      typeOf.map((t) => unsigned(t)),
    )
    section(6, this.globals.length, this.globals)
    const named = this.functions.filter((f) => f.name !== undefined)
    section(
      7,
      named.length,
      named.map((f) => [...text(f.name ?? ''), 0, ...unsigned(f.index)]),
    )
    section(
      9,
      this.elements.length,
      this.elements.map((e) => [
        0,
        0x23,
        ...unsigned(e.offsetGlobal),
        0x0b,
        ...unsigned(e.functions.length),
        ...e.functions.flatMap((f) => unsigned(f)),
      ]),
    )
    section(10, this.functions.length, this.functions.flatMap(body))
    const bytes = new Uint8Array(total(parts))
    let at = 0
    for (const part of parts) {
      bytes.set(part, at)
      at += part.length
    }
    return bytes
  }
}

function total(parts: readonly (readonly number[])[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0)
}

/** The code entry of a function, in pieces. */
function body(f: FunctionBuilder): (readonly number[])[] {
  const groups: [ValueType, number][] = []
  for (const t of f.locals) {
    const last = groups.at(-1)
    if (last && last[0] === t) last[1]++
    else groups.push([t, 1])
  }
  const head = [...unsigned(groups.length), ...groups.flatMap(([t, n]) => [...unsigned(n), valueTypes[t]])]
  const size = unsigned(head.length + f.code.length + 1)
  return [[...size, ...head], f.code, [0x0b]]
}
