/** Random networks as users write them: a step of training gives numbers, and what was saved and loaded gives the same outputs. */

import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { compile, grad, type Tensor, tensor, withTraining } from '../../src/tensor/index.ts'
import { decodeModel, encodeModel, modelFileOf, networkOf } from '../../src/train/model-file.ts'
import { forEachEngine } from '../support/backends.ts'
import { normals, randomOf } from '../support/random.ts'

interface Layer {
  readonly kind: number
  readonly n: number
}

interface Sample {
  /** Of one example: [channels, height, width] or [features]. */
  readonly shape: readonly number[]
  readonly batch: number
  readonly layers: readonly Layer[]
}

type Made = readonly [nn.Module, readonly number[]]

/** Layers of images, with the shape that comes out of them. */
const ofImages: readonly ((shape: readonly number[], n: number) => Made)[] = [
  ([c, h, w], n) => {
    const out = 1 + (n % 5)
    return [nn.conv2d(c, out, [Math.min(h, 3), 1], { padding: 0 }), [out, h - Math.min(h, 3) + 1, w]]
  },
  ([c, h, w], n) => [nn.conv2d(c, 1 + (n % 3), 3, { padding: 1 }), [1 + (n % 3), h, w]],
  (shape) => [nn.batchNorm(shape[0]), shape],
  ([c, h, w]) => {
    const size = Math.min(2, h, w)
    return [nn.maxPool2d(size), [c, Math.floor(h / size), Math.floor(w / size)]]
  },
  (shape) => [nn.averagePool2d(1), shape],
  (shape) => [nn.flatten(), [shape.reduce((a, b) => a * b, 1)]],
]

const ofVectors: readonly ((shape: readonly number[], n: number) => Made)[] = [
  ([d], n) => [nn.linear(d, 1 + (n % 17)), [1 + (n % 17)]],
  ([d], n) => [nn.linear(d, 2 + (n % 5), { bias: false }), [2 + (n % 5)]],
  ([d]) => [nn.layerNorm(d), [d]],
  ([d]) => [nn.residual(nn.sequential(nn.linear(d, d), nn.gelu())), [d]],
]

const pointwise = [nn.relu, nn.tanh, nn.sigmoid, () => nn.gelu(), () => nn.dropout(0.3)]

function networkFrom({ shape, layers }: Sample): nn.Module {
  const modules: nn.Module[] = []
  let at = shape
  for (const { kind, n } of layers) {
    const choices = at.length === 3 ? ofImages : ofVectors
    const simple = pointwise[n % pointwise.length]
    const [module, next] = choices[kind]?.(at, n) ?? [simple() as nn.Module, at]
    modules.push(module)
    at = next
  }
  const features = at.reduce((a, b) => a * b, 1)
  return nn.sequential(...modules, nn.flatten(), nn.linear(features, 3)) as nn.Module
}

const samples = fc.noBias(
  fc.record({
    shape: fc.constantFrom([1, 8, 8], [3, 5, 7], [2, 1, 1], [4], [1], [17]),
    batch: fc.integer({ min: 2, max: 7 }),
    layers: fc.array(fc.record({ kind: fc.nat(9), n: fc.nat(50) }), { maxLength: 6 }),
  }),
)

forEachEngine(() => {
  it('train a step, and come back from a file', async () => {
    await fc.assert(
      fc.asyncProperty(samples, async (sample) => {
        const net = networkFrom(sample)
        const shape = [sample.batch, ...sample.shape]
        const x = tensor(
          normals(
            randomOf(2),
            shape.reduce((a, b) => a * b, 1),
          ),
          { shape },
        )
        const labels = tensor(Int32Array.from({ length: sample.batch }, (_, i) => i % 3))
        const optimizer = optim.adam({ learningRate: 1e-2 })
        const parameters = net.parameters()
        const step = compile((inputs: Tensor, wanted: Tensor) => {
          const l = loss.softmaxCrossEntropy(net(inputs), wanted)
          optimizer.step(parameters, grad(l, parameters))
          return l
        })
        const losses = withTraining(true, () => [step(x, labels).itemSync(), step(x, labels).itemSync()])
        expect(losses.every(Number.isFinite), `losses ${losses}`).toBe(true)
        for (const p of parameters) expect([...p.dataSync()].every(Number.isFinite)).toBe(true)
        const loaded = networkOf(decodeModel(encodeModel(await modelFileOf(net)), 'net'), 'net')
        expect(loaded(x).dataSync()).toEqual(net(x).dataSync())
      }),
      { seed: 4, numRuns: 6 },
    )
  })
})
