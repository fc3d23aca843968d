// The workloads of the benchmark: what one step does, and what comes out.
import { adam, adamW, type Optimizer, sgd } from '../../optim/index.ts'
import { type Compiled, compile, gelu, grad, type Tensor, tensor, Variable, withTraining } from '../../tensor/index.ts'
import { timeCopies } from './memory-speed.ts'
import { cnn, gpt, mlp, type Supervised, xor } from './models.ts'
import { uniform } from './numbers.ts'
import { type Timing, type TrainingTiming, timeRuns, timeTraining } from './timing.ts'

export type Measured =
  | TrainingTiming
  | Timing
  | (Timing & { readonly gbPerS: number })
  | (Timing & { readonly gbPerS: number; readonly copyMs: number; readonly timesCopy: number })
  | { readonly gflops: { readonly [size: string]: number } }

export interface Workload {
  /** What one step does. */
  readonly about: string
  readonly measure: (threads: number) => Measured | Promise<Measured>
}

const learningRate = 1e-3

export const workloads: { readonly [name: string]: Workload } = {
  xor: {
    about: 'MLP 2-2-1 on the four points of XOR, SGD, one call a step',
    measure: () => timeTraining(stepOf(xor(), sgd({ learningRate: 1 })), { chunk: 500 }),
  },
  'xor-scan': {
    about: 'the same, a thousand steps a call',
    measure() {
      const step = stepOf(xor(), sgd({ learningRate: 1 }))
      return timeTraining(step, { chunk: 1000, repeat: (times) => step.repeat(times) })
    },
  },
  mlp: {
    about: 'MLP 784-512-256-10, batch 128, Adam',
    measure: () => timeTraining(stepOf(mlp(), adam({ learningRate }))),
  },
  cnn: {
    about: 'two 3×3 convolutions to 64 channels, batch 64, Adam',
    measure: () => timeTraining(stepOf(cnn(), adam({ learningRate }))),
  },
  gpt: {
    about: 'transformer of 4 blocks, width 128, 16 × 128 tokens, AdamW',
    measure: () => timeTraining(stepOf(gpt(), adamW({ learningRate, weightDecay: 0.01 }))),
  },
  gemm: { about: 'square float32 products', measure: gemm },
  elementwise: { about: 'gelu(x) · sigmoid(x) + x of 2²⁴ numbers', measure: elementwise },
  'scale-add': { about: '2·x + 1 of 2²⁴ numbers, beside what copying them takes', measure: scaleAdd },
  'mlp-forward': { about: 'the forward pass of mlp', measure: () => forward(mlp()) },
  'cnn-forward': { about: 'the forward pass of cnn', measure: () => forward(cnn()) },
}

/** Forward, backward and update of one batch as one program; gives the loss. */
function stepOf({ net, inputs, targets, loss }: Supervised, optimizer: Optimizer): Compiled<[], Tensor> {
  const parameters = net.parameters()
  const step = compile(() => {
    const value = loss(net(inputs), targets)
    optimizer.step(parameters, grad(value, parameters))
    return value
  })
  const inTraining =
    <A extends unknown[]>(run: (...args: A) => Tensor) =>
    (...args: A): Tensor =>
      withTraining(true, () => run(...args))
  return Object.assign(inTraining(step), { repeat: inTraining(step.repeat) })
}

function gemm(): Measured {
  const rates = [256, 512, 1024, 2048].map((n) => {
    const [a, b] = [1, 2].map((seed) => tensor(uniform(seed, n * n), { shape: [n, n] }))
    const { medianMs } = timeRuns(kept([n, n], () => a.matmul(b)))
    return [n, (2 * n ** 3) / medianMs / 1e6]
  })
  return { gflops: Object.fromEntries(rates) }
}

function elementwise(): Measured {
  const count = 2 ** 24
  const x = tensor(uniform(1, count, 4))
  const timing = timeRuns(kept([count], () => gelu(x, 'tanh').mul(x.sigmoid()).add(x)))
  return { ...timing, gbPerS: (2 * 4 * count) / timing.medianMs / 1e6 }
}

async function scaleAdd(threads: number): Promise<Measured> {
  const count = 2 ** 24
  const x = tensor(uniform(1, count, 4))
  const timing = timeRuns(kept([count], () => x.mul(2).add(1)))
  const copy = await timeCopies(4 * count, threads)
  return {
    ...timing,
    gbPerS: (2 * 4 * count) / timing.medianMs / 1e6,
    copyMs: copy.medianMs,
    timesCopy: timing.medianMs / copy.medianMs,
  }
}

function forward({ net, inputs }: Supervised): Measured {
  const run = compile(() => net(inputs))
  return timeRuns(() => run())
}

/** A compiled function whose large result goes to the same place each time, because nothing is reclaimed in a busy loop. */
function kept(shape: readonly number[], f: () => Tensor): () => void {
  const size = shape.reduce((product, extent) => product * extent, 1)
  const result = new Variable(new Float32Array(size), shape, 'float32')
  return compile(() => {
    result.assign(f())
  })
}
