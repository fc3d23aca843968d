// Functions of tensors: of one element, of two, of an axis, and what estimates gradients through a choice; in one table.

import type { UnaryName } from '../graph/node.ts'
import { unaryTable } from '../graph/ops/unary.ts'
import { erfinv, sinc } from '../tensor/index.ts'
import { activations } from './activations.ts'
import { element, elements, erf } from './elements.ts'
import { written } from './operations.ts'
import type { Piece } from './piece.ts'

const others: { readonly [name: string]: Piece } = {
  sinc: element(
    sinc,
    'The Fourier transform of a box.',
    'y = sin(πx)/(πx), 1 at 0',
    'dx = dy·(cos(πx) − y)/x, 0 at 0',
    (x) => Math.sin(Math.PI * x) / (Math.PI * x),
    (x) => (Math.cos(Math.PI * x) - Math.sin(Math.PI * x) / (Math.PI * x)) / x,
    [-4, 4],
  ),
  erfinv: element(
    erfinv,
    'The inverse of erf: from a probability to how many deviations.',
    'erf(y) = x',
    'dx = dy·√π/2·e^(y²)',
    (x) => {
      let y = 0
      for (let i = 0; i < 60; i++) y -= (erf(y) - x) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-y * y))
      return y
    },
    (x) => {
      let y = 0
      for (let i = 0; i < 60; i++) y -= (erf(y) - x) / ((2 / Math.sqrt(Math.PI)) * Math.exp(-y * y))
      return (Math.sqrt(Math.PI) / 2) * Math.exp(y * y)
    },
    [-0.99, 0.99],
  ),
  lgamma: {
    about: 'log |Γ(x)|: the logarithm of factorials, Γ(n) = (n − 1)!.',
    output: 'y = log |Γ(x)|',
    adjust: 'dx = dy·ψ(x), the digamma function',
    shapes: '[...] → the same',
    watch: 'Poles at 0, −1, −2 and so on.',
    example: { code: 'lgamma(x)', x: [5], gives: [3.178054], adjusts: [1.506118] },
  },
  digamma: {
    about: 'The slope of lgamma.',
    output: 'y = ψ(x) = Γ′(x)/Γ(x)',
    adjust: 'dx = dy·ψ₁(x), polygamma(1, x)',
    shapes: '[...] → the same',
    example: { code: 'digamma(x)', x: [1], gives: [-0.577216], adjusts: [1.644934] },
  },
  polygamma: {
    about: 'Derivatives of digamma.',
    output: 'y = ψₙ(x)',
    adjust: 'dx = dy·ψₙ₊₁(x)',
    shapes: '[...] → the same',
    example: { code: 'polygamma(1, x)', x: [1], gives: [1.644934], adjusts: [-2.404114] },
  },
  matmul: {
    about: 'The matrix product; leading axes are a batch and broadcast.',
    output: 'y = a b',
    adjust: 'da = dy bᵀ; db = aᵀ dy',
    shapes: '[..., m, k] @ [..., k, n] → [..., m, n]; vectors are completed by an axis of 1',
    example: { code: 'x.matmul(tensor([[1, 0], [2, 3]]))', x: [[1, 2]], gives: [[5, 6]], adjusts: [[1, 5]] },
  },
  einsum: {
    about: 'Sums of products by a formula of axes.',
    output: "y = Σ over the letters that the result lacks, as in 'ij,jk->ik'",
    adjust: 'each operand: the einsum of dy with the others',
    example: { code: "einsum('i,j->ij', x, tensor([1, 2]))", x: [3], gives: [[3, 6]], adjusts: [3] },
  },
  sum: {
    about: 'The sum over axes.',
    output: 'y = Σ x',
    adjust: 'dx = dy, the same for all',
    shapes: '[...] → without the axes; all of them unless told',
    example: { code: 'x.sum()', x: [1, 2], gives: 3, adjusts: [1, 1] },
  },
  mean: {
    about: 'The mean over axes.',
    output: 'y = Σ x / n',
    adjust: 'dx = dy/n',
    example: { code: 'x.mean()', x: [1, 2], gives: 1.5, adjusts: [0.5, 0.5] },
  },
  prod: {
    about: 'The product over axes.',
    output: 'y = Π x',
    adjust: 'dxᵢ = dy·Π of the others: right also where one is 0',
    example: { code: 'x.prod()', x: [2, 0, 3], gives: 0, adjusts: [0, 6, 0] },
  },
  max: {
    also: ['min'],
    about: 'The largest element over axes; amax and amin share the gradient.',
    output: 'y = max x',
    adjust: 'dx = dy at the first of the largest along one axis; shared evenly along several',
    example: { code: 'x.max(0)', x: [2, 5, 5], gives: 5, adjusts: [0, 1, 0] },
  },
  var: {
    also: ['std'],
    about: 'The variance over axes; std is its root.',
    output: 'y = Σ (x − mean)² / (n − correction)',
    adjust: 'dx = dy·2(x − mean)/(n − correction)',
    defaults: 'correction 1',
    watch: 'std: the slope where all elements are equal is taken as 0.',
    example: { code: 'x.var()', x: [1, 3], gives: 2, adjusts: [-2, 2] },
  },
  norm: {
    about: 'The p-norm over axes.',
    output: 'y = (Σ |x|ᵖ)^(1/p)',
    adjust: 'dx = dy·x/y for p = 2; 0 at 0',
    defaults: 'p 2',
    example: { code: 'norm(x)', x: [3, 4], gives: 5, adjusts: [0.6, 0.8] },
  },
  logSumExp: {
    about: 'A smooth maximum.',
    output: 'y = log Σ eˣ',
    adjust: 'dx = dy·softmax(x)',
    watch: 'Shifted by the largest: finite wherever the result is.',
    example: { code: 'x.logSumExp()', x: [1, 2, 3], gives: 3.40761, adjusts: [0.09003, 0.24473, 0.66524] },
  },
  logAddExp: {
    about: 'logSumExp of two.',
    output: 'y = log(eᵃ + eᵇ)',
    adjust: 'da = dy·σ(a − b); db = dy·σ(b − a)',
    example: { code: 'logAddExp(x, tensor([0]))', x: [0], gives: [Math.LN2], adjusts: [0.5] },
  },
  hypot: {
    about: 'The length of (a, b), without overflow.',
    output: 'y = √(a² + b²)',
    adjust: 'da = dy·a/y; db = dy·b/y; 0 at the origin',
    example: { code: 'hypot(x, tensor([4]))', x: [3], gives: [5], adjusts: [0.6] },
  },
  xlogy: {
    about: 'a·log b, and 0 where a is 0, as the limit is: entropies.',
    output: 'y = a·log b',
    adjust: 'da = dy·log b; db = dy·a/b',
    example: { code: 'xlogy(x, tensor([2, 1]))', x: [3, 1], gives: [2.079442, 0], adjusts: [Math.LN2, 0] },
  },
  lerp: {
    about: 'A point on the line between two.',
    output: 'y = a + w·(b − a)',
    adjust: 'da = dy·(1 − w); db = dy·w; dw = dy·(b − a)',
    example: { code: 'lerp(x, tensor([10]), 0.25)', x: [2], gives: [4], adjusts: [0.75] },
  },
  clamp: {
    about: 'The nearest value in an interval.',
    output: 'y = min(max(x, low), high)',
    adjust: 'dx = dy inside and at the ends, else 0',
    watch: 'What lies outside is never pulled back.',
    example: { code: 'x.clamp(-1, 1)', x: [-2, 0.5, 1], gives: [-1, 0.5, 1], adjusts: [0, 1, 1] },
  },
  pow: {
    about: 'A power.',
    output: 'y = aᵇ',
    adjust: 'da = dy·b·aᵇ⁻¹; db = dy·y·log a',
    watch: 'Negative a with a fraction as b gives NaN.',
    example: { code: 'x.pow(3)', x: [2], gives: [8], adjusts: [12] },
  },
  maximum: {
    also: ['minimum'],
    about: 'The larger of two, element by element.',
    output: 'y = max(a, b)',
    adjust: 'dy goes to the larger; half to each where both are equal',
    example: { code: 'x.maximum(tensor([1, 1, 1]))', x: [0, 1, 2], gives: [1, 1, 2], adjusts: [0, 0.5, 1] },
  },
  where: {
    about: 'One of two, element by element, as a condition says.',
    output: 'y = a where the condition holds, else b',
    adjust: 'dy goes to the one that was taken, 0 to the other',
    watch: '0 times an infinite slope of the branch not taken is NaN: common cases are guarded, see docs/stability.md.',
    example: { code: 'x.greater(0).where(x, x.mul(2))', x: [-1, 3], gives: [-2, 3], adjusts: [2, 1] },
  },
  cumsum: {
    about: 'Running sums along an axis.',
    output: 'yᵢ = x₀ + … + xᵢ',
    adjust: 'dxᵢ = dyᵢ + dyᵢ₊₁ + …',
    example: { code: 'cumsum(x)', x: [1, 2, 3], gives: [1, 3, 6], adjusts: [3, 2, 1] },
  },
  cumprod: {
    about: 'Running products along an axis.',
    output: 'yᵢ = x₀·…·xᵢ',
    adjust: 'dxᵢ = Σ over j ≥ i of dyⱼ·(yⱼ without xᵢ): right also at zeros',
    example: { code: 'cumprod(x)', x: [2, 0, 3], gives: [2, 0, 0], adjusts: [1, 8, 0] },
  },
  logcumsumexp: {
    about: 'Running logSumExp along an axis.',
    output: 'yᵢ = log(eˣ⁰ + … + eˣⁱ)',
    adjust: 'dxⱼ = Σ over i ≥ j of dyᵢ·e^(xⱼ − yᵢ)',
    example: { code: 'logcumsumexp(x)', x: [0, 0], gives: [0, Math.LN2], adjusts: [1.5, 0.5] },
  },
  linearRecurrence: {
    about: 'A state that shrinks and is added to, all steps at once: the core of state-space layers.',
    output: 'hₜ = aₜ·hₜ₋₁ + bₜ',
    adjust: 'the same recurrence backwards: gₜ = dyₜ + aₜ₊₁·gₜ₊₁; db = g; daₜ = gₜ·hₜ₋₁',
    example: { code: 'linearRecurrence(tensor([0.5, 0.5]), x)', x: [2, 1], gives: [2, 2], adjusts: [1.5, 1] },
  },
  sort: {
    also: ['topK'],
    about: 'The elements in order; topK the largest few, with their places.',
    output: 'y = x[order]',
    adjust: 'dx[order] = dy',
    example: { code: 'sort(x).mul(tensor([1, 2, 3]))', x: [5, 1, 3], gives: [1, 6, 15], adjusts: [3, 1, 2] },
  },
  quantile: {
    also: ['median'],
    about: 'The value below which a share q of the elements lies; median the middle one.',
    output: 'between the two sorted elements around q·(n − 1), by linear interpolation',
    adjust: 'to those two elements, each by its share; the others get nothing',
    watch: 'NaN where there is a NaN.',
    example: { code: 'quantile(x, 0.25)', x: [4, 1, 3, 2], gives: 1.75, adjusts: [0, 0.25, 0, 0.75] },
  },
  straightThrough: {
    about: 'The values of a hard choice with the gradient of a soft one.',
    output: 'y = hard',
    adjust: 'dsoft = dy, as if y were soft',
    watch: 'A biased estimate, which often works.',
    source: 'Bengio et al. 2013; R76',
    example: { code: 'nn.functional.straightThrough(x.round(), x)', x: [0.7, 1.2], gives: [1, 1], adjusts: [1, 1] },
  },
  gumbelSoftmax: {
    about: 'Draws from a categorical distribution, relaxed so that gradients pass.',
    output: 'y = softmax((logits + noise)/temperature)',
    adjust: 'as softmax; `hard` gives one-hot values with this gradient',
    defaults: 'temperature 1, not hard',
    watch: 'Cold: nearly one-hot, but gradients of large variance.',
    source: 'Jang et al. 2017; Maddison et al. 2017',
    example: { code: 'nn.functional.gumbelSoftmax(x, { key: random.key(1) })', shape: [2, 3], gives: [2, 3] },
  },
  scoreFunction: {
    about: 'A gradient through a draw that nothing differentiable leads to (REINFORCE).',
    output: 'y = value',
    adjust: 'dlog p = (value − baseline)·dy; dvalue = dy',
    watch: 'Unbiased, with much variance: take a baseline.',
    source: 'Williams 1992; R76',
    example: { code: 'nn.functional.scoreFunction(tensor([3]), x)', x: [-1], gives: [3], adjusts: [3] },
  },
  scaledDotProductAttention: {
    about: 'Means of values, weighted by how well queries fit keys.',
    output: 'y = softmax(q kᵀ·scale) v',
    adjust: 'dv = Pᵀdy; dP = dy vᵀ; dS = P ⊙ (dP − Σ P·dP); dq = dS k·scale; dk = dSᵀ q·scale',
    shapes: 'q [..., queries, d], k [..., keys, d], v [..., keys, e] → [..., queries, e]',
    defaults: 'scale 1/√d, not causal, no mask',
    source: 'Vaswani et al. 2017',
    example: { code: 'nn.scaledDotProductAttention(x, x, x)', shape: [2, 3, 4], gives: [2, 3, 4] },
  },
  rotary: {
    about: 'Positions as rotations of pairs: products depend on distances alone.',
    output: '(xᵢ, xᵢ₊d/₂) turned by t·base^(−2i/d)',
    adjust: 'dx is dy, turned back',
    shapes: '[..., time, d] → the same, d even',
    defaults: 'base 10000, offset 0',
    source: 'Su et al. 2021',
    example: { code: 'nn.functional.rotary(x)', shape: [3, 4], gives: [3, 4] },
  },
  gridSample: {
    about: 'Images looked at where a grid says: spatial transformers.',
    output: 'y[p] = x at grid[p], between pixels along straight lines',
    adjust: 'dx to the four neighbours by their weights; dgrid by the slope of the image',
    shapes: 'x [n, c, h, w], grid [n, h′, w′, 2] in [−1, 1] → [n, c, h′, w′]',
    source: 'Jaderberg et al. 2015',
    example: { code: 'nn.functional.gridSample(x, zeros([1, 2, 2, 2]))', shape: [1, 1, 3, 3], gives: [1, 1, 2, 2] },
  },
  normalize: {
    about: 'Vectors of length 1 along an axis.',
    output: 'y = x / max(‖x‖ₚ, ε)',
    adjust: 'dx = (dy − y·Σ y·dy)/‖x‖: at right angles to x',
    defaults: 'p 2, axis 1, epsilon 1e-12',
    example: { code: 'nn.functional.normalize(x)', x: [[3, 4]], gives: [[0.6, 0.8]], adjusts: [[0.032, -0.024]] },
  },
}

const unwritten = (Object.keys(unaryTable) as UnaryName[]).filter((op) => !(op in elements) && !(op in activations))

export const functions: { readonly [name: string]: Piece } = {
  ...elements,
  ...Object.fromEntries(unwritten.map((op) => [op, written(op)])),
  ...others,
}
