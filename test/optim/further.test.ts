/** Optimizers without a trajectory of PyTorch: by what defines them, and what they refuse. */

import { describe, expect, it } from 'vitest'
import * as linalg from '../../src/linalg/index.ts'
import * as optim from '../../src/optim/index.ts'
import { compile, grad, random, type Tensor, tensor, type Variable, variable } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const point = (values: readonly number[]): Variable => variable(tensor(new Float64Array(values)))
const numbers = (x: Tensor): number[] => [...x.dataSync()]

forEachEngine(() => {
  it('L-BFGS finds the minimum of Rosenbrock’s valley', async () => {
    const v = point([-1.5, 2])
    const lossOf = (): Tensor =>
      v
        .at(0)
        .neg()
        .add(1)
        .square()
        .add(v.at(1).sub(v.at(0).square()).square().mul(100))
    const optimizer = optim.lbfgs({ iterations: 100 })
    const before = await optimizer.step([v], lossOf)
    expect(before).toBe(12.5)
    const [x, y] = numbers(v)
    expect([x, y]).toEqual([expect.closeTo(1, 5), expect.closeTo(1, 5)])
    expect(optimizer.iterationCount).toBeLessThan(60)
  })
  it('Lion steps by the rate in every element, AdamW’s decay included', () => {
    const v = point([1, -2, 4])
    optim.lion({ learningRate: 0.1, weightDecay: 0.5 }).step([v], [tensor(new Float64Array([3, -1e-9, 0]))])
    expect(numbers(v)).toEqual([0.95 - 0.1, -1.9 + 0.1, 3.8])
  })
  it('LAMB’s first step is as long as the rate times the parameter', () => {
    const v = point([3, 4])
    optim.lamb({ learningRate: 0.1 }).step([v], [tensor(new Float64Array([7, -0.01]))])
    const [x, y] = numbers(v)
    expect(Math.hypot(x - 3, y - 4)).toBeCloseTo(0.5, 6)
    const zero = point([0, 0])
    optim.lamb({ learningRate: 0.1 }).step([zero], [tensor(new Float64Array([1, 1]))])
    expect(numbers(zero)[0]).toBeCloseTo(-0.1, 5)
  })
  it('Muon’s step has singular values near the rate, whatever those of the gradient; vectors go by Adam', () => {
    const gradient = random.normal([6, 4], { dtype: 'float64', key: random.key(3) }).mul(1e3)
    const [w, b] = [variable(gradient.mul(0)), point([1, 1])]
    optim.muon({ learningRate: 0.1 }).step([w, b], [gradient, tensor(new Float64Array([5, -5]))])
    const values = numbers(linalg.svdvals(w)).map((s) => s / (0.1 * Math.sqrt(6 / 4)))
    for (const s of values) expect(s).toBeGreaterThan(0.6)
    for (const s of values) expect(s).toBeLessThan(1.3)
    expect(numbers(b)).toEqual([expect.closeTo(1 - 0.0015, 9), expect.closeTo(1 + 0.0015, 9)])
  })
  it('Rprop’s slots start at the rate, and again after a state without them is loaded', () => {
    const [v, w] = [point([1]), point([1])]
    const one = optim.rprop({ learningRate: 0.25 })
    one.step([v], [tensor(new Float64Array([2]))])
    expect(numbers(v)).toEqual([0.75])
    one.loadState({ step: 0, slots: {} }, { v })
    v.assign(new Float64Array([1]))
    one.step([v], [tensor(new Float64Array([2]))])
    optim.rprop({ learningRate: 0.25 }).step([w], [tensor(new Float64Array([2]))])
    expect(numbers(v)).toEqual(numbers(w))
  })

  describe('grouped', () => {
    it('gives each parameter to the first group that wants it, and keeps their state apart', () => {
      const [a, b] = [variable(tensor([[1, 1]]), { name: 'a' }), variable(tensor([1, 1]), { name: 'b' })]
      const make = () =>
        optim.grouped([
          { of: (p) => p.rank < 2, optimizer: optim.sgd({ learningRate: 1 }) },
          { optimizer: optim.adam({ learningRate: 0.5 }) },
        ])
      const optimizer = make()
      const step = compile(() => {
        const l = a.square().sum().add(b.square().sum())
        optimizer.step([a, b], grad(l, [a, b]))
        return l
      })
      step()
      expect([...numbers(a), ...numbers(b)]).toEqual([expect.closeTo(0.5, 5), expect.closeTo(0.5, 5), -1, -1])
      const state = optimizer.state({ a, b })
      expect(Object.keys(state.slots).sort()).toEqual(['a.first', 'a.second'])
      const other = make()
      other.loadState(state, { a, b })
      expect(other.stepCount).toBe(1)
      expect(numbers(other.state({ a, b }).slots['a.first'])).toEqual(numbers(state.slots['a.first']))
    })
    it('refuses a parameter without a group', () => {
      const optimizer = optim.grouped([{ of: () => false, optimizer: optim.sgd({ learningRate: 1 }) }])
      expect(() => optimizer.step([variable(tensor([1]), { name: 'w' })], [tensor([1])])).toThrow(
        "grouped: parameter 'w' belongs to no group",
      )
      expect(() => optim.grouped([])).toThrow('grouped: needs at least one group')
    })
  })

  it('a moving average follows the parameters, inside a compiled step too, and can take their place', () => {
    const p = variable(tensor([0]))
    const average = optim.movingAverage([p], 0.75)
    const step = compile(() => {
      p.assign(p.add(4))
      average.update()
    })
    step()
    step()
    // 0 → 1 → ¾·1 + ¼·8
    expect([numbers(p), numbers(average.values[0])]).toEqual([[8], [2.75]])
    average.swap()
    expect([numbers(p), numbers(average.values[0])]).toEqual([[2.75], [8]])
  })
  it('R84: max-norm brings the weights of every unit back into the ball after the update, and leaves biases alone', () => {
    const weight = variable(tensor(new Float64Array([3, 4, 0.3, 0.4, 0, 0])).reshape([3, 2]))
    const bias = point([30, 40])
    const optimizer = optim.maxNorm(optim.sgd({ learningRate: 1, momentum: 0.9 }), { max: 2 })
    const still = [tensor(new Float64Array(6)).reshape([3, 2]), tensor(new Float64Array(2))]
    const step = compile(() => optimizer.step([weight, bias], still))
    step()
    // PyTorch's renorm divides by the norm + 1e-7.
    const [a, b] = [(3 * 2) / (5 + 1e-7), (4 * 2) / (5 + 1e-7)]
    expect(numbers(weight)).toEqual([expect.closeTo(a, 14), expect.closeTo(b, 14), 0.3, 0.4, 0, 0])
    expect(numbers(bias)).toEqual([30, 40])
    optimizer.step([weight, bias], [tensor(new Float64Array([0, 0, -30, 0, 0, 0])).reshape([3, 2]), still[1]])
    expect(Math.hypot(...numbers(weight).slice(2, 4))).toBeCloseTo(2, 6)
    expect(optimizer.stepCount).toBe(2)
    expect(optimizer.kind).toBe('maxNorm(sgd)')
    const filter = variable(random.normal([4, 3, 2, 2], { dtype: 'float64', key: random.key(1) }).mul(9))
    optim.maxNorm(optim.sgd({ learningRate: 0 })).step([filter], [filter.mul(0)])
    for (const size of numbers(filter.square().sum([1, 2, 3]))) expect(size).toBeCloseTo(9, 5)
  })
  it('clipValue brings every element into bounds', () => {
    expect(numbers(optim.clipValue([tensor([-3, 0.5, 2])], 1)[0])).toEqual([-1, 0.5, 1])
  })

  it.each([
    [() => optim.rmsProp({ smoothing: 1 }), 'rmsProp: smoothing is 1, it must be in [0, 1)'],
    [() => optim.adagrad({ weightDecay: -1 }), 'adagrad: weightDecay is -1, it must be finite and at least 0'],
    [() => optim.nadam({ betas: [0.9, 1] }), 'nadam: beta2 is 1, it must be in [0, 1)'],
    [() => optim.rprop({ factors: [1.5, 1.2] }), 'rprop: factors are 1.5 and 1.2'],
    [() => optim.lion({ weightDecay: Number.NaN }), 'lion: weightDecay is NaN'],
    [() => optim.muon({ momentum: -0.1 }), 'muon: momentum is -0.1, it must be in [0, 1)'],
    [() => optim.lbfgs({ history: 0 }), 'lbfgs: history is 0, it must be a whole number of at least 1'],
    [() => optim.movingAverage([], 1), 'movingAverage: decay is 1, it must be in [0, 1)'],
    [() => optim.clipValue([], 0), 'clipValue: the limit is 0, it must be greater than 0'],
    [
      () => optim.cosineRestarts(1, { period: 5, growth: 0.5 }),
      'cosineRestarts: growth is 0.5, it must be finite and at least 1',
    ],
    [() => optim.polynomial(1, { steps: 0 }), 'polynomial: steps is 0'],
  ])('refuses %s', (f, message) => {
    expect(f).toThrow(message)
  })
})
