/** Networks at work: dropout and batch statistics by mode, XOR, and gradients of a small GPT. */

import { describe, expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { compile, configure, grad, ones, random, type Tensor, tensor, withTraining } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { checkFirstOrder, type Point } from '../support/derivative.ts'
import { normals, randomOf } from '../support/random.ts'

forEachBackend((on) => {
  describe('dropout', () => {
    it('is the identity outside of training', () => {
      const x = tensor([1, 2, 3])
      expect([...nn.dropout(0.9)(x).dataSync()]).toEqual([1, 2, 3])
    })

    it('keeps the mean while training, draws anew in each call, and again for the same seed', () => {
      const drop = compile((x: Tensor) => nn.dropout(0.25)(x))
      const draw = (): number[] => withTraining(true, () => [...drop(ones([4000])).dataSync()])
      configure({ seed: 3 })
      const [first, second] = [draw(), draw()]
      configure({ seed: 3 })
      expect(draw()).toEqual(first)
      expect(second).not.toEqual(first)
      const kept = first.filter((v) => v !== 0)
      expect(new Set(kept).size).toBe(1)
      expect(kept[0]).toBeCloseTo(4 / 3, 6)
      // Binomial: deviation √(4000 · ¼ · ¾) = 27.
      expect(Math.abs(kept.length - 3000)).toBeLessThan(110)
    })

    it('sends the gradient where the value went', () => {
      const x = ones([100])
      withTraining(true, () => {
        const y = nn.dropout(0.5)(x)
        expect([...grad(y.sum(), x).dataSync()]).toEqual([...y.dataSync()])
      })
    })

    it('with probability 1 leaves nothing, not even NaN', () => {
      const y = withTraining(true, () => nn.dropout(1)(tensor([1, Number.POSITIVE_INFINITY])))
      expect([...y.dataSync()]).toEqual([0, 0])
    })
  })

  describe('batchNorm', () => {
    const batch = tensor([
      [1, 2],
      [3, 6],
      [5, 10],
    ])
    it.each(['eager', 'compiled'])('updates running statistics while training alone, %s', (how) => {
      const net = nn.sequential(nn.batchNorm(2, { momentum: 0.5 }))
      const forward = how === 'compiled' ? compile((x: Tensor) => net(x)) : net
      const y = withTraining(true, () => forward(batch))
      expectClose(y, [-1.2247, -1.2247, 0, 0, 1.2247, 1.2247], 1e-3)
      const [mean, variance] = net.buffers()
      expect([...mean.dataSync()]).toEqual([1.5, 3])
      expect([...variance.dataSync()]).toEqual([0.5 + 2, 0.5 + 8])
      expectClose(forward(tensor([[1.5, 3]])), [0, 0], 1e-6)
      expect([...mean.dataSync()]).toEqual([1.5, 3])
      withTraining(true, () => forward(batch))
      expect([...mean.dataSync()]).toEqual([0.75 + 1.5, 1.5 + 3])
    })

    it('gives 0 for a constant input, and refuses to train on one value per channel', () => {
      const net = nn.sequential(nn.batchNorm(2))
      expect([...withTraining(true, () => net(ones([3, 2]))).dataSync()]).toEqual([0, 0, 0, 0, 0, 0])
      expect(() => withTraining(true, () => net(ones([1, 2])))).toThrow(
        /net.0 \(batchNorm 2\): .*1 value per channel, training needs two or more/,
      )
      expect([...net(ones([1, 2])).shape]).toEqual([1, 2])
    })
  })

  it('learns XOR to near zero loss', () => {
    configure({ seed: 1 })
    const net = nn.sequential(nn.linear(2, 8), nn.tanh(), nn.linear(8, 1))
    const x = tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ])
    const t = tensor([[0], [1], [1], [0]])
    const optimizer = optim.adam({ learningRate: 0.05 })
    const step = compile(() => {
      const l = loss.sigmoidBinaryCrossEntropy(net(x), t)
      optimizer.step(net.parameters(), grad(l, net.parameters()))
      return l
    })
    expect(step().itemSync()).toBeGreaterThan(0.5)
    expect(step.repeat(400).itemSync()).toBeLessThan(0.01)
    const probabilities = nn.sequential(net, nn.sigmoid())(x).dataSync()
    expect([...probabilities].map(Math.round)).toEqual([0, 1, 1, 0])
  })

  it('does not move what is frozen', () => {
    const net = nn.sequential(nn.linear(2, 3), nn.linear(3, 1))
    net.children[0].freeze()
    const before = net.children[0].state().weight.dataSync()
    const optimizer = optim.sgd({ learningRate: 0.1 })
    const step = compile((x: Tensor) => {
      const l = net(x).square().sum()
      optimizer.step(net.parameters(), grad(l, net.parameters()))
      return l
    })
    const first = step(ones([1, 2])).itemSync()
    expect(step(ones([1, 2])).itemSync()).toBeLessThan(first)
    expect([...net.children[0].state().weight.dataSync()]).toEqual([...before])
    expect(Object.keys(optimizer.state(net.state()).slots)).toEqual([])
  })

  describe('a small GPT', () => {
    const [vocabulary, time, size] = [7, 5, 8]
    const options = { dtype: 'float64' } as const
    const block = (): nn.Module =>
      nn.sequential(
        nn.residual(
          nn.sequential(nn.layerNorm(size, options), nn.attention(size, { heads: 2, causal: true, ...options })),
        ),
        nn.residual(
          nn.sequential(
            nn.layerNorm(size, options),
            nn.linear(size, 4 * size, options),
            nn.gelu('tanh'),
            nn.linear(4 * size, size, options),
          ),
        ),
      )
    const gpt = (): nn.Module =>
      nn.sequential(
        nn.embedding(vocabulary, size, options),
        nn.positional(time, size, options),
        block(),
        block(),
        nn.layerNorm(size, options),
        nn.linear(size, vocabulary, { bias: false, ...options }),
        nn.flatten(0, 1),
      )
    const tokens = tensor(new Int32Array([0, 3, 6, 1, 2, 5, 5, 4, 0, 1]), { shape: [2, time] })
    const next = tensor(new Int32Array([3, 6, 1, 2, 0, 5, 4, 0, 1, 3]))

    // Eager float64 differences; the kernels of other backends are held against the reference elsewhere.
    it.runIf(on.backend === 'reference')('has the gradient that finite differences show', () => {
      configure({ seed: 2 })
      const net = gpt()
      const draws = randomOf(5)
      const points: Point[] = net
        .parameters()
        .map(({ shape, size: count }) => ({ shape, data: normals(draws, count).map((v) => v / 3) }))
      checkFirstOrder(
        (parameters) => [loss.softmaxCrossEntropy(net.with(parameters)(tokens), next)],
        points,
        randomOf(6),
      )
    })

    it('does not look ahead', () => {
      const net = gpt()
      const changed = tensor(new Int32Array([0, 3, 6, 1, 4, 5, 5, 4, 0, 0]), { shape: [2, time] })
      const [a, b] = [tokens, changed].map((t) => net(t).reshape([2, time, vocabulary]))
      const difference = a.sub(b).abs().amax([0, 2]).dataSync()
      expect([...difference.slice(0, 4)]).toEqual([0, 0, 0, 0])
      expect(difference[4]).toBeGreaterThan(1e-3)
    })

    it('learns a sequence by heart', () => {
      configure({ seed: 4 })
      const net = gpt()
      const optimizer = optim.adamW({ learningRate: optim.warmup(0.02, { steps: 5 }) })
      const step = compile(() => {
        const l = loss.softmaxCrossEntropy(net(tokens), next)
        optimizer.step(net.parameters(), optim.clipGlobalNorm(grad(l, net.parameters()), 1))
        return l
      })
      const first = step().itemSync()
      expect(first).toBeGreaterThan(1)
      expect(step.repeat(40).itemSync()).toBeLessThan(0.2)
    })
  })

  it('random numbers differ between the layers of one call', () => {
    const net = nn.sequential(nn.dropout(0.5), nn.dropout(0.5))
    const y = withTraining(true, () => net(ones([400])))
    const zeros = [...y.dataSync()].filter((v) => v === 0).length
    // Two independent masks leave a quarter, one mask twice would leave half.
    expect(Math.abs(zeros - 300)).toBeLessThan(45)
    expect(random.bernoulli([10], 0).any().itemSync()).toBe(0)
  })
})
