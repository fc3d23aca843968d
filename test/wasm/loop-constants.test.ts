// Operands that a loop never writes are packed once, before it; those that it writes are packed anew in each turn.

import { expect, it } from 'vitest'
import { compile, random, scan, type Tensor, Variable, whileLoop } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const draw = (seed: number, shape: readonly number[]): Tensor =>
  random.normal(shape, { key: random.key(seed) }).mul(0.15)
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()
const size = 40
const turns = 3

forEachEngine(() => {
  it('weights, and a carry that is multiplied by itself', () => {
    const [w, start] = [draw(1, [size, size]), draw(2, [size, size])]
    const turn = (h: Tensor): Tensor => h.matmul(w).add(h.matmul(h)).add(w.matmul(h)).tanh()
    const looped = compile(() => scan((h: Tensor) => [turn(h), h.sum()], start, undefined, { length: turns })[0])
    let expected = start
    for (let i = 0; i < turns; i++) expected = turn(expected)
    expect(distance(looped(), expected)).toBeLessThan(1e-5)
  })

  it('a loop in a loop: what only the inner one leaves alone is packed again for each of its runs', () => {
    const [w, start] = [draw(3, [size, size]), draw(4, [size, size])]
    const inner = (h: Tensor, outer: Tensor): Tensor => h.matmul(outer).add(h.matmul(w)).tanh()
    const looped = compile(
      () =>
        scan(
          (outer: Tensor) => {
            const [h] = scan((h: Tensor) => [inner(h, outer), h.sum()], outer, undefined, { length: turns })
            return [outer.matmul(w).add(h).tanh(), h.sum()]
          },
          start,
          undefined,
          { length: turns },
        )[0],
    )
    let expected = start
    for (let i = 0; i < turns; i++) {
      let h = expected
      for (let k = 0; k < turns; k++) h = inner(h, expected)
      expected = expected.matmul(w).add(h).tanh()
    }
    expect(distance(looped(), expected)).toBeLessThan(1e-5)
  })

  it('a weight that changes between calls, in a loop of unknown length and in one that follows', () => {
    const w = new Variable(draw(5, [size, size]).dataSync() as Float32Array, [size, size], 'float32')
    const start = draw(6, [size, size])
    const step = compile(() => {
      const old = w.detach()
      const turn = (h: Tensor): Tensor => h.matmul(old).tanh()
      const [first] = whileLoop(
        ([, i]: readonly [Tensor, Tensor]) => i.less(turns),
        ([h, i]: readonly [Tensor, Tensor]) => [turn(h), i.add(1)] as const,
        [start, start.mul(0).sum().cast('int32')] as const,
      )
      const [second] = scan((h: Tensor) => [turn(h).add(h), h.sum()], first, undefined, { length: turns })
      w.assign(w.mul(2))
      return second
    })
    for (let call = 0; call < 2; call++) {
      const old = w.detach()
      let expected = start
      for (let i = 0; i < turns; i++) expected = expected.matmul(old).tanh()
      for (let i = 0; i < turns; i++) expected = expected.matmul(old).tanh().add(expected)
      const wanted = expected.dataSync()
      const found = step().dataSync()
      expect(Math.max(...found.map((v, i) => Math.abs(v - wanted[i])))).toBeLessThan(1e-5)
    }
  })
})
