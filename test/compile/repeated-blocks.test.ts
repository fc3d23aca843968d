// Depth costs launches, not kernels: blocks that repeat share them, and each further block adds as many launches as the one before.
import { expect, test } from 'vitest'
import { compileGraph } from '../../src/compile/index.ts'
import type { Node } from '../../src/graph/node.ts'
import { grad, nn, zeros } from '../../src/index.ts'
import { launchesOf } from '../../src/kernel/program.ts'

/** The program of a loss and its gradients, of blocks with a norm, products, an activation and a sum beside them. */
function programOf(depth: number) {
  const width = 8
  const block = () =>
    nn.residual(nn.sequential(nn.layerNorm(width), nn.linear(width, 2 * width), nn.gelu(), nn.linear(2 * width, width)))
  const net = nn.sequential(...Array.from({ length: depth }, block))
  const loss = net(zeros([4, width]))
    .square()
    .mean()
  const outputs: Node[] = [loss, ...grad(loss, net.parameters())].map((t) => t.node)
  return compileGraph({ leaves: [], outputs, aliases: outputs.map(() => -1) })
}

test('12 blocks have the kernels of 4, and launches in proportion', () => {
  const [four, eight, twelve] = [4, 8, 12].map(programOf)
  expect(twelve.kernels).toHaveLength(four.kernels.length)
  const launches = (program: ReturnType<typeof programOf>) => launchesOf(program.steps).length
  expect(launches(twelve) - launches(eight)).toBe(launches(eight) - launches(four))
})
