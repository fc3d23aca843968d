// The tree of a network: its slots with their paths, ties between them, building it anew, its outline as text.

import type { Tensor } from '../tensor/index.ts'
import { nameOf } from './error.ts'
import type { Module, Modules, Tensors } from './module.ts'

export interface Slot {
  readonly path: string
  readonly role: 'parameter' | 'buffer'
  readonly tensor: Tensor
}

const join = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`)

/** Every slot in PyTorch's order: a module's parameters, its buffers, then its children's. A tensor used twice comes twice. */
export function slotsOf(module: Module, prefix = ''): Slot[] {
  const { parameters, buffers, children } = module.definition
  const own = (role: Slot['role'], tensors: Tensors = {}): Slot[] =>
    Object.entries(tensors).map(([name, tensor]) => ({ path: join(prefix, name), role, tensor }))
  return [
    ...own('parameter', parameters),
    ...own('buffer', buffers),
    ...Object.entries(children ?? {}).flatMap(([name, child]) => slotsOf(child, join(prefix, name))),
  ]
}

/** For each slot that holds the same tensor as an earlier one: the name of the earlier one. */
export function tiesOf(module: Module): Record<string, string> {
  const first = new Map<Tensor, string>()
  const ties: Record<string, string> = {}
  for (const { path, tensor } of slotsOf(module)) {
    const known = first.get(tensor)
    if (known === undefined) first.set(tensor, path)
    else ties[path] = known
  }
  return ties
}

/** Builds a network anew from the leaves up; a module used twice is built once. */
export function rebuild(
  module: Module,
  make: (module: Module, children: Modules, path: readonly string[]) => Module,
  path: readonly string[] = [],
  made = new Map<Module, Module>(),
): Module {
  const known = made.get(module)
  if (known) return known
  const children = Object.entries(module.children).map(([name, c]): [string, Module] => [
    name,
    rebuild(c, make, [...path, name], made),
  ])
  const result = make(module, Object.fromEntries(children), path)
  made.set(module, result)
  return result
}

/** The network as indented text, a line per module. */
export function outline(module: Module): string {
  const children = Object.entries(module.children)
  if (children.length === 0) return nameOf(module)
  const lines = children.map(([name, child]) => `${name}: ${outline(child)}`.replaceAll('\n', '\n  '))
  return `${nameOf(module)}(\n  ${lines.join('\n  ')}\n)`
}
