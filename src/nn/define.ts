// Making modules: the call, and the methods that every module has, from its definition.

import { currentScope, within } from '../graph/build.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { runtime, type Shape, Tensor, Variable, type Writable } from '../tensor/index.ts'
import { tensorsOf } from '../tensor/tree.ts'
import { locate } from './error.ts'
import type { Definition, Module, ModuleConfig, ModuleMembers, Modules, Running, Tensors, Variables } from './module.ts'
import { checkTaken } from './shape-rules.ts'
import { assignState, stateOf } from './state.ts'
import { summarize } from './summary.ts'
import { outline, rebuild, slotsOf, tiesOf } from './tree.ts'

/**
 * Makes a module of its data. Throws nothing.
 *
 *     const scale = (size: number) => defineModule({
 *       kind: 'scale', options: { size }, parameters: { weight: variable(ones([size])) },
 *       forward: (x, { weight }) => x.mul(weight),
 *     })
 */
export function defineModule<
  P extends Tensors,
  B extends Tensors,
  C extends Modules,
  Inputs extends readonly unknown[],
  Result,
  const In extends Shape = Shape,
  const Out extends Shape = Shape,
  const Kind extends string = string,
>(
  given: Omit<Definition<P, B, C, In, Out, Kind>, 'run'> & {
    run(own: { readonly [K in keyof (P & B)]: Tensor }, children: C, ...inputs: Inputs): Result
  },
): Module<Writable<In>, Writable<Out>, Kind> & Running<Inputs, Result>
export function defineModule<
  P extends Tensors,
  B extends Tensors,
  C extends Modules,
  const In extends Shape = Shape,
  const Out extends Shape = Shape,
  const Kind extends string = string,
>(given: Definition<P, B, C, In, Out, Kind>): Module<Writable<In>, Writable<Out>, Kind>
export function defineModule<P extends Tensors, B extends Tensors, C extends Modules>(
  given: Definition<P, B, C>,
): Module {
  const definition = given as Definition
  const children: Modules = definition.children ?? {}
  const own: Tensors = { ...definition.parameters, ...definition.buffers }
  const checked = definition.children ? undefined : definition.shapes?.in
  const call = (x: Tensor): Tensor => {
    if (!(x instanceof Tensor)) throw mistake(`${definition.kind}: the input is ${String(x)}, it must be a tensor`)
    return enter([x], () => {
      if (checked) checkTaken(definition.kind, checked, x.shape)
      return definition.forward(x, own, children)
    })
  }
  const enter = <R>(inputs: unknown, forward: () => R): R => {
    try {
      return named(module, forward)
    } catch (error) {
      throw locate(error, module, tensorsOf(inputs))
    }
  }
  const { run } = definition
  const running = run
    ? { run: (...inputs: never[]): unknown => enter(inputs, () => run.call(definition, own, children, ...inputs)) }
    : {}
  const trained = (): Variables => variablesOf(module, 'parameter', (v) => v.trainable)
  const train = (trainable: boolean): Module => {
    for (const v of Object.values(variablesOf(module, 'parameter'))) v.trainable = trainable
    runtime.structure++
    return module
  }
  const members: ModuleMembers = {
    kind: definition.kind,
    definition,
    get config() {
      const ties = tiesOf(module)
      return { ...configOf(definition), ...(Object.keys(ties).length > 0 ? { ties } : {}) }
    },
    children,
    parameters: () => Object.values(trained()),
    namedParameters: trained,
    buffers: () => Object.values(variablesOf(module, 'buffer')),
    namedBuffers: () => variablesOf(module, 'buffer'),
    state: () => stateOf(module),
    loadState: (state) => assignState(module, state),
    freeze: () => train(false),
    unfreeze: () => train(true),
    with: (replacements) => replaceTensors(module, replacements),
    summary: (inputShape, options) => summarize(module, inputShape, options?.dtype ?? 'float32', defineModule),
    toString: () => outline(module),
  }
  const module: Module = Object.defineProperties(call, {
    ...Object.getOwnPropertyDescriptors(members),
    ...Object.getOwnPropertyDescriptors(running),
  }) as Module
  return module
}

/** Runs a module's forward; what it builds carries the path to the module from the network that was called. */
function named<T>(module: Module, forward: () => T): T {
  const outer = runtime.module
  const above = currentScope()
  const name = outer && childName(outer as Module, module)
  const path = name === undefined ? (above?.path ?? '') : above?.path ? `${above.path}.${name}` : name
  runtime.module = module
  try {
    return within({ path, name: module.kind, order: above?.order ?? 0 }, forward)
  } finally {
    runtime.module = outer
  }
}

function childName(parent: Module, child: Module): string | undefined {
  for (const name in parent.children) if (parent.children[name] === child) return name
  return undefined
}

function configOf(definition: Definition): ModuleConfig {
  const children = Object.entries(definition.children ?? {})
  return {
    kind: definition.kind,
    ...definition.options,
    ...(children.length > 0
      ? { children: Object.fromEntries(children.map(([name, c]) => [name, configOf(c.definition)])) }
      : {}),
  }
}

/** Variables of a role by their first name. */
function variablesOf(
  module: Module,
  role: 'parameter' | 'buffer',
  keep: (v: Variable) => boolean = () => true,
): Variables {
  const seen = new Set<Tensor>()
  const found: Record<string, Variable> = {}
  for (const slot of slotsOf(module)) {
    if (slot.role !== role || seen.has(slot.tensor) || !(slot.tensor instanceof Variable) || !keep(slot.tensor))
      continue
    seen.add(slot.tensor)
    found[slot.path] = slot.tensor
  }
  return found
}

function replaceTensors(module: Module, replacements: Tensors | readonly Tensor[]): Module {
  const named = isList(replacements) ? listed(module, replacements) : Object.entries(replacements)
  const slots = slotsOf(module)
  const replaced = new Map<Tensor, Tensor>()
  for (const [path, value] of named) {
    const slot = slots.find((s) => s.path === path)
    if (!slot)
      throw misfit(`with: the network has no slot '${path}'; it has ${slots.map((s) => s.path).join(', ') || 'none'}`)
    if (show(slot.tensor.shape) !== show(value.shape)) {
      throw misfit(
        `with: slot '${path}' has shape ${show(slot.tensor.shape)}, the tensor for it ${show(value.shape)}: they must be equal`,
      )
    }
    replaced.set(slot.tensor, value)
  }
  const swap = (tensors: Tensors = {}): Tensors =>
    Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, replaced.get(t) ?? t]))
  return rebuild(module, ({ definition }, children) =>
    defineModule({
      ...definition,
      parameters: swap(definition.parameters),
      buffers: swap(definition.buffers),
      children,
    }),
  )
}

function listed(module: Module, tensors: readonly Tensor[]): [string, Tensor][] {
  const names = Object.keys(module.namedParameters())
  if (names.length !== tensors.length) {
    throw misfit(`with: ${tensors.length} tensors for ${names.length} trainable parameters (${names.join(', ')})`)
  }
  return names.map((name, i) => [name, tensors[i]])
}

const isList = (value: Tensors | readonly Tensor[]): value is readonly Tensor[] => Array.isArray(value)
