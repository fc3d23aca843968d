// Parts of a concat, and what would only be copied into another order, are written where they belong by the kernels that
// compute them, unless someone else reads them too.

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

/** [n, heads, length, size] as [n, length, heads · size]. */
const joinHeads = (x: Tensor): Tensor => {
  const [n = 0, heads = 0, length = 0, size = 0] = x.shape
  return x.permute([0, 2, 1, 3]).reshape([n, length, heads * size])
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

it('no copies into another order, where runs are long and nobody else reads what is copied', () => {
  const kinds = (size: number, others: (heads: Node) => readonly Node[]): string[] => {
    const leaf = build.leaf({}, [2, 3, 8, size], 'float32')
    const heads = build.unary('exp', leaf)
    const joined = build.reshape(build.transpose(heads, [0, 2, 1, 3]), [2, 8, 3 * size])
    const outputs = [joined, ...others(heads)]
    return launchesOf(compileGraph({ leaves: [leaf], outputs, aliases: outputs.map(() => -1) }).steps).map(
      (l) => l.kind,
    )
  }
  expect(kinds(32, () => [])).toHaveLength(1)
  expect(kinds(31, () => [])).toHaveLength(2)
  expect(kinds(32, (heads) => [heads])).toHaveLength(2)
})

it('no copies of products into another order, nor of what they are in a whole', () => {
  const leaf = build.leaf({}, [2, 3, 40, 40], 'float32')
  const join = (x: Node): Node => build.reshape(build.transpose(x, [0, 2, 1, 3]), [80, 120])
  const square = build.node('matmul', [leaf, leaf], {})
  const negative = build.node('matmul', [leaf, build.unary('neg', leaf)], {})
  const whole = build.node('concat', [join(square), join(negative)], { axis: 1 })
  const { steps } = compileGraph({ leaves: [leaf], outputs: [whole], aliases: [-1] })
  expect(
    launchesOf(steps)
      .map((l) => l.kind)
      .sort(),
  ).toEqual(['contract', 'contract', 'loop'])
})

forEachEngine(() => {
  it('of products, in another order', () => {
    const draw = (seed: number): Tensor => random.normal([2, 3, 37, 37], { key: random.key(seed) })
    const [x, y] = [draw(1), draw(2)]
    const joined = compile(() => concat([x.matmul(y), y.matmul(x)].map(joinHeads), 0).tanh())()
    expect(joined.shape).toEqual([4, 37, 3 * 37])
    ;[x.matmul(y), y.matmul(x)].forEach((product, half) => {
      for (let head = 0; head < 3; head++) {
        const found = joined.slice([2 * half, 2 * half + 2], null, [37 * head, 37 * head + 37])
        const wanted = product
          .slice(null, [head, head + 1])
          .reshape([2, 37, 37])
          .tanh()
        expect(found.sub(wanted).abs().max().itemSync()).toBeLessThan(1e-5)
      }
    })
  })

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
