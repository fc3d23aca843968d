// Modules side by side: each sees the same input, and their outputs are joined.

import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { concat, type Tensor } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { isModule, type Module, type Modules, type Running } from './module.ts'
import { checkInteger, given } from './parameter.ts'

/** How several tensors become one: along an axis, or element by element. */
export type Join = 'concat' | 'sum' | 'product'

export interface ParallelOptions {
  /** 'concat' unless told. */
  readonly join?: Join
  /** The axis to join along; 1, the channels, unless told. */
  readonly axis?: number
}

/**
 * Several modules of one input, as the ways through an Inception block (Szegedy et al. 2015): named 0, 1, … or by the names of a record. The
 * call joins their outputs along an axis, or adds or multiplies them; `run(x)` gives them by name. Throws where outputs cannot be joined.
 *
 *     nn.parallel([nn.conv2d(8, 4, 1), nn.conv2d(8, 4, 3, { padding: 1 })])     // [n, 8, h, w] to [n, 8, h, w]
 */
export function parallel(
  modules: readonly Module[] | Modules,
  options: ParallelOptions = {},
): Module & Running<[x: Tensor], { readonly [name: string]: Tensor }> {
  const { join = 'concat', axis = 1 } = options
  const children = { ...modules } as Modules
  checkJoin('parallel', join, axis)
  if (Object.keys(children).length === 0) throw misfit('parallel: it needs at least one module')
  for (const [name, child] of Object.entries(children))
    if (!isModule(child)) throw mistake(`parallel: ${name} is ${String(child)}, it must be a module`)
  const outputs = (inner: Modules, x: Tensor): { readonly [name: string]: Tensor } =>
    Object.fromEntries(Object.entries(inner).map(([name, module]) => [name, module(x)]))
  return defineModule({
    kind: 'parallel',
    ...(join === 'concat' ? {} : { label: join }),
    options: given({ join, axis }, { join: 'concat', axis: 1 }),
    children,
    forward: (x, _, inner: Modules) => joined('parallel', Object.values(outputs(inner, x)), join, axis),
    run: (_, inner: Modules, x: Tensor) => outputs(inner, x),
  })
}

/** Throws unless it is one of the joins, along a whole number. */
export function checkJoin(where: string, join: Join, axis: number): void {
  if (join !== 'concat' && join !== 'sum' && join !== 'product')
    throw misfit(`${where}: unknown join '${String(join)}': use 'concat', 'sum' or 'product'`)
  checkInteger(where, { axis })
}

/** One tensor of several. */
export function joined(where: string, parts: readonly Tensor[], join: Join, axis: number): Tensor {
  if (join === 'concat') return concat(parts, axis)
  const [first, ...rest] = parts
  const other = rest.find((part) => !sameShape(part.shape, first.shape))
  if (other) throw misfit(`${where}: the ${join} of ${show(first.shape)} and ${show(other.shape)}: they must be equal`)
  return rest.reduce((all, part) => (join === 'sum' ? all.add(part) : all.mul(part)), first)
}
