// Which elements equal a maximum that was read before, where one kernel rounds a·b + c once, as machine code does, and another twice, as WebAssembly does.

import { beforeAll, describe, expect, it } from 'vitest'
import { configure, grad, type Tensor, tensor } from '../../src/tensor/index.ts'
import { useMachineCode } from '../support/backends.ts'
import { missing } from './native.ts'

const size = 10_000
const numbers = (step: number): Float32Array => Float32Array.from({ length: size }, (_, i) => ((i * step) % 997) / 99.7)

describe.skipIf(missing !== undefined)(`ties ${missing ?? ''}`, () => {
  beforeAll(() => {
    configure({ backend: 'x86', threads: 1, seed: 0, worker: false })
    // Kernels of few elements stay WebAssembly
    useMachineCode({ threads: 1, worthCalling: 1000 })
  })

  /** e^x is made of multiply-adds; some of these differ by how they are rounded. */
  const cases = Array.from({ length: 20 }, (_, i): Tensor => tensor(numbers(i + 3)).mul(0.5 + i / 7))

  it('a part that is compared with the maximum is not computed by itself', () => {
    for (const x of cases) {
      const y = x.exp()
      const most = y.max()
      expect(Number.isFinite(most.itemSync())).toBe(true)
      const place = y.argmax().itemSync()
      expect(
        y
          .slice([place, place + 1])
          .equal(most)
          .dataSync()[0],
      ).toBe(1)
    }
  })

  it('a gradient finds the place', () => {
    for (const x of cases) {
      const angle = tensor(numbers(7)).cast('float64')
      // No machine code has the sine of float64
      const sine = angle.sin().cast('float32')
      sine.dataSync()
      const most = x.mul(sine).exp().max()
      expect(most.itemSync()).toBeGreaterThan(1)
      expect(grad(most, angle).abs().sum().itemSync()).toBeGreaterThan(0)
    }
  })
})
