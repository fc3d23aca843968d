// Which values a loop level has to compute for the code inside it: those that are needed further in, and no others.

import { type Demand, select, type Width } from './emit-instructions.ts'
import { type LoopPlan, levels, type PlannedStage } from './emit-plan.ts'
import type { EmitEnvironment } from './layout.ts'

/**
 * The values of `level` that the stages need at deeper levels, or that they need in four equal lanes: each as it is
 * demanded, scalars before their spread-out forms.
 */
export function frontier(
  plan: LoopPlan,
  env: EmitEnvironment,
  level: number,
  stages: readonly PlannedStage[],
): Demand[] {
  const found: { readonly [W in Width]: Set<Demand['e']> } = { 1: new Set(), 4: new Set() }
  const seen: { readonly [W in Width]: Set<Demand['e']> } = { 1: new Set(), 4: new Set() }

  /** Visits a value that is used at a level, there as part of a value that does or does not differ between lanes. */
  const visit = ({ e, width }: Demand, usedAt: number): void => {
    if (e.op === 'const') return
    const own = plan.level(e)
    const uniform = !plan.varies(e)
    const spread = width === 4 && uniform
    const given = e.op === 'accumulator' && !spread
    if (own === level && !given && (usedAt > level || spread)) found[width].add(e)
    if (seen[width].has(e)) return
    seen[width].add(e)
    if (spread) visit({ e, width: 1 }, own)
    else for (const operand of operands(plan, env, { e, width })) visit(operand, own)
  }
  for (const stage of stages) {
    const usedAt = stage.loop ? levels.inner : levels.stage
    for (const demand of plan.demands(stage)) visit(demand, usedAt)
  }
  const list = (width: Width): Demand[] => [...found[width]].map((e) => ({ e, width }))
  return [...list(1), ...list(4)]
}

function operands(plan: LoopPlan, env: EmitEnvironment, { e, width }: Demand): readonly Demand[] {
  if (e.op === 'load') return plan.offset(e.value, width)
  return e.args.length === 0 ? [] : select(e, width, env).operands
}
