// Which axis a kernel's lanes go over, where the last one is too short for them.

import { expect, it } from 'vitest'
import { compileGraph } from '../../src/compile/index.ts'
import { build } from '../../src/graph/build.ts'
import { sizeOf } from '../../src/graph/shape.ts'
import { launchesOf } from '../../src/kernel/program.ts'
import { arange } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

/** What is read, and where each of its axes goes: lanes over the last axis of the result would be 2 or 3. */
const cases = [
  // Channels and places of a transposed convolution's phases: of the two long axes the near one.
  { shape: [2, 8, 64, 33], order: [2, 1, 3, 0], lanes: 33 },
  // A 4 × 4 kernel in four phases: a block of an axis before them.
  { shape: [2, 2, 2, 2, 6, 256], order: [4, 5, 2, 0, 3, 1], lanes: 256 },
  { shape: [2, 3, 2, 2, 112], order: [4, 3, 0, 2, 1], lanes: 112 },
  // A prime has no blocks: all of it.
  { shape: [2, 2, 2, 3, 257], order: [4, 3, 0, 2, 1], lanes: 257 },
]

for (const { shape, order, lanes } of cases) {
  it(`${lanes} of ${shape.join('×')} as ${order.join()}`, () => {
    const leaf = build.leaf({}, shape, 'float32')
    const moved = build.reshape(build.transpose(leaf, order), [sizeOf(shape)])
    const { steps } = compileGraph({ leaves: [leaf], outputs: [moved], aliases: [-1] })
    const [launch] = launchesOf(steps)
    expect(launch?.kind === 'loop' && launch.extents.at(-1)).toBe(lanes)
  })
}

forEachEngine(() => {
  for (const { shape, order } of cases) {
    it(`${shape.join('×')} as ${order.join()}`, () => {
      const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))
      const extents = order.map((axis) => shape[axis] as number)
      const expected = Array.from({ length: sizeOf(shape) }, (_, place) => {
        let [from, rest] = [0, place]
        for (let axis = extents.length - 1; axis >= 0; axis--) {
          const extent = extents[axis] as number
          from += (rest % extent) * (strides[order[axis] as number] as number)
          rest = Math.floor(rest / extent)
        }
        return from + 0.5
      })
      const found = arange(sizeOf(shape)).reshape(shape).permute(order).reshape([-1]).add(0.5)
      expect(found.dataSync()).toEqual(Float32Array.from(expected))
    })
  }
})
