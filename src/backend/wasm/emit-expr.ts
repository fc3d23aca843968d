// Code for expression DAGs: every shared part is computed once, in the outermost place where it can be.

import type { Expr } from '../../scalar/expr.ts'
import type { FunctionBuilder } from './assembler.ts'
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
}

/** Where a value lies. `copy` numbers the vectors of an unrolled loop; values equal in all of them are bound for copy −1. */
interface Binding {
  readonly e: Expr
  readonly width: Width
  readonly copy: number
  readonly local: number
}

/** Emits expressions into one function. */
export class ExprCode {
  readonly f: FunctionBuilder
  readonly env: EmitEnvironment
  readonly locals: Locals
  readonly prologue: Prologue
  /** The vector of an unrolled loop that is being emitted. */
  copy = 0
  private readonly surroundings: ExprSurroundings
  private bindings: Binding[] = []
  private lookup = new Map<Expr, Binding[]>()

  constructor(f: FunctionBuilder, env: EmitEnvironment, surroundings: ExprSurroundings) {
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
    return list?.findLast((b) => b.width === width && (b.copy === -1 || b.copy === this.copy))?.local
  }

  /** Computes the values one after the other; `consume` takes each from the stack. What they share is computed once. */
  emit(demands: readonly Demand[], consume: (index: number) => void): void {
    const pass = new Pass(this, this.surroundings)
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
    const pass = new Pass(this, this.surroundings)
    for (const d of demands) pass.count(d)
    for (const d of demands) pass.compute(d, copies)
    demands.forEach((d, i) => {
      for (this.copy = 0; this.copy < copies; this.copy++) {
        pass.pushComputed(d)
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
    const value = Object.is(e.value, -0) ? '-0' : e.value
    return this.prologue.define(`constant ${e.type} ${value}`, 'v128', () =>
      pushVectorConstant(this.f, e.type, e.value),
    )
  }
}

/** One straight run of code: counts how often each value is needed, then emits it once. */
class Pass {
  private readonly code: ExprCode
  private readonly surroundings: ExprSurroundings
  private readonly uses: { readonly [W in Width]: Map<Expr, number> } = { 1: new Map(), 4: new Map() }
  private readonly temporaries: { readonly [W in Width]: Map<Expr, number> } = { 1: new Map(), 4: new Map() }
  private readonly computed: { readonly [W in Width]: Map<Expr, readonly number[]> } = { 1: new Map(), 4: new Map() }
  private readonly selections: { readonly [W in Width]: Map<Expr, Selection> } = { 1: new Map(), 4: new Map() }

  constructor(code: ExprCode, surroundings: ExprSurroundings) {
    this.code = code
    this.surroundings = surroundings
  }

  count({ e, width }: Demand): void {
    if (e.op === 'const' || this.code.bound(e, width) !== undefined) return
    const uses = this.uses[width].get(e) ?? 0
    this.uses[width].set(e, uses + 1)
    if (uses > 0) return
    const selection = this.choose(e, width)
    this.selections[width].set(e, selection)
    for (const operand of selection.operands) this.count(operand)
  }

  push({ e, width }: Demand): void {
    const { f, locals } = this.code
    if (e.op === 'const') {
      if (width === 4) f.get(this.code.vectorConstant(e))
      else pushConstant(f, e.type, e.value)
      return
    }
    const known = this.code.bound(e, width)
    if (known !== undefined) {
      f.get(known)
      return
    }
    const uses = (this.uses[width].get(e) ?? 1) - 1
    this.uses[width].set(e, uses)
    const temporary = this.temporaries[width].get(e)
    if (temporary !== undefined) {
      f.get(temporary)
      if (uses === 0) locals.give(temporary)
      return
    }
    const selection = this.selections[width].get(e) ?? this.choose(e, width)
    for (const operand of selection.operands) this.push(operand)
    selection.code(f, locals)
    if (uses > 0) {
      const local = locals.take(valueType(e.type, width))
      f.tee(local)
      this.temporaries[width].set(e, local)
    }
  }

  /** Computes a value into a local for each copy. */
  compute({ e, width }: Demand, copies: number): void {
    const { f, locals } = this.code
    if (e.op === 'const' || this.computed[width].has(e) || this.code.bound(e, width) !== undefined) return
    const selection = this.selections[width].get(e) ?? this.choose(e, width)
    for (const operand of selection.operands) this.compute(operand, copies)
    const results: number[] = []
    for (this.code.copy = 0; this.code.copy < copies; this.code.copy++) {
      for (const operand of selection.operands) this.pushComputed(operand)
      selection.code(f, locals)
      const local = locals.take(valueType(e.type, width))
      f.set(local)
      results.push(local)
    }
    this.code.copy = 0
    for (const operand of selection.operands) this.used(operand)
    this.computed[width].set(e, results)
  }

  pushComputed({ e, width }: Demand): void {
    const local = this.computed[width].get(e)?.[this.code.copy]
    if (local === undefined) this.push({ e, width })
    else this.code.f.get(local)
  }

  /** Counts one use of a computed value; after the last one its locals are free. */
  used({ e, width }: Demand): void {
    const locals = this.computed[width].get(e)
    if (!locals) return
    const left = (this.uses[width].get(e) ?? 1) - 1
    this.uses[width].set(e, left)
    if (left === 0) for (const local of locals) this.code.locals.give(local)
  }

  private choose(e: Expr, width: Width): Selection {
    if (width === 4 && !this.surroundings.varies(e)) {
      return { operands: [{ e, width: 1 }], code: (f) => splat(f, e.type) }
    }
    if (e.args.length === 0) return this.surroundings.leaf(e, width)
    return select(e, width, this.code.env)
  }
}
