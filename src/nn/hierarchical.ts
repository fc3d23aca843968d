// A softmax over many classes as a tree of choices between two, of which a target asks only those on its path.

import { misfit } from '../graph/refuse.ts'
import { show, sizeOf } from '../graph/shape.ts'
import { logSigmoid, type Tensor, tensor, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { torchUniform, zeros } from './init.ts'
import type { Module, Running } from './module.ts'
import { checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

/**
 * log p of `classes` classes from x [..., inputs] (Morin and Bengio 2005): a balanced tree with weight [classes − 1, inputs]
 * and bias, each inner node the sigmoid of going right. The call gives all, [..., classes]; `run(x, targets)` those of int32
 * targets [...] alone, with ⌈log₂ classes⌉ scalar products rather than one for each class.
 *
 *     const loss = head.run(x, targets).mean().neg()
 */
export function hierarchicalSoftmax<const In extends number, const K extends number>(
  inputs: In,
  classes: K,
  options: ParameterOptions = {},
): Module<['...', In], ['...', K], 'hierarchicalSoftmax'> & Running<[x: Tensor, targets: Tensor], Tensor> {
  const kind = 'hierarchicalSoftmax'
  checkWhole(kind, { inputs })
  checkWhole(kind, { classes }, 2)
  const { init = torchUniform(), biasInit = zeros(), dtype = 'float32' } = options
  const width: number = inputs
  const depth = Math.ceil(Math.log2(classes))
  const { nodes, signs } = paths(classes, depth)
  const table: { readonly nodes: Tensor; readonly signs: Tensor } = {
    nodes: tensor(nodes, { shape: [classes, depth] as readonly number[] }),
    signs: tensor(signs, { shape: [classes, depth] as readonly number[] }),
  }

  /** Σ log σ(±score) along paths, whose last axis is `depth`; a sign of 0 is no choice. */
  const along = (scores: Tensor, sign: Tensor): Tensor =>
    withBroadcasting('numpy', () => sign.equal(0).where(0, logSigmoid(scores.mul(sign.cast(scores.dtype))))).sum(-1)

  return defineModule({
    kind,
    label: `${inputs}→${classes}`,
    options: { inputs, classes, ...given({ dtype }, { dtype: 'float32' }) },
    shapes: { in: ['...', inputs], out: ['...', classes] },
    parameters: {
      weight: parameter('weight', [classes - 1, width], init, dtype),
      bias: parameter('bias', [classes - 1], biasInit, dtype),
    },
    forward: (x, { weight, bias }) => along(functional.linear(x, weight, bias).take(table.nodes, -1), table.signs),
    run: ({ weight, bias }, _, x: Tensor, targets: Tensor): Tensor => {
      if (targets.dtype !== 'int32' || x.shape.at(-1) !== inputs || show(x.shape.slice(0, -1)) !== show(targets.shape))
        throw misfit(
          `${kind}: input ${show(x.shape)} with targets ${targets.dtype} ${show(targets.shape)}: expected [..., ${inputs}] and int32 [...]`,
        )
      const count = sizeOf(targets.shape)
      const chosen: Tensor = table.nodes.take(targets.reshape([count]))
      const scores: Tensor = weight
        .take(chosen)
        .matmul(x.reshape([count, width, 1]))
        .squeeze(2)
        .add(bias.take(chosen))
      return along(scores, table.signs.take(targets.reshape([count]))).reshape(targets.shape)
    },
  })
}

/** For each class the inner nodes from its leaf to the root and which way they were left, 1 right, −1 left, 0 past the root. */
function paths(classes: number, depth: number): { nodes: Int32Array; signs: Int32Array } {
  const [nodes, signs] = [new Int32Array(classes * depth), new Int32Array(classes * depth)]
  for (let leaf = 0; leaf < classes; leaf++) {
    // A heap: node i has the children 2i and 2i + 1, leaves are the nodes from `classes` on.
    let node = classes + leaf
    for (let step = 0; node > 1; step++, node >>= 1) {
      nodes[leaf * depth + step] = (node >> 1) - 1
      signs[leaf * depth + step] = node % 2 === 1 ? 1 : -1
    }
  }
  return { nodes, signs }
}
