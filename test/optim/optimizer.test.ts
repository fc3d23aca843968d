/** The driver of optimizers: step counts, state, schedules inside compiled functions, and what it refuses. */

import { describe, expect, it } from 'vitest'
import * as optim from '../../src/optim/index.ts'
import { compile, grad, type Tensor, tensor, type Variable, variable } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const doubles = (...values: readonly number[]): Tensor => tensor(new Float64Array(values))

/** A function that makes one step on Σ(v − target)². */
function follower(optimizer: optim.Optimizer, v: Variable): (target: Tensor) => Tensor {
  return (target) => {
    const l = v.sub(target).square().sum()
    optimizer.step([v], [grad(l, v)])
    return l
  }
}

forEachEngine(() => {
  it('counts runs, not traces, also when two shapes are traced', () => {
    const v = variable(doubles(0))
    const optimizer = optim.adam()
    const step = compile(follower(optimizer, v))
    step(doubles(1))
    step(doubles(1, 2))
    step(doubles(1))
    expect(optimizer.stepCount).toBe(3)
  })

  it('gives the same numbers eagerly, compiled, and compiled with two shapes', () => {
    const run = (wrap: (f: (x: Tensor) => Tensor) => (x: Tensor) => Tensor): number[] => {
      const v = variable(doubles(0.5))
      const step = wrap(follower(optim.adamW({ learningRate: optim.cosine(0.1, { steps: 6 }), weightDecay: 0.1 }), v))
      return [doubles(1), doubles(1, 2), doubles(3), doubles(1, -2), doubles(1)].map((x) => {
        step(x)
        return v.dataSync()[0]
      })
    }
    const eager = run((f) => f)
    const compiled = run((f) => compile(f))
    eager.forEach((value, i) => {
      expect(compiled[i]).toBeCloseTo(value, 12)
    })
  })

  describe('repeat', () => {
    const makers: { readonly [name: string]: () => optim.Optimizer } = {
      'a constant rate': () => optim.sgd({ learningRate: 0.1, momentum: 0.5 }),
      'a schedule': () => optim.sgd({ learningRate: optim.decay(0.1, { factor: 0.5 }) }),
      'bias corrections': () => optim.adam({ learningRate: 0.1 }),
    }
    it.each(Object.keys(makers))('with %s equals as many calls', (name) => {
      const finish = (times: (step: ReturnType<typeof compile<[Tensor], Tensor>>) => void): [number, number] => {
        const v = variable(doubles(0))
        const optimizer = makers[name]()
        times(compile(follower(optimizer, v)))
        return [v.dataSync()[0], optimizer.stepCount]
      }
      const target = doubles(1)
      const repeated = finish((step) => step.repeat(5, target))
      const called = finish((step) => {
        for (let i = 0; i < 5; i++) step(target)
      })
      expect(repeated).toEqual(called)
      expect(repeated[1]).toBe(5)
    })
  })

  it('numbers several steps of one compiled function one after the other', () => {
    const rates: number[] = []
    const rate = (step: number): number => {
      rates[step] = 2 ** -step
      return rates[step]
    }
    const v = variable(doubles(0))
    const optimizer = optim.sgd({ learningRate: rate })
    const twice = compile(() => {
      optimizer.step([v], [doubles(-1)])
      optimizer.step([v], [doubles(-1)])
    })
    twice()
    twice()
    expect(v.dataSync()[0]).toBe(1 + 0.5 + 0.25 + 0.125)
    expect(optimizer.stepCount).toBe(4)
    expect(optimizer.learningRate).toBe(1 / 16)
  })

  it('keeps several variables of different dtype apart', () => {
    const a = variable(doubles(1, 2))
    const b = variable(tensor([[3]]))
    const optimizer = optim.adam({ learningRate: optim.constant(0.5) })
    const l = a.sum().add(b.sum())
    optimizer.step([a, b], grad(l, [a, b]))
    expect(a.dataSync()[1]).toBeCloseTo(1.5, 7)
    expect(b.dataSync()[0]).toBeCloseTo(2.5, 6)
    expect([a.dtype, b.dtype]).toEqual(['float64', 'float32'])
  })

  describe('state', () => {
    it('continues a run exactly', () => {
      const train = (optimizer: optim.Optimizer, v: Variable, steps: number): void => {
        const step = compile(follower(optimizer, v))
        for (let i = 0; i < steps; i++) step(doubles(1, -1))
      }
      const make = (): optim.Optimizer =>
        optim.adam({ learningRate: optim.warmup(optim.cosine(0.1, { steps: 7 }), { steps: 3 }) })
      const straight = variable(doubles(0, 0))
      train(make(), straight, 8)

      const first = variable(doubles(0, 0))
      const stopped = make()
      train(stopped, first, 3)
      const { step, slots } = stopped.state({ 'layer.weight': first })
      expect(Object.keys(slots)).toEqual(['layer.weight.first', 'layer.weight.second'])
      const saved = Object.fromEntries(
        Object.entries(slots).map(([name, s]) => [name, { dtype: s.dtype, shape: s.shape, data: s.dataSync() }]),
      )
      const second = variable(doubles(...first.dataSync()))
      const resumed = make()
      resumed.loadState({ step, slots: saved }, { 'layer.weight': second })
      train(resumed, second, 5)
      expect([...second.dataSync()]).toEqual([...straight.dataSync()])
    })

    it('is loaded into an optimizer that was compiled already', () => {
      const v = variable(doubles(0))
      const optimizer = optim.sgd({ learningRate: 1, momentum: 0.5 })
      const step = compile(() => optimizer.step([v], [doubles(1)]))
      step()
      optimizer.loadState(
        { step: 7, slots: { '0.momentum': { dtype: 'float64', shape: [1], data: new Float64Array([4]) } } },
        [v],
      )
      step()
      expect([...v.dataSync()]).toEqual([-1 - (2 + 1)])
      expect(optimizer.stepCount).toBe(8)
      optimizer.loadState({ step: 0, slots: {} }, [v])
      expect([...optimizer.state().slots['0.momentum'].dataSync()]).toEqual([0])
    })

    it('is refused whole when it belongs to other parameters', () => {
      const v = variable(doubles(0, 0))
      const optimizer = optim.adam()
      optimizer.step([v], [doubles(1, 1)])
      const before = optimizer.state({ w: v }).slots['w.first'].dataSync()
      const good = { dtype: 'float64', shape: [2], data: new Float64Array(2) } as const
      const bad = { dtype: 'float64', shape: [3], data: new Float64Array(3) } as const
      expect(() => optimizer.loadState({ step: 1, slots: { 'w.first': good, 'w.second': bad } }, { w: v })).toThrow(
        /nothing was loaded: w.second is float64 \[3\], the optimizer's is float64 \[2\]/,
      )
      expect(() => optimizer.loadState({ step: 1, slots: { 'w.first': good, 'u.first': good } }, { w: v })).toThrow(
        /u.first belongs to no parameter/,
      )
      expect(() => optimizer.loadState({ step: -1, slots: {} }, { w: v })).toThrow(/step is -1/)
      expect([...optimizer.state({ w: v }).slots['w.first'].dataSync()]).toEqual([...before])
      expect(optimizer.stepCount).toBe(1)
    })
  })

  it('refuses gradients that do not match the parameters', () => {
    const v = variable(doubles(0, 0))
    const optimizer = optim.sgd({ learningRate: 1 })
    expect(() => optimizer.step([v], [])).toThrow(/0 gradients for 1 parameters/)
    expect(() => optimizer.step([v], [doubles(1)])).toThrow(/gradient 0 has shape \[1\], its parameter '' \[2\]/)
    expect(optimizer.stepCount).toBe(0)
  })

  it('refuses options that make no sense', () => {
    expect(() => optim.sgd({ learningRate: 1, nesterov: true })).toThrow(/nesterov needs a momentum/)
    expect(() => optim.adam({ betas: [0.9, 1] })).toThrow(/beta2 is 1, it must be in \[0, 1\)/)
    expect(() => optim.adam({ epsilon: -1 })).toThrow(/epsilon is -1/)
    expect(() => optim.clipGlobalNorm([], 0)).toThrow(/greater than 0/)
  })

  it('takes a rule of your own', () => {
    const signs = optim.optimizer(
      {
        kind: 'signs',
        slots: ['last'],
        hyper: { rate: (step) => 1 / (step + 1) },
        update: (p, g, { last }, { rate }) => ({ parameter: p.sub(g.add(last).sign().mul(rate)), slots: { last: g } }),
      },
      1,
    )
    const v = variable(doubles(0))
    signs.step([v], [doubles(5)])
    signs.step([v], [doubles(-1)])
    expect(v.dataSync()[0]).toBe(-1.5)
  })
})
