// Convolutions that see padding: no copy of padded images where the backend says so, and the same numbers as with one.

import { expect, it } from 'vitest'
import { compileGraph } from '../../src/compile/index.ts'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { convolution } from '../../src/nn/functional/convolution.ts'
import { compile, grad, random, type Tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const images = build.leaf({}, [2, 3, 8, 9], 'float32')
const filters = build.leaf({}, [4, 3, 3, 3], 'float32')
const edges = [0, 0, 1, 1]
const padded = build.pad(images, edges, edges)
const convolve = (x: Node): Node => build.node('conv', [x, filters], { strides: [1, 1], dilation: [1, 1], groups: 1 })

const loops = (outputs: readonly Node[], sees: boolean): number => {
  const graph = { leaves: [images, filters], outputs, aliases: outputs.map(() => -1) }
  const program = compileGraph(graph, { seesPadding: () => sees })
  return program.kernels.filter(({ kind }) => kind === 'loop').length
}

it('makes no copy of images where kernels see the padding, unless something else needs it', () => {
  expect(loops([convolve(padded)], false)).toBe(1)
  expect(loops([convolve(padded)], true)).toBe(0)
  expect(loops([convolve(padded), padded], true)).toBe(1)
})

it('asks for what a kernel has to know', () => {
  const asked: unknown[] = []
  const graph = { leaves: [images, filters], outputs: [convolve(padded)], aliases: [-1] }
  compileGraph(graph, { seesPadding: (convolution) => asked.push(convolution) < 0 })
  expect(asked).toEqual([
    {
      batch: 1,
      m: 4,
      n: 2 * 8 * 9,
      left: { outer: { extents: [4], strides: [27] }, inner: { extents: [27], strides: [1] } },
      right: {
        // Rows of results are as long as those in memory
        outer: { extents: [2, 72], strides: [216, 1] },
        inner: { extents: [3, 3, 3], strides: [72, 9, 1] },
      },
      padding: { extents: [10, 11], low: [1, 1], high: [9, 10] },
    },
  ])
})

/** Images, channels, rows, columns, filters and the padding before and after rows and columns. */
const shapes = [
  [4, 16, 8, 8, 16, [1, 1], [1, 1]],
  [3, 17, 13, 37, 19, [1, 1], [1, 1]],
  [9, 32, 7, 15, 20, [2, 2], [2, 2]],
  [5, 16, 33, 5, 16, [0, 0], [1, 1]],
  [2, 24, 6, 40, 16, [3, 1], [0, 5]],
  [1, 16, 4, 4, 18, [4, 4], [4, 4]],
] as const

forEachEngine(() => {
  const draw = (seed: number, shape: readonly number[]): Tensor => random.normal([...shape], { key: random.key(seed) })
  it.each(shapes)('%i × %i × %i × %i to %i, padded by %j and %j', (n, c, h, w, m, rows, columns) => {
    const [x, k] = [draw(1, [n, c, h, w]), draw(2, [m, c, 3, 3])]
    const margins = [[0, 0], [0, 0], rows, columns] as const
    const whole = x.pad(margins)
    const slope = draw(3, convolution(whole, k).shape)
    whole.sum().itemSync()
    const step = (images: Tensor, pad: boolean): Tensor[] => {
      const y = convolution(pad ? images.pad(margins) : images, k)
      return [y.relu(), ...grad(y.mul(slope).sum(), [images, k])]
    }
    const found = compile((a: Tensor) => step(a, true))(x)
    const [y, dx, dk] = compile((a: Tensor) => step(a, false))(whole)
    const inner = dx.slice(null, null, [rows[0], rows[0] + h], [columns[0], columns[0] + w])
    for (const [i, wanted] of [y, inner, dk].entries()) {
      const most = wanted.abs().max().itemSync()
      expect(found[i].sub(wanted).abs().max().itemSync() / most).toBeLessThan(2e-6)
    }
  })
})
