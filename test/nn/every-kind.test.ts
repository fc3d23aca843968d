/** Every kind of module: its gradients against finite differences, and finite values and gradients at the extremes. */

import { expect, it } from 'vitest'
import { checkGradient, grad, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { applied, moduleTable } from '../support/module-table.ts'

const entries = Object.entries(moduleTable)

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
    it.each(entries)('R66: the gradient of %s agrees with central differences to 1e-7', async (_, entry) => {
      const { module, x, y } = applied(entry)
      const f = (weights: readonly Tensor[], input: Tensor): Tensor => y(input, module.with(weights))
      await checkGradient(f, [module.parameters(), x], { order: 1, tolerance: 1e-7, step: 1e-5 })
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
