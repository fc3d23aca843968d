/** The layers and modules of the PyTorch fixture, in the library's words. */

import * as nn from '../../src/nn/index.ts'
import { withTraining } from '../../src/tensor/index.ts'
import type { CaseFunction, CaseFunctions } from './check-case.ts'
import type { ReferenceCase } from './fixture.ts'

const f = nn.functional

const convolution: CaseFunction = ([x, w, b], { stride, padding, dilation, groups }) =>
  f.convolution(x, w, b, {
    stride: Number(stride ?? 1),
    padding: padding === 'same' ? 'same' : Number(padding),
    dilation: Number(dilation ?? 1),
    groups: Number(groups ?? 1),
  })

const transposed: CaseFunction = ([x, weight, bias], { stride, padding, dilation, groups, output_padding }) =>
  f.transposedConvolution(x, weight, bias, {
    stride: Number(stride),
    padding: Number(padding),
    dilation: Number(dilation),
    groups: Number(groups),
    outputPadding: Number(output_padding),
  })

export const conv: CaseFunctions = {
  conv1d_s1p0d1g1: convolution,
  conv2d_s1p0d1g1: convolution,
  conv_transpose2d_s1p0d1g1: transposed,
  conv1d_s2p1d1g1: convolution,
  conv2d_s2p1d1g1: convolution,
  conv_transpose2d_s2p1d1g1: transposed,
  conv1d_s1p2d2g1: convolution,
  conv2d_s1p2d2g1: convolution,
  conv_transpose2d_s1p2d2g1: transposed,
  conv1d_s1p1d1g2: convolution,
  conv2d_s1p1d1g2: convolution,
  conv_transpose2d_s1p1d1g2: transposed,
  conv1d_s2p1d1g4: convolution,
  conv2d_s2p1d1g4: convolution,
  conv_transpose2d_s2p1d1g4: transposed,
  conv3d: convolution,
  conv1d_same: convolution,
}

const pooling = ({ kernel, stride, padding, ceil_mode }: ReferenceCase['attrs']) => ({
  kernel: Number(kernel),
  ...(stride === undefined ? {} : { stride: Number(stride) }),
  padding: Number(padding ?? 0),
  ceil: ceil_mode === true,
})
const maxPool: CaseFunction = ([x], a) => f.maxPool(x, pooling(a), x.rank - 2)
const averagePool: CaseFunction = ([x], a) =>
  f.averagePool(x, { ...pooling(a), countPadding: a.count_include_pad !== false })

export const pool: CaseFunctions = {
  max_pool2d: maxPool,
  max_pool2d_s1p1: maxPool,
  max_pool1d: maxPool,
  max_pool2d_ties: maxPool,
  avg_pool2d: averagePool,
  avg_pool2d_pad_cipTrue: averagePool,
  avg_pool2d_pad_cipFalse: averagePool,
  max_pool2d_ceil: maxPool,
  adaptive_avg_pool2d: ([x], a) => f.adaptiveAveragePool(x, a.output as number[]),
  adaptive_max_pool2d: ([x], a) => f.adaptiveMaxPool(x, a.output as number[]),
  lp_pool2d: ([x], a) => f.powerPool(x, Number(a.p), pooling(a)),
  unfold: ([x], a) => f.unfold(x, pooling(a)),
  fold: ([x], a) => f.fold(x, a.output as number[], pooling(a)),
  interpolate_nearest_None: ([x], a) => f.interpolate(x, a.size as number[]),
  interpolate_bilinear_False: ([x], a) => f.interpolate(x, a.size as number[], { mode: 'linear' }),
  interpolate_bilinear_True: ([x], a) => f.interpolate(x, a.size as number[], { mode: 'linear', alignCorners: true }),
  pixel_shuffle: ([x], a) => f.pixelShuffle(x, Number(a.factor)),
  grid_sample: ([x, grid]) => f.gridSample(x, grid),
}

/** The module with the given tensors in its slots. */
const batchNorm: CaseFunction = ([x, weight, bias]) => {
  const module = nn.batchNorm(3, { dtype: x.dtype === 'float64' ? 'float64' : 'float32' })
  const y = withTraining(true, () => module.with({ weight, bias })(x))
  return [y, ...module.buffers()]
}

export const norm: CaseFunctions = {
  batch_norm_train: batchNorm,
  batch_norm_train_2d: batchNorm,
  batch_norm_eval: ([x, weight, bias, running_mean, running_var]) =>
    nn.batchNorm(3).with({ weight, bias, running_mean, running_var })(x),
  layer_norm: ([x, weight, bias]) => nn.layerNorm(5).with({ weight, bias })(x),
  layer_norm_2: ([x, weight, bias]) => nn.layerNorm([3, 4]).with({ weight, bias })(x),
  group_norm: ([x, weight, bias], a) => f.groupNorm(x, Number(a.groups), weight, bias),
  instance_norm: ([x]) => f.instanceNorm(x),
  rms_norm: ([x, weight]) => f.rmsNorm(x, [5], weight),
  local_response_norm: ([x], a) => f.localResponseNorm(x, { size: Number(a.size) }),
  normalize: ([x]) => f.normalize(x),
  weight_norm: ([v, g]) => f.weightNorm(v, g),
  layer_norm_const: ([x]) => nn.layerNorm(4, { affine: false })(x),
}

export const embed: CaseFunctions = {
  embedding: ([indices, weight]) => nn.embedding(4, 3).with([weight])(indices),
  embedding_bag_mean: ([indices, weight]) => nn.embeddingBag(4, 3).with([weight])(indices),
  embedding_pad: ([indices, weight]) => nn.embedding(4, 3, { paddingIndex: 0 }).with([weight])(indices),
}

export const attention: CaseFunctions = {
  sdpa: ([q, k, v]) => f.scaledDotProductAttention(q, k, v),
  sdpa_causal: ([q, k, v]) => f.scaledDotProductAttention(q, k, v, { causal: true }),
  sdpa_mask: ([q, k, v, mask]) => f.scaledDotProductAttention(q, k, v, { mask }),
}

const encoder: CaseFunction = ([x, ...parameters], attributes) =>
  nn
    .transformerEncoderLayer(8, {
      heads: 2,
      feed: 16,
      activation: attributes.activation === 'gelu' ? 'gelu' : 'relu',
      normFirst: attributes.norm_first === true,
    })
    .with(parameters)(x)

type Single = ReturnType<typeof nn.rnn> | ReturnType<typeof nn.gru>

const single =
  (make: (dtype: 'float32' | 'float64') => Single): CaseFunction =>
  ([x, hidden, ...parameters]) => {
    const { output, state } = make(x.dtype as 'float32' | 'float64')
      .with(parameters)
      .run(x, hidden)
    return [output, state]
  }
const lstm =
  (options: nn.LstmOptions): CaseFunction =>
  ([x, hidden, cell, ...parameters]) => {
    const { output, state } = nn.lstm(3, 4, options).with(parameters).run(x, { hidden, cell })
    return [output, state.hidden, state.cell]
  }

export const module: CaseFunctions = {
  rnn_tanh: single((dtype) => nn.rnn(3, 4, { dtype })),
  rnn_relu_2layer: single((dtype) => nn.rnn(3, 4, { layers: 2, nonlinearity: 'relu', dtype })),
  gru: single((dtype) => nn.gru(3, 4, { dtype })),
  gru_bi_batchfirst: single((dtype) => nn.gru(3, 4, { bidirectional: true, batchFirst: true, dtype })),
  gru_cell: ([x, hidden, ...parameters]) => nn.gruCell(3, 4).with(parameters).run(x, hidden),
  lstm: lstm({}),
  lstm_2layer_bi: lstm({ layers: 2, bidirectional: true }),
  lstm_proj: lstm({ projection: 2 }),
  mlp: ([x, ...parameters]) => nn.sequential(nn.linear(3, 5), nn.tanh(), nn.linear(5, 2)).with(parameters)(x),
  lenet_like: ([x, ...parameters]) =>
    nn
      .sequential(nn.conv2d(1, 2, 3, { padding: 1 }), nn.relu(), nn.maxPool2d(2), nn.flatten(), nn.linear(18, 3))
      .with(parameters)(x),
  multihead_attention: ([q, key, value, ...parameters]) => {
    const { output, weights } = nn.attention(8, { heads: 2 }).with(parameters).run(q, { key, value })
    return [output, weights]
  },
  transformer_encoder_layer_prenormFalse_relu: encoder,
  transformer_encoder_layer_prenormFalse_gelu: encoder,
  transformer_encoder_layer_prenormTrue_relu: encoder,
  transformer_encoder_layer_prenormTrue_gelu: encoder,
}
