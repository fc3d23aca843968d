/** One module of every kind, what it takes, and what it must refuse. */

import * as nn from '../../src/nn/index.ts'
import { ones, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import type { NumberClass } from './outside.ts'

export interface ModuleEntry {
  /** In float64 where there are parameters, with options that its configuration shows. */
  readonly make: () => nn.Module
  /** The shape of an input that it takes. */
  readonly takes: readonly number[]
  /** Its first and only input, where it is not normally distributed. */
  readonly input?: () => Tensor
  /** Calls it, where it takes more than one tensor. */
  readonly call?: (module: nn.Module, x: Tensor) => Tensor
  /** Shapes that do not fit, or why any shape does. */
  readonly refuses: readonly (readonly number[])[] | 'takes any shape'
  /** Every number among its options. */
  readonly numbers?: { readonly [option: string]: NumberClass }
  /** What else it must refuse, and the sense of the message. */
  readonly also?: readonly (readonly [refused: () => unknown, message: RegExp])[]
}

const of = { dtype: 'float64' } as const
const drawn = (...shape: number[]): Tensor => random.normal(shape, { key: random.key(17), dtype: 'float64' })
const unknown = (...shape: number[]): Tensor => ones(shape as readonly number[])
type Runs = { run(...inputs: readonly unknown[]): unknown }
const withContext =
  (...shape: number[]) =>
  (module: nn.Module, x: Tensor): Tensor =>
    (module as unknown as Runs).run(x, drawn(...shape)) as Tensor

const layerSizes = { inputs: 'whole', outputs: 'whole' } as const
const windowSizes = { kernel: 'whole', stride: 'whole' } as const
const convolutionNumbers = {
  ...layerSizes,
  ...windowSizes,
  padding: 'count',
  dilation: 'whole',
  groups: 'whole',
} as const
const poolNumbers = { ...windowSizes, padding: 'count' } as const
const cellNumbers = { inputs: 'whole', hidden: 'whole' } as const
const sequenceNumbers = { ...cellNumbers, layers: 'whole', dropout: 'probability' } as const
const headNumbers = { size: 'whole', heads: 'whole', keyHeads: 'whole', dropout: 'probability' } as const
const blockNumbers = { ...headNumbers, feed: 'whole', epsilon: 'positive' } as const

const convolutionOptions = { stride: 2, padding: 1, dilation: 2, groups: 2, ...of } as const
const transposedOptions = { stride: 3, padding: 1, outputPadding: 1, dilation: 2, groups: 2, ...of } as const
const poolOptions = { stride: 3, padding: 1, ceil: true } as const
const recurrentOptions = { layers: 2, bidirectional: true, dropout: 0.25, ...of } as const
const blockOptions = {
  heads: 4,
  keyHeads: 2,
  dropout: 0.25,
  feed: 5,
  epsilon: 1e-3,
  activation: 'gelu',
  ...of,
} as const

const groupsThatDoNotDivide = (make: (i: number, o: number, k: number, options: { groups: number }) => nn.Module) =>
  [
    [() => make(3, 4, 1, { groups: 2 }), /3 inputs and 4 outputs don't divide into 2 groups/],
    [() => make(4, 3, 1, { groups: 2 }), /4 inputs and 3 outputs don't divide into 2 groups/],
  ] as const

const pointwise = (make: () => nn.Module): ModuleEntry => ({ make, takes: [2, 3], refuses: 'takes any shape' })
const pointwiseBy = (make: () => nn.Module, numbers: ModuleEntry['numbers'] = {}): ModuleEntry => ({
  ...pointwise(make),
  numbers,
})
const alongAxis = (make: (axis: number) => nn.Module): ModuleEntry => ({
  make: () => make(1),
  takes: [2, 4],
  refuses: [[4], []],
  numbers: { axis: 'integer' },
})
const dropping = (make: (p: number) => nn.Module, refuses: ModuleEntry['refuses']): ModuleEntry => ({
  make: () => make(0.25),
  takes: [2, 3, 4],
  refuses,
  numbers: { p: 'probability' },
})
const pool1d = (make: (kernel: number, options: typeof poolOptions) => nn.Module): ModuleEntry => ({
  make: () => make(2, poolOptions),
  takes: [1, 2, 7],
  refuses: [
    [2, 7],
    [1, 2, 7, 7],
  ],
  numbers: poolNumbers,
  also: [
    [() => make(9, poolOptions)(unknown(1, 1, 4)), /does not fit/],
    [() => make(2, { ...poolOptions, padding: 2 } as never)(unknown(1, 1, 4)), /more than half the kernel/],
  ],
})
const adaptive = (make: (output: number) => nn.Module, takes: readonly number[]): ModuleEntry => ({
  make: () => make(2),
  takes,
  refuses: [takes.slice(1), [...takes, 2]],
  numbers: { output: 'whole' },
})
const ofChannels = (make: () => nn.Module, numbers: ModuleEntry['numbers'], takes = [2, 4, 3]): ModuleEntry => ({
  make,
  takes,
  refuses: [[takes[1] as number], [2, 5, 3]],
  ...(numbers ? { numbers } : {}),
})
const ofLastAxis = (make: () => nn.Module, size: number, numbers: ModuleEntry['numbers'] = {}): ModuleEntry => ({
  make,
  takes: [2, size],
  refuses: [[], [2, size + 1]],
  numbers,
})
const inTime = (make: () => nn.Module, size: number, numbers: ModuleEntry['numbers']): ModuleEntry => ({
  make,
  takes: [4, 2, size],
  refuses: [[size], [4, 2, size + 1]],
  ...(numbers ? { numbers } : {}),
})

export const moduleTable: { readonly [kind: string]: ModuleEntry } = {
  linear: ofLastAxis(() => nn.linear(3, 2, of), 3, layerSizes),
  conv1d: {
    make: () => nn.conv1d(2, 4, 3, convolutionOptions),
    takes: [2, 2, 7],
    refuses: [
      [2, 7],
      [2, 3, 7],
      [2, 2, 2],
    ],
    numbers: convolutionNumbers,
    also: groupsThatDoNotDivide(nn.conv1d),
  },
  conv2d: {
    make: () => nn.conv2d(2, 4, [3, 1], convolutionOptions),
    takes: [1, 2, 6, 3],
    refuses: [
      [2, 6, 3],
      [1, 3, 6, 3],
      [1, 2, 2, 3],
    ],
    numbers: convolutionNumbers,
    also: groupsThatDoNotDivide(nn.conv2d),
  },
  conv3d: {
    make: () => nn.conv3d(2, 2, [1, 2, 2], convolutionOptions),
    takes: [1, 2, 1, 3, 3],
    refuses: [
      [2, 1, 3, 3],
      [1, 3, 1, 3, 3],
    ],
    numbers: convolutionNumbers,
    also: groupsThatDoNotDivide(nn.conv3d),
  },
  convTranspose1d: {
    make: () => nn.convTranspose1d(2, 4, 3, transposedOptions),
    takes: [1, 2, 3],
    refuses: [
      [2, 3],
      [1, 3, 3],
    ],
    numbers: { ...convolutionNumbers, outputPadding: 'count' },
    also: [
      ...groupsThatDoNotDivide(nn.convTranspose1d),
      [() => nn.convTranspose1d(1, 1, 2, { outputPadding: 1 })(unknown(1, 1, 3)), /must be less than stride/],
      [() => nn.convTranspose1d(1, 1, 1, { padding: 2 })(unknown(1, 1, 3)), /leaves nothing/],
    ],
  },
  convTranspose2d: {
    make: () => nn.convTranspose2d(2, 4, [3, 1], transposedOptions),
    takes: [1, 2, 3, 2],
    refuses: [
      [2, 3, 2],
      [1, 3, 3, 2],
    ],
    numbers: { ...convolutionNumbers, outputPadding: 'count' },
  },
  convTranspose3d: {
    make: () => nn.convTranspose3d(2, 2, [1, 2, 2], transposedOptions),
    takes: [1, 2, 2, 2, 2],
    refuses: [
      [2, 2, 2, 2],
      [1, 3, 2, 2, 2],
    ],
    numbers: { ...convolutionNumbers, outputPadding: 'count' },
  },
  maxPool1d: pool1d(nn.maxPool1d),
  averagePool1d: pool1d(nn.averagePool1d),
  maxPool2d: adaptiveLike(() => nn.maxPool2d(2, poolOptions), [1, 2, 4, 5]),
  averagePool2d: adaptiveLike(() => nn.averagePool2d(2, { ...poolOptions, countPadding: false }), [1, 2, 4, 5]),
  maxPool3d: adaptiveLike(() => nn.maxPool3d(2, poolOptions), [1, 1, 3, 4, 2]),
  averagePool3d: adaptiveLike(() => nn.averagePool3d(2, poolOptions), [1, 1, 3, 4, 2]),
  adaptiveAveragePool1d: adaptive(nn.adaptiveAveragePool1d, [1, 2, 5]),
  adaptiveAveragePool2d: adaptive(nn.adaptiveAveragePool2d, [1, 2, 5, 3]),
  adaptiveMaxPool1d: adaptive(nn.adaptiveMaxPool1d, [1, 2, 5]),
  adaptiveMaxPool2d: adaptive(nn.adaptiveMaxPool2d, [1, 2, 5, 3]),
  adaptiveAveragePool3d: adaptive(nn.adaptiveAveragePool3d, [1, 1, 3, 5, 3]),
  adaptiveMaxPool3d: adaptive(nn.adaptiveMaxPool3d, [1, 1, 3, 5, 3]),
  globalAveragePool: { make: nn.globalAveragePool, takes: [2, 3, 4], refuses: [[], [3], [2, 3]] },
  globalMaxPool: { make: nn.globalMaxPool, takes: [2, 3, 4], refuses: [[], [3], [2, 3]] },
  powerPool1d: {
    ...adaptiveLike(() => nn.powerPool1d(3, 2, poolOptions), [1, 2, 4]),
    numbers: { ...poolNumbers, p: 'positive' },
  },
  powerPool3d: {
    ...adaptiveLike(() => nn.powerPool3d(3, 2, poolOptions), [1, 1, 3, 4, 2]),
    numbers: { ...poolNumbers, p: 'positive' },
  },
  powerPool2d: {
    ...adaptiveLike(() => nn.powerPool2d(3, 2, poolOptions), [1, 2, 4, 5]),
    numbers: { ...poolNumbers, p: 'positive' },
  },
  maxUnpool: {
    make: () => nn.maxUnpool([4]),
    takes: [1, 1, 2],
    call: (module, x) =>
      (module as unknown as Runs).run(x, tensor(new Int32Array([1, 2]), { shape: [1, 1, 2] })) as Tensor,
    refuses: [[2], [1, 1, 3]],
    numbers: { extents: 'whole' },
    also: [[() => nn.maxUnpool([4])(unknown(1, 1, 2)), /call run\(values, indices\)/]],
  },
  upsample: {
    make: () => nn.upsample(1.5, { mode: 'linear' }),
    takes: [1, 2, 4],
    refuses: [[], [4], [2, 4]],
    numbers: { factor: 'positive' },
  },
  pixelShuffle: {
    make: () => nn.pixelShuffle(2),
    takes: [1, 4, 2, 3],
    refuses: [
      [4, 2, 3],
      [1, 6, 2, 3],
    ],
    numbers: { factor: 'whole' },
  },
  pixelUnshuffle: {
    make: () => nn.pixelUnshuffle(2),
    takes: [1, 1, 4, 6],
    refuses: [
      [1, 4, 6],
      [1, 1, 3, 6],
    ],
    numbers: { factor: 'whole' },
  },
  relu: pointwise(nn.relu),
  sigmoid: pointwise(nn.sigmoid),
  tanh: pointwise(nn.tanh),
  identity: pointwise(nn.identity),
  relu6: pointwise(nn.relu6),
  selu: pointwise(nn.selu),
  silu: pointwise(nn.silu),
  mish: pointwise(nn.mish),
  logSigmoid: pointwise(nn.logSigmoid),
  hardSigmoid: pointwise(nn.hardSigmoid),
  hardSwish: pointwise(nn.hardSwish),
  softSign: pointwise(nn.softSign),
  tanhShrink: pointwise(nn.tanhShrink),
  leakyRelu: pointwiseBy(() => nn.leakyRelu(0.3), { slope: 'finite' }),
  elu: pointwiseBy(() => nn.elu(2), { alpha: 'finite' }),
  celu: pointwiseBy(() => nn.celu(2), { alpha: 'positive' }),
  softplus: pointwiseBy(() => nn.softplus(3), { beta: 'positive' }),
  hardShrink: pointwiseBy(() => nn.hardShrink(0.2), { threshold: 'notNegative' }),
  softShrink: pointwiseBy(() => nn.softShrink(0.2), { threshold: 'notNegative' }),
  softmax: alongAxis(nn.softmax),
  softmin: alongAxis(nn.softmin),
  logSoftmax: alongAxis(nn.logSoftmax),
  sparsemax: alongAxis(nn.sparsemax),
  entmax15: alongAxis(nn.entmax15),
  hardTanh: {
    ...pointwiseBy(() => nn.hardTanh(-0.5, 0.25), { low: 'finite', high: 'finite' }),
    also: [[() => nn.hardTanh(1, 1), /low must be less/]],
  },
  gelu: {
    ...pointwise(() => nn.gelu('tanh')),
    also: [[() => nn.gelu('erf' as 'tanh'), /unknown form 'erf'.*'none' or 'tanh'/]],
  },
  prelu: ofChannels(() => nn.prelu(4, of), { channels: 'whole' }),
  flatten: {
    make: () => nn.flatten(2, 3),
    takes: [1, 2, 3, 4],
    refuses: [[], [2], [2, 3]],
    numbers: { startAxis: 'integer', endAxis: 'integer' },
  },
  dropout: dropping(nn.dropout, 'takes any shape'),
  spatialDropout: dropping(nn.spatialDropout, [[], [3]]),
  dropPath: dropping(nn.dropPath, [[]]),
  alphaDropout: dropping(nn.alphaDropout, 'takes any shape'),
  groupNorm: {
    ...ofChannels(() => nn.groupNorm(2, 4, { epsilon: 1e-3, ...of }), {
      groups: 'whole',
      channels: 'whole',
      epsilon: 'positive',
    }),
    also: [[() => nn.groupNorm(3, 4), /4 channels don't divide into 3 groups/]],
  },
  instanceNorm: ofChannels(() => nn.instanceNorm(4, { affine: true, epsilon: 1e-3, ...of }), {
    channels: 'whole',
    epsilon: 'positive',
  }),
  batchNorm: {
    ...ofChannels(() => nn.batchNorm(4, { epsilon: 1e-3, momentum: 0.25, ...of }), {
      channels: 'whole',
      epsilon: 'positive',
      momentum: 'probability',
    }),
  },
  rmsNorm: ofLastAxis(() => nn.rmsNorm(3, { epsilon: 1e-3, ...of }), 3, { shape: 'whole', epsilon: 'positive' }),
  layerNorm: ofLastAxis(() => nn.layerNorm(3, { epsilon: 1e-3, ...of }), 3, { shape: 'whole', epsilon: 'positive' }),
  localResponseNorm: {
    make: () => nn.localResponseNorm({ size: 2, alpha: 0.5, beta: 0.5, k: 2 }),
    takes: [2, 4, 3],
    refuses: [[], [4]],
    numbers: { size: 'whole', alpha: 'positive', beta: 'positive', k: 'positive' },
  },
  weightNorm: {
    make: () => nn.weightNorm(nn.linear(3, 2, of)),
    takes: [2, 3],
    refuses: [[], [2, 4]],
    also: [[() => nn.weightNorm(nn.relu()), /takes one layer with a weight/]],
  },
  highway: ofLastAxis(() => nn.highway(3, { gateBias: -2, ...of }), 3, { size: 'whole', gateBias: 'finite' }),
  glu: {
    make: () => nn.glu(1),
    takes: [2, 4],
    refuses: [[4], [2, 3]],
    numbers: { axis: 'integer' },
  },
  swiGlu: ofLastAxis(() => nn.swiGlu(3, 4, of), 3, { size: 'whole', hidden: 'whole' }),
  squeezeExcite: {
    ...ofChannels(() => nn.squeezeExcite(4, 2, of), { channels: 'whole', reduction: 'whole' }),
    also: [[() => nn.squeezeExcite(4, 8), /leave no unit/]],
  },
  multiplicativeInteraction: {
    make: () => nn.multiplicativeInteraction(3, 2, 4, { form: 'lowRank', rank: 2, ...of }),
    takes: [5, 3],
    call: withContext(5, 2),
    refuses: [[3], [5, 4], [4, 3]],
    numbers: { ...layerSizes, context: 'whole', rank: 'whole' },
    also: [
      [() => nn.multiplicativeInteraction(3, 2, 4)(unknown(5, 3)), /call run\(x, z\)/],
      [() => nn.multiplicativeInteraction(3, 2, 4, { form: 'lowRank' }), /give a rank/],
      [() => nn.multiplicativeInteraction(3, 2, 4, { form: 'diagonal' }), /3 inputs has 3 outputs, not 4/],
      [() => nn.multiplicativeInteraction(3, 2, 4, { form: 'low' as 'full' }), /unknown form 'low'/],
    ],
  },
  bilinear: {
    make: () => nn.bilinear(3, 2, 4, of),
    takes: [5, 3],
    call: withContext(5, 2),
    refuses: [[3], [5, 4], [4, 3]],
    numbers: { first: 'whole', second: 'whole', outputs: 'whole' },
    also: [[() => nn.bilinear(3, 2, 4)(unknown(5, 3)), /call run\(x, z\)/]],
  },
  film: {
    make: () => nn.film(3, 2, of),
    takes: [5, 3, 2],
    call: withContext(5, 2),
    refuses: [[3], [5, 4], [4, 3]],
    numbers: { channels: 'whole', context: 'whole' },
  },
  hypernetwork: {
    make: () => nn.hypernetwork(3, 2, nn.linear(2, 8, of) as nn.Module),
    takes: [5, 3],
    call: withContext(5, 2),
    refuses: [[3], [5, 4], [4, 3]],
    numbers: layerSizes,
    also: [
      [
        () => nn.hypernetwork(3, 2, nn.linear(2, 7) as nn.Module).run(unknown(1, 3), unknown(1, 2)),
        /\[1, 7\].*\[n, 8\]/,
      ],
    ],
  },
  mixtureOfExperts: {
    make: () =>
      nn.mixtureOfExperts(nn.linear(3, 2, of), [nn.linear(3, 2, of), nn.linear(3, 2, of)], { top: 1, capacity: 1.5 }),
    takes: [5, 3],
    refuses: [[], [5, 4]],
    numbers: { top: 'whole', capacity: 'positive' },
    also: [
      [
        () => nn.mixtureOfExperts(nn.linear(2, 2), [nn.linear(2, 1), nn.relu() as nn.Module], { capacity: 1 }),
        /experts of one architecture/,
      ],
      [() => nn.mixtureOfExperts(nn.linear(2, 1), [nn.linear(2, 1)], { top: 2 }), /top is 2.*1 to 1/],
      [() => nn.mixtureOfExperts(nn.linear(2, 1), []), /at least one expert/],
      [() => nn.mixtureOfExperts(nn.linear(2, 3), [nn.linear(2, 1)])(unknown(4, 2)), /\[4, 3\] for 1 experts/],
    ],
  },
  embedding: {
    make: () => nn.embedding(5, 3, { paddingIndex: 1, ...of }),
    takes: [2],
    input: () => tensor(Int32Array.of(4, 0)),
    refuses: 'takes any shape',
    numbers: { count: 'whole', size: 'whole', paddingIndex: 'count' },
    also: [
      [() => nn.embedding(5, 3)(unknown(2)), /indices are float32: they must be int32/],
      [() => nn.embedding(5, 3)(tensor(Int32Array.of(0, 5))), /index 5 in \[2\] for a table of 5 rows: use 0 to 4/],
      [() => nn.embedding(5, 3)(tensor(Int32Array.of(-1))), /index -1/],
      [() => nn.embedding(5, 3, { paddingIndex: 5 }), /paddingIndex is 5.*0 to 4/],
    ],
  },
  embeddingBag: {
    make: () => nn.embeddingBag(5, 3, { paddingIndex: 1, mode: 'max', ...of }) as nn.Module,
    takes: [2, 2],
    input: () => tensor(Int32Array.of(4, 0, 2, 2), { shape: [2, 2] }),
    refuses: [[2], []],
    numbers: { count: 'whole', size: 'whole', paddingIndex: 'count' },
    also: [
      [() => nn.embeddingBag(5, 3)(unknown(2, 2)), /they must be int32/],
      [
        () => nn.embeddingBag(5, 3)(tensor(Int32Array.of(0, 5), { shape: [1, 2] })),
        /index 5 in \[1, 2\] for a table of 5 rows/,
      ],
      [() => nn.embeddingBag(5, 3, { mode: 'min' as 'max' }), /unknown mode 'min'.*'sum', 'mean' or 'max'/],
    ],
  },
  positional: {
    make: () => nn.positional(4, 3, of),
    takes: [2, 4, 3],
    refuses: [[3], [2, 4, 2], [2, 5, 3]],
    numbers: { length: 'whole', size: 'whole' },
  },
  attention: {
    ...inTime(() => nn.attention(8, { heads: 4, keyHeads: 2, rotary: true, dropout: 0.25, ...of }), 8, headNumbers),
    also: [
      [() => nn.attention(6, { heads: 4 }), /size 6 does not divide into 4 heads/],
      [() => nn.attention(8, { heads: 4, keyHeads: 3 }), /4 heads do not divide into 3/],
      [() => nn.attention(6, { heads: 2, rotary: true }), /width 3.*must be even/],
      [
        () => nn.attention(8, { heads: 2 }).run(unknown(2, 3, 8), { present: unknown(2, 3) }),
        /present is float32 \[2, 3\], expected bool \[\.\.\., 3\]/,
      ],
    ],
  },
  rnn: inTime(() => nn.rnn(3, 2, { ...recurrentOptions, nonlinearity: 'relu' }), 3, sequenceNumbers),
  gru: inTime(() => nn.gru(3, 2, recurrentOptions), 3, sequenceNumbers),
  lstm: {
    ...inTime(() => nn.lstm(3, 2, { ...recurrentOptions, projection: 1 }), 3, {
      ...sequenceNumbers,
      projection: 'whole',
    }),
    also: [
      [() => nn.lstm(3, 4, { projection: 4 }), /projection is 4, it must be less than hidden, 4/],
      [() => nn.lstm(3, 2).run(unknown(4, 2, 3), undefined, { truncation: 0 }), /truncation is 0/],
      [
        () => nn.lstm(3, 2).run(unknown(4, 2, 3), undefined, { lengths: unknown(2) }),
        /lengths are float32.*int32 \[2\]/,
      ],
      [
        () => nn.lstm(3, 2).run(unknown(4, 2, 3), { hidden: unknown(1, 2, 3), cell: unknown(1, 2, 2) }),
        /the state is \[1, 2, 3\], expected \[1, 2, 2\]/,
      ],
    ],
  },
  rnnCell: { ...inTime(() => nn.rnnCell(3, 2, of), 3, cellNumbers), takes: [2, 3] },
  gruCell: { ...inTime(() => nn.gruCell(3, 2, of), 3, cellNumbers), takes: [2, 3] },
  lstmCell: { ...inTime(() => nn.lstmCell(3, 2, of), 3, cellNumbers), takes: [2, 3] },
  transformerEncoderLayer: inTime(() => nn.transformerEncoderLayer(8, blockOptions), 8, blockNumbers),
  transformerDecoderLayer: inTime(() => nn.transformerDecoderLayer(8, blockOptions), 8, blockNumbers),
  transformerEncoder: inTime(() => nn.transformerEncoder(8, { ...blockOptions, layers: 2 }), 8, {
    ...blockNumbers,
    layers: 'whole',
  }),
  transformerDecoder: inTime(() => nn.transformerDecoder(8, { ...blockOptions, layers: 2, norm: true }), 8, {
    ...blockNumbers,
    layers: 'whole',
  }),
  monotoneLinear: ofLastAxis(() => nn.monotoneLinear(3, 2, of), 3, layerSizes),
  inputConvex: ofLastAxis(() => nn.inputConvex(3, [4], 2, of), 3, { ...layerSizes, hidden: 'whole' }),
  orthogonal: ofLastAxis(() => nn.orthogonal(3, { reflections: 2, ...of }), 3, { size: 'whole', reflections: 'whole' }),
  deepSet: {
    make: () => nn.deepSet(nn.linear(3, 4, of) as nn.Module, nn.linear(4, 2, of) as nn.Module),
    takes: [2, 5, 3],
    refuses: [[3], [2, 5, 4]],
  },
  adaptiveSoftmax: {
    ...ofLastAxis(() => nn.adaptiveSoftmax(8, 10, [2, 5], { divide: 2, ...of }) as nn.Module, 8),
    numbers: { inputs: 'whole', classes: 'whole', cutoffs: 'whole', divide: 'positive' },
    also: [
      [() => nn.adaptiveSoftmax(8, 10, [4, 4]), /cutoffs are \[4, 4\]: expected at least one, ascending/],
      [() => nn.adaptiveSoftmax(8, 10, [10]), /between 0 and 10/],
      [() => nn.adaptiveSoftmax(8, 10, [2, 4]), /leave cluster 2 none: choose fewer cutoffs/],
      [() => nn.adaptiveSoftmax(8, 10, [2]).run(unknown(3, 8), unknown(3)), /\[3, 8\] with targets float32 \[3\]/],
    ],
  },
  dynamicConvolution: {
    make: () =>
      nn.dynamicConvolution(2, 2, [3], nn.linear(4, 8, of) as nn.Module, {
        stride: 2,
        padding: 1,
        dilation: 2,
        groups: 2,
      }),
    takes: [2, 2, 7],
    call: withContext(2, 4),
    refuses: [
      [2, 7],
      [2, 3, 7],
      [3, 2, 7],
    ],
    numbers: convolutionNumbers,
    also: [
      [() => nn.dynamicConvolution(1, 1, [], nn.relu() as nn.Module), /1 to 3 spatial axes/],
      [() => nn.dynamicConvolution(3, 2, [1], nn.relu() as nn.Module, { groups: 2 }), /divide into 2 groups/],
    ],
  },
  whitening: {
    make: () => nn.whitening(2, [2, 1], of),
    takes: [1, 2, 3, 3],
    refuses: [
      [2, 3, 3],
      [1, 3, 3, 3],
      [1, 2, 1, 3],
    ],
    numbers: { inputs: 'whole', kernel: 'whole' },
  },
  conditional: {
    make: () =>
      nn.conditional(
        nn.linear(3, 1, of) as nn.Module,
        nn.linear(3, 2, of) as nn.Module,
        nn.linear(3, 2, of) as nn.Module,
        { each: 'example' },
      ),
    takes: [2, 3],
    refuses: [[], [2, 4]],
    also: [
      [() => nn.conditional(nn.relu() as nn.Module, nn.relu() as nn.Module, {} as nn.Module), /all modules/],
      [
        () =>
          nn.conditional(nn.relu() as nn.Module, nn.relu() as nn.Module, nn.relu() as nn.Module, {
            each: 'row' as 'batch',
          }),
        /each is 'row': use 'batch' or 'example'/,
      ],
      [
        () => nn.conditional(nn.relu() as nn.Module, nn.relu() as nn.Module, nn.relu() as nn.Module)(unknown(2, 3)),
        /gives \[2, 3\] for \[2, 3\]: expected one number/,
      ],
    ],
  },
  hierarchicalSoftmax: {
    ...ofLastAxis(() => nn.hierarchicalSoftmax(3, 5, of), 3, layerSizes),
    numbers: { inputs: 'whole', classes: 'whole' },
    also: [
      [() => nn.hierarchicalSoftmax(3, 1), /classes is 1, it must be a whole number of at least 2/],
      [() => nn.hierarchicalSoftmax(3, 5).run(unknown(2, 3), unknown(2)), /\[2, 3\] with targets float32 \[2\]/],
    ],
  },
  mahalanobis: {
    make: () => nn.mahalanobis(3, { rank: 2, ...of }),
    takes: [5, 3],
    call: withContext(5, 3),
    refuses: [[3], [5, 4], [4, 3]],
    numbers: { size: 'whole', rank: 'whole' },
  },
  siamese: {
    make: () => nn.siamese(nn.linear(3, 2, of) as nn.Module, nn.mahalanobis(2, of)) as nn.Module,
    takes: [5, 3],
    call: withContext(5, 3),
    refuses: [[], [5, 4]],
    also: [[() => nn.siamese(nn.relu() as nn.Module, nn.relu() as never), /a module of two inputs/]],
  },
  weightNoise: {
    make: () => nn.weightNoise(nn.linear(3, 2, of) as nn.Module, 0.1),
    takes: [2, 3],
    refuses: [[], [2, 4]],
    numbers: { standardDeviation: 'notNegative' },
    also: [[() => nn.weightNoise(3 as never, 0.1), /it must be a module/]],
  },
  sequential: {
    make: () => nn.sequential(nn.linear(3, 4, of), nn.tanh()),
    takes: [2, 3],
    refuses: [[], [2, 4]],
    also: [
      [() => nn.sequential(nn.linear(3, 4) as nn.Module, nn.linear(5, 2) as nn.Module), /linear.*4.*5|5.*4/],
      [() => nn.sequential(3 as unknown as nn.Module), /0 is 3, it must be a module/],
    ],
  },
  parallel: {
    make: () => nn.parallel({ a: nn.linear(3, 4, of), b: nn.tanh() } as nn.Modules, { join: 'concat', axis: -1 }),
    takes: [2, 3],
    refuses: [[], [2, 4]],
    numbers: { axis: 'integer' },
    also: [
      [() => nn.parallel([]), /at least one module/],
      [() => nn.parallel([3 as never]), /0 is 3, it must be a module/],
      [() => nn.parallel([nn.tanh()], { join: 'cat' as 'concat' }), /unknown join 'cat': use 'concat', 'sum' or/],
      [
        () => nn.parallel([nn.linear(3, 4), nn.linear(3, 2)] as nn.Module[], { join: 'sum' })(unknown(2, 3)),
        /the sum of \[2, 4\] and \[2, 2\]: they must be equal/,
      ],
    ],
  },
  graph: {
    make: () =>
      nn.graph({
        nodes: {
          last: { module: nn.linear(7, 2, of) as nn.Module, from: ['first', 'x'], join: 'concat' },
          first: { module: nn.linear(3, 4, of) as nn.Module, from: 'x' },
        },
        outputs: 'last',
      }),
    takes: [2, 3],
    refuses: [[], [2, 4]],
    also: [
      [
        () => nn.graph({ nodes: { a: { module: nn.tanh() as nn.Module, from: 'b' }, b: { from: 'a' } } }),
        /nodes a → b → a go round in a circle/,
      ],
      [() => nn.graph({ nodes: { a: { from: 'z' } } }), /'a' reads 'z', there are only x, a/],
      [() => nn.graph({ nodes: { x: { from: 'x' } } }), /'x' is the name of two/],
      [() => nn.graph({ nodes: { a: { from: ['x', 'x'] } } }), /'a' reads x, x: say how to join them/],
      [() => nn.graph({ nodes: { a: { from: 'x' } }, outputs: 'b' }), /output 'b' is none of x, a/],
      [() => nn.graph({ nodes: {} }), /at least one input and one node/],
      [() => nn.graph({ nodes: { a: { from: [] } } }), /'a' reads nothing/],
      [
        () => nn.graph({ inputs: ['x', 'y'], nodes: { a: { from: 'x' } } })(unknown(2)),
        /it has the inputs x, y: call run/,
      ],
      [() => nn.graph({ nodes: { a: { from: 'x' } } }).run({ z: unknown(2) }), /takes the tensors x; x missing/],
    ],
  },
  thresholdUnit: {
    make: () => nn.thresholdUnit(3, 2, of),
    takes: [2, 3],
    refuses: [[], [2, 4]],
    numbers: layerSizes,
  },
  threshold: pointwiseBy(() => nn.threshold(0.2, -1), { at: 'finite', value: 'finite' }),
  rrelu: pointwiseBy(() => nn.rrelu(0.1, 0.2), { low: 'finite', high: 'finite' }),
  residual: {
    make: () => nn.residual(nn.linear(3, 3, of)),
    takes: [2, 3],
    refuses: [[], [2, 4]],
    also: [[() => nn.residual(nn.linear(2, 3))(unknown(1, 2)), /\[1, 3\].*\[1, 2\].*use a shortcut/]],
  },
}

/** A pool by windows of two or three axes. */
function adaptiveLike(make: () => nn.Module, takes: readonly number[]): ModuleEntry {
  return { make, takes, refuses: [takes.slice(1), [...takes, 2]], numbers: poolNumbers }
}

/** The module's value at an input of its own kind, and that input. */
export function applied({ make, takes, input, call }: ModuleEntry): {
  module: nn.Module
  x: Tensor
  y: (x: Tensor, m?: nn.Module) => Tensor
} {
  const module = make()
  const x = input?.() ?? drawn(...takes)
  return { module, x, y: (v, m = module) => call?.(m, v) ?? m(v) }
}
