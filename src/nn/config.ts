// From configuration to module: builds an architecture again from its JSON.

import { misfit, mistake } from '../graph/refuse.ts'
import * as activation from './activation.ts'
import { adaptiveSoftmax } from './adaptive-softmax.ts'
import { attention } from './attention.ts'
import * as norms from './channel-norm.ts'
import { conditional } from './conditional.ts'
import { residual, sequential } from './container.ts'
import type { ConvolutionLayerOptions, TransposedLayerOptions } from './convolution.ts'
import * as convolutions from './convolution.ts'
import * as dropouts from './dropout.ts'
import { dynamicConvolution } from './dynamic.ts'
import { embedding, embeddingBag, positional } from './embedding.ts'
import { mixtureOfExperts } from './experts.ts'
import * as gates from './gating.ts'
import { type GraphParts, graph } from './graph.ts'
import { deepSet, inputConvex, monotoneLinear, orthogonal } from './guarantee.ts'
import { hierarchicalSoftmax } from './hierarchical.ts'
import { linear } from './linear.ts'
import { mahalanobis, siamese } from './metric.ts'
import type { Json, Module, ModuleConfig, Modules } from './module.ts'
import * as multiplicative from './multiplicative.ts'
import { batchNorm, layerNorm } from './norm.ts'
import { type Join, parallel } from './parallel.ts'
import type { AveragePoolLayerOptions, PoolLayerOptions } from './pool.ts'
import * as pools from './pool.ts'
import { gru, gruCell, lstm, lstmCell, rnn, rnnCell } from './recurrent.ts'
import * as resampling from './resample.ts'
import { thresholdUnit } from './threshold-unit.ts'
import {
  type StackOptions,
  type TransformerOptions,
  transformerDecoder,
  transformerDecoderLayer,
  transformerEncoder,
  transformerEncoderLayer,
} from './transformer.ts'
import { weightNoise } from './weight-noise.ts'
import { whitening } from './whitening.ts'

/** Builds a module from its options and, where its kind does not make them itself, its children. */
export type FromConfig = (options: ModuleConfig, children: () => Modules) => Module

/** Options are checked by the types below, then by the modules themselves. */
const layer =
  (build: (read: Reader) => Module): FromConfig =>
  (options) =>
    build(new Reader(options))

/** Kinds that are read alike. */
const each = <Make>(
  makers: { readonly [kind: string]: Make },
  build: (make: Make, read: Reader) => Module,
): { readonly [kind: string]: FromConfig } =>
  Object.fromEntries(
    Object.entries(makers).map(([kind, make]): [string, FromConfig] => [kind, layer((o) => build(make, o))]),
  )

type Extents = number | readonly number[]
type ConvolutionMaker = (i: number, o: number, kernel: Extents, options: ConvolutionLayerOptions) => Module
type TransposedMaker = (i: number, o: number, kernel: Extents, options: TransposedLayerOptions) => Module

const convolutionOptions = {
  stride: 'extents',
  dilation: 'extents',
  groups: 'number',
  bias: 'boolean',
  dtype: 'dtype',
} as const
const poolOptions = { stride: 'extents', padding: 'extents', ceil: 'boolean' } as const
const normOptions = { epsilon: 'number', affine: 'boolean', dtype: 'dtype' } as const
const cellOptions = { bias: 'boolean', dtype: 'dtype' } as const
const attentionOptions = {
  ...cellOptions,
  keyHeads: 'number',
  causal: 'boolean',
  rotary: 'boolean',
  dropout: 'number',
} as const
const transformerOptions = (o: Reader): TransformerOptions => ({
  heads: o.number('heads'),
  ...o.pick({
    ...attentionOptions,
    feed: 'number',
    activation: 'activation',
    normFirst: 'boolean',
    epsilon: 'number',
  }),
})
const stackOptions = (o: Reader): StackOptions => ({
  layers: o.number('layers'),
  ...o.pick({ norm: 'boolean' }),
  ...transformerOptions(o),
})
const recurrentOptions = {
  ...cellOptions,
  layers: 'number',
  bidirectional: 'boolean',
  batchFirst: 'boolean',
  dropout: 'number',
} as const

export const kinds: { readonly [kind: string]: FromConfig } = {
  linear: layer((o) => linear(o.number('inputs'), o.number('outputs'), o.pick({ bias: 'boolean', dtype: 'dtype' }))),
  ...each<ConvolutionMaker>(
    { conv1d: convolutions.conv1d, conv2d: convolutions.conv2d, conv3d: convolutions.conv3d },
    (make, o) =>
      make(o.number('inputs'), o.number('outputs'), o.extents('kernel'), {
        ...o.pick(convolutionOptions),
        ...o.pick({ padding: 'padding' }),
      }),
  ),
  ...each<TransposedMaker>(
    {
      convTranspose1d: convolutions.convTranspose1d,
      convTranspose2d: convolutions.convTranspose2d,
      convTranspose3d: convolutions.convTranspose3d,
    },
    (make, o) =>
      make(
        o.number('inputs'),
        o.number('outputs'),
        o.extents('kernel'),
        o.pick({ ...convolutionOptions, padding: 'extents', outputPadding: 'extents' }),
      ),
  ),
  ...each<(kernel: Extents, options?: PoolLayerOptions) => Module>(
    { maxPool1d: pools.maxPool1d, maxPool2d: pools.maxPool2d, maxPool3d: pools.maxPool3d },
    (make, o) => make(o.extents('kernel'), o.pick(poolOptions)),
  ),
  ...each<(kernel: Extents, options?: AveragePoolLayerOptions) => Module>(
    { averagePool1d: pools.averagePool1d, averagePool2d: pools.averagePool2d, averagePool3d: pools.averagePool3d },
    (make, o) => make(o.extents('kernel'), o.pick({ ...poolOptions, countPadding: 'boolean' })),
  ),
  ...each<(output: Extents) => Module>(
    {
      adaptiveAveragePool1d: pools.adaptiveAveragePool1d,
      adaptiveAveragePool2d: pools.adaptiveAveragePool2d,
      adaptiveAveragePool3d: pools.adaptiveAveragePool3d,
      adaptiveMaxPool1d: pools.adaptiveMaxPool1d,
      adaptiveMaxPool3d: pools.adaptiveMaxPool3d,
      adaptiveMaxPool2d: pools.adaptiveMaxPool2d,
    },
    (make, o) => make(o.extents('output')),
  ),
  ...each<() => Module>({ globalAveragePool: pools.globalAveragePool, globalMaxPool: pools.globalMaxPool }, (make) =>
    make(),
  ),
  ...each<(p: number, kernel: Extents, options?: PoolLayerOptions) => Module>(
    { powerPool1d: pools.powerPool1d, powerPool2d: pools.powerPool2d, powerPool3d: pools.powerPool3d },
    (make, o) => make(o.number('p'), o.extents('kernel'), o.pick(poolOptions)),
  ),
  maxUnpool: layer((o) => pools.maxUnpool(o.list('extents'))),
  upsample: layer((o) =>
    resampling.upsample(o.number('factor'), o.pick({ mode: 'interpolation', alignCorners: 'boolean' })),
  ),
  ...each<(factor: number) => Module>(
    { pixelShuffle: resampling.pixelShuffle, pixelUnshuffle: resampling.pixelUnshuffle },
    (make, o) => make(o.number('factor')),
  ),
  ...each<() => Module>(
    {
      relu: activation.relu,
      sigmoid: activation.sigmoid,
      tanh: activation.tanh,
      identity: activation.identity,
      relu6: activation.relu6,
      selu: activation.selu,
      silu: activation.silu,
      mish: activation.mish,
      logSigmoid: activation.logSigmoid,
      hardSigmoid: activation.hardSigmoid,
      hardSwish: activation.hardSwish,
      softSign: activation.softSign,
      tanhShrink: activation.tanhShrink,
    },
    (make) => make(),
  ),
  leakyRelu: layer((o) => activation.leakyRelu(o.pick({ slope: 'number' }).slope)),
  ...each<(value?: number) => Module>({ elu: activation.elu, celu: activation.celu }, (make, o) =>
    make(o.pick({ alpha: 'number' }).alpha),
  ),
  softplus: layer((o) => activation.softplus(o.pick({ beta: 'number' }).beta)),
  ...each<(value?: number) => Module>(
    { hardShrink: activation.hardShrink, softShrink: activation.softShrink },
    (make, o) => make(o.pick({ threshold: 'number' }).threshold),
  ),
  ...each<(value?: number) => Module>(
    {
      softmax: activation.softmax,
      softmin: activation.softmin,
      logSoftmax: activation.logSoftmax,
      sparsemax: activation.sparsemax,
      entmax15: activation.entmax15,
    },
    (make, o) => make(o.pick({ axis: 'number' }).axis),
  ),
  hardTanh: layer((o) => {
    const { low, high } = o.pick({ low: 'number', high: 'number' })
    return activation.hardTanh(low, high)
  }),
  threshold: layer((o) => activation.threshold(o.number('at'), o.number('value'))),
  rrelu: layer((o) => {
    const { low, high } = o.pick({ low: 'number', high: 'number' })
    return activation.rrelu(low, high)
  }),
  thresholdUnit: layer((o) => thresholdUnit(o.number('inputs'), o.number('outputs'), o.pick({ dtype: 'dtype' }))),
  gelu: layer((o) => activation.gelu(o.pick({ form: 'gelu' }).form)),
  prelu: layer((o) => {
    const { channels, ...rest } = o.pick({ channels: 'number', dtype: 'dtype' })
    return activation.prelu(channels, rest)
  }),
  flatten: layer((o) => {
    const { startAxis, endAxis } = o.pick({ startAxis: 'number', endAxis: 'number' })
    return activation.flatten(startAxis, endAxis)
  }),
  ...each<(p?: number) => Module>(
    {
      dropout: dropouts.dropout,
      spatialDropout: dropouts.spatialDropout,
      dropPath: dropouts.dropPath,
      alphaDropout: dropouts.alphaDropout,
    },
    (make, o) => make(o.number('p')),
  ),
  groupNorm: layer((o) => norms.groupNorm(o.number('groups'), o.number('channels'), o.pick(normOptions))),
  instanceNorm: layer((o) => norms.instanceNorm(o.number('channels'), o.pick(normOptions))),
  rmsNorm: layer((o) => norms.rmsNorm(o.extents('shape'), o.pick(normOptions))),
  localResponseNorm: layer((o) =>
    norms.localResponseNorm(o.pick({ size: 'number', alpha: 'number', beta: 'number', k: 'number' })),
  ),
  weightNorm: (_, children) => norms.weightNorm(children().layer),
  highway: layer((o) => gates.highway(o.number('size'), o.pick({ gateBias: 'number', dtype: 'dtype' }))),
  glu: layer((o) => gates.glu(o.pick({ axis: 'number' }).axis)),
  swiGlu: layer((o) => gates.swiGlu(o.number('size'), o.number('hidden'), o.pick(cellOptions))),
  squeezeExcite: layer((o) =>
    gates.squeezeExcite(o.number('channels'), o.number('reduction'), o.pick({ dtype: 'dtype' })),
  ),
  multiplicativeInteraction: layer((o) =>
    multiplicative.multiplicativeInteraction(
      o.number('inputs'),
      o.number('context'),
      o.number('outputs'),
      o.pick({ form: 'interaction', rank: 'number', dtype: 'dtype' }),
    ),
  ),
  bilinear: layer((o) =>
    multiplicative.bilinear(o.number('first'), o.number('second'), o.number('outputs'), o.pick(cellOptions)),
  ),
  film: layer((o) => multiplicative.film(o.number('channels'), o.number('context'), o.pick({ dtype: 'dtype' }))),
  hypernetwork: (options, children) => {
    const o = new Reader(options)
    return multiplicative.hypernetwork(o.number('inputs'), o.number('outputs'), children().generator)
  },
  mixtureOfExperts: (options, children) => {
    const { gate, ...experts } = children()
    return mixtureOfExperts(
      gate,
      Object.values(experts),
      new Reader(options).pick({ top: 'number', capacity: 'number', dense: 'boolean' }),
    )
  },
  layerNorm: layer((o) =>
    layerNorm(o.extents('shape'), o.pick({ epsilon: 'number', affine: 'boolean', dtype: 'dtype' })),
  ),
  batchNorm: layer((o) =>
    batchNorm(
      o.number('channels'),
      o.pick({ epsilon: 'number', momentum: 'number', affine: 'boolean', dtype: 'dtype' }),
    ),
  ),
  embedding: layer((o) =>
    embedding(o.number('count'), o.number('size'), o.pick({ paddingIndex: 'number', dtype: 'dtype' })),
  ),
  embeddingBag: layer((o) =>
    embeddingBag(o.number('count'), o.number('size'), o.pick({ mode: 'bag', paddingIndex: 'number', dtype: 'dtype' })),
  ),
  positional: layer((o) => positional(o.number('length'), o.number('size'), o.pick({ dtype: 'dtype' }))),
  attention: layer((o) =>
    attention(o.number('size'), {
      heads: o.number('heads'),
      ...o.pick(attentionOptions),
    }),
  ),
  rnn: layer((o) =>
    rnn(o.number('inputs'), o.number('hidden'), o.pick({ ...recurrentOptions, nonlinearity: 'nonlinearity' })),
  ),
  gru: layer((o) => gru(o.number('inputs'), o.number('hidden'), o.pick(recurrentOptions))),
  lstm: layer((o) =>
    lstm(o.number('inputs'), o.number('hidden'), o.pick({ ...recurrentOptions, projection: 'number' })),
  ),
  rnnCell: layer((o) =>
    rnnCell(o.number('inputs'), o.number('hidden'), o.pick({ ...cellOptions, nonlinearity: 'nonlinearity' })),
  ),
  gruCell: layer((o) => gruCell(o.number('inputs'), o.number('hidden'), o.pick(cellOptions))),
  lstmCell: layer((o) => lstmCell(o.number('inputs'), o.number('hidden'), o.pick(cellOptions))),
  transformerEncoderLayer: layer((o) => transformerEncoderLayer(o.number('size'), transformerOptions(o))),
  transformerDecoderLayer: layer((o) => transformerDecoderLayer(o.number('size'), transformerOptions(o))),
  transformerEncoder: layer((o) => transformerEncoder(o.number('size'), stackOptions(o))),
  transformerDecoder: layer((o) => transformerDecoder(o.number('size'), stackOptions(o))),
  monotoneLinear: layer((o) => monotoneLinear(o.number('inputs'), o.number('outputs'), o.pick({ dtype: 'dtype' }))),
  inputConvex: layer((o) =>
    inputConvex(o.number('inputs'), o.list('hidden'), o.number('outputs'), o.pick({ dtype: 'dtype' })),
  ),
  orthogonal: layer((o) => orthogonal(o.number('size'), o.pick({ reflections: 'number', dtype: 'dtype' }))),
  deepSet: (_, children) => {
    const { each: every, after } = children()
    return deepSet(every, after)
  },
  adaptiveSoftmax: layer((o) =>
    adaptiveSoftmax(
      o.number('inputs'),
      o.number('classes'),
      o.list('cutoffs'),
      o.pick({ divide: 'number', headBias: 'boolean', dtype: 'dtype' }),
    ),
  ),
  dynamicConvolution: (options, children) => {
    const o = new Reader(options)
    const call = o.pick({ stride: 'extents', padding: 'padding', dilation: 'extents', groups: 'number' })
    return dynamicConvolution(o.number('inputs'), o.number('outputs'), o.list('kernel'), children().generator, call)
  },
  whitening: layer((o) =>
    whitening(
      o.number('inputs'),
      o.extents('kernel'),
      o.pick({ mirrored: 'boolean', bias: 'boolean', dtype: 'dtype' }),
    ),
  ),
  mahalanobis: layer((o) => mahalanobis(o.number('size'), o.pick({ rank: 'number', dtype: 'dtype' }))),
  siamese: (_, children) => {
    const { body, compare } = children()
    return siamese(body, compare as multiplicative.Contextual)
  },
  weightNoise: (options, children) => weightNoise(children().layer, new Reader(options).number('standardDeviation')),
  conditional: (options, children) => {
    const { predicate, whenTrue, whenFalse } = children()
    return conditional(predicate, whenTrue, whenFalse, new Reader(options).pick({ each: 'choice' }))
  },
  hierarchicalSoftmax: layer((o) =>
    hierarchicalSoftmax(o.number('inputs'), o.number('classes'), o.pick({ dtype: 'dtype' })),
  ),
  sequential: (_, children) => sequential(children()),
  parallel: (options, children) => parallel(children(), new Reader(options).pick({ join: 'join', axis: 'number' })),
  graph: (options, children) => graphOf(options, children()),
  residual: (_, children) => {
    const { body, shortcut } = children()
    return residual(body, shortcut)
  },
}

/** The constructor checks names and joins. */
function graphOf({ inputs, nodes, outputs }: ModuleConfig, children: Modules): Module {
  if (!Array.isArray(inputs) || !Array.isArray(outputs) || !isRecord(nodes))
    throw mistake('fromConfig: graph: its inputs and outputs must be lists of names, its nodes a record')
  const whole = Object.entries(nodes).map(([name, node]) => [
    name,
    { ...(isRecord(node) ? node : {}), ...(children[name] ? { module: children[name] } : {}) },
  ])
  return graph({ inputs, outputs, nodes: Object.fromEntries(whole) } as GraphParts)
}

/**
 * Rebuilds the architecture that `module.config` describes; its parameters are drawn anew. `more` adds kinds of your own.
 * Throws when a kind is unknown, or an option missing or of the wrong type.
 */
export function fromConfig(config: Json, more: { readonly [kind: string]: FromConfig } = {}): Module {
  const module = build(config, { ...kinds, ...more }, 'config')
  const ties = isRecord(config) && isRecord(config.ties) ? config.ties : {}
  const state = module.state()
  const tied = Object.entries(ties).map(([name, first]) => {
    const variable = typeof first === 'string' ? state[first] : undefined
    if (!variable || !state[name])
      throw misfit(`fromConfig: the tie of '${name}' to '${String(first)}' names no parameters of the network`)
    return [name, variable] as const
  })
  return tied.length > 0 ? module.with(Object.fromEntries(tied)) : module
}

function build(config: Json, table: { readonly [kind: string]: FromConfig }, where: string): Module {
  if (!isRecord(config) || typeof config.kind !== 'string')
    throw mistake(`fromConfig: ${where} is not an object with a kind`)
  const make = Object.hasOwn(table, config.kind) ? table[config.kind] : undefined
  if (!make) {
    throw misfit(
      `fromConfig: ${where} is of unknown kind '${config.kind}'; known are ${Object.keys(table).join(', ')}: pass others as second argument`,
    )
  }
  const children = isRecord(config.children) ? config.children : {}
  try {
    return make(config as ModuleConfig, () =>
      Object.fromEntries(
        Object.entries(children).map(([name, child]) => [name, build(child, table, `${where}.${name}`)]),
      ),
    )
  } catch (error) {
    // The innermost module says where it is.
    if (!(error instanceof Error) || error.message.startsWith('fromConfig: ')) throw error
    throw new RangeError(`fromConfig: ${where}: ${error.message}`, { cause: error })
  }
}

const isRecord = (value: Json | undefined): value is Extract<Json, { readonly [key: string]: Json }> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The types that options have. */
interface Values {
  readonly number: number
  readonly boolean: boolean
  readonly extents: number | readonly number[]
  readonly padding: number | readonly number[] | 'same' | 'valid'
  readonly dtype: 'float32' | 'float64'
  readonly gelu: 'none' | 'tanh'
  readonly nonlinearity: 'tanh' | 'relu'
  readonly activation: 'relu' | 'gelu'
  readonly interaction: 'full' | 'diagonal' | 'lowRank'
  readonly interpolation: 'nearest' | 'linear'
  readonly bag: 'sum' | 'mean' | 'max'
  readonly choice: 'batch' | 'example'
  readonly list: readonly number[]
  readonly join: Join
}

const isExtents = (v: Json): boolean =>
  typeof v === 'number' || (Array.isArray(v) && v.every((n) => typeof n === 'number'))

const types: { readonly [T in keyof Values]: { readonly test: (v: Json) => boolean; readonly name: string } } = {
  number: { test: (v) => typeof v === 'number', name: 'a number' },
  boolean: { test: (v) => typeof v === 'boolean', name: 'true or false' },
  extents: { test: isExtents, name: 'a number or a list of numbers' },
  padding: {
    test: (v) => v === 'same' || v === 'valid' || isExtents(v),
    name: "a number, a list of numbers, 'same' or 'valid'",
  },
  dtype: { test: (v) => v === 'float32' || v === 'float64', name: "'float32' or 'float64'" },
  gelu: { test: (v) => v === 'none' || v === 'tanh', name: "'none' or 'tanh'" },
  nonlinearity: { test: (v) => v === 'tanh' || v === 'relu', name: "'tanh' or 'relu'" },
  activation: { test: (v) => v === 'relu' || v === 'gelu', name: "'relu' or 'gelu'" },
  interaction: {
    test: (v) => v === 'full' || v === 'diagonal' || v === 'lowRank',
    name: "'full', 'diagonal' or 'lowRank'",
  },
  interpolation: { test: (v) => v === 'nearest' || v === 'linear', name: "'nearest' or 'linear'" },
  bag: { test: (v) => v === 'sum' || v === 'mean' || v === 'max', name: "'sum', 'mean' or 'max'" },
  choice: { test: (v) => v === 'batch' || v === 'example', name: "'batch' or 'example'" },
  list: { test: (v) => typeof v !== 'number' && isExtents(v), name: 'a list of numbers' },
  join: {
    test: (v) => v === 'concat' || v === 'sum' || v === 'product',
    name: "'concat', 'sum' or 'product'",
  },
}

/** Reads options with their types checked. */
class Reader {
  private readonly config: ModuleConfig
  constructor(config: ModuleConfig) {
    this.config = config
  }
  private read<T extends keyof Values>(name: string, type: T): Values[T] {
    const value = this.config[name]
    if (value === undefined || !types[type].test(value)) {
      throw mistake(
        `fromConfig: ${this.config.kind}: option '${name}' is ${value === undefined ? 'missing' : JSON.stringify(value)}, expected ${types[type].name}`,
      )
    }
    return value as Values[T]
  }
  number(name: string): number {
    return this.read(name, 'number')
  }
  extents(name: string): number | readonly number[] {
    return this.read(name, 'extents')
  }
  list(name: string): readonly number[] {
    return this.read(name, 'list')
  }
  /** Those of the named options that are there. */
  pick<N extends { readonly [name: string]: keyof Values }>(names: N): { readonly [K in keyof N]?: Values[N[K]] } {
    const found = Object.entries(names).filter(([name]) => this.config[name] !== undefined)
    return Object.fromEntries(found.map(([name, type]) => [name, this.read(name, type)])) as {
      readonly [K in keyof N]?: Values[N[K]]
    }
  }
}
