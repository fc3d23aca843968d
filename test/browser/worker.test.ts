// The engine in a worker of the page, as users get it: every operation, random graphs with gradients, training, and what goes wrong.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { build } from '../../src/graph/build.ts'
import { routine } from '../../src/graph/routine.ts'
import * as linalg from '../../src/linalg/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import {
  backend,
  compile,
  configure,
  engineInfo,
  grad,
  random,
  sort,
  Tensor,
  tensor,
  variable,
  zeros,
} from '../../src/tensor/index.ts'
import * as tenon from '../../src/train/index.ts'
import { expectClose, tolerances } from '../support/close.ts'
import { inputsOf, programs, withGradients } from '../support/programs.ts'
import { randomOf, seedOf } from '../support/random.ts'
import { evaluateByRecords } from '../support/records.ts'
import { domainOf, leavesOf, makeOf, names, sizeOf } from '../support/samples.ts'
import { network, numbersOf, points, softmaxCrossEntropy, train } from '../train/networks.ts'

const warnings = vi.spyOn(console, 'warn').mockImplementation(() => {})
afterAll(() => warnings.mockRestore())
const threads = crossOriginIsolated ? 2 : 1

beforeAll(() => configure({ backend: 'wasm', worker: true, threads: 2, seed: 0 }))

test('it has threads where the page is isolated, and says why where it is not', async () => {
  const engine = await engineInfo()
  expect(engine).toMatchObject({ backend: 'wasm', threads })
  if (crossOriginIsolated) {
    expect(engine.threadNote).toBeUndefined()
    expect(warnings).not.toHaveBeenCalled()
  } else {
    expect(engine.threadNote).toMatch(/not cross-origin isolated.*one thread.*Cross-Origin-Opener-Policy/)
    expect(warnings.mock.calls).toEqual([[`tenon: ${engine.threadNote}`]])
  }
})

describe('operations', () => {
  test.each(names)('%s', async (name) => {
    const { dtypes, samples } = domainOf(name)
    for (const dtype of dtypes) {
      for (const [i, sample] of samples.entries()) {
        const draw = randomOf(seedOf(`${name} ${dtype} ${i}`))
        const inputs = sample.inputs.map((x) => x.values(draw, sizeOf(x.shape)))
        const leaves = leavesOf(sample, inputs, dtype).map((x) => x.node)
        const node = makeOf(name, sample, leaves, dtype)
        const expected = evaluateByRecords(node)
        const data = await new Tensor(node).data()
        expect(data.buffer).toBeInstanceOf(ArrayBuffer)
        expectClose(data, expected, tolerances[node.dtype], `${name} ${dtype} sample ${i}`)
      }
    }
  })
})

test('random graphs and their gradients', { timeout: 60_000 }, async () => {
  const inputs = inputsOf('float32')
  await fc.assert(
    fc.asyncProperty(programs, async (program) => {
      const f = (...given: Tensor[]): Tensor[] => withGradients(program, given)
      const actual = await Promise.all(compile(f)(...inputs).map((y) => y.data()))
      f(...inputs).forEach((expected, i) => {
        expectClose(actual[i], evaluateByRecords(expected.node), 2e-5, `output ${i}`)
      })
    }),
    { seed: 2, numRuns: 60 },
  )
})

test('numbers arrive; at once they can only be read from data of the page', async () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ])
  expect(x.dataSync()).toEqual(Float32Array.of(1, 2, 3, 4))
  const y = x.square().sum()
  expect(() => y.itemSync()).toThrow(/yet to arrive.*`await`.*configure\(\{ worker: false \}\)/)
  expect(await y.item()).toBe(30)
  expect(await grad(y, x).array()).toEqual([
    [2, 4],
    [6, 8],
  ])
  expect(String(y)).toBe('Tensor float32 [] (not computed yet)')
})

test('routines are found by their names', async () => {
  const a = tensor([
    [4, 2],
    [2, 3],
  ])
  expectClose(await linalg.inverse(a).data(), [0.375, -0.25, -0.25, 0.5], 1e-6)
  expect(await sort(tensor([3, 1, 2])).array()).toEqual([1, 2, 3])
})

test('a routine of a program that uses the package is refused, with what to do', async () => {
  const own = routine({
    name: 'own',
    infer: ([x]) => x,
    run: ([x], result) => result.data.set(x.data),
    vjp: 'none',
  })
  const y = new Tensor(build.node('routine', [tensor([1]).node], { routine: own, parameters: [] }))
  await expect(y.data()).rejects.toThrow(/routine 'own' is not one of the package.*configure\(\{ worker: false \}\)/)
})

test('steps follow one another in order, read or not, and variables keep what they are assigned', async () => {
  const w = variable(tensor([4]).mul(1))
  const step = compile((target: Tensor) => {
    const l = w.sub(target).square().sum()
    w.assign(w.sub(grad(l, w).mul(0.25)))
    return l
  })
  const target = tensor([2])
  const losses = [step(target), step(target), step(target)]
  const after = w.data()
  w.assign(Float32Array.of(100))
  expect(await Promise.all(losses.map((l) => l.item()))).toEqual([4, 1, 0.25])
  expect(await after).toEqual(Float32Array.of(2.25))
  expect(await w.item()).toBe(100)
  w.assign(w.mul(2))
  expect(await w.add(w).item()).toBe(400)
})

test('fit trains as it does where it waits for each step', async () => {
  const on = { backend: 'wasm', threads: 2 } as const
  const seen: number[] = []
  const options: Partial<tenon.FitOptions> = {
    gradientAccumulation: 2,
    earlyStopping: { patience: 3, restoreBest: true },
    callbacks: { onStep: ({ step }) => void seen.push(step) },
  }
  const away = await train({ ...on, worker: true }, options)
  const state = Object.entries(away.net.state())
  const numbers = await Promise.all(state.map(async ([name, v]) => [name, [...(await v.data())]] as const))
  expect(seen).toEqual(Array.from({ length: 16 }, (_, i) => i + 1))
  const { run: hereRun, net } = await train({ ...on, worker: false }, options)
  const here = numbersOf({ run: hereRun, net })
  expect(away.run.losses).toEqual(here.losses)
  expect(away.run.history.map(({ seconds, ...record }) => record)).toEqual(here.history)
  expect(Object.fromEntries(numbers)).toEqual(here.state)
  configure({ ...on, worker: true })
})

test('training is stopped by a signal, and what was begun is counted', async () => {
  const abort = new AbortController()
  const { run } = await train(
    { backend: 'wasm', worker: true },
    {
      epochs: 100,
      signal: abort.signal,
      callbacks: {
        onStep({ step }) {
          if (step === 10) abort.abort()
        },
      },
    },
  )
  expect(run.ending).toBe('stopped')
  expect(run.steps).toBe(11)
})

test('a network without end numbers says where', async () => {
  const net = network()
  const fit = tenon.fit(net, points(50), {
    loss: (y, t) => softmaxCrossEntropy(y, t).div(0),
    optimizer: optim.sgd({ learningRate: 1 }),
    epochs: 1,
  })
  await expect(fit).rejects.toThrow('fit: the loss is Infinity in epoch 1, batch 1')
})

test('evaluation and prediction', async () => {
  const net = nn.sequential(nn.linear(2, 3), nn.tanh(), nn.linear(3, 2))
  const data = points(100)
  const outputs = await tenon.predict(net, data, { batchSize: 32 })
  expect(outputs.shape).toEqual([100, 2])
  const guesses = await outputs.argmax(-1).data()
  const right = Array.from(data.targets).filter((label, i) => label === guesses[i]).length
  const { accuracy } = await tenon.evaluate(net, data, { accuracy: tenon.accuracy }, { batchSize: 32 })
  expect(accuracy).toBeCloseTo(right / 100, 9)
})

describe('what goes wrong in the worker', () => {
  test('is thrown by the next read, with its message; then all goes on', async () => {
    const huge = zeros([2 ** 15, 2 ** 15]).add(random.uniform([1]))
    const alone = await huge.data().catch((error: unknown) => String(error))
    expect(alone).toMatch(/out of memory: 4\.00 GiB asked for, .* in use/)
    await expect(huge.sum().item()).rejects.toThrow('out of memory')
    expect(await tensor([1, 2]).sum().item()).toBe(3)
  })

  test('stays with what could not be computed', async () => {
    const huge = zeros([2 ** 15, 2 ** 15]).add(random.uniform([1]))
    const reads = [huge.data(), huge.data(), tensor([5]).add(0).data()].map((read) =>
      read.catch((e: unknown) => String(e)),
    )
    expect((await Promise.all(reads)).slice(0, 2)).toEqual([
      expect.stringContaining('out of memory'),
      expect.stringContaining('out of memory'),
    ])
    await expect(huge.data()).rejects.toThrow('out of memory')
    expect(await tensor([1, 2]).sum().item()).toBe(3)
  })

  test('storages of other backends are refused at once', () => {
    const before = backend()
    configure({ threads: 1 })
    const other = backend()
    expect(() => before.upload(other.allocate(4), Float32Array.of(1))).toThrow(
      'wasm: this storage belongs to another backend',
    )
  })
})

test('what needs files says so', async () => {
  await expect(train({}, { run: 'runs/1' })).rejects.toThrow(
    "fit: run is 'runs/1', but a page has no folders: leave it out",
  )
  await expect(tenon.save(nn.linear(2, 2), 'net.safetensors')).rejects.toThrow(
    'net.safetensors: a page writes no files',
  )
  await expect(tenon.load('/nowhere.safetensors')).rejects.toThrow(/nowhere.safetensors/)
})
