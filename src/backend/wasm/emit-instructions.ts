// Instruction selection: the WebAssembly instructions of one scalar operation, on one value or on four lanes.

import type { Expr, ExprOp, ScalarType } from '../../scalar/expr.ts'
import type { Plain, ValueType } from './assembler.ts'
import type { Code } from './code.ts'
import type { Locals } from './emit-locals.ts'
import type { EmitEnvironment } from './layout.ts'

/** How many elements a value holds: 1 in a plain register; 4 stands for as many as the target's vectors have lanes. */
export type Width = 1 | 4

export interface Demand {
  readonly e: Expr
  readonly width: Width
}

/** How a node is computed: its operands go on the stack in order, then `code` replaces them by the result. */
export interface Selection {
  readonly operands: readonly Demand[]
  readonly code: (f: Code, locals: Locals) => void
}

/** The type of a local that holds a value; bool is 0 or 1, in vectors a mask of all or no bits. */
export const valueType = (type: ScalarType, width: Width): ValueType =>
  width === 4 ? 'v128' : type === 'bool' ? 'i32' : type

/** The instructions of an operation with arguments, that is, not of a leaf. */
export function select(e: Expr, width: Width, env: EmitEnvironment): Selection {
  return width === 4 ? vector(e, env) : scalar(e, env)
}

/** Whether an operation exists on four lanes; `uniform` tells which values are equal in all lanes. */
export function hasVectorForm(e: Expr, uniform: (e: Expr) => boolean, float64 = false): boolean {
  if (!float64 && (e.type === 'f64' || e.args.some((a) => a.type === 'f64'))) return false
  if (e.op === 'div' && e.type === 'i32') return false
  if (e.op === 'shl' || e.op === 'shr' || e.op === 'sar') return uniform(e.args[1])
  return true
}

/** Turns the scalar on the stack into four equal lanes. */
export function splat(f: Code, type: ScalarType): void {
  if (type === 'f32' || type === 'f64') f.op(`${shapes[type]}.splat`)
  else f.op('i32x4.splat')
  if (type === 'bool') f.op('i32x4.neg')
}

/** Pushes a constant; a bool is 0 or 1. */
export function pushConstant(f: Code, type: ScalarType, value: number): void {
  if (type === 'f32') f.f32(value)
  else if (type === 'f64') f.f64(value)
  else f.i32(value)
}

/** Pushes four equal lanes. */
export function pushVectorConstant(f: Code, type: ScalarType, value: number): void {
  if (type === 'f32' || type === 'f64') f.splat(type, value)
  else f.splat('i32', type === 'bool' ? -value : value)
}

type Table = { readonly [Op in ExprOp]?: readonly Plain[] }

const all = (e: Expr, width: Width): Demand[] => e.args.map((a) => ({ e: a, width }))
const plainly = (operands: readonly Demand[], instructions: readonly Plain[]): Selection => ({
  operands,
  code: (f) => {
    for (const i of instructions) f.op(i)
  },
})

// ---- One value

const scalarFloat = (t: 'f32' | 'f64'): Table => ({
  add: [`${t}.add`],
  sub: [`${t}.sub`],
  mul: [`${t}.mul`],
  div: [`${t}.div`],
  min: [`${t}.min`],
  max: [`${t}.max`],
  neg: [`${t}.neg`],
  abs: [`${t}.abs`],
  sqrt: [`${t}.sqrt`],
  floor: [`${t}.floor`],
  ceil: [`${t}.ceil`],
  trunc: [`${t}.trunc`],
  round: [`${t}.nearest`],
  lt: [`${t}.lt`],
  le: [`${t}.le`],
  eq: [`${t}.eq`],
  ne: [`${t}.ne`],
})

const scalarTables: { readonly [T in ScalarType]: Table } = {
  f32: scalarFloat('f32'),
  f64: scalarFloat('f64'),
  i32: {
    add: ['i32.add'],
    sub: ['i32.sub'],
    mul: ['i32.mul'],
    lt: ['i32.lt_s'],
    le: ['i32.le_s'],
    eq: ['i32.eq'],
    ne: ['i32.ne'],
    and: ['i32.and'],
    or: ['i32.or'],
    xor: ['i32.xor'],
    shl: ['i32.shl'],
    shr: ['i32.shr_u'],
    sar: ['i32.shr_s'],
  },
  bool: {
    min: ['i32.and'],
    max: ['i32.or'],
    and: ['i32.and'],
    or: ['i32.or'],
    xor: ['i32.xor'],
    not: ['i32.eqz'],
    lt: ['i32.lt_u'],
    le: ['i32.le_u'],
    eq: ['i32.eq'],
    ne: ['i32.ne'],
  },
}

const scalarConversions: { readonly [From in ScalarType]: { readonly [To in ScalarType]: readonly Plain[] } } = {
  f32: { f32: [], f64: ['f64.promote_f32'], i32: ['i32.trunc_sat_f32_s'], bool: [] },
  f64: { f32: ['f32.demote_f64'], f64: [], i32: ['i32.trunc_sat_f64_s'], bool: [] },
  i32: { f32: ['f32.convert_i32_s'], f64: ['f64.convert_i32_s'], i32: [], bool: ['i32.eqz', 'i32.eqz'] },
  bool: { f32: ['f32.convert_i32_s'], f64: ['f64.convert_i32_s'], i32: [], bool: [] },
}

function scalar(e: Expr, env: EmitEnvironment): Selection {
  const operands = all(e, 1)
  const from = e.args[0].type
  if (e.op === 'select') {
    const [condition, a, b] = operands
    return plainly([a, b, condition], ['select'])
  }
  if (e.op === 'convert') {
    if (e.type === 'bool' && (from === 'f32' || from === 'f64')) {
      const code: Selection['code'] = (f) => {
        pushConstant(f, from, 0)
        f.op(`${from}.ne`)
      }
      return { operands, code }
    }
    return plainly(operands, scalarConversions[from][e.type])
  }
  if (e.op === 'bitcast' && (e.type === 'f64' || from === 'f64')) return halves(e, operands, false)
  if (e.op === 'bitcast') return plainly(operands, [e.type === 'f32' ? 'f32.reinterpret_i32' : 'i32.reinterpret_f32'])
  if (e.op === 'call' && e.name) {
    const index = env.math(e.name)
    return { operands, code: (f) => f.call(index) }
  }
  if (e.op === 'madd') {
    const t = e.type === 'bool' ? 'i32' : e.type
    // A scalar that is the first lane of a vector rounds as all lanes do
    if (t !== 'i32' && env.relaxedMadd && env.scalarsAreLanes) return plainly(operands, [`${shapes[t]}.relaxed_madd`])
    return { operands, code: (f, locals) => multiplyAdd(f, locals, t) }
  }
  const special = from === 'i32' ? scalarIntegers[e.op] : undefined
  if (special) return { operands, code: special }
  return plainly(operands, instructions(scalarTables[from], e, from))
}

/** Float64 and the upper half of its bits. */
const halves = (e: Expr, operands: readonly Demand[], lanes: boolean): Selection => ({
  operands,
  code: (f) => f.upperHalf(e.type === 'f64' ? 'f64' : 'i32', lanes),
})

function multiplyAdd(f: Code, locals: Locals, type: 'f32' | 'f64' | 'i32'): void {
  const c = locals.take(type)
  f.set(c).op(`${type}.mul`).get(c).op(`${type}.add`)
  locals.give(c)
}

const smaller =
  (comparison: Plain): Selection['code'] =>
  (f, locals) => {
    const [a, b] = [locals.take('i32'), locals.take('i32')]
    f.set(b).tee(a).get(b).get(a).get(b).op(comparison).op('select')
    locals.give(a)
    locals.give(b)
  }

const scalarIntegers: { readonly [Op in ExprOp]?: Selection['code'] } = {
  neg: (f) => f.i32(-1).op('i32.mul'),
  not: (f) => f.i32(-1).op('i32.xor'),
  abs: (f, locals) => {
    const a = locals.take('i32')
    f.tee(a).get(a).i32(31).op('i32.shr_s').op('i32.xor').get(a).i32(31).op('i32.shr_s').op('i32.sub')
    locals.give(a)
  },
  min: smaller('i32.lt_s'),
  max: smaller('i32.gt_s'),
  // x / 0 is 0, and the least integer divided by −1 wraps; the machine would trap on both
  div: (f, locals) => {
    const [a, b] = [locals.take('i32'), locals.take('i32')]
    f.set(b).set(a)
    f.get(b).i32(1).op('i32.add').i32(2).op('i32.lt_u')
    f.if(
      () => f.get(a).get(b).op('i32.mul'),
      () => f.get(a).get(b).op('i32.div_s'),
      'i32',
    )
    locals.give(a)
    locals.give(b)
  },
}

// ---- Four lanes

const shapes = { f32: 'f32x4', f64: 'f64x2', i32: 'i32x4' } as const

const vectorFloat = (t: 'f32x4' | 'f64x2'): Table => ({
  add: [`${t}.add`],
  sub: [`${t}.sub`],
  mul: [`${t}.mul`],
  div: [`${t}.div`],
  min: [`${t}.min`],
  max: [`${t}.max`],
  neg: [`${t}.neg`],
  abs: [`${t}.abs`],
  sqrt: [`${t}.sqrt`],
  floor: [`${t}.floor`],
  ceil: [`${t}.ceil`],
  trunc: [`${t}.trunc`],
  round: [`${t}.nearest`],
  lt: [`${t}.lt`],
  le: [`${t}.le`],
  eq: [`${t}.eq`],
  ne: [`${t}.ne`],
})

const vectorTables: { readonly [T in ScalarType]: Table } = {
  f32: vectorFloat('f32x4'),
  f64: vectorFloat('f64x2'),
  i32: {
    add: ['i32x4.add'],
    sub: ['i32x4.sub'],
    mul: ['i32x4.mul'],
    min: ['i32x4.min_s'],
    max: ['i32x4.max_s'],
    neg: ['i32x4.neg'],
    abs: ['i32x4.abs'],
    lt: ['i32x4.lt_s'],
    le: ['i32x4.le_s'],
    eq: ['i32x4.eq'],
    ne: ['i32x4.ne'],
    and: ['v128.and'],
    or: ['v128.or'],
    xor: ['v128.xor'],
    not: ['v128.not'],
    shl: ['i32x4.shl'],
    shr: ['i32x4.shr_u'],
    sar: ['i32x4.shr_s'],
  },
  bool: {
    min: ['v128.and'],
    max: ['v128.or'],
    and: ['v128.and'],
    or: ['v128.or'],
    xor: ['v128.xor'],
    not: ['v128.not'],
    lt: ['i32x4.gt_s'],
    le: ['i32x4.ge_s'],
    eq: ['i32x4.eq'],
    ne: ['v128.xor'],
  },
}

const vectorConversions: { readonly [From in ScalarType]?: { readonly [To in ScalarType]?: readonly Plain[] } } = {
  f32: { i32: ['i32x4.trunc_sat_f32x4_s'], f64: ['f64x2.promote_low_f32x4'] },
  f64: { i32: ['i32x4.trunc_sat_f64x2_s_zero'], f32: ['f32x4.demote_f64x2_zero'] },
  i32: { f32: ['f32x4.convert_i32x4_s'], f64: ['f64x2.convert_low_i32x4_s'] },
}

function vector(e: Expr, env: EmitEnvironment): Selection {
  const operands = all(e, 4)
  const from = e.args[0].type
  if (e.op === 'select') return vectorSelect(e)
  if (e.op === 'bitcast' && (e.type === 'f64' || from === 'f64')) return halves(e, operands, true)
  if (e.op === 'bitcast') return plainly(operands, [])
  if (e.op === 'convert') return vectorConvert(e)
  if (e.op === 'shl' || e.op === 'shr' || e.op === 'sar') {
    return plainly([operands[0], { e: e.args[1], width: 1 }], instructions(vectorTables.i32, e, 'i32'))
  }
  if (e.op === 'madd') {
    const shape = e.type === 'bool' ? 'i32x4' : shapes[e.type]
    if (shape !== 'i32x4' && env.relaxedMadd) return plainly(operands, [`${shape}.relaxed_madd`])
    return {
      operands,
      code: (f, locals) => {
        const c = locals.take('v128')
        f.set(c).op(`${shape}.mul`).get(c).op(`${shape}.add`)
        locals.give(c)
      },
    }
  }
  return boundedByConstant(e) ?? plainly(operands, instructions(vectorTables[from], e, from))
}

/**
 * Minimum or maximum of a float and a constant: x86 takes eight instructions for the general case, where either may be
 * NaN, but one here, or two where 0 must win over −0.
 */
function boundedByConstant(e: Expr): Selection | undefined {
  if ((e.type !== 'f32' && e.type !== 'f64') || (e.op !== 'max' && e.op !== 'min')) return undefined
  const [bound, x] = e.args[0].op === 'const' ? e.args : e.args.toReversed()
  if (bound.op !== 'const' || Number.isNaN(bound.value)) return undefined
  const operands: Demand[] = [x, bound].map((a) => ({ e: a, width: 4 }))
  const shape = shapes[e.type]
  if (e.op === 'min') return Object.is(bound.value, -0) ? undefined : plainly(operands, [`${shape}.pmin`])
  if (!Object.is(bound.value, 0)) return plainly(operands, [`${shape}.pmax`])
  return plainly([{ e: bound, width: 4 }, ...operands], [`${shape}.pmax`, `${shape}.add`])
}

function vectorConvert(e: Expr): Selection {
  const [a] = e.args
  const operands = all(e, 4)
  if (e.type === 'bool') {
    const zero: Demand = { e: { op: 'const', type: a.type, args: [], value: 0 }, width: 4 }
    return plainly([...operands, zero], [`${a.type === 'bool' ? 'i32x4' : shapes[a.type]}.ne`])
  }
  if (a.type === 'bool') {
    const one: Demand = { e: { op: 'const', type: e.type, args: [], value: 1 }, width: 4 }
    if (e.type === 'f64') {
      const zero: Demand = { e: { ...one.e, value: 0 }, width: 4 }
      return plainly([one, zero, ...operands], ['v128.bitselect'])
    }
    return plainly([...operands, one], ['v128.and'])
  }
  const found = vectorConversions[a.type]?.[e.type]
  if (!found) throw new TypeError(`wasm: no vector conversion from ${a.type} to ${e.type}`)
  return plainly(operands, found)
}

/** A choice between lanes; a comparison that picks the smaller or larger, or a choice against zero, is one instruction. */
function vectorSelect(e: Expr): Selection {
  const [condition, a, b] = e.args
  const wide = (...list: Expr[]): Demand[] => list.map((x) => ({ e: x, width: 4 }))
  if (condition.op === 'lt' && (e.type === 'f32' || e.type === 'f64')) {
    const [x, y] = condition.args
    if (a === x && b === y) return plainly(wide(y, x), [`${shapes[e.type]}.pmin`])
    if (a === y && b === x) return plainly(wide(x, y), [`${shapes[e.type]}.pmax`])
  }
  // A mask counts lanes of 32 bits
  if (e.type === 'f64') return plainly(wide(a, b, condition), ['v128.bitselect'])
  if (isZero(b)) return plainly(wide(a, condition), ['v128.and'])
  if (isZero(a)) return plainly(wide(b, condition), ['v128.andnot'])
  return plainly(wide(a, b, condition), ['v128.bitselect'])
}

const isZero = (e: Expr): boolean => e.op === 'const' && Object.is(e.value, 0)

function instructions(table: Table, e: Expr, type: ScalarType): readonly Plain[] {
  const found = table[e.op]
  if (!found) throw new TypeError(`wasm: ${e.op} has no meaning for ${type}`)
  return found
}
