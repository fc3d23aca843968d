// Timed kernels: every chunk is seen once, on real threads, results keep their bits, and traces are whole files.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { WasmBackend } from '../../src/backend/wasm/index.ts'
import { profile } from '../../src/inspect/index.ts'
import { launchesOf } from '../../src/kernel/program.ts'
import { softmaxCrossEntropy } from '../../src/loss/index.ts'
import { linear, relu, sequential } from '../../src/nn/index.ts'
import { sgd } from '../../src/optim/index.ts'
import { backend, compile, configure, grad, iota, runtime, scan, type Tensor, zeros } from '../../src/tensor/index.ts'

afterEach(() => {
  if (runtime.backend?.name === 'wasm') (runtime.backend as WasmBackend).terminate()
  runtime.backend = undefined
  configure({ backend: 'wasm' })
})

const wave = (...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return iota([size], 0).cast('float32').mul(0.37).sin().reshape(shape)
}

function training(threads: number): { step: () => Tensor; weights: () => Tensor } {
  configure({ backend: 'wasm', threads, seed: 3 })
  const net = sequential(linear(200, 300), relu(), linear(300, 10))
  const optimizer = sgd({ learningRate: 0.1 })
  const [x, t] = [wave(256, 200), iota([256], 0).remainder(10)]
  const step = compile(function step(x: Tensor, t: Tensor) {
    const l = softmaxCrossEntropy(net(x), t)
    optimizer.step(net.parameters(), grad(l, net.parameters()))
    return l
  })
  return { step: () => step(x, t), weights: () => net.parameters()[0] as Tensor }
}

describe.each([1, 2])('%i threads', (threads) => {
  test('all iterations of all launches are seen exactly once', async () => {
    const { step } = training(threads)
    await (backend() as WasmBackend).ready()
    step()
    const { recording, kernels } = profile(() => {
      step()
      step()
    })
    expect(recording.runs.map((run) => run.name)).toEqual(['step', 'step'])
    expect(recording.lost).toBe(0)
    for (const { program, pieces, start, stop } of recording.runs) {
      const launches = launchesOf(program.steps)
      expect(new Set(pieces.map((p) => p.launch))).toEqual(new Set(launches))
      for (const launch of launches) {
        const own = pieces.filter((p) => p.launch === launch && !p.packing).sort((a, b) => a.begin - b.begin)
        expect(own[0].begin).toBe(0)
        for (let i = 1; i < own.length; i++) expect(own[i].begin).toBe(own[i - 1].end)
        if (launch.kind === 'loop') expect(own.at(-1)?.end).toBe(launch.total)
      }
      for (const p of pieces) {
        expect(p.stop).toBeGreaterThanOrEqual(p.start)
        // Threads read different clocks.
        expect(p.start).toBeGreaterThan(start - 5)
        expect(p.stop).toBeLessThan(stop + 5)
        expect(p.thread).toBeGreaterThanOrEqual(0)
        expect(p.thread).toBeLessThan(threads)
      }
    }
    const forward = kernels.find((k) => k.name === 'linear+relu 256×200×300')
    expect(forward).toMatchObject({ runs: 2, modules: '0, 1' })
    // 2·m·n·k and a few pointwise operations on each element; inputs, weights and result once.
    expect(forward?.flops).toBeGreaterThanOrEqual(2 * 256 * 200 * 300)
    expect(forward?.flops).toBeLessThan(1.05 * 2 * 256 * 200 * 300)
    expect(forward?.bytes).toBeGreaterThanOrEqual(4 * (256 * 200 + 200 * 300 + 300 + 256 * 300))
    expect(kernels.some((k) => k.name.includes('∇linear') && k.name.includes('sgd'))).toBe(true)
  })

  test('measuring changes no bit, and ends', async () => {
    const plain = training(threads)
    for (let i = 0; i < 4; i++) plain.step()
    const expected = await plain.weights().data()
    const measured = training(threads)
    await (backend() as WasmBackend).ready()
    measured.step()
    const seen = profile(() => {
      measured.step()
      measured.step()
    })
    measured.step()
    expect(seen.recording.runs).toHaveLength(2)
    expect(await measured.weights().data()).toEqual(expected)
  })
})

test('a profile prints a row for each kernel', () => {
  const { step } = training(1)
  const text = String(profile(() => step()))
  expect(text.split('\n')[0]).toMatch(/time +runs +µs a run .* of bound +kernel/)
  expect(text).toContain('linear+relu 256×200×300')
})

test('another recording, and the reference backend, are refused', () => {
  configure({ backend: 'wasm', threads: 1 })
  expect(() => profile(() => void profile(() => {}))).toThrow(/another recording is in progress/)
  expect(profile(() => {}).kernels).toEqual([])
  configure({ backend: 'reference' })
  expect(() => profile(() => {})).toThrow(/reference backend has no kernels/)
})

test('TENON_TRACE writes a whole Chrome trace, also of a program that fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-trace-'))
  try {
    const file = join(folder, 'trace.json')
    const program = `
      import { tensor } from 'tenon'
      console.log(tensor([[1, 2], [3, 4]]).matmul(tensor([[1, 0], [0, 1]])).exp().arraySync())
      process.exit(3)`
    let status = 0
    try {
      execFileSync(
        process.execPath,
        ['--conditions=tenon-source', '--import', 'tsx', '--input-type=module', '-e', program],
        {
          env: { ...process.env, TENON_TRACE: file },
          stdio: 'pipe',
        },
      )
    } catch (error) {
      status = (error as { status: number }).status
    }
    expect(status).toBe(3)
    expect(readdirSync(folder)).toEqual(['trace.json'])
    const { traceEvents } = JSON.parse(readFileSync(file, 'utf8')) as {
      traceEvents: { name: string; ph: string; ts?: number; dur?: number; args?: Record<string, unknown> }[]
    }
    const kernel = traceEvents.find((e) => e.args && 'flops' in e.args)
    expect(kernel).toMatchObject({ ph: 'X', args: { flops: expect.any(Number), bytes: expect.any(Number) } })
    expect(traceEvents.map((e) => e.name)).toEqual(
      expect.arrayContaining(['compile evaluate', 'emit and load', 'evaluate']),
    )
    for (const e of traceEvents) if (e.ph === 'X') expect(e.dur).toBeGreaterThanOrEqual(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what packs operands ahead of a product belongs to it, and is no run of its own', () => {
  configure({ backend: 'wasm', threads: 1 })
  const f = compile((x: Tensor, y: Tensor) => x.matmul(y))
  const [x, y] = [zeros([600, 600]), zeros([600, 600])]
  const { kernels, recording } = profile(() => void f(x, y))
  expect(recording.runs.flatMap((run) => run.pieces).some((p) => p.packing)).toBe(true)
  expect(kernels.filter((k) => k.flops > 0).map((k) => [k.runs, k.flops])).toEqual([[1, 2 * 600 ** 3]])
})

test('a kernel in a loop runs once for each turn', () => {
  configure({ backend: 'wasm', threads: 1 })
  const f = compile((x: Tensor) => scan((s: Tensor) => [s.mul(0.5).add(1), undefined], x, undefined, { length: 7 })[0])
  const x = iota([64], 0).cast('float32')
  f(x)
  const { kernels } = profile(() => f(x))
  const [inLoop] = kernels.filter((k) => k.ops === 'mul+add')
  expect(inLoop?.runs).toBe(7)
  expect(inLoop?.flops).toBe(2 * 64)
})
