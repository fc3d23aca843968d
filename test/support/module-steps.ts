/** Every kind of module as a step of random graphs: input and parameters are made of the step's operands, so that gradients go through both. */

import { isFloat } from '../../src/graph/dtype.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { material } from './material.ts'
import { applied, type ModuleEntry, moduleTable } from './module-table.ts'
import type { Step } from './programs.ts'

function moduleStep(entry: ModuleEntry): Step {
  let made: ReturnType<typeof applied> | undefined
  return (x, y) => {
    made ??= applied(entry)
    const { module, x: usual, y: call } = made
    const like = (from: Tensor, { shape }: Tensor): Tensor => new Tensor(material(from.node, shape, x.dtype))
    const weights = module.parameters().map((p) => like(y, p).tanh().mul(0.5))
    return call(isFloat(usual.dtype) ? like(x, usual) : usual, module.with(weights))
  }
}

export const moduleSteps: { readonly [name: string]: Step } = Object.fromEntries(
  Object.entries(moduleTable).map(([kind, entry]) => [kind, moduleStep(entry)]),
)
