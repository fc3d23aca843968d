/** R77: of a conditional's branches only the taken one runs, forward and backward, as counters and kernels show. */

import { expect, it } from 'vitest'
import { profile } from '../../src/inspect/index.ts'
import * as nn from '../../src/nn/index.ts'
import { compile, concat, configure, grad, random, type Tensor, tensor, withTraining } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()
/** Takes the first branch where the sum of all numbers, or of each row, is positive. */
const bySum = (each: 'batch' | 'example'): nn.Module =>
  nn.defineModule({ kind: 'bySum', forward: (x) => (each === 'batch' ? x.sum() : x.sum(1)) })
const branches = () =>
  [nn.sequential(nn.linear(3, 40), nn.tanh(), nn.linear(40, 2)), nn.linear(3, 2) as nn.Module] as const

forEachEngine(() => {
  it('one choice for the batch: value, gradients, and how often each branch ran', () => {
    const [deep, plain] = branches()
    const net = nn.conditional(bySum('batch'), deep, plain)
    const x = random.normal([4, 3], { key: random.key(1) }).abs()
    const step = compile((x: Tensor) => {
      const { output, taken } = net.run(x)
      return { output, taken, gradients: grad(output.square().sum(), net.parameters()) }
    })
    withTraining(true, () => {
      for (const [given, module] of [
        [x, deep],
        [x.neg(), plain],
        [x, deep],
      ] as const) {
        const { output, gradients } = step(given)
        expect(distance(output, module(given))).toBeLessThan(1e-6)
        const inDeep = gradients.slice(0, 4).some((g) => g.abs().max().itemSync() > 0)
        const inPlain = gradients.slice(4).some((g) => g.abs().max().itemSync() > 0)
        expect([inDeep, inPlain]).toEqual([module === deep, module === plain])
      }
    })
    const { executions } = net.namedBuffers()
    expect([...executions.dataSync()]).toEqual([2, 1])
    step(x)
    expect([...executions.dataSync()]).toEqual([2, 1])
  })

  it('a choice for each example', () => {
    const [deep, plain] = branches()
    const net = nn.conditional(bySum('example'), deep, plain, { each: 'example' })
    const up = random.normal([3, 3], { key: random.key(2) }).abs()
    const x = concat([up, up.neg(), up.mul(2)])
    const step = compile((x: Tensor) => {
      const { output, taken } = net.run(x)
      return { output, taken, gradients: grad(output.square().sum(), [x, ...net.parameters()]) }
    })
    const { output, taken, gradients } = withTraining(true, () => step(x))
    expect([...taken.dataSync()]).toEqual([1, 1, 1, 0, 0, 0, 1, 1, 1])
    const whole = taken.reshape([9, 1]).broadcastTo([9, 2]).where(deep(x), plain(x))
    expect(distance(output, whole)).toBeLessThan(1e-6)
    grad(whole.square().sum(), [...net.parameters()]).forEach((g, i) => {
      expect(distance(g, gradients[i + 1])).toBeLessThan(1e-4)
    })
    expect([...net.namedBuffers().executions.dataSync()]).toEqual([6, 3])
    const again = nn.fromConfig({
      kind: 'conditional',
      each: 'example',
      children: { predicate: { kind: 'relu' }, whenTrue: deep.config, whenFalse: plain.config },
    })
    expect(again.config).toMatchObject({ kind: 'conditional', each: 'example' })
  })
})

it('no kernel of the other branch runs, forward or backward', () => {
  // Kernels are timed where they run, not behind messages.
  configure({ backend: 'wasm', threads: 1, seed: 0, worker: false })
  const [deep, plain] = branches()
  const net = nn.conditional(bySum('batch'), deep, plain)
  const step = compile((x: Tensor) => grad(net(x).square().sum(), net.parameters()))
  const kernels = (x: Tensor): string =>
    profile(() => {
      for (const g of step(x)) g.dataSync()
    })
      .kernels.map(({ name, ops }) => `${name} ${ops}`)
      .join()
  const x = tensor(new Float32Array(12).fill(1), { shape: [4, 3] })
  step(x)
  const [high, low] = [kernels(x), kernels(x.neg())]
  // The first branch alone has a tanh, in both directions; the second alone a product from 3 to 2.
  expect(high).toMatch(/tanh.*tanh/)
  expect(high).not.toContain('4×2 over 3')
  expect(low).not.toContain('tanh')
  expect(low).toContain('4×2 over 3')
})
