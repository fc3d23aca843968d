/** What random graphs found, one small case for each failure. */

import { describe, expect, it } from 'vitest'
import { compile, grad, scan, type Tensor, tensor, vmap, zeros } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

forEachBackend(() => {
  it('a result without elements beside another one writes nothing', () => {
    const x = tensor(new Uint8Array(40), { dtype: 'bool' })
    const f = compile((x: Tensor) => {
      const y = x.cast('float32').add(1)
      return [y, y.slice([3, 3])]
    })
    // It was computed in the other one's kernel, all 40 elements of it, over whatever lay behind.
    for (let i = 0; i < 3; i++) expect(f(x).map((t) => t.dataSync().length)).toEqual([40, 0])
    expect([...f(x)[0].dataSync()]).toEqual(new Array<number>(40).fill(1))
  })

  describe('vmap over a loop of which a result is the same for all examples', () => {
    const doubled = (x: Tensor): Tensor => scan((s: Tensor) => [s.add(s), s] as const, tensor([1, 2]), x)[0]

    it('goes on with that result', () => {
      // What followed still read the loop over one example.
      expect(vmap((x: Tensor) => doubled(x).add(1))(zeros([3, 2, 5])).arraySync()).toEqual([
        [5, 9],
        [5, 9],
        [5, 9],
      ])
    })

    it('and its gradient', () => {
      const f = (x: Tensor): Tensor => grad(doubled(x).mul(x.sum()).sum(), x)
      expect([...vmap(f)(zeros([2, 2, 5])).dataSync()]).toEqual(new Array<number>(20).fill(12))
    })
  })
})
