// Networks in files: saved and loaded, by PyTorch's names, and refused when they do not fit.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { dataset } from '../../src/data/index.ts'
import * as nn from '../../src/nn/index.ts'
import { configure, tensor } from '../../src/tensor/index.ts'
import { readBytes } from '../../src/train/files.ts'
import { decodeSafetensors, encodeSafetensors, load, predict, save, version } from '../../src/train/index.ts'
import { network } from './networks.ts'
import { temporaryFolder } from './support.ts'

configure({ backend: 'reference', seed: 0 })

test('a network is saved and loaded with its architecture', async () => {
  const file = join(temporaryFolder(), 'net.safetensors')
  const net = nn.sequential(nn.conv2d(1, 2, 3), nn.batchNorm(2), nn.relu(), nn.flatten(), nn.linear(18, 4))
  await save(net, file)
  const { tensors } = decodeSafetensors(readBytes(file))
  expect(Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]))).toEqual({
    '0.weight': [2, 1, 3, 3],
    '0.bias': [2],
    '1.weight': [2],
    '1.bias': [2],
    '1.running_mean': [2],
    '1.running_var': [2],
    '4.weight': [4, 18],
    '4.bias': [4],
  })
  const loaded = await load(file)
  const x = tensor(
    Float32Array.from({ length: 50 }, (_, i) => Math.sin(i)),
    { shape: [2, 1, 5, 5] },
  )
  expect((await predict(loaded, x)).dataSync()).toEqual((await predict(net, x)).dataSync())
})

test('a file of another program needs a network', async () => {
  const file = join(temporaryFolder(), 'other.safetensors')
  const weight = { dtype: 'float32', shape: [1, 2], data: Float32Array.of(3, 4) } as const
  writeFileSync(file, encodeSafetensors({ '0.weight': weight }))
  await expect(load(file)).rejects.toThrow(`${file}: has no architecture in it; build the network and pass it`)
  const net = await load(file, nn.sequential(nn.linear(2, 1, { bias: false })))
  expect([...net(tensor([[1, 1]])).dataSync()]).toEqual([7])
  await expect(load(file, network())).rejects.toThrow(`${file}: loadState: the state does not fit`)
  await expect(load(`${file}.gone`)).rejects.toThrow('cannot be read (it is not there)')
})

test('predictions do not depend on how the inputs are cut', async () => {
  const net = network()
  const inputs = Float32Array.from({ length: 14 }, (_, i) => Math.cos(i))
  const x = tensor(inputs, { shape: [7, 2] })
  const data = dataset({ inputs, inputShape: [2], targets: new Int32Array(7), classes: 2 })
  const whole = (await predict(net, x)).dataSync()
  for (const batchSize of [1, 3, 7]) {
    const [part, set] = [await predict(net, x, { batchSize }), await predict(net, data, { batchSize })]
    expect(part.shape).toEqual([7, 2])
    expect(part.dataSync()).toEqual(whole)
    expect(set.dataSync()).toEqual(whole)
  }
})

test('the version is the package’s', () => {
  expect(version).toBe(manifest.version)
})
