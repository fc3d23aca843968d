/** The operators of the PyTorch fixture, in the library's words. */

import * as linalg from '../../src/linalg/index.ts'
import { sparsemaxLoss } from '../../src/loss/index.ts'
import type { Tensor } from '../../src/tensor/index.ts'
import * as t from '../../src/tensor/index.ts'
import type { CaseFunction, CaseFunctions } from './check-case.ts'
import type { Attribute, ReferenceCase } from './fixture.ts'

type Attributes = ReferenceCase['attrs']

const number = (value: Attribute): number => {
  if (typeof value !== 'number') throw new TypeError(`${String(value)} is not a number`)
  return value
}
const numbers = (value: Attribute): number[] => (typeof value === 'number' ? [value] : (value as number[]))
const axesOf = ({ dim }: Attributes): number | number[] | undefined =>
  dim === null ? undefined : (dim as number | number[])
const keepOf = ({ keepdim }: Attributes): boolean => keepdim === true

const one =
  (f: (x: Tensor, attributes: Attributes) => Tensor | readonly Tensor[]): CaseFunction =>
  ([x], attributes) =>
    f(x, attributes)
const two =
  (f: (x: Tensor, y: Tensor) => Tensor): CaseFunction =>
  ([x, y]) =>
    f(x, y)

const einsum: CaseFunction = (inputs, { equation }) => t.einsum(String(equation), ...inputs)
/** The fixture's padding is [before, after] of the last axis. */
const padding = ({ pad }: Attributes, x: Tensor): (readonly [number, number])[] =>
  x.shape.map((_, axis) => (axis === x.rank - 1 ? [numbers(pad)[0], numbers(pad)[1]] : [0, 0]))

export const operators: CaseFunctions = {
  relu: one((x) => x.relu()),
  leaky_relu: one((x, a) => t.leakyRelu(x, number(a.negative_slope))),
  elu: one((x, a) => t.elu(x, number(a.alpha))),
  selu: one((x) => t.selu(x)),
  celu: one((x, a) => t.celu(x, number(a.alpha))),
  gelu: one((x) => t.gelu(x)),
  gelu_tanh: one((x) => t.gelu(x, 'tanh')),
  silu: one((x) => t.silu(x)),
  mish: one((x) => t.mish(x)),
  softplus: one((x, a) => t.softplus(x, number(a.beta), number(a.threshold))),
  softplus_beta: one((x, a) => t.softplus(x, number(a.beta), number(a.threshold))),
  sigmoid: one((x) => x.sigmoid()),
  logsigmoid: one((x) => t.logSigmoid(x)),
  tanh: one((x) => x.tanh()),
  hardtanh: one((x, a) => t.hardTanh(x, number(a.min), number(a.max))),
  hardsigmoid: one((x) => t.hardSigmoid(x)),
  hardswish: one((x) => t.hardSwish(x)),
  relu6: one((x) => t.relu6(x)),
  softsign: one((x) => t.softSign(x)),
  tanhshrink: one((x) => t.tanhShrink(x)),
  hardshrink: one((x, a) => t.hardShrink(x, number(a.lambd))),
  softshrink: one((x, a) => t.softShrink(x, number(a.lambd))),
  exp: one((x) => x.exp()),
  expm1: one((x) => x.expm1()),
  abs: one((x) => x.abs()),
  sin: one((x) => x.sin()),
  cos: one((x) => x.cos()),
  tan: one((x) => x.tan()),
  atan: one((x) => x.atan()),
  sinh: one((x) => x.sinh()),
  cosh: one((x) => x.cosh()),
  asinh: one((x) => x.asinh()),
  erf: one((x) => x.erf()),
  lgamma: one((x) => t.lgamma(x)),
  digamma: one((x) => t.digamma(x)),
  cumsum: one((x, a) => t.cumsum(x, number(a.dim))),
  cumprod: one((x, a) => t.cumprod(x, number(a.dim))),
  logcumsumexp: one((x, a) => t.logcumsumexp(x, number(a.dim))),
  cummax: one((x, a) => t.cummax(x, number(a.dim)).values),
  sort: one((x, a) => t.sort(x, { axis: number(a.dim), descending: a.descending === true })),
  topk: one((x, a) => t.topK(x, number(a.k), { axis: number(a.dim) }).values),
  erfinv: one((x) => t.erfinv(x)),
  square: one((x) => x.square()),
  neg: one((x) => x.neg()),
  sinc: one((x) => t.sinc(x)),
  log: one((x) => x.log()),
  log1p: one((x) => x.log1p()),
  log2: one((x) => x.log2()),
  sqrt: one((x) => x.sqrt()),
  rsqrt: one((x) => x.rsqrt()),
  reciprocal: one((x) => x.reciprocal()),
  asin: one((x) => x.asin()),
  acos: one((x) => x.acos()),
  atanh: one((x) => x.atanh()),
  prelu: two(t.prelu),
  clamp: one((x, a) => x.clamp(number(a.min), number(a.max))),
  clamp_at_edge: one((x, a) => x.clamp(number(a.min), number(a.max))),
  glu: one((x, a) => t.glu(x, number(a.dim))),
  relu_at_zero: one((x) => x.relu()),
  abs_at_zero: one((x) => x.abs()),
  max_ties: one((x, a) => x.amax(axesOf(a))),
  max_dim_ties: one((x, a) => x.max(axesOf(a))),

  add: two((x, y) => x.add(y)),
  add_bcast: two((x, y) => x.add(y)),
  sub: two((x, y) => x.sub(y)),
  sub_bcast: two((x, y) => x.sub(y)),
  mul: two((x, y) => x.mul(y)),
  mul_bcast: two((x, y) => x.mul(y)),
  maximum: two((x, y) => x.maximum(y)),
  maximum_bcast: two((x, y) => x.maximum(y)),
  minimum: two((x, y) => x.minimum(y)),
  minimum_bcast: two((x, y) => x.minimum(y)),
  div_bcast: two((x, y) => x.div(y)),
  pow: two((x, y) => x.pow(y)),
  atan2: two((x, y) => x.atan2(y)),
  hypot: two(t.hypot),
  logaddexp: two(t.logAddExp),
  where: ([condition, x, y]) => condition.where(x, y),
  lerp: ([x, y, weight]) => t.lerp(x, y, weight),
  xlogy: two(t.xlogy),

  sum_dim0: one((x, a) => x.sum(axesOf(a))),
  sum_dim1: one((x, a) => x.sum(axesOf(a))),
  sum_dimNone: one((x, a) => x.sum(axesOf(a))),
  sum_keepTrue: one((x, a) => x.sum(axesOf(a), keepOf(a))),
  sum_keepFalse: one((x, a) => x.sum(axesOf(a), keepOf(a))),
  mean_dim0: one((x, a) => x.mean(axesOf(a))),
  mean_dim1: one((x, a) => x.mean(axesOf(a))),
  mean_dimNone: one((x, a) => x.mean(axesOf(a))),
  var_corr0: one((x, a) => x.var(axesOf(a), { correction: number(a.correction) })),
  var_corr1: one((x, a) => x.var(axesOf(a), { correction: number(a.correction) })),
  std_corr0: one((x, a) => x.std(axesOf(a), { correction: number(a.correction) })),
  std_corr1: one((x, a) => x.std(axesOf(a), { correction: number(a.correction) })),
  prod_dim: one((x, a) => x.prod(axesOf(a))),
  prod_zero: one((x, a) => x.prod(axesOf(a))),
  prod_two_zero: one((x, a) => x.prod(axesOf(a))),
  logsumexp: one((x, a) => x.logSumExp(axesOf(a))),
  logsumexp_big: one((x, a) => x.logSumExp(axesOf(a))),
  logsumexp_neginf: one((x, a) => x.logSumExp(axesOf(a))),
  norm_p1: one((x, a) => t.norm(x, 1, axesOf(a))),
  norm_p2: one((x, a) => t.norm(x, 2, axesOf(a))),
  norm_p3: one((x, a) => t.norm(x, 3, axesOf(a))),
  norm_pinf: one((x, a) => t.norm(x, Infinity, axesOf(a))),
  norm_at_zero: one((x) => t.norm(x)),

  reshape: one((x, a) => x.reshape(numbers(a.shape))),
  permute: one((x, a) => x.permute(numbers(a.dims))),
  cat: (inputs, a) => t.concat(inputs, number(a.dim)),
  stack: (inputs, a) => t.stack(inputs, number(a.dim)),
  split: one((x, a) => t.split(x, numbers(a.sizes), number(a.dim))),
  slice_step: one((x, a) => x.slice(null, [number(a.start), number(a.end), number(a.step)])),
  flip: one((x, a) => x.flip(numbers(a.dims))),
  roll: one((x, a) => t.roll(x, number(a.shift), number(a.dim))),
  expand: one((x, a) => x.broadcastTo(numbers(a.shape))),
  tril: one((x, a) => t.tril(x, number(a.k))),
  triu: one((x, a) => t.triu(x, number(a.k))),
  diag: one((x) => t.diag(x)),
  diagonal: one((x, a) => t.diagonal(x, number(a.offset))),
  trace: one((x) => t.trace(x)),
  repeat: one((x, a) => t.tile(x, numbers(a.repeats))),
  pad_constant: one((x, a) => x.pad(padding(a, x))),
  pad_reflect: one((x, a) => t.padWith(x, padding(a, x), 'reflect')),
  pad_replicate: one((x, a) => t.padWith(x, padding(a, x), 'replicate')),
  pad_circular: one((x, a) => t.padWith(x, padding(a, x), 'circular')),
  index_select: ([x, indices], a) => x.take(indices, number(a.dim)),
  gather: ([x, indices], a) => x.takeAlong(indices, number(a.dim)),
  scatter_add: ([x, indices, source], a) => x.scatterAdd(indices, source, number(a.dim)),
  masked_fill: ([x, mask], a) => x.maskedFill(mask, number(a.value)),
  take_along: ([x, indices], a) => x.takeAlong(indices, number(a.dim)),

  matmul: two((x, y) => x.matmul(y)),
  matmul_batched_bcast: two((x, y) => x.matmul(y)),
  mv: two((x, y) => x.matmul(y)),
  dot: two((x, y) => x.dot(y)),
  outer: two(t.outer),
  bmm: two((x, y) => x.matmul(y)),
  addmm: ([c, x, y], a) => c.mul(number(a.beta)).add(x.matmul(y).mul(number(a.alpha))),
  'einsum:ij,jk->ik': einsum,
  'einsum:bij,bjk->bik': einsum,
  'einsum:ii->i': einsum,
  'einsum:ijk,il,lm->jkm': einsum,
  'einsum:bm,mnk,bn->bk': einsum,
  'einsum:bhid,bhjd->bhij': einsum,
  linear: ([x, weight, bias]) => x.matmul(weight.transpose()).add(bias),
  bilinear: ([x, y, weight, bias]) => t.einsum('bi,oij,bj->bo', x, weight, y).add(bias),

  softmax_dim0: one((x, a) => x.softmax(number(a.dim))),
  softmax_dim1: one((x, a) => x.softmax(number(a.dim))),
  softmax_extreme: one((x) => x.softmax()),
  log_softmax_dim0: one((x, a) => x.logSoftmax(number(a.dim))),
  log_softmax_dim1: one((x, a) => x.logSoftmax(number(a.dim))),
  log_softmax_extreme: one((x) => x.logSoftmax()),
  sparsemax: one((x, a) => t.sparsemax(x, number(a.dim))),
  entmax15: one((x, a) => t.entmax15(x, number(a.dim))),
  sparsemax_loss: ([x, labels]) => sparsemaxLoss(x, labels, { reduction: 'sum' }),
  inverse: one(linalg.inverse),
  slogdet: one((x) => linalg.slogdet(x).logarithm),
  cholesky: one((x) => linalg.cholesky(x.matmul(x.transpose()).add(t.eye(3, 3, x.dtype)))),
  solve: two(linalg.solve),
  softmin: one((x, a) => t.softmin(x, number(a.dim))),
}
