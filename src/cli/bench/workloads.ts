// The workloads of the benchmark: what one step does, and what comes out.
import { adam, adamW, type Optimizer, sgd } from '../../optim/index.ts'
import { compile, gelu, grad, type Tensor, tensor, Variable, withTraining } from '../../tensor/index.ts'
import { startCopiers } from './memory-speed.ts'
import { cnn, gpt, mlp, type Problem, xor } from './models.ts'
import { uniform } from './numbers.ts'
import { experts, lstm, penalty, resnet } from './other-models.ts'
import { type Task, type Timing, type TrainingTiming, timeRuns, timeTraining } from './timing.ts'

export type Measured =
  | TrainingTiming
  | Timing
  | (Timing & { readonly gbPerS: number })
  | (Timing & { readonly gbPerS: number; readonly copyMs: number; readonly timesCopy: number })
  /** `naive`: of three plain loops, at the first size. */
  | { readonly gflops: { readonly [size: string]: number }; readonly naive: number }

export interface Workload {
  /** What one step does. */
  readonly about: string
  readonly measure: (threads: number, scale?: number) => Promise<Measured>
  /** The same, to be timed in turns with others; with a batch so many times as large where there is one. */
  readonly task?: (scale?: number) => Task
}

const learningRate = 1e-3

const training = (about: string, task: (scale?: number) => Task): Workload => ({
  about,
  task,
  measure: (_, scale) => timeTraining(task(scale)),
})

export const workloads: { readonly [name: string]: Workload } = {
  xor: training('MLP 2-2-1 on the four points of XOR, SGD, one call a step', () =>
    stepOf(xor(), sgd({ learningRate: 1 }), { chunk: 500 }),
  ),
  'xor-scan': training('the same, a thousand steps a call', () =>
    stepOf(xor(), sgd({ learningRate: 1 }), { chunk: 1000, isOneCall: true }),
  ),
  mlp: training('MLP 784-512-256-10, batch 128, Adam', (scale) => stepOf(mlp(scale), adam({ learningRate }))),
  cnn: training('two 3×3 convolutions to 64 channels, batch 64, Adam', (scale) =>
    stepOf(cnn(scale), adam({ learningRate })),
  ),
  gpt: training('transformer of 4 blocks, width 128, 16 × 128 tokens, AdamW', (scale) =>
    stepOf(gpt(scale), adamW({ learningRate, weightDecay: 0.01 })),
  ),
  lstm: training('LSTM of 256 units over 64 steps, batch 32, Adam', (scale) =>
    stepOf(lstm(scale), adam({ learningRate })),
  ),
  resnet: training('residual network with batch norm, 32 images 3 × 32 × 32, SGD', (scale) =>
    stepOf(resnet(scale), sgd({ learningRate: 0.05, momentum: 0.9 })),
  ),
  experts: training('8 experts 128-512-128, the best 2 of each of 1,024 tokens', (scale) =>
    stepOf(experts(scale), adam({ learningRate })),
  ),
  penalty: training('critic 256-512-512-1 with a gradient penalty, batch 128, Adam', (scale) =>
    stepOf(penalty(scale), adam({ learningRate: 1e-4 })),
  ),
  gemm: { about: 'square float32 products', measure: gemm },
  elementwise: {
    about: 'gelu(x) · sigmoid(x) + x of 2²⁴ numbers',
    task: elementwise,
    measure: async () => withRate(await timeRuns(elementwise())),
  },
  'scale-add': { about: '2·x + 1 of 2²⁴ numbers, beside what copying them takes', task: scaleAdd, measure: besideCopy },
  'mlp-forward': runs('the forward pass of mlp', (scale) => forward(mlp(scale))),
  'cnn-forward': runs('the forward pass of cnn', (scale) => forward(cnn(scale))),
}

/** The task of a workload, or of a product of one size: `gemm-512`. */
export function taskOf(name: string, scale?: number): Task | undefined {
  const size = /^gemm-(\d+)$/.exec(name)?.[1]
  return size === undefined ? workloads[name]?.task?.(scale) : product(Number(size))
}

function runs(about: string, task: (scale?: number) => Task): Workload {
  return { about, task, measure: (_, scale) => timeRuns(task(scale)) }
}

interface StepOptions {
  readonly chunk?: number
  /** Whether a chunk is one call. */
  readonly isOneCall?: boolean
}

/** Forward, backward and update of one batch as one program; gives the loss. */
function stepOf(problem: Problem, optimizer: Optimizer, { chunk = 1, isOneCall = false }: StepOptions = {}): Task {
  const { parameters } = problem
  const step = compile(() => {
    const value = problem.loss()
    optimizer.step(parameters, grad(value, parameters))
    return value
  })
  const several = (count: number): Tensor => {
    if (isOneCall && count > 1) return step.repeat(count)
    for (let i = 1; i < count; i++) step()
    return step()
  }
  return { chunk, steps: (count) => withTraining(true, () => several(count)).itemSync() }
}

const product = (n: number): Task => {
  const [a, b] = [1, 2].map((seed) => tensor(uniform(seed, n * n), { shape: [n, n] }))
  return kept([n, n], () => a.matmul(b))
}

async function gemm(): Promise<Measured> {
  const gflops: Record<string, number> = {}
  for (const n of [256, 512, 1024, 2048]) {
    const { medianMs } = await timeRuns(product(n))
    gflops[n] = (2 * n ** 3) / medianMs / 1e6
  }
  return { gflops, naive: naiveProduct(256) }
}

/** GFLOP/s of the product as it is written down: three loops, one element after the other. */
function naiveProduct(n: number): number {
  const [a, b] = [1, 2].map((seed) => Float32Array.from(uniform(seed, n * n)))
  const c = new Float32Array(n * n)
  const once = (): void => {
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j]
        c[i * n + j] = sum
      }
  }
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now()
    once()
    return performance.now() - start
  })
  return (2 * n ** 3) / Math.min(...times) / 1e6
}

const elements = 2 ** 24

/** With the rate of one read and one write of all elements. */
const withRate = (timing: Timing): Timing & { gbPerS: number } => ({
  ...timing,
  gbPerS: (2 * 4 * elements) / timing.medianMs / 1e6,
})

function elementwise(): Task {
  const x = tensor(uniform(1, elements, 4))
  return kept([elements], () => gelu(x, 'tanh').mul(x.sigmoid()).add(x))
}

function scaleAdd(): Task {
  const x = tensor(uniform(1, elements, 4))
  return kept([elements], () => x.mul(2).add(1))
}

async function besideCopy(threads: number): Promise<Measured> {
  const timing = await timeRuns(scaleAdd())
  const { copy, stop } = await startCopiers(4 * elements, threads)
  const copies = await timeRuns(repeated(copy))
  await stop()
  return { ...withRate(timing), copyMs: copies.medianMs, timesCopy: timing.medianMs / copies.medianMs }
}

function forward({ forward }: Problem): Task {
  const run = compile(forward)
  return repeated(() => void run())
}

/** A compiled function whose large result goes to the same place each time, because nothing is reclaimed in a busy loop. */
function kept(shape: readonly number[], f: () => Tensor): Task {
  const size = shape.reduce((product, extent) => product * extent, 1)
  const result = new Variable(new Float32Array(size), shape, 'float32')
  return repeated(
    compile(() => {
      result.assign(f())
    }),
  )
}

/** What has no loss as a task. */
const repeated = (run: () => void): Task => ({
  steps: (count) => {
    for (let i = 0; i < count; i++) run()
    return undefined
  },
})
