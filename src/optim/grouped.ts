// Groups of parameters, each with an optimizer of its own.

import { misfit, mistake } from '../graph/refuse.ts'
import type { Variable } from '../tensor/index.ts'
import type { NamedVariables, Optimizer, OptimizerState } from './optimizer.ts'

export interface ParameterGroup {
  readonly optimizer: Optimizer
  /** Which parameters are its own; the first group that wants one gets it. Without it, all that are left. */
  readonly of?: (parameter: Variable) => boolean
}

/**
 * One optimizer made of several: other rates, weight decay or rules for some parameters. Throws where a parameter belongs to no group.
 *
 *     optim.grouped([
 *       { of: (p) => p.rank < 2, optimizer: optim.adamW({ weightDecay: 0 }) },
 *       { optimizer: optim.adamW({ weightDecay: 0.1 }) },
 *     ])
 */
export function grouped(groups: readonly ParameterGroup[]): Optimizer {
  const [first] = groups
  if (!first) throw misfit('grouped: needs at least one group')
  const homeOf = (parameter: Variable): number => {
    const home = groups.findIndex(({ of }) => of === undefined || of(parameter))
    if (home < 0) throw misfit(`grouped: parameter '${parameter.name}' belongs to no group: add one without \`of\``)
    return home
  }
  const part = (names: NamedVariables, group: number): NamedVariables =>
    Object.fromEntries(Object.entries(names).filter(([, v]) => homeOf(v) === group))
  return {
    kind: `grouped(${groups.map(({ optimizer }) => optimizer.kind).join(', ')})`,
    get stepCount() {
      return first.optimizer.stepCount
    },
    get learningRate() {
      return first.optimizer.learningRate
    },
    step(parameters, gradients) {
      if (parameters.length !== gradients.length)
        throw misfit(`grouped: ${gradients.length} gradients for ${parameters.length} parameters: give one for each`)
      const homes = parameters.map(homeOf)
      groups.forEach(({ optimizer }, group) => {
        const own = <T>(list: readonly T[]): T[] => list.filter((_, i) => homes[i] === group)
        optimizer.step(own(parameters), own(gradients))
      })
    },
    state(parameters = {}) {
      const states = groups.map(({ optimizer }, group) => optimizer.state(part(parameters, group)))
      return { step: first.optimizer.stepCount, slots: Object.assign({}, ...states.map((s) => s.slots)) }
    },
    loadState(state, parameters) {
      if (isList(parameters)) throw mistake('grouped: load a state by the names of the parameters')
      groups.forEach(({ optimizer }, group) => {
        const own = part(parameters, group)
        const isOwn = (slot: string): boolean => Object.keys(own).some((name) => slot.startsWith(`${name}.`))
        const slots = Object.fromEntries(Object.entries(state.slots).filter(([slot]) => isOwn(slot)))
        optimizer.loadState({ step: state.step, slots } as OptimizerState<never>, own)
      })
    },
  }
}

const isList = (value: NamedVariables | readonly Variable[]): value is readonly Variable[] => Array.isArray(value)
