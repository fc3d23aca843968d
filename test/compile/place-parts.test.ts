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

it('no copies of products, of what they are reshaped to, and of wholes that are parts again', () => {
  const leaf = build.leaf({}, [32, 32], 'float32')
  const squares = [1, 2, 3, 4].map((k) =>
    build.node('matmul', [leaf, build.binary('add', leaf, build.constant(k, [32, 32], 'float32'))], {}),
  )
  const blocks = squares.map((x) => build.reshape(x, [1, 1, 32, 32]))
  const rows = [blocks.slice(0, 2), blocks.slice(2)].map((pair) => build.node('concat', pair, { axis: 1 }))
  const whole = build.node('concat', rows, { axis: 0 })
  const { steps } = compileGraph({ leaves: [leaf], outputs: [whole], aliases: [-1] })
  const kinds = launchesOf(steps).map((l) => l.kind)
  expect(kinds.filter((kind) => kind === 'contract')).toHaveLength(4)
  // What the products read of the sums.
  expect(kinds.filter((kind) => kind === 'loop')).toHaveLength(4)
})

forEachEngine(() => {
  it('of products, along several axes', () => {
    const draw = (seed: number): Tensor => random.normal([37, 37], { key: random.key(seed) })
    const [x, y] = [draw(1), draw(2)]
    const products = (): Tensor[] => [x.matmul(y), y.matmul(x).relu(), x.matmul(x), y.matmul(y).add(x)]
    const joined = compile(() => {
      const blocks = products().map((p) => p.reshape([1, 37, 1, 37]))
      return concat([concat(blocks.slice(0, 2), 2), concat(blocks.slice(2), 2)], 0)
    })()
    expect(joined.shape).toEqual([2, 37, 2, 37])
    products().forEach((p, i) => {
      const found = joined.slice([i >> 1, (i >> 1) + 1], null, [i & 1, (i & 1) + 1]).reshape([37, 37])
      expect(found.sub(p).abs().max().itemSync()).toBeLessThan(1e-4)
    })
  })

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
