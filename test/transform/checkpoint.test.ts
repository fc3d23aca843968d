/** checkpoint: the same numbers bit for bit, from less memory; with draws, statistics, trees and higher derivatives inside. */

import { describe, expect, it } from 'vitest'
import type { KernelBackend } from '../../src/backend/backend.ts'
import { launchesOf, type Program } from '../../src/kernel/program.ts'
import * as nn from '../../src/nn/index.ts'
import {
  backend,
  checkpoint,
  compile,
  cond,
  configure,
  customGradient,
  grad,
  hvp,
  jvp,
  noGrad,
  random,
  runtime,
  scan,
  type Tensor,
  tensor,
  variable,
  vmap,
  withTraining,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { normals, randomOf } from '../support/random.ts'

const draw = randomOf(3)
const numbers = (...shape: number[]): Tensor =>
  tensor(
    normals(
      draw,
      shape.reduce((n, d) => n * d, 1),
    ).map((v) => v * 0.3),
    { shape },
  )
const values = (x: Tensor): number[] => [...x.dataSync()]

type Block = (x: Tensor) => Tensor

/** A residual block with matrices, a row kernel and functions that are dear to repeat. */
const blockOf =
  (w: Tensor, v: Tensor): Block =>
  (x) => {
    const h = x.sub(x.mean(-1, true)).matmul(w).tanh()
    return x.add(h.mul(h.sigmoid()).matmul(v).softmax(-1))
  }

forEachBackend(({ backend: name }) => {
  const same = (f: Block): void => {
    const [x, g] = [numbers(6, 5), numbers(6, 5)]
    const run = (block: Block): Tensor[] => {
      const y = block(block(x))
      return [y, grad(y.mul(g).sum(), x)]
    }
    const [plain, kept] = [run(f), run(checkpoint(f))]
    plain.forEach((t, i) => {
      expect(values(kept[i])).toEqual(values(t))
    })
  }

  describe('the same values and gradients, bit for bit', () => {
    const [w, v] = [numbers(5, 8), numbers(8, 5)]
    it('of matrices, row kernels and functions with derivatives of their own', () => {
      same(blockOf(w, v))
      same((x) => x.softmax(-1).logSoftmax(0).mul(x.logSumExp(1, true)))
    })
    it('of checkpoints in checkpoints', () => {
      const inner = checkpoint(blockOf(w, v))
      same((x) => inner(x.mul(2)).add(checkpoint((z: Tensor) => z.exp().tanh())(x)))
    })
    it('of compositions that are stabilized before they are differentiated', () => {
      const x = tensor([[1e4, -1e4, 0]])
      const f: Block = (z) => z.exp().add(1).log()
      const found = grad(checkpoint(f)(x).sum(), x)
      expect(values(found)).toEqual([1, 0, 0.5])
    })
    it('of loops and branches', () => {
      const step = (h: Tensor, z: Tensor): [Tensor, Tensor] => [h.matmul(w).matmul(v).add(z).tanh(), h.square()]
      same((x) => scan(step, x.sum(0), x)[1].add(x))
      same((x) =>
        cond(
          x.sum().greater(0),
          (z) => z.exp(),
          (z) => z.sin(),
          x,
        ),
      )
    })
    it('by what it closes over', () => {
      const [x, weights] = [numbers(4, 5), [variable(numbers(5, 8)), variable(numbers(8, 5))]]
      const skip = x.square()
      const f: Block = (z) => blockOf(weights[0], weights[1])(z).mul(skip)
      const gradients = (block: Block): Tensor[] => grad(block(x.mul(2)).square().sum(), [...weights, x, skip])
      const [plain, kept] = [gradients(f), gradients(checkpoint(f))]
      plain.forEach((t, i) => {
        expect(values(kept[i])).toEqual(values(t))
      })
    })
    it('of networks that draw and keep statistics: once', () => {
      const net = nn.sequential(nn.linear(5, 16), nn.batchNorm(16), nn.dropout(0.5), nn.relu(), nn.linear(16, 2))
      const initial = Object.entries(net.state()).map(
        ([name, value]) => [name, tensor(value.dataSync(), value)] as const,
      )
      const x = numbers(9, 5)
      const step = (forward: Block) => {
        net.loadState(Object.fromEntries(initial))
        configure({ seed: 4 })
        const compiled = compile((z: Tensor) => {
          const l = forward(z).square().mean()
          return [l, ...grad(l, net.parameters())]
        })
        const results = withTraining(true, () => compiled(x)).map(values)
        return [...results, ...net.buffers().map(values)]
      }
      const [kept, plain] = [step(checkpoint((z: Tensor) => net(z))), step((z) => net(z))]
      if (name === 'reference') expect(kept).toEqual(plain)
      // Kernels are grouped anew: sums over the batch may be added up in another order.
      else for (const [i, found] of kept.entries()) expectClose(found, plain[i], 1e-6)
    })
  })

  describe('trees', () => {
    it('in and out, integers among them; several results are computed again together', () => {
      const f = ({ a, b }: { a: Tensor; b: Tensor }, n: number): { sum: Tensor; parts: Tensor[]; top: Tensor } => ({
        sum: a.mul(b).sum(),
        parts: [a.exp(), b.tanh().mul(n)],
        top: a.argmax(),
      })
      const [a, b] = [numbers(4), numbers(4)]
      const run = (g: typeof f): number[][] => {
        const { sum, parts, top } = g({ a, b }, 3)
        const total = sum.square().add(parts[0].mul(parts[1]).sum())
        return [sum, ...parts, top, ...grad(total, [a, b])].map(values)
      }
      expect(run(checkpoint(f))).toEqual(run(f))
    })
    it('nothing to compute: no arguments, results that are arguments, empty tensors', () => {
      const x = numbers(3)
      expect(values(checkpoint(() => x)())).toEqual(values(x))
      expect(values(grad(checkpoint((z: Tensor) => z)(x).sum(), x))).toEqual([1, 1, 1])
      const none = numbers(0, 3)
      expect(grad(checkpoint((z: Tensor) => z.exp())(none).sum(), none).shape).toEqual([0, 3])
    })
  })

  describe('with other transformations', () => {
    const f = (x: Tensor): Tensor => x.softmax(-1).mul(x.sin()).sum()
    const kept = checkpoint(f)
    const [x, v] = [numbers(5), numbers(5)]

    it('differentiated twice, and forward', () => {
      expectClose(jvp(kept, [x], [v])[1], jvp(f, [x], [v])[1], 1e-6)
      for (const mode of ['forward', 'reverse'] as const)
        expectClose(hvp(kept, [x], [v], { mode })[0], hvp(f, [x], [v], { mode })[0], 1e-5)
    })
    it('mapped, inside and outside of gradients', () => {
      const batch = numbers(3, 5)
      expectClose(vmap(grad(kept))(batch), vmap(grad(f))(batch), 1e-6)
      expectClose(grad(vmap(kept)(batch).sum(), batch), grad(vmap(f)(batch).sum(), batch), 1e-6)
      expectClose(grad(checkpoint((z: Tensor) => vmap(f)(z))(batch).sum(), batch), vmap(grad(f))(batch), 1e-6)
    })
    it('with custom gradients and without gradients', () => {
      const straight = customGradient(
        (z) => z.round(),
        (g, [z], y) => [g.mul(z.sub(y))],
      )
      expect(values(grad(checkpoint((z: Tensor) => straight(z.mul(2)))(x).sum(), x))).toEqual(
        values(grad(straight(x.mul(2)).sum(), x)),
      )
      expect(values(grad(noGrad(() => kept(x)).add(x.sum()), x))).toEqual([1, 1, 1, 1, 1])
    })
  })
})

describe('memory', () => {
  /** The program of a step of `depth` blocks, and its numbers. */
  function programOf(depth: number, wrapped: (f: Block) => Block): { program: Program; results: number[][] } {
    configure({ backend: 'wasm', threads: 1, seed: 1 })
    runtime.executables = new Map()
    const on = backend() as KernelBackend
    const programs: Program[] = []
    const load = on.load.bind(on)
    on.load = (program) => {
      programs.push(program)
      return load(program)
    }
    const random32 = (seed: number, ...shape: number[]): Tensor =>
      tensor(random.normal(shape, { key: random.key(seed), std: 0.1 }).dataSync(), { shape })
    try {
      const weights = Array.from({ length: depth }, (_, i) => [
        variable(random32(2 * i, 16, 64)),
        variable(random32(2 * i + 1, 64, 16)),
      ])
      const step = compile((x: Tensor) => {
        const y = weights.reduce((z, [w, v]) => wrapped(blockOf(w, v))(z), x)
        const l = y.square().mean()
        return [l, ...grad(l, weights.flat())]
      })
      const results = step(random32(99, 16, 16)).map(values)
      return { program: programs.reduce((a, b) => (b.arenaBytes > a.arenaBytes ? b : a)), results }
    } finally {
      on.load = load
    }
  }

  it('of a deep network: what blocks compute inside is not kept, and not shared with what was computed before', () => {
    const [plain, kept] = [programOf(12, (f) => f), programOf(12, (f) => checkpoint(f))]
    expect(kept.results).toEqual(plain.results)
    expect(kept.program.arenaBytes).toBeLessThan(plain.program.arenaBytes / 4)
    const launches = ({ program }: typeof plain): number => launchesOf(program.steps).length
    expect(launches(kept)).toBeGreaterThan(launches(plain) + 2 * 12)
  })

  it('grows by one input for each block more', () => {
    const [twelve, thirteen] = [12, 13].map((n) => programOf(n, (f) => checkpoint(f)).program.arenaBytes)
    // The input of a block, its copy for the backward pass, and room between values.
    expect(thirteen - twelve).toBeLessThanOrEqual(2 * (16 * 16 * 4 + 128))
  })
})
