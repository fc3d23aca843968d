// From configuration to module: builds an architecture again from its JSON.

import { misfit, mistake } from '../graph/refuse.ts'
import * as activation from './activation.ts'
import { adaptiveSoftmax } from './adaptive-softmax.ts'
import { attention } from './attention.ts'
import * as norms from './channel-norm.ts'
import { conditional } from './conditional.ts'
import { residual, sequential } from './container.ts'
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
import { type FromConfig, kind, optional, withChildren } from './options.ts'
import { parallel } from './parallel.ts'
import * as pools from './pool.ts'
import { gru, gruCell, lstm, lstmCell, rnn, rnnCell } from './recurrent.ts'
import * as resampling from './resample.ts'
import { thresholdUnit } from './threshold-unit.ts'
import {
  transformerDecoder,
  transformerDecoderLayer,
  transformerEncoder,
  transformerEncoderLayer,
} from './transformer.ts'
import { weightNoise } from './weight-noise.ts'
import { whitening } from './whitening.ts'

const convolutionOptions = 'stride padding:padding dilation groups bias dtype'
const transposedOptions = 'stride padding outputPadding dilation groups bias dtype'
const poolOptions = 'stride padding dilation ceil'
const averageOptions = `${poolOptions} countPadding` as const
const normOptions = 'epsilon affine dtype'
const cellOptions = 'bias dtype'
const attentionOptions = 'bias dtype keyHeads causal rotary dropout'
const transformerOptions = `${attentionOptions} feed activation normFirst epsilon` as const
const stackOptions = `${transformerOptions} norm` as const
const recurrentOptions = 'bias dtype layers bidirectional batchFirst dropout'
const rnnOptions = `${recurrentOptions} nonlinearity` as const
const lstmOptions = `${recurrentOptions} projection` as const

export const kinds: { readonly [kind: string]: FromConfig } = {
  linear: kind(linear, 'inputs outputs', 'bias dtype'),
  conv1d: kind(convolutions.conv1d, 'inputs outputs kernel', convolutionOptions),
  conv2d: kind(convolutions.conv2d, 'inputs outputs kernel', convolutionOptions),
  conv3d: kind(convolutions.conv3d, 'inputs outputs kernel', convolutionOptions),
  convTranspose1d: kind(convolutions.convTranspose1d, 'inputs outputs kernel', transposedOptions),
  convTranspose2d: kind(convolutions.convTranspose2d, 'inputs outputs kernel', transposedOptions),
  convTranspose3d: kind(convolutions.convTranspose3d, 'inputs outputs kernel', transposedOptions),
  maxPool1d: kind(pools.maxPool1d, 'kernel', poolOptions),
  maxPool2d: kind(pools.maxPool2d, 'kernel', poolOptions),
  maxPool3d: kind(pools.maxPool3d, 'kernel', poolOptions),
  averagePool1d: kind(pools.averagePool1d, 'kernel', averageOptions),
  averagePool2d: kind(pools.averagePool2d, 'kernel', averageOptions),
  averagePool3d: kind(pools.averagePool3d, 'kernel', averageOptions),
  adaptiveAveragePool1d: kind(pools.adaptiveAveragePool1d, 'output'),
  adaptiveAveragePool2d: kind(pools.adaptiveAveragePool2d, 'output'),
  adaptiveAveragePool3d: kind(pools.adaptiveAveragePool3d, 'output'),
  adaptiveMaxPool1d: kind(pools.adaptiveMaxPool1d, 'output'),
  adaptiveMaxPool2d: kind(pools.adaptiveMaxPool2d, 'output'),
  adaptiveMaxPool3d: kind(pools.adaptiveMaxPool3d, 'output'),
  globalAveragePool: kind(pools.globalAveragePool),
  globalMaxPool: kind(pools.globalMaxPool),
  powerPool1d: kind(pools.powerPool1d, 'p kernel', poolOptions),
  powerPool2d: kind(pools.powerPool2d, 'p kernel', poolOptions),
  powerPool3d: kind(pools.powerPool3d, 'p kernel', poolOptions),
  maxUnpool: kind(pools.maxUnpool, 'extents'),
  upsample: kind(resampling.upsample, 'factor', 'mode:interpolation alignCorners'),
  pixelShuffle: kind(resampling.pixelShuffle, 'factor'),
  pixelUnshuffle: kind(resampling.pixelUnshuffle, 'factor'),
  relu: kind(activation.relu),
  sigmoid: kind(activation.sigmoid),
  tanh: kind(activation.tanh),
  identity: kind(activation.identity),
  relu6: kind(activation.relu6),
  selu: kind(activation.selu),
  silu: kind(activation.silu),
  mish: kind(activation.mish),
  logSigmoid: kind(activation.logSigmoid),
  hardSigmoid: kind(activation.hardSigmoid),
  hardSwish: kind(activation.hardSwish),
  softSign: kind(activation.softSign),
  tanhShrink: kind(activation.tanhShrink),
  leakyRelu: optional(activation.leakyRelu, 'slope'),
  elu: optional(activation.elu, 'alpha'),
  celu: optional(activation.celu, 'alpha'),
  softplus: optional(activation.softplus, 'beta'),
  hardShrink: optional(activation.hardShrink, 'threshold'),
  softShrink: optional(activation.softShrink, 'threshold'),
  softmax: optional(activation.softmax, 'axis'),
  softmin: optional(activation.softmin, 'axis'),
  logSoftmax: optional(activation.logSoftmax, 'axis'),
  sparsemax: optional(activation.sparsemax, 'axis'),
  entmax15: optional(activation.entmax15, 'axis'),
  hardTanh: optional(activation.hardTanh, 'low high'),
  threshold: kind(activation.threshold, 'at value'),
  rrelu: optional(activation.rrelu, 'low high'),
  thresholdUnit: kind(thresholdUnit, 'inputs outputs', 'dtype'),
  gelu: optional(activation.gelu, 'form:gelu'),
  prelu: kind(({ channels, ...rest }) => activation.prelu(channels, rest), '', 'channels dtype'),
  flatten: optional(activation.flatten, 'startAxis endAxis'),
  dropout: kind(dropouts.dropout, 'p'),
  spatialDropout: kind(dropouts.spatialDropout, 'p'),
  dropPath: kind(dropouts.dropPath, 'p'),
  alphaDropout: kind(dropouts.alphaDropout, 'p'),
  groupNorm: kind(norms.groupNorm, 'groups channels', normOptions),
  instanceNorm: kind(norms.instanceNorm, 'channels', normOptions),
  rmsNorm: kind(norms.rmsNorm, 'shape', normOptions),
  localResponseNorm: kind(norms.localResponseNorm, '', 'size alpha beta k'),
  layerNorm: kind((shape, o) => layerNorm(shape, o), 'shape', normOptions),
  batchNorm: kind(batchNorm, 'channels', 'epsilon momentum affine dtype'),
  weightNorm: (_, children) => norms.weightNorm(children().layer),
  highway: kind(gates.highway, 'size', 'gateBias dtype'),
  glu: optional(gates.glu, 'axis'),
  swiGlu: kind(gates.swiGlu, 'size hidden', cellOptions),
  squeezeExcite: kind(gates.squeezeExcite, 'channels reduction', 'dtype'),
  multiplicativeInteraction: kind(
    multiplicative.multiplicativeInteraction,
    'inputs context outputs',
    'form:interaction rank dtype',
  ),
  bilinear: kind(multiplicative.bilinear, 'first second outputs', cellOptions),
  film: kind(multiplicative.film, 'channels context', 'dtype'),
  hypernetwork: withChildren(
    (inputs, outputs, _, { generator }) => multiplicative.hypernetwork(inputs, outputs, generator),
    'inputs outputs',
  ),
  mixtureOfExperts: withChildren(
    (o, { gate, ...experts }) => mixtureOfExperts(gate, Object.values(experts), o),
    '',
    'top capacity dense',
  ),
  embedding: kind(embedding, 'count size', 'paddingIndex dtype'),
  embeddingBag: kind(embeddingBag, 'count size', 'mode:bag paddingIndex dtype'),
  positional: kind(positional, 'length size', 'dtype'),
  attention: kind((size, heads, o) => attention(size, { heads, ...o }), 'size heads', attentionOptions),
  rnn: kind(rnn, 'inputs hidden', rnnOptions),
  gru: kind(gru, 'inputs hidden', recurrentOptions),
  lstm: kind(lstm, 'inputs hidden', lstmOptions),
  rnnCell: kind(rnnCell, 'inputs hidden', 'bias nonlinearity dtype'),
  gruCell: kind(gruCell, 'inputs hidden', cellOptions),
  lstmCell: kind(lstmCell, 'inputs hidden', cellOptions),
  transformerEncoderLayer: kind(
    (size, heads, o) => transformerEncoderLayer(size, { heads, ...o }),
    'size heads',
    transformerOptions,
  ),
  transformerDecoderLayer: kind(
    (size, heads, o) => transformerDecoderLayer(size, { heads, ...o }),
    'size heads',
    transformerOptions,
  ),
  transformerEncoder: kind(
    (size, heads, layers, o) => transformerEncoder(size, { heads, layers, ...o }),
    'size heads layers',
    stackOptions,
  ),
  transformerDecoder: kind(
    (size, heads, layers, o) => transformerDecoder(size, { heads, layers, ...o }),
    'size heads layers',
    stackOptions,
  ),
  monotoneLinear: kind(monotoneLinear, 'inputs outputs', 'dtype'),
  inputConvex: kind(inputConvex, 'inputs hidden:list outputs', 'dtype'),
  orthogonal: kind(orthogonal, 'size', 'reflections dtype'),
  deepSet: withChildren((_, { each, after }) => deepSet(each, after)),
  adaptiveSoftmax: kind(adaptiveSoftmax, 'inputs classes cutoffs', 'divide headBias dtype'),
  hierarchicalSoftmax: kind(hierarchicalSoftmax, 'inputs classes', 'dtype'),
  dynamicConvolution: withChildren(
    (inputs, outputs, kernel, o, { generator }) => dynamicConvolution(inputs, outputs, kernel, generator, o),
    'inputs outputs kernel:list',
    'stride padding:padding dilation groups',
  ),
  whitening: kind(whitening, 'inputs kernel', 'mirrored bias dtype'),
  mahalanobis: kind(mahalanobis, 'size', 'rank dtype'),
  siamese: withChildren((_, { body, compare }) => siamese(body, compare as multiplicative.Contextual)),
  weightNoise: withChildren((deviation, _, { layer }) => weightNoise(layer, deviation), 'standardDeviation'),
  conditional: withChildren(
    (o, { predicate, whenTrue, whenFalse }) => conditional(predicate, whenTrue, whenFalse, o),
    '',
    'each',
  ),
  sequential: (_, children) => sequential(children()),
  parallel: withChildren((o, children) => parallel(children, o), '', 'join axis'),
  graph: (options, children) => graphOf(options, children()),
  residual: withChildren((_, { body, shortcut }) => residual(body, shortcut)),
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
