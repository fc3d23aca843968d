// The state of a network: all its variables by name, and taking over the values of another.

import { allocate } from '../graph/dtype.ts'
import { sameShape, show, sizeOf } from '../graph/shape.ts'
import { assignAll, Tensor, Variable } from '../tensor/index.ts'
import type { ArrayRecord, Module, Variables } from './module.ts'
import { slotsOf, tiesOf } from './tree.ts'

/** Every variable by its first name. */
export function stateOf(module: Module): Variables {
  const ties = tiesOf(module)
  const entries = slotsOf(module).map(({ path, tensor }): [string, Tensor] => [path, tensor])
  return Object.fromEntries(
    entries.filter(
      (entry): entry is [string, Variable] => entry[1] instanceof Variable && ties[entry[0]] === undefined,
    ),
  )
}

type Values = { readonly [name: string]: Tensor | ArrayRecord }

/** Assigns values to the variables of a network, all of them or, when something does not fit, none. */
export function assignState(module: Module, values: Values): void {
  const ties = tiesOf(module)
  const state = stateOf(module)
  const problems: string[] = []
  for (const name of Object.keys(state)) if (!(name in values)) problems.push(`${name} is missing`)
  for (const [name, value] of Object.entries(values)) {
    const variable = state[ties[name] ?? name]
    if (!variable) {
      if (!isCounter(name, state)) problems.push(`${name} is not in the network`)
      continue
    }
    if (!sameShape(variable.shape, value.shape) || variable.dtype !== value.dtype) {
      problems.push(
        `${name} is ${value.dtype} ${show(value.shape)}, the network's is ${variable.dtype} ${show(variable.shape)}`,
      )
    } else if (!(value instanceof Tensor) && !holds(value)) {
      problems.push(
        `${name} is ${value.dtype} ${show(value.shape)}, but its data is ${value.data.constructor.name} of ${value.data.length}`,
      )
    } else if (ties[name] !== undefined && name in values && differs(value, values[ties[name]])) {
      problems.push(`${name} and ${ties[name]} are one variable in the network, but differ`)
    }
  }
  if (problems.length > 0)
    throw new Error(`loadState: the state does not fit the network, nothing was loaded: ${shorten(problems)}`)
  const names = Object.keys(state)
  const [tensors, arrays] = [
    names.filter((n) => values[n] instanceof Tensor),
    names.filter((n) => !(values[n] instanceof Tensor)),
  ]
  assignAll(
    tensors.map((n) => state[n]),
    tensors.map((n) => values[n] as Tensor),
  )
  for (const name of arrays) state[name].assign((values[name] as ArrayRecord).data)
}

/** PyTorch's batch normalisation counts its batches; ours has no use for it. */
const isCounter = (name: string, state: Variables): boolean =>
  name.endsWith('num_batches_tracked') && name.replace(/num_batches_tracked$/, 'running_mean') in state

const holds = ({ dtype, shape, data }: ArrayRecord): boolean =>
  data.length === sizeOf(shape) && data.constructor === allocate(dtype, 0).constructor

const dataOf = (value: Tensor | ArrayRecord): ArrayLike<number> =>
  value instanceof Tensor ? value.dataSync() : value.data

function differs(a: Tensor | ArrayRecord, b: Tensor | ArrayRecord | undefined): boolean {
  if (a === b || !b) return false
  const [x, y] = [dataOf(a), dataOf(b)]
  return x.length !== y.length || Array.prototype.some.call(x, (v: number, i: number) => !Object.is(v, y[i]))
}

const shown = 8
const shorten = (list: readonly string[]): string =>
  list.length <= shown ? list.join('; ') : `${list.slice(0, shown).join('; ')}; and ${list.length - shown} more`
