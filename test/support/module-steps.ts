/** Every kind of module as a step of random graphs: input and parameters are made of the step's operands, so that gradients go through both. */

import { isFloat } from '../../src/graph/dtype.ts'
import { Tensor } from '../../src/tensor/index.ts'
import { material } from './material.ts'
import { applied, moduleTable } from './module-table.ts'
import type { Step } from './programs.ts'

type Applied = ReturnType<typeof applied>
const made = new Map<string, Applied>()

/** Builds a module, once: some read what they are built of, which nothing may that is traced. */
export function prepareModule(kind: string): Applied {
  const known = made.get(kind) ?? applied(moduleTable[kind])
  made.set(kind, known)
  return known
}

const moduleStep =
  (kind: string): Step =>
  (x, y) => {
    const { module, x: usual, y: call } = prepareModule(kind)
    const like = (from: Tensor, { shape }: Tensor): Tensor => new Tensor(material(from.node, shape, x.dtype))
    const weights = module.parameters().map((p) => like(y, p).tanh().mul(0.5))
    return call(isFloat(usual.dtype) ? like(x, usual) : usual, module.with(weights))
  }

export const moduleSteps: { readonly [name: string]: Step } = Object.fromEntries(
  Object.keys(moduleTable).map((kind) => [kind, moduleStep(kind)]),
)
/** The kind of module that a step of this name applies. */
export const kindOf = (op: string): string | undefined => /^nn\.(.*)\(\)$/.exec(op)?.[1]
