/** Another batch size plans memory anew and compiles nothing. */

import { expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import { compile, configure, grad, type Tensor, tensor } from '../../src/tensor/index.ts'

it('trains with another batch size without new code', () => {
  configure({ backend: 'wasm', threads: 1, seed: 0 })
  const net = nn.sequential(
    nn.conv2d(1, 4, 3),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(36, 32),
    nn.relu(),
    nn.layerNorm(32),
    nn.linear(32, 10),
  )
  const optimizer = optim.adam({ learningRate: 1e-3 })
  const parameters = net.parameters()
  const step = compile((x: Tensor, t: Tensor) => {
    const l = loss.softmaxCrossEntropy(net(x), t)
    optimizer.step(parameters, grad(l, parameters))
    return l
  })
  const train = (batch: number): number => {
    const x = Float32Array.from({ length: batch * 64 }, (_, i) => Math.sin(i))
    return step(
      tensor(x, { shape: [batch, 1, 8, 8] }),
      tensor(Int32Array.from({ length: batch }, (_, i) => i % 10)),
    ).itemSync()
  }

  const { Module } = WebAssembly
  let made = 0
  const counting = new Proxy(Module, {
    construct(target, args) {
      made++
      return Reflect.construct(target, args)
    },
  })
  WebAssembly.Module = counting
  try {
    expect(train(96)).toBeGreaterThan(0)
    expect(made).toBeGreaterThan(0)
    made = 0
    for (const batch of [100, 77, 64, 120]) train(batch)
    expect(made).toBe(0)
  } finally {
    WebAssembly.Module = Module
  }
})
