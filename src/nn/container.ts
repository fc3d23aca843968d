// Modules made of modules: one after the other, and around a detour.

import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import type { Shape } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { isModule, type Module, type Modules } from './module.ts'
import type { AnyModule, Chain, InOf, InPlace, OutOf } from './shape-rule-types.ts'
import { chain } from './shape-rules.ts'

/**
 * The modules one after the other, named 0, 1, … as PyTorch's `Sequential`, or by the names of a record.
 *
 *     nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 1))
 *     nn.sequential({ encoder: nn.linear(784, 32), decoder: nn.linear(32, 784) })
 */
export function sequential<const M extends AnyModule[]>(
  ...modules: { [K in keyof M]: InPlace<M, K> }
): Module<InOf<Chain<M>>, OutOf<Chain<M>>, 'sequential'>
export function sequential(named: Modules): Module
export function sequential(...given: readonly Module[] | readonly [Modules]): Module {
  const children = named(given)
  for (const [name, child] of Object.entries(children)) {
    if (!isModule(child)) throw mistake(`sequential: ${name} is ${String(child)}, it must be a module`)
  }
  const shapes = chain(
    Object.entries(children).map(([name, child]) => ({ name: `${name} ${child.kind}`, rule: child.definition.shapes })),
  )
  return defineModule({
    kind: 'sequential',
    ...(shapes ? { shapes } : {}),
    children,
    forward: (x, _, modules) => Object.values(modules).reduce((y, module) => module(y), x),
  })
}

function named(given: readonly Module[] | readonly [Modules]): Modules {
  const [first] = given
  if (given.length === 1 && typeof first === 'object') return { ...first }
  return Object.fromEntries((given as readonly Module[]).map((module, i) => [i, module]))
}

/** x + body(x); with a shortcut, shortcut(x) + body(x) (He et al. 2016). Throws when the two shapes differ. */
export function residual<In extends Shape, Out extends Shape>(
  body: Module<In, Out>,
  shortcut?: Module,
): Module<In, Out, 'residual'>
export function residual(body: Module, shortcut?: Module): Module {
  const children: Modules = shortcut ? { body, shortcut } : { body }
  return defineModule({
    kind: 'residual',
    ...(body.definition.shapes ? { shapes: body.definition.shapes } : {}),
    children,
    forward: (x, _, modules) => {
      const detour = modules.body(x)
      const direct = shortcut ? modules.shortcut(x) : x
      if (!sameShape(direct.shape, detour.shape)) {
        throw misfit(
          `residual: the body gives ${show(detour.shape)}, beside it stands ${show(direct.shape)}: they must be equal; use a shortcut that changes the shape`,
        )
      }
      return direct.add(detour)
    },
  })
}
