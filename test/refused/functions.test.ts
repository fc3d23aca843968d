/** Every loss, optimizer, schedule, initializer and function with options refuses numbers and shapes that do not fit. */

import { describe, expect, it } from 'vitest'
import * as augment from '../../src/augment/index.ts'
import * as tenon from '../../src/index.ts'
import * as linalg from '../../src/linalg/index.ts'
import * as loss from '../../src/loss/index.ts'
import { functional, init } from '../../src/nn/index.ts'
import * as optim from '../../src/optim/index.ts'
import * as signal from '../../src/signal/index.ts'
import * as tensors from '../../src/tensor/index.ts'
import { ones, type Tensor, tensor, variable } from '../../src/tensor/index.ts'
import * as train from '../../src/train/index.ts'
import { type NumberClass, outside } from '../support/outside.ts'

interface Options {
  readonly [name: string]: unknown
}
type Refusal = readonly [refused: () => unknown, message: RegExp]
/** What must be refused, or why there is nothing. */
type Entry =
  | {
      readonly call?: (options: never) => unknown
      readonly numbers?: { readonly [option: string]: NumberClass }
      readonly wrong?: readonly Refusal[]
    }
  | string

const x = (...shape: number[]): Tensor => ones(shape as readonly number[])
const labels = (...values: number[]): Tensor => tensor(Int32Array.from(values))
const { NaN: nan } = globalThis

/** A function of one number. */
const one = <K extends string>(name: K, f: (value: number) => unknown, of: NumberClass, usual = 1): Entry => ({
  call: (o: { readonly [N in K]?: number }) => f(o[name] ?? usual),
  numbers: { [name]: of },
})

/** A loss of two tensors of one shape. */
const alike = (
  f: (a: Tensor, b: Tensor, options: never) => Tensor,
  numbers: { readonly [option: string]: NumberClass } = {},
): Entry => ({
  call: (o: never) => f(x(2, 3), x(2, 3), o),
  numbers,
  wrong: [[() => f(x(2, 3), x(2), {} as never), /\[2, 3\].*\[2\]/], unknownReduction((o) => f(x(2, 3), x(2, 3), o))],
})
const unknownReduction = (f: (options: never) => unknown): Refusal => [
  () => f({ reduction: 'meen' } as never),
  /unknown reduction 'meen': use 'mean', 'sum' or 'none'/,
]

const losses: { readonly [name: string]: Entry } = {
  softmaxCrossEntropy: {
    call: (o: loss.CrossEntropyOptions) => loss.softmaxCrossEntropy(x(2, 3), labels(0, 1) as Tensor, o),
    numbers: { labelSmoothing: 'probability', ignoreIndex: 'integer' },
    wrong: [
      [() => loss.softmaxCrossEntropy(x(2, 3), labels(0, 1, 1) as Tensor), /\[2, 3\].*need labels \[2\], not \[3\]/],
      [() => loss.softmaxCrossEntropy(x(2, 3), labels(0, 3) as Tensor), /a label is 3: with 3 classes use 0 to 2/],
      [() => loss.softmaxCrossEntropy(x(2, 3), x(2)), /\[2, 3\] need probabilities of that shape, not \[2\]/],
      [() => loss.softmaxCrossEntropy(x(2, 3), labels(0, 1) as Tensor, { axis: 2 }), /axis 2/],
      [
        () => loss.softmaxCrossEntropy(x(2, 3), labels(0, 1) as Tensor, { weight: x(2) }),
        /weight is \[2\], expected \[3\]/,
      ],
      [() => loss.softmaxCrossEntropy(x(2, 3), x(2, 3), { weight: x(2) }), /weight is \[2\], expected \[3\]/],
      [() => loss.softmaxCrossEntropy(x(), labels(0) as Tensor), /scores are a scalar/],
      unknownReduction((o) => loss.softmaxCrossEntropy(x(2, 3), labels(0, 1) as Tensor, o as loss.CrossEntropyOptions)),
    ],
  },
  nll: {
    call: (o: loss.NllOptions) => loss.nll(x(2, 3), labels(0, 1) as Tensor, o),
    numbers: { ignoreIndex: 'integer' },
    wrong: [
      [() => loss.nll(x(2, 3), labels(0) as Tensor), /\[2, 3\].*need labels \[2\], not \[1\]/],
      [() => loss.nll(x(2, 3), x(2)), /labels are float32: they must be int32/],
      unknownReduction((o) => loss.nll(x(2, 3), labels(0, 1) as Tensor, o as loss.NllOptions)),
    ],
  },
  sigmoidBinaryCrossEntropy: alike(loss.sigmoidBinaryCrossEntropy as never, { posWeight: 'notNegative' }),
  binaryCrossEntropy: alike(loss.binaryCrossEntropy as never),
  mse: alike(loss.mse as never),
  l1: alike(loss.l1 as never),
  huber: alike(loss.huber as never, { delta: 'positive' }),
  klDivergence: alike(loss.klDivergence),
  poissonNll: alike(loss.poissonNll, { epsilon: 'notNegative' }),
  gaussianNll: {
    call: (o: never) => loss.gaussianNll(x(2, 3), x(2, 3), x(2, 1), o),
    numbers: { epsilon: 'positive' },
    wrong: [
      [() => loss.gaussianNll(x(2, 3), x(2), x(2)), /\[2, 3\] and targets \[2\]/],
      [() => loss.gaussianNll(x(3), x(3), x(2, 3)), /variances \[2, 3\] for predictions \[3\]/],
      unknownReduction((o) => loss.gaussianNll(x(2), x(2), x(2), o)),
    ],
  },
  sigmoidFocal: alike(loss.sigmoidFocal, { gamma: 'notNegative', alpha: 'probability' }),
  hinge: alike(loss.hinge, { margin: 'finite' }),
  softMargin: alike(loss.softMargin),
  hingeEmbedding: alike(loss.hingeEmbedding, { margin: 'finite' }),
  marginRanking: {
    call: (o: never) => loss.marginRanking(x(2), x(2), x(2), o),
    numbers: { margin: 'finite' },
    wrong: [
      [() => loss.marginRanking(x(2), x(3), x(2)), /\[2\] and \[3\] differ/],
      unknownReduction((o) => loss.marginRanking(x(2), x(2), x(2), o)),
    ],
  },
  cosineEmbedding: {
    call: (o: never) => loss.cosineEmbedding(x(2, 3), x(2, 3), x(2), o),
    numbers: { margin: 'finite' },
    wrong: [
      [() => loss.cosineEmbedding(x(2, 3), x(2), x(2)), /\[2, 3\] and \[2\] differ/],
      [() => loss.cosineEmbedding(x(2, 3), x(2, 3), x(3)), /\[2\] and \[3\] differ/],
      unknownReduction((o) => loss.cosineEmbedding(x(2, 3), x(2, 3), x(2), o)),
    ],
  },
  triplet: {
    call: (o: never) => loss.triplet(x(2, 3), x(2, 3), x(2, 3), o),
    numbers: { margin: 'finite' },
    wrong: [
      [() => loss.triplet(x(2, 3), x(2, 3), x(2)), /\[2, 3\] and \[2\] differ/],
      unknownReduction((o) => loss.triplet(x(2, 3), x(2, 3), x(2, 3), o)),
    ],
  },
  multiMargin: {
    call: (o: never) => loss.multiMargin(x(2, 3), labels(0, 1), o),
    numbers: { margin: 'finite', p: 'order' },
    wrong: [
      [() => loss.multiMargin(x(2, 3), labels(0)), /scores \[2, 3\] and labels \[1\]/],
      [() => loss.multiMargin(x(2, 3), x(2)), /labels are float32: they must be int32/],
      [() => loss.multiMargin(x(2, 3), labels(0, 1), { weight: x(2) }), /weight is \[2\], expected \[3\]/],
      unknownReduction((o) => loss.multiMargin(x(2, 3), labels(0, 1), o)),
    ],
  },
  multilabelMargin: {
    wrong: [
      [() => loss.multilabelMargin(x(3), x(3)), /scores \[3\]: expected \[n, classes\]/],
      [() => loss.multilabelMargin(x(2, 3), x(2, 3)), /labels are float32: they must be int32/],
      [() => loss.multilabelMargin(x(2, 1), twoByOne()), /a label is 1: with 1 classes use 0 to 0/],
      unknownReduction((o) => loss.multilabelMargin(x(2, 3), x(2, 3).cast('int32'), o)),
    ],
  },
  smoothL1: alike(loss.smoothL1, { beta: 'notNegative' }),
  multilabelSoftMargin: alike(loss.multilabelSoftMargin),
  contrastive: {
    call: (o: never) => loss.contrastive(x(2, 3), x(2, 3), x(2), o),
    numbers: { margin: 'notNegative' },
    wrong: [
      [() => loss.contrastive(x(2, 3), x(2, 3), x(3)), /\[2, 3\] and targets \[3\]/],
      unknownReduction((o) => loss.contrastive(x(2, 3), x(2, 3), x(2), o)),
    ],
  },
  infoNce: alike(loss.infoNce, { temperature: 'positive' }),
  ctc: {
    call: (o: never) => loss.ctc(x(4, 1, 3), tensor(Int32Array.of(1, 2), { shape: [1, 2] }), o),
    numbers: { blank: 'count' },
    wrong: [
      [() => loss.ctc(x(4, 3), tensor(Int32Array.of(1), { shape: [1, 1] })), /\[4, 3\] and labels \[1, 1\]/],
      [() => loss.ctc(x(4, 1, 3), x(1, 2)), /labels are float32: they must be int32/],
      [() => loss.ctc(x(4, 1, 3), tensor(Int32Array.of(1), { shape: [1, 1] }), { blank: 3 }), /blank is 3.*0 … 2/],
    ],
  },
  sampledSoftmax: {
    call: (o: never) => loss.sampledSoftmax(x(2, 3), x(5, 3), x(5), labels(0, 4), o),
    numbers: { samples: 'whole' },
    wrong: [
      [() => loss.sampledSoftmax(x(2, 3), x(5, 4), undefined, labels(0, 4)), /input \[2, 3\], weight \[5, 4\]/],
      [
        () => loss.sampledSoftmax(x(2, 3), x(5, 3), undefined, labels(0, 4), { sampler: 'zipf' as 'uniform' }),
        /unknown sampler 'zipf': use 'logUniform' or 'uniform'/,
      ],
      unknownReduction((o) => loss.sampledSoftmax(x(2, 3), x(5, 3), undefined, labels(0, 4), o)),
    ],
  },
  sparsemaxLoss: {
    wrong: [
      [() => loss.sparsemaxLoss(x(2, 3), labels(0)), /scores \[2, 3\] and labels \[1\]/],
      [() => loss.sparsemaxLoss(x(2, 3), x(2)), /labels are float32: they must be int32/],
      unknownReduction((o) => loss.sparsemaxLoss(x(2, 3), labels(0, 1), o)),
    ],
  },
  cosineSimilarity: {
    call: (o: never) => loss.cosineSimilarity(x(2, 3), x(2, 3), o),
    numbers: { epsilon: 'notNegative' },
    wrong: [
      [() => loss.cosineSimilarity(x(2, 3), x(2)), /cosineSimilarity.*\[2, 3\].*\[2\]/],
      [() => loss.cosineSimilarity(x(2, 3), x(2, 3), { axis: 2 }), /axis 2/],
    ],
  },
  pairwiseDistance: {
    call: (o: never) => loss.pairwiseDistance(x(2, 3), x(2, 3), o),
    numbers: { p: 'order', epsilon: 'notNegative' },
    wrong: [[() => loss.pairwiseDistance(x(2, 3), x(2)), /pairwiseDistance.*\[2, 3\].*\[2\]/]],
  },
  distances: {
    call: ({ p }: { p?: number }) => loss.distances(x(2, 3), x(4, 3), p),
    numbers: { p: 'order' },
    wrong: [[() => loss.distances(x(2, 3), x(4, 2)), /\[2, 3\] and \[4, 2\]: expected/]],
  },
}

const rate = { learningRate: 'notNegative', weightDecay: 'notNegative' } as const
const moments = { ...rate, epsilon: 'notNegative' } as const
const betas = (make: (options: { readonly betas: readonly [number, number] }) => unknown): Refusal[] => [
  [() => make({ betas: [1, 0.9] }), /beta1 is 1, it must be in \[0, 1\)/],
  [() => make({ betas: [0.9, nan] }), /beta2 is NaN/],
]
const optimizers: { readonly [name: string]: Entry } = {
  sgd: {
    call: (o: Options) => optim.sgd({ learningRate: 0.1, ...o }),
    numbers: { ...rate, momentum: 'notNegative', dampening: 'notNegative' },
    wrong: [[() => optim.sgd({ learningRate: 0.1, nesterov: true }), /nesterov needs a momentum above 0/]],
  },
  adam: { call: optim.adam, numbers: moments, wrong: betas(optim.adam) },
  adamW: { call: optim.adamW, numbers: moments, wrong: betas(optim.adamW) },
  adamax: { call: optim.adamax, numbers: moments, wrong: betas(optim.adamax) },
  nadam: { call: optim.nadam, numbers: { ...moments, momentumDecay: 'notNegative' }, wrong: betas(optim.nadam) },
  radam: { call: optim.radam, numbers: moments, wrong: betas(optim.radam) },
  lamb: { call: optim.lamb, numbers: moments, wrong: betas(optim.lamb) },
  lion: { call: optim.lion, numbers: rate, wrong: betas(optim.lion) },
  averagedSgd: {
    call: optim.averagedSgd,
    numbers: { ...rate, decay: 'notNegative', power: 'notNegative', start: 'notNegative' },
  },
  adagrad: { call: optim.adagrad, numbers: { ...moments, rateDecay: 'notNegative', initialSum: 'notNegative' } },
  rmsProp: { call: optim.rmsProp, numbers: { ...moments, smoothing: 'part', momentum: 'notNegative' } },
  adadelta: { call: optim.adadelta, numbers: { ...moments, smoothing: 'part' } },
  rprop: {
    call: optim.rprop,
    numbers: { learningRate: 'positive' },
    wrong: [
      [() => optim.rprop({ factors: [1, 1.2] }), /factors are 1 and 1.2/],
      [() => optim.rprop({ sizes: [2, 1] }), /sizes are 2 and 1/],
    ],
  },
  muon: { call: optim.muon, numbers: { ...rate, momentum: 'part', adamRate: 'notNegative', iterations: 'count' } },
  lbfgs: {
    call: optim.lbfgs,
    numbers: {
      learningRate: 'positive',
      iterations: 'whole',
      evaluations: 'whole',
      history: 'whole',
      gradientTolerance: 'notNegative',
      changeTolerance: 'notNegative',
    },
  },
  optimizer: {
    wrong: [
      [() => optim.adam().step([variable(x(2))], []), /0 gradients for 1 parameters|1 parameters/],
      [
        () => (optim.adam().step as (gradients: unknown) => void)([x(2)]),
        /step takes the parameters and their gradients, two lists/,
      ],
      [() => optim.adam().step([variable(x(2), { name: 'w' })], [x(3)]), /w.*\[2\].*\[3\]|\[3\].*\[2\]/],
    ],
  },
  grouped: {
    wrong: [
      [() => optim.grouped([]), /at least one group/],
      [
        () =>
          optim.grouped([{ of: () => false, optimizer: optim.adam() }]).step([variable(x(1), { name: 'w' })], [x(1)]),
        /'w' belongs to no group: add one/,
      ],
    ],
  },
  maxNorm: {
    call: ({ max = 3 }: { max?: number }) => optim.maxNorm(optim.sgd({ learningRate: 1 }), { max }),
    numbers: { max: 'positive' },
  },
  movingAverage: {
    call: ({ decay = 0.9 }: { decay?: number }) => optim.movingAverage([], decay),
    numbers: { decay: 'part' },
  },
  clipGlobalNorm: one('norm', (max) => optim.clipGlobalNorm([x(2)], max), 'order'),
  clipValue: one('limit', (limit) => optim.clipValue([x(2)], limit), 'order'),
  globalNorm: 'it has no options',
  constant: { call: ({ rate = 1 }: { rate?: number }) => optim.constant(rate), numbers: { rate: 'notNegative' } },
  cosine: {
    call: ({ rate = 1, ...o }: { rate?: number }) => optim.cosine(rate, { steps: 3, ...o }),
    numbers: { rate: 'notNegative', steps: 'whole', minimum: 'notNegative' },
  },
  cosineRestarts: {
    call: ({ rate = 1, ...o }: { rate?: number }) => optim.cosineRestarts(rate, { period: 3, ...o }),
    numbers: { rate: 'notNegative', period: 'whole', growth: 'positive', minimum: 'notNegative' },
    wrong: [[() => optim.cosineRestarts(1, { period: 3, growth: 0.5 }), /growth is 0.5/]],
  },
  cyclic: {
    call: (o: Options) => optim.cyclic({ low: 0, high: 1, steps: 2, ...o }),
    numbers: { low: 'notNegative', high: 'notNegative', steps: 'whole', factor: 'notNegative' },
  },
  reduceOnPlateau: {
    call: ({ rate = 1, ...o }: { rate?: number }) => optim.reduceOnPlateau(rate, o),
    numbers: {
      rate: 'notNegative',
      factor: 'positive',
      patience: 'count',
      threshold: 'notNegative',
      cooldown: 'count',
      minimum: 'notNegative',
    },
    wrong: [
      [() => optim.reduceOnPlateau(1, { factor: 1 }), /factor is 1, it must be less than 1/],
      [() => optim.reduceOnPlateau(1, { mode: 'least' as 'min' }), /unknown mode 'least': use 'min' or 'max'/],
    ],
  },
  decay: {
    call: ({ rate = 1, ...o }: { rate?: number }) => optim.decay(rate, { factor: 0.5, ...o }),
    numbers: { rate: 'notNegative', factor: 'notNegative', every: 'whole' },
  },
  oneCycle: {
    call: ({ peak = 1, ...o }: { peak?: number }) => optim.oneCycle(peak, { steps: 9, ...o }),
    numbers: {
      peak: 'notNegative',
      steps: 'whole',
      rise: 'probability',
      startDivisor: 'positive',
      endDivisor: 'positive',
    },
  },
  piecewise: {
    call: ({ rate = 1, milestone = 1, factor = 0.5 }: { rate?: number; milestone?: number; factor?: number }) =>
      optim.piecewise(rate, { milestones: [milestone], factor }),
    numbers: { rate: 'notNegative', milestone: 'count', factor: 'notNegative' },
  },
  polynomial: {
    call: ({ rate = 1, ...o }: { rate?: number }) => optim.polynomial(rate, { steps: 9, ...o }),
    numbers: { rate: 'notNegative', steps: 'whole', power: 'notNegative', minimum: 'notNegative' },
  },
  warmup: {
    call: ({ after = 1, ...o }: { after?: number }) => optim.warmup(after, { steps: 9, ...o }),
    numbers: { after: 'notNegative', steps: 'whole', start: 'probability' },
  },
}

const scaled = (make: (options: { readonly gain: number }) => unknown): Entry => ({
  call: ({ gain = 1 }: { gain?: number }) => make({ gain }),
  numbers: { gain: 'positive' },
})
const initializers: { readonly [name: string]: Entry } = {
  constant: { call: ({ value = 0 }: { value?: number }) => init.constant(value), numbers: { value: 'finite' } },
  fans: { wrong: [[() => init.fans([3]), /two axes or more, not \[3\]/]] },
  gain: {
    call: ({ slope = 1 }: { slope?: number }) => init.gain('leakyRelu', slope),
    numbers: { slope: 'finite' },
    wrong: [[() => init.gain('swish' as 'relu'), /unknown nonlinearity 'swish': use one of linear, sigmoid/]],
  },
  glorotNormal: scaled(init.glorotNormal),
  glorotUniform: scaled(init.glorotUniform),
  heNormal: scaled(init.heNormal),
  heUniform: {
    ...(scaled(init.heUniform) as object),
    wrong: [[() => init.heUniform({ mode: 'fan' as 'fanIn' }), /unknown mode 'fan': use 'fanIn' or 'fanOut'/]],
  },
  lecunNormal: scaled(init.lecunNormal),
  lecunUniform: scaled(init.lecunUniform),
  normal: {
    call: ({ mean = 0, std = 1 }: { mean?: number; std?: number }) => init.normal(mean, std),
    numbers: { mean: 'finite', std: 'notNegative' },
  },
  ones: 'it has no options',
  orthogonal: scaled(init.orthogonal),
  torchUniform: 'it has no options',
  uniform: {
    call: ({ low = 0, high = 1 }: { low?: number; high?: number }) => init.uniform(low, high),
    numbers: { low: 'finite', high: 'finite' },
  },
  values: 'what it gives is counted where a parameter is made',
  zeros: 'it has no options',
}

const twoByOne = (): Tensor => tensor(Int32Array.of(0, 1), { shape: [2, 1] })
const image = (): Tensor => x(1, 2, 4, 4)
const windows = { kernel: 'whole', stride: 'whole', padding: 'count' } as const
const pool = (f: (x: Tensor, options: functional.PoolOptions) => unknown): Entry => ({
  call: (o: Options) => f(image(), { kernel: 2, ...o }),
  numbers: windows,
  wrong: [
    [() => f(x(2, 4, 4), { kernel: 2 }), /\[2, 4, 4\]: expected 4 axes/],
    [() => f(image(), { kernel: 5 }), /does not fit/],
    [() => f(image(), { kernel: 2, padding: 2 }), /more than half the kernel/],
  ],
})
const normalized = (f: (epsilon?: number) => unknown, ...wrong: Refusal[]): Entry => ({
  call: ({ epsilon }: { epsilon?: number }) => f(epsilon),
  numbers: { epsilon: 'notNegative' },
  wrong,
})
const attends = (f: (q: Tensor, k: Tensor, options: never) => unknown): Entry => ({
  call: (o: never) => f(x(2, 4), x(3, 4), o),
  numbers: { scale: 'finite' },
  wrong: [[() => f(x(2, 4), x(3, 5), {} as never), /queries \[2, 4\] and keys \[3, 5\]/]],
})
const cell = { input: x(4, 3), hidden: x(4, 1) }
const convolutionNumbers = { stride: 'whole', padding: 'count', dilation: 'whole', groups: 'whole' } as const
const pieces: { readonly [name: string]: Entry } = {
  adaptiveAveragePool: {
    call: ({ output = 2 }: { output?: number }) => functional.adaptiveAveragePool(image(), output),
    numbers: { output: 'whole' },
    wrong: [[() => functional.adaptiveAveragePool(x(2, 4), 2), /\[2, 4\]: expected 4 axes/]],
  },
  adaptiveMaxPool: {
    call: ({ output = 2 }: { output?: number }) => functional.adaptiveMaxPool(image(), output),
    numbers: { output: 'whole' },
    wrong: [[() => functional.adaptiveMaxPool(x(2, 4), 2), /\[2, 4\]: expected 4 axes/]],
  },
  affine: { wrong: [[() => functional.affine(x(2, 3), x(2)), /\[2, 3\].*\[2\]/]] },
  attentionWeights: attends(functional.attentionWeights),
  averagePool: pool(functional.averagePool),
  batchNorm: normalized(
    (epsilon) => functional.batchNorm(x(2, 3), x(3), x(3), x(3), x(3), epsilon),
    [
      () => functional.batchNorm(x(2, 3), x(2), x(3)),
      /input \[2, 3\] with a vector \[2\]: expected \[n, c, \.\.\.\] and \[c\]/,
    ],
    [() => functional.batchNorm(x(3), x(3), x(3)), /input \[3\]/],
  ),
  batchNormTraining: normalized(
    (epsilon) => functional.batchNormTraining(x(2, 3), x(3), x(3), epsilon),
    [() => functional.batchNormTraining(x(3)), /input \[3\]: expected \[n, c, \.\.\.\]/],
  ),
  cellStep: { wrong: [[() => functional.cellStep('lstm', x(2, 2), [x(2, 1), x(2, 1)], cell), /\[2, 2\].*\[4, 3\]/]] },
  categorical: {
    wrong: [
      [() => functional.categorical(x()), /logits are a scalar/],
      [() => functional.categorical(x(2, 3)).logProbability(labels(0, 3)), /a category is 3.*use 0 to 2/],
      [() => functional.categorical(x(2, 3)).logProbability(x(2)), /categories are float32: they must be int32/],
      [
        () => functional.categorical(x(2, 3)).logProbability(labels(0)),
        /categories \[1\] for logits \[2, 3\]: expected \[2\]/,
      ],
    ],
  },
  convolution: {
    call: (o: never) => functional.convolution(image(), x(2, 2, 3, 3), x(2), { ...(o as object) }),
    numbers: convolutionNumbers,
    wrong: [
      [() => functional.convolution(x(2, 4, 4), x(2, 2, 3, 3)), /\[2, 4, 4\].*expected 4 axes/],
      [() => functional.convolution(x(1, 3, 4, 4), x(2, 2, 3, 3)), /expected 2 channels, found 3/],
      [() => functional.convolution(image(), x(3, 1, 3, 3), undefined, { groups: 2 }), /don't divide into 2 groups/],
      [() => functional.convolution(image(), x(2, 2, 5, 5)), /\[1, 2, 4, 4\]/],
      [
        () => functional.convolution(image(), x(2, 2, 3, 3), undefined, { padding: 'same', stride: 2 }),
        /'same' needs stride 1/,
      ],
      [
        () => functional.convolution(image(), x(2, 2, 3, 3), undefined, { stride: [1] }),
        /stride \[1\] has 1 numbers for 2/,
      ],
    ],
  },
  convolutionPerExample: {
    call: (o: never) => functional.convolutionPerExample(x(2, 2, 5), x(2, 2, 2, 3), x(2, 2), { ...(o as object) }),
    numbers: { stride: 'whole', padding: 'count', dilation: 'whole', groups: 'whole' },
    wrong: [
      [
        () => functional.convolutionPerExample(x(2, 2, 5), x(3, 2, 2, 3)),
        /\[2, 2, 5\] for weight \[3, 2, 2, 3\]: expected/,
      ],
      [() => functional.convolutionPerExample(x(2, 3, 5), x(2, 2, 2, 3)), /expected 2 channels, found 3/],
    ],
  },
  dispatch: {
    call: ({ capacity = 2 }: { capacity?: number }) => functional.dispatch(twoByOne(), 2, { capacity }),
    numbers: { capacity: 'whole' },
    wrong: [
      [() => functional.dispatch(twoByOne(), 2, { size: 0 }), /size is 0, it must be/],
      [() => functional.dispatch(x(2), 2, { size: 1 }), /float32 \[2\].*int32 \[n, k\]/],
    ],
  },
  dropout: {
    call: ({ probability = 0.5 }: { probability?: number }) => functional.dropout(x(2), probability),
    numbers: { probability: 'probability' },
  },
  embedding: {
    wrong: [
      [() => functional.embedding(x(2), x(3, 2)), /float32: they must be int32/],
      [() => functional.embedding(labels(3), x(3, 2)), /index 3 in \[1\] for a table of 3 rows: use 0 to 2/],
    ],
  },
  embeddingBag: {
    wrong: [
      [
        () => functional.embeddingBag(labels(0, 1), x(3, 2)),
        /indices \[2\] with no offsets: expected \[bags, length\]/,
      ],
      [() => functional.embeddingBag(labels(0, 1), x(3, 2), { offsets: x(1) }), /offsets float32 \[1\]/],
      [() => functional.embeddingBag(twoByOne(), x(3, 2), { mode: 'sum', factors: x(2) }), /factors \[2\]/],
      [() => functional.embeddingBag(twoByOne(), x(3, 2), { mode: 'min' as 'max' }), /unknown mode 'min'/],
    ],
  },
  flatten: { wrong: [[() => functional.flatten(x(2), 1), /\[2\]|axis 1/]] },
  fold: {
    call: ({ kernel = 2 }: { kernel?: number }) => functional.fold(x(1, 8, 4), [4, 4], { kernel, stride: 2 }),
    numbers: { kernel: 'whole' },
    wrong: [
      [() => functional.fold(x(1, 7, 4), [4, 4], { kernel: 2 }), /\[1, 7, 4\]: expected \[n, c · 4, positions\]/],
    ],
  },
  globalAveragePool: { wrong: [[() => functional.globalAveragePool(x(2, 3)), /\[2, 3\]: expected/]] },
  globalMaxPool: { wrong: [[() => functional.globalMaxPool(x(2, 3)), /\[2, 3\]: expected/]] },
  gridSample: {
    wrong: [
      [() => functional.gridSample(image(), x(1, 2, 2, 3)), /\[1, 2, 4, 4\] and grid \[1, 2, 2, 3\]/],
      [() => functional.gridSample(image(), x(1, 2, 2, 2), { mode: 'cubic' as never }), /unknown mode 'cubic'/],
      [() => functional.gridSample(image(), x(1, 2, 2, 2), { padding: 'mirror' as never }), /unknown padding 'mirror'/],
    ],
  },
  groupNorm: normalized(
    (epsilon) => functional.groupNorm(x(2, 4), 2, x(4), x(4), epsilon),
    [() => functional.groupNorm(x(2, 4), 3), /\[2, 4\].*don't divide into 3 groups/],
    [() => functional.groupNorm(x(2, 4), nan), /NaN groups/],
    [() => functional.groupNorm(x(2, 4), 2, x(2)), /with a vector \[2\]/],
  ),
  gumbelSoftmax: {
    call: (o: never) => functional.gumbelSoftmax(x(2, 3), o),
    numbers: { temperature: 'positive' },
    wrong: [[() => functional.gumbelSoftmax(x()), /a scalar, expected/]],
  },
  instanceNorm: normalized(
    (epsilon) => functional.instanceNorm(x(2, 3, 4), x(3), x(3), epsilon),
    [() => functional.instanceNorm(x(2, 3)), /\[2, 3\]: expected/],
  ),
  interpolate: {
    call: ({ extents = 3 }: { extents?: number }) => functional.interpolate(image(), extents),
    numbers: { extents: 'whole' },
    wrong: [
      [() => functional.interpolate(x(2, 3), 3), /\[2, 3\]: expected/],
      [() => functional.interpolate(image(), 3, { mode: 'cubic' as 'linear' }), /unknown mode 'cubic'/],
    ],
  },
  joinHeads: { wrong: [[() => functional.joinHeads(x(2, 3)), /\[2, 3\]: expected/]] },
  layerNorm: normalized(
    (epsilon) => functional.layerNorm(x(2, 3), [3], x(3), x(3), epsilon),
    [() => functional.layerNorm(x(2, 3), [2]), /\[2, 3\]: expected its last axes to be \[2\]/],
    [() => functional.layerNorm(x(3), [2, 3]), /\[3\]: expected its last axes to be \[2, 3\]/],
  ),
  linear: { wrong: [[() => functional.linear(x(2, 3), x(2, 4)), /\[2, 3\].*\[2, 4\]/]] },
  localResponseNorm: {
    call: (o: never) => functional.localResponseNorm(x(2, 3), o),
    numbers: { size: 'whole', alpha: 'finite', beta: 'finite', k: 'finite' },
    wrong: [[() => functional.localResponseNorm(x(3)), /\[3\]: expected/]],
  },
  maxPool: pool(functional.maxPool),
  maxPoolWithIndices: pool(functional.maxPoolWithIndices),
  maxUnpool: { wrong: [[() => functional.maxUnpool(x(1, 1, 2), labels(1), [4]), /\[1, 1, 2\] at indices \[1\]/]] },
  normalize: {
    call: (o: never) => functional.normalize(x(2, 3), o),
    numbers: { epsilon: 'notNegative' },
    wrong: [[() => functional.normalize(x(2, 3), { p: 0 }), /order/]],
  },
  perAxis: { wrong: [[() => functional.perAxis([1, 2], 3), /\[1, 2\] has 2 numbers for 3 spatial axes/]] },
  pixelShuffle: { wrong: [[() => functional.pixelShuffle(image(), 2), /\[1, 2, 4, 4\]: expected \[n, c · 4/]] },
  pixelUnshuffle: { wrong: [[() => functional.pixelUnshuffle(image(), 3), /\[1, 2, 4, 4\]: expected/]] },
  poolWindows: 'maxPool and averagePool are it',
  powerPool: {
    ...(pool((v, o) => functional.powerPool(v, 2, o)) as object),
    wrong: [[() => functional.powerPool(image(), 0, { kernel: 2 }), /order p is 0/]],
  },
  recurrent: {
    call: (o: never) => functional.recurrent('lstm', x(2, 1, 3), [x(1, 1), x(1, 1)], cell, o),
    numbers: { truncation: 'whole' },
    wrong: [
      [() => functional.recurrent('lstm', x(2, 3), [x(1, 1), x(1, 1)], cell), /\[2, 3\]: expected \[time, n, inputs\]/],
      [
        () => functional.recurrent('lstm', x(2, 1, 3), [x(1, 1), x(1, 1)], cell, { lengths: x(1) }),
        /lengths are float32 \[1\], they must be int32 \[1\]/,
      ],
    ],
  },
  rmsNorm: normalized(
    (epsilon) => functional.rmsNorm(x(2, 3), [3], x(3), epsilon),
    [() => functional.rmsNorm(x(2, 3), [2]), /\[2, 3\]: expected/],
  ),
  rotary: {
    call: (o: never) => functional.rotary(x(2, 4), o),
    numbers: { base: 'positive', offset: 'finite' },
    wrong: [[() => functional.rotary(x(2, 3)), /\[2, 3\]: expected \[\.\.\., time, d\] with an even d/]],
  },
  scaledDotProductAttention: {
    call: (o: never) => functional.scaledDotProductAttention(x(2, 4), x(3, 4), x(3, 5), o),
    numbers: { scale: 'finite', dropout: 'probability' },
    wrong: [
      [() => functional.scaledDotProductAttention(x(2, 4), x(3, 5), x(3, 5)), /queries \[2, 4\] and keys \[3, 5\]/],
      [() => functional.scaledDotProductAttention(x(2, 4), x(3, 4), x(2, 4)), /keys \[3, 4\] and values \[2, 4\]/],
    ],
  },
  scoreFunction: { wrong: [[() => functional.scoreFunction(x(2), x(3)), /\[2\].*\[3\]/]] },
  splitHeads: { wrong: [[() => functional.splitHeads(x(2, 5), 2), /\[2, 5\]: expected/]] },
  splitProjections: { wrong: [[() => functional.splitProjections(x(2, 8), 2), /\[2, 8\]: expected/]] },
  straightThrough: { wrong: [[() => functional.straightThrough(x(2), x(3)), /\[2\] and \[3\] differ/]] },
  transposedConvolution: {
    call: (o: never) => functional.transposedConvolution(image(), x(2, 2, 3, 3), x(2), { ...(o as object) }),
    numbers: { ...convolutionNumbers, outputPadding: 'count' },
    wrong: [
      [() => functional.transposedConvolution(x(2, 4, 4), x(2, 2, 3, 3)), /\[2, 4, 4\].*expected 4 axes/],
      [() => functional.transposedConvolution(x(1, 3, 4, 4), x(2, 2, 3, 3)), /expected 2 channels/],
      [() => functional.transposedConvolution(image(), x(2, 2, 1, 1), undefined, { padding: 2 }), /leaves nothing/],
    ],
  },
  unfold: {
    call: (o: Options) => functional.unfold(image(), { kernel: 2, ...o }),
    numbers: { ...windows, dilation: 'whole' },
    wrong: [
      [() => functional.unfold(x(2, 3), { kernel: 2 }), /\[2, 3\]: expected/],
      [() => functional.unfold(image(), { kernel: 5 }), /does not fit/],
    ],
  },
  weightNorm: { wrong: [[() => functional.weightNorm(x(2, 3), x(3, 1)), /\[2, 1\]|\[2, 3\]/]] },
  zeroState: 'it reads shapes of weights alone',
}

const matrices = (f: (a: Tensor) => unknown): Entry => ({
  wrong: [[() => f(x(3)), /\[3\] is no matrix: it needs two axes/]],
})
const square = (f: (a: Tensor) => unknown, ...more: Refusal[]): Entry => ({
  wrong: [
    [() => f(x(3)), /\[3\] is no matrix: it needs two axes/],
    [() => f(x(2, 3)), /\[2, 3\]: it must be square/],
    ...more,
  ],
})
const algebra: { readonly [name: string]: Entry } = {
  cholesky: square(linalg.cholesky),
  choleskySolve: { wrong: [[() => linalg.choleskySolve(x(2, 2), x(3, 1)), /\[2, 2\].*\[3, 1\]/]] },
  conditionNumber: matrices(linalg.conditionNumber),
  det: square(linalg.det),
  eigh: square(linalg.eigh),
  eigvalsh: square(linalg.eigvalsh),
  inverse: square(linalg.inverse),
  matrixPower: square((a) => linalg.matrixPower(a, 2), [() => linalg.matrixPower(x(2, 2), 0.5), /power is 0.5/]),
  leastSquares: {
    wrong: [[() => linalg.leastSquares(x(2, 3), x(2, 1)), /\[2, 3\] has fewer rows than columns: use pinv/]],
  },
  matrixNorm: {
    wrong: [
      [() => linalg.matrixNorm(x(3)), /\[3\]/],
      [() => linalg.matrixNorm(x(2, 2), 'spectral' as 'nuclear'), /unknown kind 'spectral'/],
    ],
  },
  matrixRank: matrices(linalg.matrixRank),
  pinv: matrices(linalg.pinv),
  qr: matrices(linalg.qr),
  slogdet: square(linalg.slogdet),
  solve: {
    wrong: [
      [() => linalg.solve(x(2, 3), x(2, 1)), /\[2, 3\]: it must be square/],
      [() => linalg.solve(x(2, 2), x(3, 1)), /\[2, 2\] for right sides \[3, 1\]/],
    ],
  },
  svd: matrices(linalg.svd),
  svdvals: matrices(linalg.svdvals),
  triangularSolve: { wrong: [[() => linalg.triangularSolve(x(2, 2), x(3, 1)), /\[2, 2\] for right sides \[3, 1\]/]] },
}

const transforms: { readonly [name: string]: Entry } = {
  fft: { wrong: [[() => signal.fft(x(4)), /\[\.\.\., n, 2\].*\[4\]/]] },
  ifft: { wrong: [[() => signal.ifft(x(4)), /\[\.\.\., n, 2\].*\[4\]/]] },
  irfft: { wrong: [[() => signal.irfft(x(3, 2), 7), /\[3, 2\] does not hold the 4 frequencies of 7/]] },
  delta: {
    call: ({ width = 2 }: { width?: number }) => signal.delta(x(5), width),
    numbers: { width: 'whole' },
    wrong: [
      [() => signal.delta(x(2), 1, 1), /axis 1/],
      [() => signal.delta(x(2, 0)), /\[2, 0\] has nothing along axis 1/],
    ],
  },
  logMel: {
    call: (o: never) => signal.logMel(x(64), 8000, 16, { bands: 2, ...(o as object) }),
    numbers: { epsilon: 'positive', bands: 'whole', hop: 'whole', low: 'notNegative' },
  },
  mel: 'it takes any number',
  melFilters: {
    call: ({ rate = 8000, frame = 16, ...o }: { rate?: number; frame?: number }) => signal.melFilters(rate, frame, o),
    numbers: { rate: 'positive', frame: 'whole', bands: 'whole', low: 'notNegative', high: 'notNegative' },
    wrong: [[() => signal.melFilters(8000, 16, { high: 5000 }), /high at most half the rate, 4000/]],
  },
  power: 'it takes any tensor',
  rfft: { wrong: [[() => signal.rfft(x()), /a scalar has no axis/]] },
  stft: {
    call: ({ frame = 4, ...o }: { frame?: number }) => signal.stft(x(16), frame, o),
    numbers: { frame: 'whole', hop: 'whole' },
    wrong: [
      [() => signal.stft(x(3), 8, { center: false }), /3 samples of \[3\] do not fill a frame of 8/],
      [() => signal.stft(x(16), 4, { window: x(3) }), /window \[3\] for frames of 4/],
    ],
  },
  window: {
    call: ({ length = 4 }: { length?: number }) => signal.window('hann', length),
    numbers: { length: 'whole' },
    wrong: [[() => signal.window('kaiser' as 'hann', 4), /unknown window 'kaiser': use one of hann, hamming/]],
  },
}

/** A function of two tensors that broadcast. */
const differ = (f: (a: Tensor, b: Tensor) => unknown): Entry => ({
  wrong: [[() => f(x(2), x(3)), /\[2\].*\[3\]|\[3\].*\[2\]/]],
})
/** Functions of tensors. */
const others: { readonly [name: string]: Entry } = {
  arange: one('stop', (stop) => tensors.arange(0, stop), 'finite'),
  linspace: one('count', (count) => tensors.linspace(0, 1, count), 'count'),
  leakyRelu: one('slope', (slope) => tensors.leakyRelu(x(2), slope), 'finite'),
  elu: one('alpha', (alpha) => tensors.elu(x(2), alpha), 'finite'),
  celu: one('alpha', (alpha) => tensors.celu(x(2), alpha), 'positive'),
  softplus: one('beta', (beta) => tensors.softplus(x(2), beta), 'positive'),
  hardShrink: one('threshold', (threshold) => tensors.hardShrink(x(2), threshold), 'notNegative'),
  softShrink: one('threshold', (threshold) => tensors.softShrink(x(2), threshold), 'notNegative'),
  threshold: one('value', (value) => tensors.threshold(x(2), 0, value), 'finite'),
  hardTanh: { wrong: [[() => tensors.hardTanh(x(2), 1, nan), /low is 1 and high NaN/]] },
  gelu: { wrong: [[() => tensors.gelu(x(2), 'erf' as 'tanh'), /unknown form 'erf'/]] },
  prelu: { wrong: [[() => tensors.prelu(x(2, 3) as Tensor, x(2)), /slopes \[2\] for \[2, 3\]/]] },
  glu: { wrong: [[() => tensors.glu(x(3)), /\[3\] cannot be halved/]] },
  norm: one('order', (p) => tensors.norm(x(2), p), 'order'),
  topK: { wrong: [[() => tensors.topK(x(3), 4), /4.*\[3\]|k is 4/]] },
  sort: { wrong: [[() => tensors.sort(x(3), { axis: 1 }), /axis 1/]] },
  quantile: {
    wrong: [
      [() => tensors.quantile(x(3), 1.5), /q is 1.5, it must lie in \[0, 1\]/],
      [() => tensors.quantile(x(2, 0), 0.5, { axis: 1 }), /axis 1 of \[2, 0\] has no elements/],
    ],
  },
  roll: one('shift', (shift) => tensors.roll(x(3), shift), 'integer'),
  tile: { wrong: [[() => tensors.tile(x(3), [nan]), /NaN copies/]] },
  padWith: {
    wrong: [
      [() => tensors.padWith(x(3), [[3, 0]], 'reflect'), /takes 0 to 2 elements/],
      [() => tensors.padWith(x(3), [[1, 0]], 'edge' as 'reflect'), /unknown mode 'edge': use one of reflect/],
    ],
  },
  polygamma: one('order', (n) => tensors.polygamma(n, x(2)), 'count'),
  split: one('size', (size) => tensors.split(x(3), size), 'whole'),
  sparsemax: { wrong: [[() => tensors.sparsemax(x(3), 1), /axis 1/]] },
  entmax15: { wrong: [[() => tensors.entmax15(x(3), 1), /axis 1/]] },
  cumsum: { wrong: [[() => tensors.cumsum(x(3), 1), /axis 1/]] },
  allClose: differ((a, b) => tensors.allClose(a, b)),
  argsort: { wrong: [[() => tensors.argsort(x(3), { axis: 1 }), /argsort: axis 1/]] },
  bincount: {
    ...(one('length', (length) => tensors.bincount(labels(0), length), 'count') as object),
    wrong: [
      [() => tensors.bincount(x(3), 2), /float32/],
      [() => tensors.bincount(labels(0, 1), 2, x(3)), /\[3\].*\[2\]|\[2\].*\[3\]/],
    ],
  },
  checkGradient: 'a promise: test/tensor',
  checkpoint: { wrong: [[() => tensors.checkpoint((async (v: Tensor) => v) as never)(x(2) as never), /async/]] },
  compile: { wrong: [[() => tensors.compile((async (v: Tensor) => v) as never)(x(2) as never), /is async/]] },
  concat: {
    wrong: [
      [() => tensors.concat([] as Tensor[]), /at least one tensor/],
      [() => tensors.concat([x(2, 3), x(2, 4)]), /\[2, 3\] and \[2, 4\] differ outside axis 0/],
      [() => tensors.concat([x(2), x(2)], 1), /axis 1/],
    ],
  },
  cond: {
    wrong: [
      [
        () =>
          tensors.cond(
            true as never,
            () => x(2),
            () => x(2),
          ),
        /predicate is boolean, it must be a tensor: use an if/,
      ],
      [
        () =>
          tensors.cond(
            x(2).any(),
            () => x(2),
            () => x(3),
          ),
        /branches give.*\[2\].*\[3\]/,
      ],
      [
        () =>
          tensors.cond(
            x(2),
            () => x(2),
            () => x(2),
          ),
        /must be one bool: compare, and reduce/,
      ],
    ],
  },
  configure: {
    wrong: [
      [() => tensors.configure({ threads: 0 }), /threads is 0/],
      [() => tensors.configure({ backend: 'webgl' as 'wasm' }), /unknown backend 'webgl': use 'wasm', 'x86' or/],
    ],
  },
  corrcoef: { wrong: [[() => tensors.corrcoef(x(2, 2, 2)), /not \[2, 2, 2\]/]] },
  cov: { wrong: [[() => tensors.cov(x(2, 2, 2)), /not \[2, 2, 2\]/]] },
  cross: { wrong: [[() => tensors.cross(x(2), x(2)), /\[2\] and \[2\] must have 3 elements/]] },
  cummax: { wrong: [[() => tensors.cummax(x(3), 1), /axis 1/]] },
  cummin: { wrong: [[() => tensors.cummin(x(3), 1), /axis 1/]] },
  cumprod: { wrong: [[() => tensors.cumprod(x(3), 1), /axis 1/]] },
  customGradient: 'its function of the gradient is checked where it is used: test/tensor',
  diag: { wrong: [[() => tensors.diag(x(2, 2, 2)), /not \[2, 2, 2\]/]] },
  diagonal: { wrong: [[() => tensors.diagonal(x(2)), /axis -2/]] },
  diff: one('times', (times) => tensors.diff(x(3), times), 'count'),
  digamma: 'it takes any tensor',
  einsum: {
    wrong: [
      [() => tensors.einsum('ij,jk->ik', x(2, 3), x(4, 2)), /'j' is 4 in operand 1 \[4, 2\] and 3/],
      [() => tensors.einsum('ij', x(2)), /'ij' does not name the axes of operand 0, \[2\]/],
    ],
  },
  engineInfo: 'it has no options',
  erfinv: 'it takes any tensor',
  eye: one('rows', (rows) => tensors.eye(rows), 'count'),
  full: {
    wrong: [
      [() => tensors.full([2], 'a' as never), /value is a, it must be a number/],
      [() => tensors.full([2], 1, 'float16' as 'float32'), /unknown dtype 'float16': use one of bool/],
    ],
  },
  grad: {
    wrong: [
      [() => tensors.grad(x(2), x(2)), /shape \[2\], it must be a scalar: use sum/],
      [() => tensors.grad(labels(1).sum(), x(2)), /int32, it must be float32 or float64/],
    ],
  },
  hessian: { wrong: [[() => tensors.hessian((v: Tensor) => v)(x(2)), /\[2\].*scalar/]] },
  histogram: {
    call: (o: Options) => tensors.histogram(x(3), { low: 0, high: 2, ...o }),
    numbers: { low: 'finite', high: 'finite', bins: 'whole' },
    wrong: [[() => tensors.histogram(x(3), { low: 2, high: 1 }), /2.*1/]],
  },
  hvp: { wrong: [[() => tensors.hvp((v: Tensor) => v.sum(), [x(2)], [x(3)]), /\[3\].*\[2\]|\[2\].*\[3\]/]] },
  hypot: differ((a, b) => tensors.hypot(a, b)),
  interp: { wrong: [[() => tensors.interp(x(3), x(2), x(3)), /points are \[2\] and \[3\]/]] },
  iota: { wrong: [[() => tensors.iota([3], 1), /axis 1/]] },
  isClose: differ((a, b) => tensors.isClose(a, b)),
  jacobian: { wrong: [[() => tensors.jacobian((v: Tensor) => v)(labels(1)), /int32/]] },
  jvp: {
    wrong: [
      [() => tensors.jvp((v: Tensor) => v, [x(2)], [x(3)]), /\[3\].*\[2\]|\[2\].*\[3\]/],
      [() => (tensors.jvp as (f: unknown) => unknown)((v: Tensor) => v), /come two lists.*jvp\(f, \[x\], \[v\]\)/],
    ],
  },
  kron: { wrong: [[() => tensors.kron(x(2), x(2, 2)), /not \[2\] and \[2, 2\]/]] },
  lerp: differ((a, b) => tensors.lerp(a, b, 0.5)),
  lgamma: 'it takes any tensor',
  linearRecurrence: {
    wrong: [[() => tensors.linearRecurrence(x(3), x(4)), /factors \[3\] and terms \[4\] differ: they must be equal/]],
  },
  logAddExp: differ((a, b) => tensors.logAddExp(a, b)),
  logcumsumexp: { wrong: [[() => tensors.logcumsumexp(x(3), 1), /axis 1/]] },
  maskedSelect: 'a promise: test/tensor',
  median: { wrong: [[() => tensors.median(x(0)), /\[0\] has no elements/]] },
  memoryReport: 'it has no options',
  meshgrid: { wrong: [[() => tensors.meshgrid(x(2, 2)), /an axis is \[2, 2\]: each must be a vector/]] },
  moveAxis: { wrong: [[() => tensors.moveAxis(x(2, 2), 0, 2), /axis 2/]] },
  nanMean: { wrong: [[() => tensors.nanMean(x(2), 1), /axis 1/]] },
  nanSum: { wrong: [[() => tensors.nanSum(x(2), 1), /axis 1/]] },
  nanToNum: { wrong: [[() => tensors.nanToNum(x(2), { nan: 'a' as never }), /operand is a, it must be/]] },
  noGrad: 'it runs any function',
  nonzero: 'it takes any tensor',
  oneHot: {
    ...(one('classes', (classes) => tensors.oneHot(labels(0), classes), 'count') as object),
    wrong: [[() => tensors.oneHot(x(2), 3), /indices are float32: cast them to int32/]],
  },
  ones: { wrong: [[() => tensors.ones([-1]), /shape \[-1\]: extents/]] },
  onesLike: 'it takes any tensor',
  outer: 'it takes any tensors',
  repeat: one('times', (times) => tensors.repeat(x(3), times), 'count'),
  rot90: {
    ...(one('times', (n) => tensors.rot90(x(2, 2), n), 'integer') as object),
    wrong: [[() => tensors.rot90(x(2)), /axis 1/]],
  },
  scan: {
    ...(one(
      'length',
      (length) => tensors.scan((c: Tensor) => [c, c] as const, x(2), undefined, { length }),
      'count',
    ) as object),
    wrong: [
      [
        () => tensors.scan((c: Tensor) => [c.sum(), undefined] as const, x(2), x(3)),
        /carry is.*\[2\].*shapes and dtypes must stay/,
      ],
      [() => tensors.scan((c: Tensor) => c as never, x(2), x(3)), /must return \[carry, result\]/],
    ],
  },
  scatter: {
    wrong: [
      [() => tensors.scatter(x(3), x(3), x(3)), /indices are float32: they must be int32/],
      [() => tensors.scatter(x(3), labels(0), x(2)), /indices \[1\] and source \[2\] for \[3\] along axis 0/],
      [() => tensors.scatter(x(3), labels(0), x(1), { reduce: 'sum' as 'add' }), /unknown reduce 'sum': use 'set'/],
      [() => tensors.scatter(x(3), labels(0), x(1), { axis: 1 }), /axis 1/],
    ],
  },
  searchSorted: { wrong: [[() => tensors.searchSorted(x(2, 3), x(3)), /\[2, 3\]: they must be a vector/]] },
  softmin: { wrong: [[() => tensors.softmin(x(2), 1), /axis 1/]] },
  stabilizations: 'it takes any tensor',
  stack: {
    wrong: [
      [() => tensors.stack([x(2), x(3)]), /\[2\] and \[3\] differ/],
      [() => tensors.stack([] as Tensor[]), /at least one/],
    ],
  },
  tensor: {
    wrong: [
      [() => tensor('abc' as never), /element 0 is 'abc', it must be a number/],
      [() => tensor(undefined as never), /element 0 is undefined/],
      [() => tensor([[1, 2], [3]]), /row \[1\] has 1 elements, others have 2/],
      [() => tensor([1, 2, 3], { shape: [2, 2] as readonly number[] }), /3 elements don't fit the shape \[2, 2\]/],
      [() => tensor([1], { dtype: 'int64' as 'int32' }), /unknown dtype 'int64': use one of/],
    ],
  },
  tensordot: {
    wrong: [[() => tensors.tensordot(x(2, 3), x(2, 3), 1), /axes \[1\] of \[2, 3\] and \[0\] of \[2, 3\]/]],
  },
  trace: { wrong: [[() => tensors.trace(x(2)), /axis -2/]] },
  trapezoid: one('spacing', (spacing) => tensors.trapezoid(x(3), spacing), 'finite'),
  tril: { wrong: [[() => tensors.tril(x(2)), /not \[2\]/]] },
  triu: { wrong: [[() => tensors.triu(x(2)), /not \[2\]/]] },
  unique: 'it takes any tensor',
  unstack: { wrong: [[() => tensors.unstack(x()), /axis 0/]] },
  valueAndGrad: { wrong: [[() => tensors.valueAndGrad((v: Tensor) => v)(x(2)), /\[2\].*scalar/]] },
  variable: { wrong: [[() => variable(1 as never), /value is 1, it must be a tensor/]] },
  vjp: {
    wrong: [
      [() => tensors.vjp([x(2)], [x(3)], [x(2)]), /\[3\].*\[2\]|\[2\].*\[3\]/],
      [() => tensors.vjp(x(2) as never, x(2) as never, x(2) as never), /it takes three lists/],
    ],
  },
  vmap: {
    wrong: [
      [
        () => tensors.vmap((a: Tensor, b: Tensor) => a.add(b))(x(2), x(3)),
        /\[2\] along axis 0 has 2.*\[3\] along axis 0 has 3/,
      ],
      [() => tensors.vmap((a: Tensor) => a)(x()), /axis 0/],
    ],
  },
  whileLoop: {
    wrong: [
      [
        () =>
          tensors.whileLoop(
            (v: Tensor) => v.less(1),
            (v: Tensor) => v,
            x(),
            { maximum: 1.5 },
          ),
        /maximum is 1.5/,
      ],
      [
        () =>
          tensors.whileLoop(
            (v: Tensor) => v.less(1),
            (v: Tensor) => v.cast('int32'),
            x(),
          ),
        /dtypes must stay/,
      ],
      [
        () =>
          tensors.whileLoop(
            () => true as never,
            (v: Tensor) => v,
            x(),
          ),
        /must return a tensor/,
      ],
    ],
  },
  withBroadcasting: {
    wrong: [[() => tensors.withBroadcasting('strct' as 'strict', () => 1), /unknown broadcasting 'strct'/]],
  },
  withTraining: 'it runs any function',
  write: {
    wrong: [
      [() => tensors.write(x(2), [1, 2]), /only tensors made from data/],
      [() => tensors.write(labels(1, 2), [1]), /1 elements for a tensor of shape \[2\]/],
    ],
  },
  xlogy: differ((a, b) => tensors.xlogy(a, b)),
  zeros: { wrong: [[() => tensors.zeros(3 as never), /shape 3: it must be a list of extents, as \[3\]/]] },
  zerosLike: 'it takes any tensor',
  hardSigmoid: 'it takes any tensor',
  hardSwish: 'it takes any tensor',
  logSigmoid: 'it takes any tensor',
  mish: 'it takes any tensor',
  relu6: 'it takes any tensor',
  selu: 'it takes any tensor',
  silu: 'it takes any tensor',
  sinc: 'it takes any tensor',
  softSign: 'it takes any tensor',
  tanhShrink: 'it takes any tensor',
}

const images = (): Tensor => x(2, 1, 4, 4)
const changes = (augmentation: augment.Augmentation, inputs: Tensor): unknown =>
  augmentation.apply({ inputs, targets: labels(0, 1) }, {
    key: tensors.random.key(1),
    runKey: tensors.random.key(1),
    epoch: tensor(0, { dtype: 'int32' }),
    rows: labels(0, 1),
  } as augment.Draw)
const augmentations: { readonly [name: string]: Entry } = {
  affine: {
    call: (o: never) => augment.affine(o),
    numbers: { rotate: 'notNegative', shear: 'notNegative', shift: 'notNegative' },
    wrong: [[() => augment.affine({ scale: [2, 1] }), /scale is \[2, 1\], it must be the least and the largest/]],
  },
  affineMaps: 'affine checks what it is given',
  augmented: 'each augmentation checks its own',
  crop: {
    call: ({ extent = 2, ...o }: { extent?: number }) => augment.crop(extent, o),
    numbers: { extent: 'whole', padding: 'count' },
    wrong: [[() => changes(augment.crop(9), images()), /9.*4/]],
  },
  erase: {
    call: ({ extent = 2, ...o }: { extent?: number }) => augment.erase(extent, o),
    numbers: { extent: 'count', p: 'probability', value: 'finite' },
    wrong: [[() => changes(augment.erase(5), images()), /5×5 of images of 4×4: it must not be larger/]],
  },
  erased: { wrong: [[() => augment.erased(x(3), labels(0), labels(0), [1, 1], 0), /\[3\]: expected images/]] },
  flip: {
    call: (o: never) => augment.flip(o),
    numbers: { p: 'probability', axis: 'integer' },
    wrong: [[() => augment.flip({ p: 0.5, alternating: true }), /p is 0.5 and alternating: give one of them/]],
  },
  flipped: { wrong: [[() => augment.flipped(x(2, 3), x(3)), /\[2, 3\] and flags \[3\]: expected/]] },
  frequencyMask: {
    call: ({ width = 1, ...o }: { width?: number }) => augment.frequencyMask(width, o),
    numbers: { width: 'count', count: 'whole', value: 'finite' },
    wrong: [[() => changes(augment.frequencyMask(1), x(2, 3)), /\[2, 3\]: expected at least 3 axes/]],
  },
  labelNoise: {
    call: ({ p = 0.5, ...o }: { p?: number }) => augment.labelNoise(p, o),
    numbers: { p: 'probability', classes: 'whole' },
    wrong: [[() => changes(augment.labelNoise(0.5), images()), /classes/]],
  },
  mixed: 'mixup draws what it is given',
  mixup: {
    call: ({ alpha = 1, ...o }: { alpha?: number }) => augment.mixup(alpha, o),
    numbers: { alpha: 'positive', classes: 'whole' },
    wrong: [[() => changes(augment.mixup(1), images()), /unknown number of classes: say augment.mixup/]],
  },
  moved: { wrong: [[() => augment.moved(x(3), labels(0), labels(0)), /\[3\]: expected images/]] },
  noise: one('deviation', (value) => augment.noise(value), 'notNegative'),
  shift: {
    call: ({ pixels = 1, ...o }: { pixels?: number }) => augment.shift(pixels, o),
    numbers: { pixels: 'count', outside: 'finite' },
  },
  timeMask: {
    call: ({ width = 1, ...o }: { width?: number }) => augment.timeMask(width, o),
    numbers: { width: 'count', count: 'whole', value: 'finite' },
    wrong: [[() => changes(augment.timeMask(1), x(2)), /\[2\]: expected at least 2 axes/]],
  },
  warped: { wrong: [[() => augment.warped(images(), x(2, 3)), /\[2, 1, 4, 4\] and maps \[2, 3\]: expected/]] },
}

const sized = (f: (shape: readonly number[]) => unknown): Entry => ({
  wrong: [[() => f([-2]), /shape \[-2\]: extents must be integers/]],
})
const draws: { readonly [name: string]: Entry } = {
  bernoulli: one('the probability', (p) => tensors.random.bernoulli([2], p), 'probability', 0.5),
  beta: one('a parameter', (a) => tensors.random.beta([2], a, 1), 'positive'),
  categorical: {
    wrong: [
      [() => tensors.random.categorical(x()), /logits are a scalar/],
      [() => tensors.random.categorical(x(2, 0)), /\[2, 0\] have no categories/],
    ],
  },
  exponential: sized((shape) => tensors.random.exponential(shape)),
  fold: one('number', (n) => tensors.random.fold(tensors.random.key(1), n), 'integer'),
  gamma: one('a parameter', (a) => tensors.random.gamma([2], a), 'positive'),
  gumbel: sized((shape) => tensors.random.gumbel(shape)),
  integers: {
    wrong: [[() => tensors.random.integers([2], 3, 1), /\[3, 1\) must be a range of int32 with low < high/]],
  },
  key: one('the seed', (seed) => tensors.random.key(seed), 'integer'),
  laplace: sized((shape) => tensors.random.laplace(shape)),
  nextKey: 'it has no options',
  normal: one('std', (std) => tensors.random.normal([2], { std }), 'notNegative'),
  permutation: { wrong: [[() => tensors.random.permutation(-1), /of -1: it must be a whole number of at least 0/]] },
  poisson: one('rate', (rate) => tensors.random.poisson([2], rate), 'notNegative'),
  randomBits: sized((shape) => tensors.random.randomBits(shape)),
  split: one('count', (n) => tensors.random.split(tensors.random.key(1), n), 'whole'),
  truncatedNormal: {
    ...(one('std', (std) => tensors.random.truncatedNormal([2], { std }), 'notNegative') as object),
    wrong: [[() => tensors.random.truncatedNormal([2], { low: 3, high: 1 }), /low is 3 and high 1/]],
  },
  uniform: { wrong: [[() => tensors.random.uniform([2], { low: 1, high: nan }), /\[1, NaN\) is no finite interval/]] },
}

const functionsOf = (exported: object): object =>
  Object.fromEntries(
    Object.entries(exported).filter(
      ([name, value]) => typeof value === 'function' && /^[a-z]/.test(name) && !(name in train && !(name in tensors)),
    ),
  )

const groups: { readonly [name: string]: readonly [exported: object, table: { readonly [name: string]: Entry }] } = {
  augment: [augment, augmentations],
  loss: [loss, losses],
  optim: [optim, optimizers],
  'nn.init': [init, initializers],
  'nn.functional': [functional, pieces],
  linalg: [linalg, algebra],
  signal: [signal, transforms],
  tensor: [functionsOf(tenon), others],
  random: [tensors.random, draws],
}

/** What it says, or nothing. */
function messageOf(refused: () => unknown): string {
  try {
    refused()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'nothing: it was taken'
}

/** Where the user's code asked for it. */
const placed = / \(at [\w.-]+:\d+\)$/

describe.each(Object.entries(groups))('%s', (_, [exported, table]) => {
  it('has an entry for each function', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(exported).sort())
  })

  it.each(Object.entries(table))('%s', (_, entry) => {
    if (typeof entry === 'string') return
    const { call, numbers = {}, wrong = [] } = entry
    const calls = call as ((options: Options) => unknown) | undefined
    if (calls) expect(messageOf(() => calls({}))).toBe('nothing: it was taken')
    for (const [name, of] of Object.entries(numbers))
      for (const value of outside[of]) {
        const message = messageOf(() => calls?.({ [name]: value }))
        expect(message).toMatch(new RegExp(`${name} is ${String(value).replace('.', '\\.')}, it must `))
        expect(message).toMatch(placed)
      }
    for (const [refused, message] of wrong) {
      expect(messageOf(refused)).toMatch(message)
      expect(messageOf(refused)).toMatch(placed)
    }
    expect(Object.keys(numbers).length + wrong.length).toBeGreaterThan(0)
  })
})
