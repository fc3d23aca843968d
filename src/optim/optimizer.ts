// The driver of optimizers: applies an update rule to variables and keeps its state, eagerly and in compiled functions.

import { within } from '../graph/build.ts'
import { checkRange } from '../graph/check.ts'
import { allocate } from '../graph/dtype.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { type Dims, sameShape, show } from '../graph/shape.ts'
import { assignAll, type DataArray, type DType, hostNumber, runtime, Tensor, Variable } from '../tensor/index.ts'
import type { Rule, StepNumber } from './rule.ts'
import { type Rate, rateAt } from './schedule.ts'

/** Variables by name, as `module.namedParameters()` and `module.state()` give them. */
export type NamedVariables = { readonly [name: string]: Variable }

/** An array on the host, as a checkpoint holds it. */
interface ArrayRecord {
  readonly dtype: DType
  readonly shape: Dims
  readonly data: DataArray
}

/** What a checkpoint keeps of an optimizer. */
export interface OptimizerState<V = Variable> {
  readonly step: number
  /** By parameter and slot, as `0.weight.momentum`. */
  readonly slots: { readonly [name: string]: V }
}

export interface Optimizer {
  readonly kind: string
  /** Updates made so far. In a compiled function it grows after each run, not with the trace. */
  readonly stepCount: number
  /** The learning rate of the next step. */
  readonly learningRate: number
  /**
   * Updates every parameter by its gradient; call it once for each update, with all parameters. Throws when the lists or the
   * shapes don't match.
   *
   *     optimizer.step(net.parameters(), grad(l, net.parameters()))
   */
  step(parameters: readonly Variable[], gradients: readonly Tensor[]): void
  /** Step count and live slots of those of the named variables that have been updated; without names, by order of first use. */
  state(parameters?: NamedVariables): OptimizerState
  /** Takes over a state for the named variables; slots that it lacks start anew. Throws when it belongs to other ones, and then loads nothing. */
  loadState(state: OptimizerState<Tensor | ArrayRecord>, parameters: NamedVariables | readonly Variable[]): void
}

/** An optimizer of a rule of your own; `rate` is only what `learningRate` reports. */
export function optimizer<S extends string, H extends string>(rule: Rule<S, H>, rate: Rate): Optimizer {
  if (typeof rate === 'number') checkRange(rule.kind, { learningRate: rate })
  const kept = new Map<Variable, { readonly [K in S]: Variable }>()
  let stepCount = 0
  /** Steps made in a trace, so that each has its own number. */
  const traced = new WeakMap<object, number>()

  const slotsOf = (parameter: Variable): { readonly [K in S]: Variable } => {
    const slots = kept.get(parameter) ?? freshSlots(rule, parameter)
    kept.set(parameter, slots)
    return slots
  }
  /** Where the slot that a name ends in starts. */
  const startOf = (name: string): number => rule.initial?.[name.slice(name.lastIndexOf('.') + 1) as S] ?? 0
  const ahead = (): number => {
    const { trace } = runtime
    if (!trace) return 0
    const made = traced.get(trace) ?? 0
    traced.set(trace, made + 1)
    return made
  }

  return {
    kind: rule.kind,
    get stepCount() {
      return stepCount
    },
    get learningRate() {
      return rateAt(rate, stepCount)
    },
    step(parameters, gradients) {
      checkGradients(rule.kind, parameters, gradients)
      const offset = ahead()
      const hyper = hyperNumbers(rule.hyper, () => stepCount + offset)
      const variables: Variable[] = []
      const values: Tensor[] = []
      parameters.forEach((parameter, i) => {
        const slots = slotsOf(parameter)
        const next = within({ path: '', name: rule.kind, order: 0 }, () =>
          rule.update(parameter, gradients[i], slots, hyper(parameter.dtype)),
        )
        variables.push(parameter, ...rule.slots.map((name) => slots[name]))
        values.push(next.parameter, ...rule.slots.map((name) => next.slots[name]))
      })
      assignAll(variables, values)
      const count = (times: number): void => {
        stepCount += times
      }
      if (runtime.trace) runtime.trace.onRun(count)
      else count(1)
    },
    state(parameters) {
      const named = Object.entries(parameters ?? numbered([...kept.keys()]))
      const entries = named.flatMap(([name, parameter]) => {
        const slots = kept.get(parameter)
        return slots ? rule.slots.map((slot): [string, Variable] => [`${name}.${slot}`, slots[slot]]) : []
      })
      return { step: stepCount, slots: Object.fromEntries(entries) }
    },
    loadState(state, parameters) {
      const known = Object.entries(isList(parameters) ? numbered(parameters) : parameters)
      const concerned = known.filter(
        ([name, p]) => kept.has(p) || rule.slots.some((slot) => `${name}.${slot}` in state.slots),
      )
      const targets = Object.fromEntries(
        concerned.flatMap(([name, p]) =>
          rule.slots.map((slot): [string, Variable] => [`${name}.${slot}`, slotsOf(p)[slot]]),
        ),
      )
      checkState(rule.kind, state, targets)
      for (const [name, target] of Object.entries(targets)) {
        const value = state.slots[name] ?? { data: allocate(target.dtype, target.size).fill(startOf(name)) }
        target.assign(value instanceof Tensor ? value : value.data)
      }
      stepCount = state.step
    },
  }
}

const isList = (value: NamedVariables | readonly Variable[]): value is readonly Variable[] => Array.isArray(value)
const numbered = (variables: readonly Variable[]): NamedVariables => Object.fromEntries(variables.map((v, i) => [i, v]))

function freshSlots<S extends string, H extends string>(
  { slots, initial = {} }: Rule<S, H>,
  { name, shape, dtype, size }: Variable,
): { readonly [K in S]: Variable } {
  const starts: { readonly [slot: string]: number | undefined } = initial
  const entries = slots.map((slot) => {
    const data = allocate(dtype, size)
    // Fresh memory is zero, and costs nothing before someone writes to it.
    if (starts[slot]) data.fill(starts[slot])
    return [slot, new Variable(data, shape, dtype, { name: `${name}.${slot}`, trainable: false })]
  })
  return Object.fromEntries(entries) as { readonly [K in S]: Variable }
}

/** The numbers of a step, of a dtype: constants as they are, others as one leaf that all parameters share. */
function hyperNumbers<H extends string>(
  hyper: { readonly [K in H]: StepNumber },
  step: () => number,
): (dtype: DType) => { readonly [K in H]: Tensor | number } {
  const made = new Map<DType, { readonly [K in H]: Tensor | number }>()
  return (dtype) => {
    const known = made.get(dtype)
    if (known) return known
    const entries = Object.entries<StepNumber>(hyper).map(([name, value]) => [
      name,
      typeof value === 'number' ? value : new Tensor(hostNumber(() => value(step()), dtype)),
    ])
    const numbers = Object.fromEntries(entries) as { readonly [K in H]: Tensor | number }
    made.set(dtype, numbers)
    return numbers
  }
}

function checkGradients(kind: string, parameters: readonly Variable[], gradients: readonly Tensor[]): void {
  if (!Array.isArray(parameters) || !Array.isArray(gradients)) {
    throw mistake(
      `${kind}: step takes the parameters and their gradients, two lists: step(net.parameters(), grad(l, net.parameters()))`,
    )
  }
  if (parameters.length !== gradients.length) {
    throw misfit(
      `${kind}: ${gradients.length} gradients for ${parameters.length} parameters: give one for each, in the same order`,
    )
  }
  parameters.forEach(({ name, shape }, i) => {
    if (!sameShape(shape, gradients[i].shape)) {
      throw misfit(
        `${kind}: gradient ${i} has shape ${show(gradients[i].shape)}, its parameter '${name}' ${show(shape)}: they must be equal`,
      )
    }
  })
}

function checkState(
  kind: string,
  state: OptimizerState<Tensor | ArrayRecord>,
  targets: { readonly [name: string]: Variable },
): void {
  const problems = Object.entries(state.slots).flatMap(([name, { shape, dtype }]) => {
    const target = targets[name]
    if (!target) return [`${name} belongs to no parameter`]
    if (target.dtype === dtype && sameShape(target.shape, shape)) return []
    return [`${name} is ${dtype} ${show(shape)}, the optimizer's is ${target.dtype} ${show(target.shape)}`]
  })
  if (!(Number.isInteger(state.step) && state.step >= 0)) problems.unshift(`step is ${state.step}`)
  if (problems.length > 0)
    throw new Error(`${kind}: the state does not fit, nothing was loaded: ${problems.slice(0, 8).join('; ')}`)
}
