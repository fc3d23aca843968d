/** Rows 57 to 64, 83, 85 and 86: what gradient descent does on quadratics, by theorem. */

import { expect, it } from 'vitest'
import * as linalg from '../../src/linalg/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import * as t from '../../src/tensor/index.ts'
import { grad, random, type Tensor, tensor, variable } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(new Float64Array(values), { shape })
const of = { dtype: 'float64' } as const
const draw = (seed: number, ...shape: number[]): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype: 'float64' })

/** Distances from the minimum of ½ Σ λ v² while an optimizer goes there. */
function descend(optimizer: optim.Optimizer, curvature: readonly number[], start: readonly number[], steps: number) {
  const [v, lambda] = [variable(f64(start)), f64(curvature)]
  const step = t.compile(() => optimizer.step([v], [grad(v.square().mul(lambda).sum().mul(0.5), v)]))
  return Array.from({ length: steps }, () => {
    step()
    return Math.hypot(...v.dataSync())
  })
}

forEachEngine(() => {
  it('R57: descent on curvatures 1 to 10 converges below a rate of 2/10, fastest at 2/11, by 9/11 each step', () => {
    const last = (learningRate: number) => descend(optim.sgd({ learningRate }), [1, 10], [1, 1], 200).at(-1) as number
    expect(last(0.199)).toBeLessThan(0.2)
    expect(last(0.201)).toBeGreaterThan(5)
    const best = descend(optim.sgd({ learningRate: 2 / 11 }), [1, 10], [1, 1], 30)
    for (let i = 1; i < 30; i++) expect((best[i] as number) / (best[i - 1] as number)).toBeCloseTo(0.818181818, 9)
  })

  it('R58: beyond 2/L each step multiplies the distance by |1 − ηL|', () => {
    const path = descend(optim.sgd({ learningRate: 0.25 }), [10], [1], 20)
    for (const [i, distance] of path.entries()) expect(distance / 1.5 ** (i + 1)).toBeCloseTo(1, 12)
  })

  it('R59: the heavy ball at its best goes by √β = 0.519494 each step', () => {
    const [learningRate, momentum] = [4 / (Math.sqrt(10) + 1) ** 2, ((Math.sqrt(10) - 1) / (Math.sqrt(10) + 1)) ** 2]
    expect([learningRate, momentum]).toEqual([expect.closeTo(0.230886, 6), expect.closeTo(0.269874, 6)])
    // At both ends of the spectrum √β is a double root of the recurrence, x″ = 2√β x′ − β x (up to the root's sign).
    const rate = Math.sqrt(momentum)
    expect(rate).toBeCloseTo(0.519494, 6)
    for (const [curvature, root] of [
      [1, rate],
      [10, -rate],
    ] as const) {
      const [v, optimizer] = [variable(f64([1])), optim.sgd({ learningRate, momentum })]
      const path = Array.from({ length: 12 }, () => {
        optimizer.step([v], [v.mul(curvature)])
        return v.itemSync()
      })
      for (let i = 2; i < 12; i++) {
        const [x, next, after] = path.slice(i - 2, i + 1)
        expect(after).toBeCloseTo(2 * root * next - root ** 2 * x, 14)
      }
    }
  })

  it('R60: the first step of Adam is the learning rate against the sign', () => {
    const v = variable(f64([3, -2, 1e-3]))
    optim.adam({ learningRate: 0.1 }).step([v], [f64([50, -1e-3, 7])])
    expectClose(v, [2.9, -1.9, 1e-3 - 0.1], 1e-5)
  })

  it('R60: five steps of Adam on x²/2 from 1, in digits', () => {
    const v = variable(f64([1]))
    const optimizer = optim.adam({ learningRate: 0.1 })
    const path = Array.from({ length: 5 }, () => {
      optimizer.step([v], [v])
      return v.itemSync()
    })
    const row = [0.900000001, 0.80041223, 0.70158627, 0.60393906, 0.50796366]
    path.forEach((x, i) => {
      expect(x).toBeCloseTo(row[i] as number, i === 0 ? 14 : 8)
    })
  })

  it('R61: schedules are their closed forms', () => {
    const at = (schedule: optim.Schedule, ...steps: number[]): number[] => steps.map(schedule)
    const close = (list: readonly number[], expected: readonly number[]): void =>
      list.forEach((rate, i) => {
        expect(rate).toBeCloseTo(expected[i] as number, 14)
      })
    close(at(optim.constant(0.3), 0, 1e6), [0.3, 0.3])
    close(at(optim.decay(1, { factor: 0.5 }), 0, 1, 5), [1, 0.5, 2 ** -5])
    close(at(optim.decay(1, { every: 10, factor: 0.1 }), 9, 10, 29, 30), [1, 0.1, 0.01, 0.001])
    close(at(optim.piecewise(1, { milestones: [3, 7], factor: 0.1 }), 2, 3, 6, 7), [1, 0.1, 0.1, 0.01])
    close(at(optim.cosine(2, { steps: 6, minimum: 1 }), 0, 2, 3, 6, 9), [2, 1.75, 1.5, 1, 1])
    close(at(optim.cosineRestarts(1, { period: 2, growth: 2 }), 0, 1, 2, 4, 6), [1, 0.5, 1, 0.5, 1])
    close(at(optim.polynomial(1, { steps: 4, power: 2 }), 0, 1, 2, 4, 5), [1, 9 / 16, 1 / 4, 0, 0])
    close(at(optim.cyclic({ low: 1, high: 3, steps: 2, factor: 0.5 }), 0, 1, 2, 4, 6), [1, 2, 3, 1, 2])
    close(at(optim.warmup(0.4, { steps: 3 }), 0, 1, 2, 3, 99), [0.1, 0.2, 0.3, 0.4, 0.4])
    close(at(optim.oneCycle(1, { steps: 10 }), 0, 1, 2, 9), [0.04, 0.52, 1, 4e-6])
  })

  it('R62: the gradient of a sum is the sum of gradients', () => {
    const [x, w] = [draw(1, 10, 3), draw(2, 3)]
    const of = (rows: Tensor): Tensor => grad(rows.matmul(w).tanh().sum(), w)
    expectClose(
      Array.from({ length: 10 }, (_, i) => of(x.slice([i, i + 1]))).reduce((a, b) => a.add(b)),
      of(x),
      1e-12,
    )
  })

  it('R63: on |x| a fixed step oscillates, steps by 1/√t keep the average below G·R/√T', () => {
    const [v, rate] = [variable(f64([1])), 0.3]
    for (let i = 0; i < 10; i++) optim.sgd({ learningRate: rate }).step([v], [grad(v.abs().sum(), v)])
    const there = v.itemSync()
    optim.sgd({ learningRate: rate }).step([v], [grad(v.abs().sum(), v)])
    expect(Math.abs(there) + Math.abs(v.itemSync())).toBeCloseTo(rate, 12)
    // The constant step R/(G√T) of a known horizon: the average iterate's gap is G·R/√T at most.
    const [T, path] = [100, [] as number[]]
    v.assign(f64([1]))
    for (let i = 0; i < T; i++) {
      path.push(v.itemSync())
      optim.sgd({ learningRate: 1 / Math.sqrt(T) }).step([v], [grad(v.abs().sum(), v)])
    }
    expect(Math.abs(path.reduce((a, b) => a + b) / T)).toBeLessThanOrEqual(1 / Math.sqrt(T))
  })

  it('R64: the smallest squared gradient is 2 (f₀ − f*) / (ηT) at most; two wells keep their starts', () => {
    const well = (x: Tensor): Tensor => x.square().sub(1).square().sum()
    // |f″| = |12x² − 4| ≤ 8 between −1 and 1.
    const [learningRate, T] = [1 / 8, 100]
    for (const start of [-0.9, -0.1, 0.05, 0.7]) {
      const v = variable(f64([start]))
      const optimizer = optim.sgd({ learningRate })
      const squares: number[] = []
      const first = well(v).itemSync()
      for (let i = 0; i < T; i++) {
        const g = grad(well(v), v)
        squares.push(g.itemSync() ** 2)
        optimizer.step([v], [g])
      }
      expect(Math.min(...squares)).toBeLessThanOrEqual((2 * first) / (learningRate * T))
      expect(v.itemSync()).toBeCloseTo(Math.sign(start), 4)
    }
  })

  it('R83: weight decay ends at ridge regression, and a lasso on an orthonormal design at the soft threshold', () => {
    const [x, y, penalty] = [draw(1, 20, 3), draw(2, 20), 0.1]
    const w = variable(f64([0, 0, 0]))
    const optimizer = optim.sgd({ learningRate: 0.2, weightDecay: 2 * penalty })
    const step = t.compile(() => optimizer.step([w], [grad(x.matmul(w).sub(y).square().mean(), w)]))
    for (let i = 0; i < 300; i++) step()
    const normal = x
      .transpose()
      .matmul(x)
      .add(t.eye(3, 3, 'float64').mul(20 * penalty))
    expectClose(w, linalg.solve(normal, x.transpose().matmul(y)), 1e-6)

    const { q } = linalg.qr(draw(3, 20, 3))
    const b = q.transpose().matmul(y)
    const v = variable(b.detach())
    // Proximal steps: descent on the smooth half, then the threshold that is the other half's own step.
    for (let i = 0; i < 60; i++) {
      optim.sgd({ learningRate: 0.5 }).step([v], [grad(q.matmul(v).sub(y).square().sum().mul(0.5), v)])
      v.assign(t.softShrink(v, 0.5 * 0.3))
    }
    expectClose(v, t.softShrink(b, 0.3), 1e-6)
  })

  it('R83: decay can leave out biases, and the product of spectral norms bounds the slope', () => {
    const net = nn.sequential(nn.linear(3, 8, of), nn.tanh(), nn.linear(8, 2, of))
    const isWeight = (p: Tensor): boolean => p.rank > 1
    const before = net.parameters().map((p) => [...p.dataSync()])
    const optimizer = optim.grouped([
      { of: isWeight, optimizer: optim.sgd({ learningRate: 0.5, weightDecay: 0.1 }) },
      { optimizer: optim.sgd({ learningRate: 0.5 }) },
    ])
    const [x, y] = [draw(1, 40, 3), draw(2, 40, 3)]
    const apart = (a: Tensor, b: Tensor): Tensor => t.norm(a.sub(b), 2, -1)
    const slope = apart(net(x), net(y)).div(apart(x, y)).max().itemSync()
    const norms = net
      .parameters()
      .filter(isWeight)
      .map((w) => linalg.matrixNorm(w, 2).itemSync())
    expect(slope).toBeLessThanOrEqual(norms.reduce((a, b) => a * b))
    optimizer.step(net.parameters(), net.parameters().map(t.zerosLike))
    net.parameters().forEach((p, i) => {
      expectClose(
        p,
        (before[i] as number[]).map((v) => v * (isWeight(p) ? 0.95 : 1)),
        1e-15,
      )
    })
  })

  it('R85: noise of variance s² on the input of a linear model is ridge with λ = s²', () => {
    const [x, y, s, draws] = [draw(1, 20, 3), draw(2, 20), 0.5, 1000]
    const noisy = x
      .unsqueeze(0)
      .add(draw(3, draws, 20, 3).mul(s))
      .reshape([draws * 20, 3])
    const targets = y.broadcastTo([draws, 20]).flatten()
    const solve = (a: Tensor, b: Tensor, ridge: number): Tensor =>
      linalg.solve(
        a
          .transpose()
          .matmul(a)
          .add(t.eye(3, 3, 'float64').mul(ridge)),
        a.transpose().matmul(b),
      )
    expectClose(solve(noisy, targets, 0), solve(x, y, 20 * s ** 2), 0.03)
  })

  it('R86: after t steps component i of the solution is scaled by 1 − (1 − ηλᵢ)ᵗ', () => {
    const [lambda, target, eta] = [[0.1, 1, 5], [3, -2, 1], 0.2]
    const v = variable(f64([0, 0, 0]))
    const optimizer = optim.sgd({ learningRate: eta })
    for (let step = 1; step <= 40; step++) {
      optimizer.step([v], [grad(v.sub(f64(target)).square().mul(f64(lambda)).sum().mul(0.5), v)])
      expectClose(
        v,
        target.map((w, i) => w * (1 - (1 - eta * (lambda[i] as number)) ** step)),
        1e-10,
      )
    }
  })
})
