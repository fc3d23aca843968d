// Which values a loop level has to compute for the code inside it: those that are needed further in, and no others.

import type { Expr } from '../../scalar/expr.ts'
import type { Code } from './code.ts'
import type { ExprCode } from './emit-expr.ts'
import type { Demand, Width } from './emit-instructions.ts'
import { type LoopPlan, levels, type PlannedStage } from './emit-plan.ts'

/** The values of one level: each as it is demanded. */
type Needed = { readonly [W in Width]: Set<Expr> }

export class Frontier {
  private readonly plan: LoopPlan
  private readonly code: ExprCode<Code>
  private readonly stages = new Map<PlannedStage, readonly Needed[]>()

  constructor(plan: LoopPlan, code: ExprCode<Code>) {
    this.plan = plan
    this.code = code
  }

  /**
   * The values of `level` that the stages need at deeper levels, or in four equal lanes: scalars before their spread-out
   * forms.
   */
  demands(level: number, stages: readonly PlannedStage[]): Demand[] {
    const needed = stages.map((stage) => this.needed(stage)[level])
    const list = (width: Width): Demand[] =>
      [...new Set(needed.flatMap((n) => [...n[width]]))].map((e) => ({ e, width }))
    return [...list(1), ...list(4)]
  }

  /** By level, what a stage needs of it. */
  private needed(stage: PlannedStage): readonly Needed[] {
    const known = this.stages.get(stage)
    if (known) return known
    const { plan, code } = this
    const found = Object.values(levels).map((): Needed => ({ 1: new Set(), 4: new Set() }))
    const seen: Needed = { 1: new Set(), 4: new Set() }
    const visit = ({ e, width }: Demand, usedAt: number): void => {
      if (e.op === 'const') return
      const own = plan.level(e)
      const spread = width === 4 && !plan.varies(e)
      const given = e.op === 'accumulator' && !spread
      if (!given && (usedAt > own || spread)) found[own][width].add(e)
      if (seen[width].has(e)) return
      seen[width].add(e)
      for (const operand of code.selection(e, width).operands) visit(operand, own)
    }
    for (const demand of plan.demands(stage)) visit(demand, stage.loop ? levels.inner : levels.stage)
    this.stages.set(stage, found)
    return found
  }
}
