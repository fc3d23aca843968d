/** Every kind of module: its gradients against finite differences, and finite values and gradients at the extremes. */

import { expect, it } from 'vitest'
import { grad, jvp, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { applied, moduleTable } from '../support/module-table.ts'

const entries = Object.entries(moduleTable)

/** Normal numbers of the shape of x. */
const like = (x: Tensor, seed: number): Tensor => random.normal(x.shape, { key: random.key(seed), dtype: 'float64' })

/** Zeros, ±1e4 alone and in turns. */
const extremes: readonly ((i: number) => number)[] = [
  () => 0,
  () => 1e4,
  () => -1e4,
  (i) => [1e4, -1e4, 0][i % 3] as number,
]

// Operations are checked on every backend one by one: here it is what modules make of them.
forEachBackend(
  () => {
    it.each(entries)('R66: the gradient of %s agrees with central differences to 1e-7', (_, entry) => {
      const { module, x, y } = applied(entry)
      // One random direction of all that it depends on shows any one that is wrong.
      const at = [x, ...module.parameters()].filter(({ dtype }) => dtype === 'float64').map((v) => v.detach())
      const weigh = (value: Tensor): Tensor => value.mul(like(value, 1)).sum()
      const f = (...inputs: readonly Tensor[]): Tensor => {
        const weights = inputs.slice(inputs.length - module.parameters().length)
        const input = x.dtype === 'float64' ? (inputs[0] as Tensor) : x
        return weigh(y(input, module.with(weights)))
      }
      const way = at.map((v, i) => like(v, 2 + i))
      const along = (t: number): number => f(...at.map((v, i) => v.add((way[i] as Tensor).mul(t)))).itemSync()
      const h = 1e-5
      const numeric = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)
      const parts = grad(f(...at), at).map((g, i) =>
        g
          .mul(way[i] as Tensor)
          .sum()
          .itemSync(),
      )
      const analytic = parts.reduce((a, b) => a + b, 0)
      const size = Math.max(1, ...parts.map(Math.abs))
      expect(Math.abs(numeric - analytic) / size).toBeLessThan(1e-7)
      const [, tangent] = jvp(f, at, way)
      expect(Math.abs(tangent.itemSync() - analytic) / size).toBeLessThan(1e-12)
    })

    it.each(entries)('%s and its gradients are finite at 0 and ±1e4, in float32', (_, entry) => {
      const { module, x: usual, y } = applied(entry)
      const weights = module.parameters().map((p) => p.cast('float32'))
      const single = module.with(weights)
      for (const extreme of extremes) {
        const x =
          usual.dtype === 'int32'
            ? usual
            : tensor(
                Float32Array.from({ length: usual.size }, (_, i) => extreme(i)),
                { shape: usual.shape },
              )
        const value = y(x, single)
        const gradients = grad(value.sum(), x.dtype === 'int32' ? weights : [x, ...weights])
        for (const t of [value, ...gradients])
          expect([...t.dataSync()].every(Number.isFinite), extreme.toString()).toBe(true)
      }
    })
  },
  ({ backend }) => backend === 'reference',
)
