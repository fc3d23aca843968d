// Lowering routines: whole buffers in, one whole buffer out.

import type { Node } from '../graph/node.ts'
import type { Unit } from './unit.ts'

export function lowerRoutine(node: Node<'routine'>): Unit {
  const buffers = [...new Set<Node>(node.inputs), node]
  const kernel = {
    kind: 'routine',
    routine: node.attributes.routine,
    parameters: node.attributes.parameters,
    inputs: node.inputs.map((x) => x.dtype),
    result: node.dtype,
  } as const
  const launch = {
    kind: 'routine',
    kernel: 0,
    arguments: [...node.inputs, node].map((x) => ({ buffer: buffers.indexOf(x), shape: x.shape })),
  } as const
  const reads = new Set<Node>(node.inputs)
  return { launches: [{ kernel, launch }], buffers, reads, writes: new Set<Node>([node]), order: 1, scattered: reads }
}
