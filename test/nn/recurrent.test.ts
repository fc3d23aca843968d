/** Recurrent layers against their own cells turn by turn, truncated gradients, sequences of several lengths. */

import { describe, expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { compile, grad, random, stack, type Tensor, tensor, withTraining, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const dtype = 'float64'
const input = (shape: readonly number[], seed = 1): Tensor => random.normal(shape, { key: random.key(seed), dtype })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()
const largest = (x: Tensor): number => x.abs().max().itemSync()

forEachEngine(() => {
  it('an LSTM is its cell, turn by turn', () => {
    const layer = nn.lstm(3, 5, { dtype })
    const own = layer.state()
    const cell = nn
      .lstmCell(3, 5, { dtype })
      .with(Object.fromEntries(['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((n) => [n, own[`${n}_l0`]])))
    const x = input([7, 2, 3])
    let state: nn.LstmState | undefined
    const outputs = Array.from({ length: 7 }, (_, t) => {
      state = cell.run(x.at(t), state)
      return state.hidden
    })
    const { output, state: last } = layer.run(x)
    expect(distance(output, stack(outputs))).toBeLessThan(1e-14)
    expect(distance(last.cell.at(0), (state as nn.LstmState).cell)).toBeLessThan(1e-14)
    expect(distance(layer(x), output)).toBe(0)
  })

  it('takes one sequence without a batch axis, and sequences of length 0 and 1', () => {
    const layer = nn.gru(3, 4, { bidirectional: true, layers: 2, dtype })
    const x = input([6, 3])
    expect(distance(layer(x), layer(x.unsqueeze(1)).squeeze(1))).toBe(0)
    expect(layer.run(x).state.shape).toEqual([4, 4])
    expect(layer(zeros([1, 2, 3], dtype)).shape).toEqual([1, 2, 8])
    const none = layer.run(zeros([0, 2, 3], dtype))
    expect(none.output.shape).toEqual([0, 2, 8])
    expect(largest(none.state)).toBe(0)
  })

  it('one sequence of a padded batch has the results of that sequence alone, in both directions', () => {
    const layer = nn.lstm(2, 3, { bidirectional: true, layers: 2, dtype })
    const x = input([5, 3, 2])
    const { output, state } = layer.run(x, undefined, { lengths: tensor([5, 2, 0], { dtype: 'int32' }) })
    const short = layer.run(x.slice([0, 2], [1, 2]))
    expect(distance(output.slice([0, 2], [1, 2]), short.output)).toBeLessThan(1e-14)
    expect(distance(state.cell.slice(null, [1, 2]), short.state.cell)).toBeLessThan(1e-14)
    expect(largest(output.slice([2, 5], [1, 2]))).toBe(0)
    expect(largest(output.slice(null, [2, 3]))).toBe(0)
  })

  it('truncated gradients are those of pieces with detached states between them', () => {
    const layer = nn.rnn(2, 3, { dtype })
    const x = input([7, 2, 2])
    const pieces = (): Tensor => {
      let state: Tensor | undefined
      const outputs: Tensor[] = []
      for (const range of [
        [0, 3],
        [3, 6],
        [6, 7],
      ] as const) {
        const result = layer.run(x.slice(range), state?.detach())
        state = result.state
        outputs.push(result.output.square().sum())
      }
      return stack(outputs).sum()
    }
    const whole = (truncation?: number): Tensor =>
      layer
        .run(x, undefined, truncation ? { truncation } : {})
        .output.square()
        .sum()
    const gradient = (f: () => Tensor): Tensor => grad(f(), layer.parameters())[1]
    expect(
      distance(
        gradient(() => whole(3)),
        gradient(pieces),
      ),
    ).toBeLessThan(1e-13)
    expect(
      distance(
        gradient(() => whole(7)),
        gradient(() => whole()),
      ),
      // Loops of other bodies, whose kernels may add up in another order
    ).toBeLessThan(1e-13)
    expect(
      distance(
        gradient(() => whole(3)),
        gradient(() => whole()),
      ),
    ).toBeGreaterThan(1e-3)
    expect(distance(whole(3), whole())).toBe(0)
  })

  it('drops outputs between layers while training alone, and trains in a compiled step', () => {
    const layer = nn.gru(2, 4, { layers: 2, dropout: 0.5, dtype })
    const x = input([4, 8, 2])
    expect(distance(layer(x), layer(x))).toBe(0)
    withTraining(true, () => expect(distance(layer(x), layer(x))).toBeGreaterThan(0))
    const step = compile((x: Tensor) => grad(layer(x).square().mean(), layer.parameters()))
    for (const g of withTraining(true, () => step(x))) expect(largest(g)).toBeGreaterThan(0)
  })

  it('saturates without a NaN', () => {
    for (const layer of [nn.lstm(2, 3, { dtype }), nn.gru(2, 3, { dtype }), nn.rnn(2, 3, { dtype })]) {
      const gradients = grad(layer(input([5, 2, 2]).mul(1e4)).sum(), layer.parameters())
      for (const g of gradients) expect(g.isFinite().all().itemSync()).toBe(1)
    }
  })
})

describe('configuration', () => {
  it.each([
    nn.rnn(2, 3, { nonlinearity: 'relu', bias: false }),
    nn.gru(2, 3, { layers: 2, bidirectional: true, batchFirst: true, dropout: 0.1 }),
    nn.lstm(2, 5, { projection: 3, dtype: 'float64' }),
    nn.rnnCell(2, 3, { nonlinearity: 'relu' }),
    nn.gruCell(2, 3, { bias: false }),
    nn.lstmCell(2, 3),
  ])('%s comes back', (module: nn.Module) => {
    const again = nn.fromConfig(JSON.parse(JSON.stringify(module.config)))
    expect(again.config).toEqual(module.config)
    again.loadState(module.state())
    const shape = module.kind.endsWith('Cell') ? [2, 2] : [4, 2, 2]
    const x = zeros(shape, module.parameters()[0].dtype)
    expect(distance(again(x), module(x))).toBe(0)
    expect(module.summary([4, 2].slice(0, shape.length - 1).concat(2)).parameters).toBe(
      module.parameters().reduce((n, p) => n + p.size, 0),
    )
  })
})

describe('mistakes', () => {
  it('are told with the path and both shapes', () => {
    const net = nn.sequential({ encoder: nn.lstm(3, 4) })
    expect(() => net(zeros([2, 2, 5]))).toThrow(/net\.encoder \(lstm 3→4\).*\[2, 2, 5\]/)
    const layer = nn.lstm(3, 4)
    expect(() => layer.run(zeros([5, 2, 3]), { hidden: zeros([1, 3, 4]), cell: zeros([1, 2, 4]) })).toThrow(
      /the state is \[1, 3, 4\], expected \[1, 2, 4\]/,
    )
    expect(() => layer.run(zeros([5, 2, 3]), undefined, { truncation: 0 })).toThrow(/truncation is 0/)
    expect(() => layer.run(zeros([5, 2, 3]), undefined, { lengths: zeros([3], 'int32') })).toThrow(/int32 \[2\]/)
    expect(() => nn.lstm(3, 4, { projection: 4 })).toThrow(/less than hidden, 4/)
    expect(() => nn.gru(3, 4, { dropout: 2 })).toThrow(/\[0, 1\]/)
  })
})
