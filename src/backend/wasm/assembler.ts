// A WebAssembly module assembler: functions are built by emitting instructions, a module is turned into bytes.

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

const valueTypes: { readonly [T in ValueType]: number } = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b }

/** Instructions without immediates, by their names in the specification. */
const plain = {
  unreachable: 0x00,
  nop: 0x01,
  return: 0x0f,
  drop: 0x1a,
  select: 0x1b,
  'i32.eqz': 0x45,
  'i32.eq': 0x46,
  'i32.ne': 0x47,
  'i32.lt_s': 0x48,
  'i32.lt_u': 0x49,
  'i32.gt_s': 0x4a,
  'i32.gt_u': 0x4b,
  'i32.le_s': 0x4c,
  'i32.le_u': 0x4d,
  'i32.ge_s': 0x4e,
  'i32.ge_u': 0x4f,
  'i64.eqz': 0x50,
  'i64.eq': 0x51,
  'i64.ne': 0x52,
  'i64.lt_u': 0x54,
  'i64.ge_u': 0x5a,
  'f32.eq': 0x5b,
  'f32.ne': 0x5c,
  'f32.lt': 0x5d,
  'f32.gt': 0x5e,
  'f32.le': 0x5f,
  'f32.ge': 0x60,
  'f64.eq': 0x61,
  'f64.ne': 0x62,
  'f64.lt': 0x63,
  'f64.gt': 0x64,
  'f64.le': 0x65,
  'f64.ge': 0x66,
  'i32.clz': 0x67,
  'i32.ctz': 0x68,
  'i32.add': 0x6a,
  'i32.sub': 0x6b,
  'i32.mul': 0x6c,
  'i32.div_s': 0x6d,
  'i32.div_u': 0x6e,
  'i32.rem_s': 0x6f,
  'i32.rem_u': 0x70,
  'i32.and': 0x71,
  'i32.or': 0x72,
  'i32.xor': 0x73,
  'i32.shl': 0x74,
  'i32.shr_s': 0x75,
  'i32.shr_u': 0x76,
  'i32.rotl': 0x77,
  'i64.add': 0x7c,
  'i64.sub': 0x7d,
  'i64.mul': 0x7e,
  'i64.and': 0x83,
  'i64.or': 0x84,
  'i64.shl': 0x86,
  'i64.shr_u': 0x88,
  'f32.abs': 0x8b,
  'f32.neg': 0x8c,
  'f32.ceil': 0x8d,
  'f32.floor': 0x8e,
  'f32.trunc': 0x8f,
  'f32.nearest': 0x90,
  'f32.sqrt': 0x91,
  'f32.add': 0x92,
  'f32.sub': 0x93,
  'f32.mul': 0x94,
  'f32.div': 0x95,
  'f32.min': 0x96,
  'f32.max': 0x97,
  'f64.abs': 0x99,
  'f64.neg': 0x9a,
  'f64.ceil': 0x9b,
  'f64.floor': 0x9c,
  'f64.trunc': 0x9d,
  'f64.nearest': 0x9e,
  'f64.sqrt': 0x9f,
  'f64.add': 0xa0,
  'f64.sub': 0xa1,
  'f64.mul': 0xa2,
  'f64.div': 0xa3,
  'f64.min': 0xa4,
  'f64.max': 0xa5,
  'i32.wrap_i64': 0xa7,
  'i64.extend_i32_s': 0xac,
  'i64.extend_i32_u': 0xad,
  'f32.convert_i32_s': 0xb2,
  'f32.convert_i32_u': 0xb3,
  'f32.demote_f64': 0xb6,
  'f64.convert_i32_s': 0xb7,
  'f64.promote_f32': 0xbb,
  'i32.reinterpret_f32': 0xbc,
  'f32.reinterpret_i32': 0xbe,
} as const

/** Instructions behind the 0xfc prefix. */
const saturating = { 'i32.trunc_sat_f32_s': 0, 'i32.trunc_sat_f64_s': 2 } as const

/** SIMD instructions without immediates (prefix 0xfd). */
const simd = {
  'i8x16.swizzle': 0x0e,
  'i8x16.splat': 0x0f,
  'i32x4.splat': 0x11,
  'f32x4.splat': 0x13,
  'f64x2.splat': 0x14,
  'i32x4.eq': 0x37,
  'i32x4.ne': 0x38,
  'i32x4.lt_s': 0x39,
  'i32x4.lt_u': 0x3a,
  'i32x4.gt_s': 0x3b,
  'i32x4.le_s': 0x3d,
  'i32x4.ge_s': 0x3f,
  'f32x4.eq': 0x41,
  'f32x4.ne': 0x42,
  'f32x4.lt': 0x43,
  'f32x4.gt': 0x44,
  'f32x4.le': 0x45,
  'f32x4.ge': 0x46,
  'f64x2.lt': 0x49,
  'v128.not': 0x4d,
  'v128.and': 0x4e,
  'v128.andnot': 0x4f,
  'v128.or': 0x50,
  'v128.xor': 0x51,
  'v128.bitselect': 0x52,
  'v128.any_true': 0x53,
  'f32x4.ceil': 0x67,
  'f32x4.floor': 0x68,
  'f32x4.trunc': 0x69,
  'f32x4.nearest': 0x6a,
  'i8x16.narrow_i16x8_u': 0x66,
  'i16x8.narrow_i32x4_u': 0x86,
  'i16x8.narrow_i32x4_s': 0x85,
  'i16x8.extend_low_i8x16_u': 0x89,
  'i32x4.extend_low_i16x8_u': 0xa9,
  'i32x4.abs': 0xa0,
  'i32x4.neg': 0xa1,
  'i32x4.all_true': 0xa3,
  'i32x4.bitmask': 0xa4,
  'i32x4.shl': 0xab,
  'i32x4.shr_s': 0xac,
  'i32x4.shr_u': 0xad,
  'i32x4.add': 0xae,
  'i32x4.sub': 0xb1,
  'i32x4.mul': 0xb5,
  'i32x4.min_s': 0xb6,
  'i32x4.max_s': 0xb8,
  'f32x4.abs': 0xe0,
  'f32x4.neg': 0xe1,
  'f32x4.sqrt': 0xe3,
  'f32x4.add': 0xe4,
  'f32x4.sub': 0xe5,
  'f32x4.mul': 0xe6,
  'f32x4.div': 0xe7,
  'f32x4.min': 0xe8,
  'f32x4.max': 0xe9,
  'f32x4.pmin': 0xea,
  'f32x4.pmax': 0xeb,
  'f64x2.add': 0xf0,
  'f64x2.mul': 0xf2,
  'i32x4.trunc_sat_f32x4_s': 0xf8,
  'f32x4.convert_i32x4_s': 0xfa,
  'f32x4.relaxed_madd': 0x105,
} as const

/** Memory instructions: opcode bytes after the prefix, and the natural alignment as a power of two. */
const memory = {
  'i32.load': [0x28, 2],
  'i64.load': [0x29, 3],
  'f32.load': [0x2a, 2],
  'f64.load': [0x2b, 3],
  'i32.load8_u': [0x2d, 0],
  'i32.store': [0x36, 2],
  'i64.store': [0x37, 3],
  'f32.store': [0x38, 2],
  'f64.store': [0x39, 3],
  'i32.store8': [0x3a, 0],
} as const
const simdMemory = {
  'v128.load': [0x00, 4],
  'v128.load8_splat': [0x07, 0],
  'v128.load32_splat': [0x09, 2],
  'v128.load64_splat': [0x0a, 3],
  'v128.load32_zero': [0x5c, 2],
  'v128.load64_zero': [0x5d, 3],
  'v128.store': [0x0b, 4],
} as const
const simdLaneMemory = {
  'v128.load32_lane': [0x56, 2],
  'v128.load64_lane': [0x57, 3],
  'v128.store32_lane': [0x5a, 2],
  'v128.store64_lane': [0x5b, 3],
} as const
const simdLane = {
  'i32x4.extract_lane': 0x1b,
  'i32x4.replace_lane': 0x1c,
  'f32x4.extract_lane': 0x1f,
  'f32x4.replace_lane': 0x20,
} as const
const atomic = {
  'memory.atomic.notify': [0x00, 2],
  'memory.atomic.wait32': [0x01, 2],
  'memory.atomic.wait64': [0x02, 3],
  'i32.atomic.load': [0x10, 2],
  'i64.atomic.load': [0x11, 3],
  'i32.atomic.store': [0x17, 2],
  'i64.atomic.store': [0x18, 3],
  'i32.atomic.rmw.add': [0x1e, 2],
  'i32.atomic.rmw.xchg': [0x41, 2],
  'i32.atomic.rmw.cmpxchg': [0x48, 2],
  'i64.atomic.rmw.cmpxchg': [0x49, 3],
} as const

export type Plain = keyof typeof plain | keyof typeof saturating | keyof typeof simd
export type MemoryOp = keyof typeof memory | keyof typeof simdMemory
export type BlockType = ValueType | 'none'

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
export class FunctionBuilder {
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
    return this.bytes(0x20).u(local)
  }
  set(local: number): this {
    return this.bytes(0x21).u(local)
  }
  tee(local: number): this {
    return this.bytes(0x22).u(local)
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
  op(name: Plain): this {
    if (name in plain) return this.bytes(plain[name as keyof typeof plain])
    if (name in saturating) return this.bytes(0xfc).u(saturating[name as keyof typeof saturating])
    return this.bytes(0xfd).u(simd[name as keyof typeof simd])
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
    unsigned(value, this.code)
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
    const out: number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
    const section = (id: number, count: number, parts: readonly (readonly number[])[]): void => {
      if (count === 0) return
      const size = unsigned(count)
      let length = size.length
      for (const p of parts) length += p.length
      out.push(id, ...unsigned(length), ...size)
      for (const p of parts) for (const b of p) out.push(b)
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
    section(10, this.functions.length, this.functions.map(body))
    return new Uint8Array(out)
  }
}

function body(f: FunctionBuilder): number[] {
  const groups: [ValueType, number][] = []
  for (const t of f.locals) {
    const last = groups.at(-1)
    if (last && last[0] === t) last[1]++
    else groups.push([t, 1])
  }
  const head = [...unsigned(groups.length), ...groups.flatMap(([t, n]) => [...unsigned(n), valueTypes[t]])]
  const size = unsigned(head.length + f.code.length + 1)
  return [...size, ...head, ...f.code, 0x0b]
}
