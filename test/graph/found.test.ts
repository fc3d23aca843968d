/** What random graphs found, one small case for each failure. */

import { describe, expect, it } from 'vitest'
import { build } from '../../src/graph/build.ts'
import { compile, cumsum, grad, linspace, scan, Tensor, tensor, vmap, zeros } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { evaluateByRecords } from '../support/records.ts'

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

  it('what a product reads is not computed in its own kernel', () => {
    const [x, w] = [linspace(-2, 2, 128).reshape([2, 64]), linspace(-1, 1, 64 * 64).reshape([64, 64])]
    const y = x.relu()
    // The first run read what no one had written yet, all later ones what the run before left.
    const sum = y.add(y.matmul(w.transpose()))
    expectClose(sum, evaluateByRecords(sum.node), 1e-5)
  })

  it('bool is padded by what a number is as bool', () => {
    const x = tensor(new Uint8Array(2), { dtype: 'bool' })
    // Between elements the engine took the number as an integer, 0.
    const padded = new Tensor(build.pad(x.node, [0], [1], [1], 0.5))
    expect([...padded.dataSync()]).toEqual([0, 1, 0, 1])
  })

  it('the row that a lookup picks may be the result of a reduction in its own kernel', () => {
    const x = tensor([0, 2, 1, 5, 4, 3]).reshape([3, 2])
    // The reduction was left out, as no value but the row read it.
    expect(x.takeAlong(x.argmax(0).unsqueeze(0), 0).arraySync()).toEqual([[4, 5]])
    expect(x.takeAlong(x.sum(1).cast('int32').remainder(2).unsqueeze(1), 1).arraySync()).toEqual([[0], [1], [3]])
  })

  it('kernels that wait for each other through one that ends early are not joined', () => {
    const f = compile((x: Tensor, y: Tensor) => {
      const [h, t] = [x.exp(), y.exp()]
      // A routine that reads h and ends before t begins. The first sum joins h and waits for t; the second one, joined with t, would wait for all three.
      const g = cumsum(h, 0)
      return [g, h.add(t.transpose()), t.add(g.transpose())]
    })
    const [x, y] = [linspace(-1, 1, 35).reshape([7, 5]), linspace(0, 1, 35).reshape([5, 7])]
    for (const result of f(x, y)) expect(Number.isFinite(result.sum().itemSync())).toBe(true)
    const [, , sum] = f(x, y)
    expectClose(sum, evaluateByRecords(y.exp().add(cumsum(x.exp(), 0).transpose()).node), 1e-5)
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
