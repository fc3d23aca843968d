// What the framework costs around the arithmetic: building an operation, running a cached graph, calling a compiled function, and compiling stacks of blocks.
// Run: npm run bench:overhead

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { usualBackend } from '../src/engine/usual-backend.ts'
import { compile, configure, grad, loss, nn, optim, type Tensor, tensor, zeros } from '../src/index.ts'
import { record } from '../src/tensor/record.ts'
import { backend } from '../src/tensor/runtime.ts'

configure({ threads: 1, seed: 1 })

/** CPU microseconds of one call: the least of several series, on the one thread there is. */
function microseconds(calls: number, f: () => void, series = 15): number {
  let best = Number.POSITIVE_INFINITY
  for (let s = 0; s < series; s++) {
    const before = process.cpuUsage()
    for (let i = 0; i < calls; i++) f()
    const { user, system } = process.cpuUsage(before)
    best = Math.min(best, (user + system) / calls)
  }
  return best
}

function report(what: string, value: number, limit: number, unit: string): void {
  const holds = value <= limit
  console.log(
    `${what.padEnd(58)} ${value.toFixed(2).padStart(8)} ${unit}  (at most ${limit})${holds ? '' : '  MISSED'}`,
  )
  if (!holds) process.exitCode = 1
}

function calls(): void {
  // An eager operation: a node and its tensor, nothing evaluated.
  const x = tensor(
    Float32Array.from({ length: 64 }, (_, i) => i / 64),
    { shape: [8, 8] },
  )
  const y = tensor(Float32Array.from({ length: 8 }, (_, i) => i))
  const built: { readonly [name: string]: () => unknown } = {
    'x.add(x), one shape': () => x.add(x),
    'x.mul(2), a number': () => x.mul(2),
    'x.add(y), broadcast': () => x.add(y),
    'x.matmul(x)': () => x.matmul(x),
    'x.sum(1)': () => x.sum(1),
    'x.reshape([4, 16])': () => x.reshape([4, 16]),
  }
  for (const [name, f] of Object.entries(built)) report(`building ${name}`, microseconds(5000, f), 3, 'µs')

  // A graph of ten small operations whose program is known: key, memory, run, without the reading.
  const ten = (): Tensor => x.mul(2).add(y).exp().sub(1).maximum(0).sqrt().add(x).square().mean(1).sum()
  ten().itemSync()
  report(
    'ten small operations, built, run and read',
    microseconds(2000, () => ten().itemSync()),
    20,
    'µs',
  )

  // A compiled call, less what the engine takes for its kernels alone.
  const small = compile((a: Tensor, b: Tensor) => a.mul(b).add(1).sum())
  small(x, x)
  const call = microseconds(20_000, () => void small(x, x))
  const kernels = microseconds(40, () => void small.repeat(500, x, x)) / 500
  report('a compiled call beyond its kernels (two inputs, one result)', call - kernels, 1, 'µs')
  const net = nn.sequential(nn.linear(2, 2), nn.tanh(), nn.linear(2, 1))
  const optimizer = optim.sgd({ learningRate: 0.1 })
  const step = compile((a: Tensor, t: Tensor) => {
    const l = loss.mse(net(a), t)
    optimizer.step(net.parameters(), grad(l, net.parameters()))
    return l
  })
  const [inputs, targets] = [zeros([4, 2]), zeros([4, 1])].map((t) => tensor(t.dataSync(), { shape: t.shape }))
  step(inputs, targets)
  const training = microseconds(20_000, () => void step(inputs, targets))
  const trainingKernels = microseconds(40, () => void step.repeat(500, inputs, targets)) / 500
  report('a compiled training step beyond its kernels (2-2-1)', training - trainingKernels, 1, 'µs')
}

// Stacked transformer blocks: equal blocks share kernels, so that depth costs little.

interface FirstStep {
  /** Milliseconds that the user waits for the whole step, and for each stage. V8's own threads compile beside it. */
  readonly total: number
  readonly stages: { readonly [name: string]: number }
}

function firstStep(depth: number): FirstStep {
  const [width, heads, tokens] = [64, 4, 16]
  const blocks = Array.from({ length: depth }, () =>
    nn.sequential(
      nn.residual(nn.sequential(nn.layerNorm(width), nn.attention(width, { heads }))),
      nn.residual(
        nn.sequential(nn.layerNorm(width), nn.linear(width, 4 * width), nn.gelu(), nn.linear(4 * width, width)),
      ),
    ),
  )
  const model = nn.sequential(...blocks)
  const adam = optim.adam({ learningRate: 1e-3 })
  const train = compile((a: Tensor) => {
    const l = model(a).square().mean()
    adam.step(model.parameters(), grad(l, model.parameters()))
    return l
  })
  const batch = tensor(new Float32Array(2 * tokens * width).fill(0.1), { shape: [2, tokens, width] })
  const on = backend()
  if (on.kind !== 'kernels') throw new Error('the figures are those of kernels')
  // Taken before the recording ends, which then measures the machine.
  let total = 0
  const { spans } = record(on, () => {
    const before = performance.now()
    train(batch).itemSync()
    total = performance.now() - before
  })
  const stages: Record<string, number> = {}
  for (const { name, start, stop } of spans) stages[name] = (stages[name] ?? 0) + stop - start
  return { total, stages }
}

/** A process that the steps are measured in. */
interface Process {
  readonly name: string
  readonly on: string
  readonly flags: readonly string[]
}

/** The least of several tries, each in a fresh process, where V8 knows nothing yet. */
function least(depth: number, { name, on, flags }: Process): { readonly generation: number; readonly total: number } {
  const tries = Array.from({ length: 7 }, () => {
    const text = execFileSync(process.execPath, [...process.execArgv, ...flags, fileURLToPath(import.meta.url)], {
      env: { ...process.env, BENCH_DEPTH: String(depth), TENON_BACKEND: on },
      encoding: 'utf8',
    })
    return JSON.parse(text) as FirstStep
  })
  const { total, stages } = tries.reduce((a, b) => (b.total < a.total ? b : a))
  const parts = Object.entries(stages).map(([stage, ms]) => `${stage} ${ms.toFixed(0)} ms`)
  console.log(`${name}, ${depth} blocks: ${total.toFixed(0)} ms: ${parts.join(', ')}`)
  return { total, generation: Math.min(...tries.map((t) => t.stages['emit and load'] ?? 0)) }
}

function stacked(): void {
  const usual = usualBackend()
  // V8 compiles on four threads beside the program's own, whatever the processors: where these are two, the program waits for its turn. The
  // command `tenon` starts Node with one, as browsers do there.
  const processes: readonly Process[] = [
    { name: usual, on: usual, flags: [] },
    { name: 'wasm', on: 'wasm', flags: [] },
    { name: 'wasm, one compile thread', on: 'wasm', flags: ['--v8-pool-size=1'] },
  ]
  for (const process of new Map(processes.map((process) => [process.name, process])).values()) {
    const [four, twelve] = [least(4, process), least(12, process)]
    report(`kernels of 12 blocks against 4, ${process.name}`, twelve.generation / four.generation, 1.2, 'times')
    report(`first step of 12 blocks against 4, ${process.name}`, twelve.total / four.total, 2.2, 'times')
  }
}

const { BENCH_DEPTH } = process.env
if (BENCH_DEPTH) console.log(JSON.stringify(firstStep(Number(BENCH_DEPTH))))
else {
  calls()
  stacked()
}
