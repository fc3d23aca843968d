/** Everything that the PyTorch fixture holds, as checks by name. */

import { clipGlobalNorm, globalNorm } from '../../src/optim/index.ts'
import { hessian, hvp, jacobian, jvp, type Tensor, vjp } from '../../src/tensor/index.ts'
import { type CaseFunctions, compareCase } from './check-case.ts'
import { type Comparison, type Numbers, tolerances } from './difference.ts'
import { type Reference, type ReferenceCase, toTensor } from './fixture.ts'
import { attention, conv, embed, module, norm, pool } from './layers.ts'
import { losses } from './losses.ts'
import { operators } from './operators.ts'
import { compareLbfgs, compareTrajectory, optimizers } from './optimizers.ts'
import { gains, schedules } from './schedules.ts'
import { scalarFunction, vectorFunction } from './second-order.ts'
import { signals } from './signals.ts'

export const forms: { readonly [G in ReferenceCase['group']]: CaseFunctions } = {
  op: operators,
  loss: losses,
  conv,
  pool,
  norm,
  embed,
  module,
  attention,
  signal: signals,
}

type Float = 'float64' | 'float32'

export interface Check {
  readonly group: string
  readonly name: string
  /** Throws where the library has no form of it. */
  readonly compare: (dtype: Float) => readonly Comparison[] | Promise<readonly Comparison[]>
}

/** One check for each entry of the fixture: what no form knows is a check that throws, never one that is left out. */
export function checksOf(reference: Reference): Check[] {
  return [
    ...reference.cases.map((known) => ({
      group: known.group,
      name: known.name,
      compare: (dtype: Float) => compareCase(known, formOf(forms[known.group], known.name), dtype),
    })),
    ...trajectories(reference),
    ...Object.entries(reference.schedules.runs).map(([name, run]) => ({
      group: 'schedule',
      name,
      compare: () => {
        const { schedule, steps = run.length } = formOf(schedules, name)
        const expected = run.slice(0, steps)
        return [{ what: 'rates', actual: expected.map((_, step) => schedule(step)), expected, tolerance: 1e-12 }]
      },
    })),
    ...Object.entries(reference.gains).map(([name, gain]) => ({
      group: 'gain',
      name,
      compare: () => [{ what: 'gain', actual: [formOf(gains, name)], expected: [gain], tolerance: 1e-15 }],
    })),
    { group: 'clipping', name: 'clip_grad_norm', compare: (dtype) => clipping(reference, dtype) },
    ...secondOrder(reference),
  ]
}

function formOf<T>(table: { readonly [name: string]: T | undefined }, name: string): T {
  const form = Object.hasOwn(table, name) ? table[name] : undefined
  if (form === undefined) throw new Error('the library has no form of it')
  return form
}

const trajectories = ({ optimizers: { runs } }: Reference): Check[] =>
  Object.entries(runs).map(([name, run]) => {
    const [kind, objective] = name.split(':')
    return {
      group: 'optimizer',
      name,
      compare: (dtype) => {
        const options = { dtype, tolerance: tolerances[dtype] }
        if (kind === 'lbfgs_wolfe') return compareLbfgs(objective, run, options)
        return compareTrajectory(formOf(optimizers, kind)(run), objective, run, options)
      },
    }
  })

function clipping({ clip_grad_norm: known }: Reference, dtype: Float): Comparison[] {
  const before = known.before.map((g) => toTensor(g, dtype))
  const tolerance = tolerances[dtype]
  const clipped = clipGlobalNorm(before, known.max_norm)
  return [
    { what: 'norm', actual: [globalNorm(before).itemSync()], expected: [known.total_norm], tolerance },
    ...clipped.map((actual, i) => ({ what: `gradient ${i}`, actual, expected: known.after[i], tolerance })),
  ]
}

function secondOrder({ second_order: known }: Reference): Check[] {
  const parts: { readonly [name: string]: (v: Tensor, along: Tensor) => readonly [Tensor, Numbers] } = {
    value: (v) => [scalarFunction(v).reshape([1]), [known.value]],
    hessian: (v) => [hessian(scalarFunction)(v), known.hessian],
    hvp: (v, along) => [hvp(scalarFunction, [v], [along])[0], known.hvp],
    jacobian: (v) => [jacobian(vectorFunction)(v), known.jacobian],
    jvp: (v, along) => [jvp(vectorFunction, [v], [along])[1], known.jvp],
    vjp: (v, along) => [vjp([vectorFunction(v)], [along], [v])[0], known.vjp],
  }
  return Object.entries(parts).map(([name, part]) => ({
    group: 'second order',
    name,
    compare: (dtype) => {
      const [actual, expected] = part(toTensor(known.at, dtype), toTensor(known.hvp_vector, dtype))
      return [{ what: name, actual, expected, tolerance: dtype === 'float64' ? 1e-9 : 2e-4 }]
    },
  }))
}
