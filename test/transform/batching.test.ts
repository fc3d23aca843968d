/** Every operation and its gradient for many examples at once equals a loop over the examples. */

import { describe, expect, it } from 'vitest'
import { isFloat } from '../../src/graph/dtype.ts'
import type { Node, OpName } from '../../src/graph/node.ts'
import { stack, Tensor, tensor, vjp, vmap } from '../../src/tensor/index.ts'
import type { Sample } from '../graph/domains.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose, tolerances } from '../support/close.ts'
import { normals, type Random, randomOf, seedOf } from '../support/random.ts'
import { type Attributes, domainOf, leavesOf, makeOf, names, sizeOf } from '../support/samples.ts'

/** Which inputs differ by example. */
const choices = (count: number): boolean[][] => {
  const all = Array.from({ length: 2 ** Math.min(count, 2) - 1 }, (_, bits) =>
    Array.from({ length: count }, (_, i) => ((bits + 1) & (1 << Math.min(i, 1))) !== 0),
  )
  return all.filter((choice) => choice.includes(true))
}

interface Case {
  readonly name: OpName
  readonly sample: Sample<Attributes>
  readonly isMapped: readonly boolean[]
  /** The inputs of each example. */
  readonly examples: readonly (readonly Tensor[])[]
  /** Where the examples lie in each mapped input. */
  readonly axes: readonly (number | null)[]
  readonly apply: (inputs: readonly Tensor[]) => Tensor
}

function casesOf(name: OpName, dtype: 'float32' | 'float64', sizes: readonly number[]): Case[] {
  const { dtypes, samples } = domainOf(name)
  const own = dtypes.includes(dtype) ? dtype : dtypes[0]
  return samples.flatMap((sample, s) =>
    choices(sample.inputs.length).flatMap((isMapped, c) =>
      sizes.map((size): Case => {
        const random = randomOf(seedOf(`${name} ${s} ${c} ${size}`))
        const draw = (): Tensor[] =>
          leavesOf(
            sample,
            sample.inputs.map((x) => x.values(random, sizeOf(x.shape))),
            own,
          )
        const shared = draw()
        const examples = Array.from({ length: size }, () => draw().map((x, i) => (isMapped[i] ? x : shared[i])))
        const axes = sample.inputs.map((x, i) => (isMapped[i] ? Math.floor(random() * (x.shape.length + 1)) : null))
        const apply = (inputs: readonly Tensor[]): Tensor =>
          new Tensor(
            makeOf(
              name,
              sample,
              inputs.map((x): Node => x.node),
              own,
            ),
          )
        return { name, sample, isMapped, examples, axes, apply }
      }),
    ),
  )
}

const batched = ({ examples, axes }: Case): Tensor[] =>
  axes.map((axis, i) =>
    axis === null
      ? examples[0][i]
      : stack(
          examples.map((x) => x[i]),
          axis,
        ),
  )

const withInputs = names.filter((name) => domainOf(name).samples.some((sample) => sample.inputs.length > 0))

// The graphs that rules build do not depend on the number of threads.
forEachBackend(
  ({ backend }) => {
    const dtype = backend === 'reference' ? 'float64' : 'float32'
    const tolerance = backend === 'reference' ? 1e-12 : tolerances.float32

    describe('value', () => {
      it.each(withInputs)('%s', (name) => {
        for (const one of casesOf(name, dtype, [3, 1])) {
          const out = randomOf(one.examples.length)() < 0.5 ? 0 : -1
          const mapped = vmap((...inputs: Tensor[]) => one.apply(inputs), { in: one.axes, out })(...batched(one))
          const looped = stack(one.examples.map(one.apply), out)
          expect(mapped.dtype).toBe(looped.dtype)
          expectClose(mapped, looped, tolerance, `${name} mapped over ${one.isMapped} at ${one.axes}`)
        }
      })
    })

    const smooth = names.filter((name) => domainOf(name).derivative === 'smooth')
    describe('gradient, inside and outside', () => {
      it.each(smooth)('%s', (name) => {
        for (const one of casesOf(name, dtype, [2])) {
          const y = one.apply(one.examples[0])
          const floats = one.examples[0].map((x) => isFloat(x.dtype))
          if (!isFloat(y.dtype) || !floats.includes(true)) continue
          const random = randomOf(seedOf(name))
          const cotangents = one.examples.map(() => cotangent(random, y))
          const gradients = (inputs: readonly Tensor[], g: Tensor): Tensor[] =>
            vjp(
              [one.apply(inputs)],
              [g],
              inputs.filter((_, i) => floats[i]),
            )
          const looped = one.examples.map((x, i) => gradients(x, cotangents[i]))
          const all = batched(one)
          const what = `gradient of ${name} mapped over ${one.isMapped} at ${one.axes}`

          const inside = vmap((inputs: Tensor[], g: Tensor) => gradients(inputs, g), { in: [one.axes, 0] })
          inside(all, stack(cotangents)).forEach((dx, i) => {
            expectClose(dx, stack(looped.map((g) => g[i])), tolerance, `${what}, inside`)
          })

          const wrt = all.filter((_, i) => floats[i])
          const axes = one.axes.filter((_, i) => floats[i])
          const mapped = vmap((...inputs: Tensor[]) => one.apply(inputs), { in: one.axes })(...all)
          vjp([mapped], [stack(cotangents)], wrt).forEach((dx, i) => {
            const parts = looped.map((g) => g[i])
            const axis = axes[i]
            const expected = axis === null ? parts.reduce((a, b) => a.add(b)) : stack(parts, axis)
            expectClose(dx, expected, tolerance, `${what}, outside`)
          })
        }
      })
    })
  },
  ({ threads }) => threads === 1,
)

const cotangent = (random: Random, y: Tensor): Tensor =>
  tensor(normals(random, y.size), { shape: y.shape, dtype: y.dtype })
