// Code for expression DAGs: every shared part is computed once, in the outermost place where it can be.

import type { Expr } from '../../scalar/expr.ts'
import type { FunctionBuilder } from './assembler.ts'
import type { Code } from './code.ts'
import {
  type Demand,
  pushConstant,
  pushVectorConstant,
  type Selection,
  select,
  splat,
  valueType,
  type Width,
} from './emit-instructions.ts'
import { Locals, Prologue } from './emit-locals.ts'
import type { EmitEnvironment } from './layout.ts'

export interface ExprSurroundings {
  /** Whether a value differs between the four lanes; others are computed once and spread. */
  readonly varies: (e: Expr) => boolean
  /** How loads, indices and other leaves that no one bound are computed. */
  readonly leaf: (e: Expr, width: Width) => Selection
  /** What a value may be computed with, where that differs from value to value. */
  readonly environment?: (e: Expr) => EmitEnvironment
}

/** Where a value lies. `copy` numbers the vectors of an unrolled loop; values equal in all of them are bound for copy −1. */
interface Binding {
  readonly e: Expr
  readonly width: Width
  readonly copy: number
  readonly local: number
}

/** Emits expressions into one function. */
export class ExprCode<F extends Code = FunctionBuilder> {
  readonly f: F
  readonly env: EmitEnvironment
  readonly locals: Locals
  readonly prologue: Prologue
  /** The vector of an unrolled loop that is being emitted. */
  copy = 0
  private readonly surroundings: ExprSurroundings
  private bindings: Binding[] = []
  private readonly lookup = new Map<Expr, Binding[]>()
  /** Locals of constants: their names, which all equal ones share, take long to write. */
  private readonly constants = new Map<Expr, number>()
  private readonly selections: { readonly [W in Width]: Map<Expr, Selection> } = { 1: new Map(), 4: new Map() }

  constructor(f: F, env: EmitEnvironment, surroundings: ExprSurroundings) {
    this.f = f
    this.env = env
    this.surroundings = surroundings
    this.locals = new Locals(f)
    this.prologue = new Prologue(f)
  }

  /** From here to the end of the scope the value is in the local. */
  bind(e: Expr, width: Width, copy: number, local: number): void {
    const binding: Binding = { e, width, copy, local }
    this.bindings.push(binding)
    const list = this.lookup.get(e)
    if (list) list.push(binding)
    else this.lookup.set(e, [binding])
  }

  /** Emits with bindings that end with it, and whose locals can then be used again. */
  scope(body: () => void): void {
    const mark = this.bindings.length
    body()
    for (const binding of this.bindings.splice(mark).reverse()) {
      this.lookup.get(binding.e)?.pop()
      this.locals.give(binding.local)
    }
  }

  bound(e: Expr, width: Width): number | undefined {
    const list = this.lookup.get(e)
    if (!list) return undefined
    for (let i = list.length - 1; i >= 0; i--) {
      const b = list[i]
      if (b.width === width && (b.copy === -1 || b.copy === this.copy)) return b.local
    }
    return undefined
  }

  /** How a value that no one bound is computed. */
  selection(e: Expr, width: Width): Selection {
    const known = this.selections[width].get(e)
    if (known) return known
    const chosen = this.choose(e, width)
    this.selections[width].set(e, chosen)
    return chosen
  }

  private choose(e: Expr, width: Width): Selection {
    if (width === 4 && !this.surroundings.varies(e)) {
      return { operands: [{ e, width: 1 }], code: (f) => splat(f, e.type) }
    }
    if (e.args.length === 0) return this.surroundings.leaf(e, width)
    return select(e, width, this.surroundings.environment?.(e) ?? this.env)
  }

  /** Computes the values one after the other; `consume` takes each from the stack. What they share is computed once. */
  emit(demands: readonly Demand[], consume: (index: number) => void): void {
    const pass = new Pass(this)
    for (const d of demands) pass.count(d)
    demands.forEach((d, i) => {
      pass.push(d)
      consume(i)
    })
  }

  /**
   * Computes the values for several vectors of an unrolled loop, one operation at a time for all of them, so that the
   * processor always finds independent work nearby.
   */
  emitCopies(demands: readonly Demand[], copies: number, consume: (index: number) => void): void {
    const pass = new Pass(this)
    for (const d of demands) pass.count(d)
    for (const d of demands) pass.compute(d, copies)
    demands.forEach((d, i) => {
      for (this.copy = 0; this.copy < copies; this.copy++) {
        pass.pushCopy(d)
        consume(i)
      }
      this.copy = 0
      pass.used(d)
    })
  }

  /** Computes values into locals bound until the scope ends. */
  materialize(demands: readonly Demand[], copy = -1): void {
    const fresh = demands.filter((d) => this.bound(d.e, d.width) === undefined)
    const taken: number[] = []
    this.emit(fresh, (i) => {
      const local = this.locals.take(valueType(fresh[i].e.type, fresh[i].width))
      this.f.set(local)
      taken.push(local)
    })
    fresh.forEach((d, i) => {
      this.bind(d.e, d.width, copy, taken[i])
    })
  }

  /** A local with four equal lanes, set before all loops. */
  vectorConstant(e: Expr): number {
    const known = this.constants.get(e)
    if (known !== undefined) return known
    const value = Object.is(e.value, -0) ? '-0' : e.value
    const local = this.prologue.define(`constant ${e.type} ${value}`, 'v128', () =>
      pushVectorConstant(this.f, e.type, e.value),
    )
    this.constants.set(e, local)
    return local
  }
}

/** A value in one straight run of code. */
interface Value {
  readonly selection: Selection
  /** How often it will still be needed. */
  uses: number
  /** Where it lies once it was computed: one local, or one for each copy. */
  locals: readonly number[]
}

/** One straight run of code: counts how often each value is needed, then emits it once. */
class Pass {
  private readonly code: ExprCode<Code>
  private readonly values: { readonly [W in Width]: Map<Expr, Value> } = { 1: new Map(), 4: new Map() }

  constructor(code: ExprCode<Code>) {
    this.code = code
  }

  count({ e, width }: Demand): void {
    if (e.op === 'const' || this.code.bound(e, width) !== undefined) return
    const value = this.values[width].get(e)
    if (value) {
      value.uses++
      return
    }
    const selection = this.code.selection(e, width)
    this.values[width].set(e, { selection, uses: 1, locals: [] })
    for (const operand of selection.operands) this.count(operand)
  }

  /** Pushes a value, computing it on the stack where it is needed first. */
  push(demand: Demand): void {
    const { f, locals } = this.code
    const { e, width } = demand
    const value = this.values[width].get(e)
    if (!value) {
      this.pushGiven(demand)
      return
    }
    value.uses--
    if (value.locals.length > 0) {
      f.get(value.locals[0])
      if (value.uses === 0) locals.give(value.locals[0])
      return
    }
    for (const operand of value.selection.operands) this.push(operand)
    value.selection.code(f, locals)
    if (value.uses > 0) {
      const local = locals.take(valueType(e.type, width))
      f.tee(local)
      value.locals = [local]
    }
  }

  /** Computes a value into a local for each copy. */
  compute({ e, width }: Demand, copies: number): void {
    const { code } = this
    const value = this.values[width].get(e)
    if (!value || value.locals.length > 0) return
    const { operands } = value.selection
    for (const operand of operands) this.compute(operand, copies)
    const results: number[] = []
    for (code.copy = 0; code.copy < copies; code.copy++) {
      for (const operand of operands) this.pushCopy(operand)
      value.selection.code(code.f, code.locals)
      const local = code.locals.take(valueType(e.type, width))
      code.f.set(local)
      results.push(local)
    }
    code.copy = 0
    for (const operand of operands) this.used(operand)
    value.locals = results
  }

  /** Pushes the current copy of a computed value. */
  pushCopy(demand: Demand): void {
    const value = this.values[demand.width].get(demand.e)
    if (value) this.code.f.get(value.locals[this.code.copy])
    else this.pushGiven(demand)
  }

  /** Counts one use of a computed value; after the last one its locals are free. */
  used({ e, width }: Demand): void {
    const value = this.values[width].get(e)
    if (!value) return
    value.uses--
    if (value.uses === 0) for (const local of value.locals) this.code.locals.give(local)
  }

  /** Pushes a constant or a bound value. */
  private pushGiven({ e, width }: Demand): void {
    const { f } = this.code
    if (e.op !== 'const') f.get(this.code.bound(e, width) ?? 0)
    else if (width === 4) f.get(this.code.vectorConstant(e))
    else pushConstant(f, e.type, e.value)
  }
}
