// Expressions of a group: what it computes at one point, as scalar expressions over loads, with the stage at which each is known.

import { dtypes } from '../graph/dtype.ts'
import { isOp, type Node, type PointwiseName, type PointwiseRecord } from '../graph/node.ts'
import { ops } from '../graph/ops/index.ts'
import type { Dims } from '../graph/shape.ts'
import type { ReduceOp } from '../kernel/loop.ts'
import type { Expr } from '../scalar/expr.ts'
import * as s from '../scalar/expr.ts'
import { levelOf } from './fit.ts'
import type { Group, Grouping } from './group.ts'
import { lookupViews, operandsOf, operandViews, windowViews } from './operand.ts'
import { type Level, seenFrom } from './space.ts'
import type { View } from './view.ts'

/** A load: the view of a stored value from the group's loop axes. */
export interface Load {
  readonly base: Node
  readonly view: View
  /** Row numbers read from memory, times `stride`. */
  readonly indirect?: { readonly rows: Expr; readonly stride: number; readonly extent: number }
}

export interface ReductionOf {
  readonly op: ReduceOp
  readonly value: Expr
  readonly stage: number
}

/** A value, and the number of sweeps over the reduced axes that must have ended before it is known. */
interface Known {
  readonly expr: Expr
  readonly stage: number
}

const combine: { readonly [op: string]: (a: Expr, b: Expr) => Expr } = {
  sum: s.add,
  prod: s.mul,
  max: s.max,
  min: s.min,
}

/**
 * Builds the expressions of one group's values. `load` leaves number `loads`, `accumulator` leaves number
 * `reductions`, and `index` leaves number `positions`: strides over the domain that give a position along an axis.
 */
export class GroupExpressions {
  readonly loads: Load[] = []
  readonly reductions: ReductionOf[] = []
  readonly positions: Dims[] = []
  /** Values that must have been computed before, though they are not read. */
  readonly waits = new Set<Node>()
  private readonly group: Group
  private readonly grouping: Grouping
  private readonly stored: ReadonlySet<Node>
  private readonly known = new Map<Node, Known>()
  private readonly loadKeys = new Map<string, Expr>()
  private readonly numbers = new Map<Node, number>()

  constructor(group: Group, grouping: Grouping, stored: ReadonlySet<Node>) {
    this.group = group
    this.grouping = grouping
    this.stored = stored
  }

  /** The value of a node at a point of the domain. */
  value(node: Node): Known {
    const known = this.known.get(node)
    if (known) return known
    const made = this.compute(node)
    this.known.set(node, made)
    return made
  }

  private compute(node: Node): Known {
    const kind = this.grouping.classOf(node)
    const level = levelOf(node, this.group, kind)
    if (isOp(node, 'iota')) return { expr: this.position(node, level), stage: 0 }
    if (kind === 'reduce') return this.reduce(node)
    if (kind === 'product') return this.product(node)
    if (kind === 'contract') return { expr: s.accumulator('f32', 0), stage: 0 }
    if (kind === 'lookup') return this.lookup(node, level)
    if (kind === 'window') return this.window(node, level)
    if (kind === 'movement') return this.operand(operandsOf(node, kind)[0] as View, level)
    const operands = operandsOf(node, kind)
    if (isOp(node, 'after')) {
      this.waits.add((operands[1] as View).base)
      return this.operand(operands[0] as View, level)
    }
    const args = operands.map((view) => this.operand(view, level))
    const expr = (ops[node.op] as PointwiseRecord<PointwiseName>).scalar(
      args.map((a) => a.expr),
      node as Node<PointwiseName>,
    )
    return { expr: this.wrapped(node, expr), stage: Math.max(0, ...args.map((a) => a.stage)) }
  }

  /** uint8 arithmetic wraps at 8 bits after every operation. */
  private wrapped(node: Node, expr: Expr): Expr {
    return node.dtype === 'uint8' && expr.op !== 'load' && expr.op !== 'const'
      ? s.and(expr, s.constant('i32', 255))
      : expr
  }

  /** What a node reads through a view: a number, a value of this group or computed again in it, or a load. */
  operand(view: View, level: Level): Known {
    const { base } = view
    if (isOp(base, 'constant')) {
      const type = dtypes[base.dtype].scalar
      const value = s.constant(type, base.attributes.value)
      return { expr: this.bounded(view, level, value, s.constant(type, view.fill)), stage: 0 }
    }
    if (this.isInside(base)) return this.value(base)
    return { expr: this.load(base, this.seen(view, level)), stage: 0 }
  }

  private isInside(base: Node): boolean {
    const home = this.grouping.groupOf.get(base)
    if (!home) return false
    return home === this.group || !this.stored.has(base)
  }

  private seen(view: View, level: Level): View {
    const seen = seenFrom(this.group, level, view)
    if (!seen)
      throw new Error(
        `compile: a view of ${view.base.op} [${view.shape}] does not fit the kernel [${this.group.domain}|${this.group.reduced}] that reads it at ${level} level`,
      )
    return seen
  }

  private load(base: Node, view: View, indirect?: Load['indirect']): Expr {
    const number = this.numbers.get(base) ?? this.numbers.set(base, this.numbers.size).size - 1
    const bounds = view.bounds.map((b) => (b ? b.join(':') : '')).join()
    const key = indirect ? undefined : `${number}|${view.offset}|${view.strides.join()}|${bounds}|${view.fill}`
    const same = key === undefined ? undefined : this.loadKeys.get(key)
    if (same) return same
    this.loads.push(indirect ? { base, view, indirect } : { base, view })
    const made = s.load(dtypes[base.dtype].scalar, this.loads.length - 1)
    if (key !== undefined) this.loadKeys.set(key, made)
    return made
  }

  /** A constant inside the bounds of a view, its fill outside. */
  private bounded(view: View, level: Level, inside: Expr, outside: Expr): Expr {
    if (!view.bounds.some((b) => b)) return inside
    let result = inside
    view.bounds.forEach((b, axis) => {
      if (!b) return
      const at = this.along(view.shape, axis, level)
      const within = s.and(s.le(s.constant('i32', b[0]), at), s.lt(at, s.constant('i32', b[1])))
      result = s.select(within, result, outside)
    })
    return result
  }

  private position(node: Node<'iota'>, level: Level): Expr {
    return this.along(node.shape, node.attributes.axis, level)
  }

  /** The index along an axis of a shape that is seen from the loop axes. */
  private along(shape: Dims, axis: number, level: Level): Expr {
    const unit = {
      base: placeholder,
      shape,
      strides: shape.map((_, a) => (a === axis ? 1 : 0)),
      offset: 0,
      bounds: shape.map(() => undefined),
      fill: 0,
    }
    this.positions.push(this.seen(unit, level).strides)
    return { op: 'index', type: 'i32', args: [], value: this.positions.length - 1 }
  }

  private reduce(node: Node): Known {
    const operand = this.operand(operandsOf(node, 'reduce')[0] as View, 'element')
    const bool = operand.expr.type === 'bool'
    const value = bool ? s.convert('i32', operand.expr) : operand.expr
    return this.reduction(node, node.op as ReduceOp, value, operand.stage)
  }

  private reduction(node: Node, op: ReduceOp, value: Expr, stage: number): Known {
    this.reductions.push({ op, value, stage })
    const type = op === 'argmax' || op === 'argmin' ? 'i32' : value.type
    const result = s.accumulator(type, this.reductions.length - 1)
    const typed = node.dtype === 'bool' ? s.convert('bool', result) : this.wrapped(node, result)
    return { expr: typed, stage: stage + 1 }
  }

  private product(node: Node): Known {
    const views = operandViews(node, this.group)
    if (!views) throw new Error(`compile: the operands of ${node.op} do not fit their kernel`)
    // operandViews gives outer axes, then inner ones; the domain has them in the same order.
    const factor = (view: View): Expr => {
      const { base } = view
      return isOp(base, 'constant')
        ? s.constant(dtypes[base.dtype].scalar, base.attributes.value)
        : this.load(base, view)
    }
    const [left, right] = [factor(views.left), factor(views.right)]
    return this.reduction(node, 'sum', s.mul(left, right), 0)
  }

  private lookup(node: Node, level: Level): Known {
    const [source, at] = lookupViews(node)
    const rows = this.operand(at, level)
    const x = node.inputs[0] as Node
    const { axis } = node.attributes as { axis: number }
    const whole = operandsOf(node, 'lookup')[0] as View
    const indirect = { rows: rows.expr, stride: whole.strides[axis] as number, extent: x.shape[axis] as number }
    if (isOp(whole.base, 'constant'))
      return { expr: s.constant(dtypes[whole.base.dtype].scalar, whole.base.attributes.value), stage: rows.stage }
    return { expr: this.load(whole.base, this.seen(source, level), indirect), stage: rows.stage }
  }

  private window(node: Node, level: Level): Known {
    const values = windowViews(node).map((view) => this.operand(view, level).expr)
    const fold = combine[node.op]
    if (fold)
      return {
        expr: this.wrapped(
          node,
          values.reduce((a, b) => fold(a, b)),
        ),
        stage: 0,
      }
    // The first extremum; the first NaN wins over everything.
    const better = (x: Expr, best: Expr): Expr => (node.op === 'argmax' ? s.lt(best, x) : s.lt(x, best))
    let [best] = values as [Expr]
    let at = s.constant('i32', 0)
    values.slice(1).forEach((x, i) => {
      const float = x.type === 'f32' || x.type === 'f64'
      const wins = float ? s.or(better(x, best), s.and(s.ne(x, x), s.eq(best, best))) : better(x, best)
      at = s.select(wins, s.constant('i32', i + 1), at)
      best = s.select(wins, x, best)
    })
    return { expr: at, stage: 0 }
  }
}

const placeholder = {} as Node
