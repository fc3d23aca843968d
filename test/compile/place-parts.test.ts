// Parts of a concat are written where they belong by the kernels that compute them, unless someone else reads them too.

import { expect, it } from 'vitest'
import { compileGraph } from '../../src/compile/index.ts'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { launchesOf } from '../../src/kernel/program.ts'
import { compile, concat, random, type Tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const launches = (
  shape: readonly number[],
  axis: number,
  others: (parts: readonly Node[]) => readonly Node[],
): number => {
  const leaf = build.leaf({}, shape, 'float32')
  const parts = [build.unary('exp', leaf), build.unary('sin', leaf), build.unary('tanh', build.unary('exp', leaf))]
  const whole = build.node('concat', parts, { axis })
  const outputs = [whole, ...others(parts)]
  return launchesOf(compileGraph({ leaves: [leaf], outputs, aliases: outputs.map(() => -1) }).steps).length
}

it('no copies, where nobody else reads the parts and they are not short', () => {
  const kernels = 3
  expect(launches([4, 64], 1, () => [])).toBe(kernels)
  expect(launches([4, 64], 0, () => [])).toBe(kernels)
  expect(launches([64, 4], 1, () => [])).toBe(kernels + 3)
  expect(launches([4, 64], 1, (parts) => parts.slice(0, 1))).toBe(kernels + 1)
})

forEachEngine(() => {
  it('of maps, of sums, of what is read twice, and of nothing, along each axis', () => {
    const draw = (seed: number, shape: readonly number[]): Tensor => random.normal(shape, { key: random.key(seed) })
    for (const axis of [0, 1, 2]) {
      const [x, y] = [draw(1, [3, 5, 37]), draw(2, [3, 5, 37])]
      const empty = draw(
        3,
        [3, 5, 37].map((d, a) => (a === axis ? 0 : d)),
      )
      const parts = (): Tensor[] => {
        const shared = x.sin()
        return [x.exp().add(y), empty, shared, x.softmax(-1), shared, y.tanh().mul(x)]
      }
      const joined = compile(() => concat(parts(), axis).mul(2))()
      let start = 0
      for (const part of parts()) {
        const extent = part.shape[axis]
        const range = [start, start + extent] as const
        const found = joined.slice(...[0, 1, 2].map((a) => (a === axis ? range : null)))
        if (extent > 0) expect(found.sub(part.mul(2)).abs().max().itemSync()).toBeLessThan(1e-5)
        start += extent
      }
      expect(joined.shape[axis]).toBe(start)
    }
  })
})
