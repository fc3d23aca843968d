// Activations: functions of each element, and of the elements along an axis.

import * as nn from '../nn/index.ts'
import type { Tensor } from '../tensor/index.ts'
import type { Curve, Piece } from './piece.ts'

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const softplus = (x: number): number => Math.log1p(Math.exp(x))
const sign = Math.sign
const elementwise = '[...] → the same'
const alongAxis = '[...] → the same; along one axis, the last unless told'

/** The curve of an activation from −5 to 5. */
const curve = (
  of: (x: Tensor) => Tensor,
  value: (x: number) => number,
  slope: (x: number) => number,
  flat?: Curve['flat'],
): Curve => ({ of, value, slope, from: -5, to: 5, ...(flat ? { flat } : {}) })

const seluScale = 1.0507009873554805
const seluAlpha = 1.6732632423543772

/** The normal distribution's density, and its integral by Simpson's rule. */
const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
function distribution(x: number): number {
  const count = 400
  const h = x / count
  let sum = density(0) + density(x)
  for (let i = 1; i < count; i++) sum += (i % 2 === 1 ? 4 : 2) * density(i * h)
  return 0.5 + (sum * h) / 3
}

export const activations: { readonly [name: string]: Piece } = {
  relu: {
    about: 'Lets positive numbers pass and makes the others 0.',
    output: 'y = max(x, 0)',
    adjust: 'dx = dy where x > 0, else 0 (also at 0): a unit that is off learns nothing from the example',
    shapes: elementwise,
    watch:
      'A unit that is off for every example never comes back (“dead”): lower the rate, or use leakyRelu. Initialise with heNormal.',
    source: 'Nair & Hinton 2010',
    curve: curve(
      nn.relu(),
      (x) => Math.max(x, 0),
      (x) => (x > 0 ? 1 : 0),
      [[-Infinity, 0]],
    ),
  },
  relu6: {
    about: 'relu that stops at 6, for numbers of few bits.',
    output: 'y = min(max(x, 0), 6)',
    adjust: 'dx = dy where 0 < x < 6, else 0',
    shapes: elementwise,
    watch: 'Dead on both sides.',
    source: 'Krizhevsky 2010',
    curve: {
      ...curve(
        nn.relu6(),
        (x) => Math.min(Math.max(x, 0), 6),
        (x) => (x > 0 && x < 6 ? 1 : 0),
        [
          [-Infinity, 0],
          [6, Infinity],
        ],
      ),
      from: -3,
      to: 9,
    },
  },
  leakyRelu: {
    about: 'relu that lets a little of negative numbers through, so that no unit dies.',
    output: 'y = x where x > 0, else slope·x',
    adjust: 'dx = dy where x > 0, else slope·dy',
    shapes: elementwise,
    defaults: 'slope 0.01',
    source: 'Maas et al. 2013',
    curve: curve(
      nn.leakyRelu(),
      (x) => (x > 0 ? x : 0.01 * x),
      (x) => (x > 0 ? 1 : 0.01),
    ),
  },
  prelu: {
    about: 'leakyRelu whose slope is learned: one, or one for each channel.',
    output: 'y = x where x > 0, else weight·x',
    adjust: 'dx = dy where x > 0, else weight·dy; dweight = Σ x·dy over x ≤ 0',
    shapes: '[n, channels, ...] → the same',
    defaults: '1 channel; weight starts at 0.25',
    watch: 'Leave its weight out of weight decay, which would make it a relu.',
    source: 'He et al. 2015',
    curve: curve(
      (x) => nn.prelu(1, { dtype: 'float64' })(x),
      (x) => (x > 0 ? x : 0.25 * x),
      (x) => (x > 0 ? 1 : 0.25),
    ),
  },
  elu: {
    about: 'A relu that bends smoothly to −alpha, so that outputs have mean near 0.',
    output: 'y = x where x > 0, else alpha·(eˣ − 1)',
    adjust: 'dx = dy where x > 0, else dy·(y + alpha)',
    shapes: elementwise,
    defaults: 'alpha 1',
    watch: 'With alpha other than 1 the slope jumps at 0: celu does not.',
    source: 'Clevert et al. 2016',
    curve: curve(
      nn.elu(),
      (x) => (x > 0 ? x : Math.expm1(x)),
      (x) => (x > 0 ? 1 : Math.exp(x)),
      [[-Infinity, -7]],
    ),
  },
  selu: {
    about: 'The elu whose outputs keep mean 0 and variance 1 from layer to layer.',
    output: 'y = 1.0507·elu(x; alpha = 1.6733)',
    adjust: 'dx = 1.0507·dy where x > 0, else 1.7581·eˣ·dy',
    shapes: elementwise,
    watch: 'Only with lecunNormal weights and alphaDropout; other noise or normalisation breaks the balance.',
    source: 'Klambauer et al. 2017',
    curve: curve(
      nn.selu(),
      (x) => seluScale * (x > 0 ? x : seluAlpha * Math.expm1(x)),
      (x) => seluScale * (x > 0 ? 1 : seluAlpha * Math.exp(x)),
      [[-Infinity, -8]],
    ),
  },
  celu: {
    about: 'elu with a slope that does not jump, whatever alpha is.',
    output: 'y = x where x > 0, else alpha·(e^(x/alpha) − 1)',
    adjust: 'dx = dy where x > 0, else dy·e^(x/alpha)',
    shapes: elementwise,
    defaults: 'alpha 1',
    source: 'Barron 2017',
    curve: curve(
      nn.celu(2),
      (x) => (x > 0 ? x : 2 * Math.expm1(x / 2)),
      (x) => (x > 0 ? 1 : Math.exp(x / 2)),
      [[-Infinity, -14]],
    ),
  },
  gelu: {
    about: 'x times the probability that a normal number is below x: a relu with a smooth knee, usual in transformers.',
    output: 'y = x·Φ(x), Φ the normal distribution',
    adjust: 'dx = dy·(Φ(x) + x·φ(x)), φ the density: slightly negative below −0.75',
    shapes: elementwise,
    defaults: "form 'none', exact; 'tanh' approximates Φ to 5e-4",
    watch: 'Not monotone: it falls from −∞ to −0.75.',
    source: 'Hendrycks & Gimpel 2016',
    curve: curve(
      nn.gelu(),
      (x) => x * distribution(x),
      (x) => distribution(x) + x * density(x),
      [[-Infinity, -4]],
    ),
  },
  silu: {
    about: 'x times its own sigmoid, a smooth relu; also called swish.',
    output: 'y = x·σ(x)',
    adjust: 'dx = dy·σ(x)·(1 + x·(1 − σ(x)))',
    shapes: elementwise,
    watch: 'Not monotone: it falls from −∞ to −1.28.',
    source: 'Elfwing et al. 2018; Ramachandran et al. 2017',
    curve: curve(
      nn.silu(),
      (x) => x * sigmoid(x),
      (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
      [[-Infinity, -10]],
    ),
  },
  mish: {
    about: 'Like silu, by way of softplus and tanh.',
    output: 'y = x·tanh(softplus(x))',
    adjust: 'dx = dy·(t + x·σ(x)·(1 − t²)) with t = tanh(softplus(x))',
    shapes: elementwise,
    source: 'Misra 2019',
    curve: curve(
      nn.mish(),
      (x) => x * Math.tanh(softplus(x)),
      (x) => Math.tanh(softplus(x)) + x * sigmoid(x) * (1 - Math.tanh(softplus(x)) ** 2),
      [[-Infinity, -10]],
    ),
  },
  softplus: {
    about: 'A relu without a corner, always positive: for rates and variances.',
    output: 'y = log(1 + e^(βx)) / β',
    adjust: 'dx = dy·σ(βx)',
    shapes: elementwise,
    defaults: 'beta 1',
    watch:
      'Computed so that neither large nor very negative x loses digits; log(1 + eˣ) written out is rewritten to it.',
    source: 'Dugas et al. 2001; R18',
    curve: curve(nn.softplus(), softplus, sigmoid, [[-Infinity, -7]]),
  },
  sigmoid: {
    about: 'Squeezes numbers to between 0 and 1: a gate, or the probability of yes.',
    output: 'y = σ(x) = 1 / (1 + e⁻ˣ)',
    adjust: 'dx = dy·y·(1 − y), at most dy/4',
    shapes: elementwise,
    watch:
      'Saturates on both sides, and a row of them shrinks gradients by 4 each. As last layer leave it out: sigmoidBinaryCrossEntropy takes what goes in here.',
    source: 'R18',
    curve: curve(nn.sigmoid(), sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x)), [
      [-Infinity, -7],
      [7, Infinity],
    ]),
  },
  logSigmoid: {
    about: 'The logarithm of sigmoid, finite for every x.',
    output: 'y = log σ(x) = −softplus(−x)',
    adjust: 'dx = dy·(1 − σ(x))',
    shapes: elementwise,
    curve: curve(
      nn.logSigmoid(),
      (x) => -softplus(-x),
      (x) => 1 - sigmoid(x),
      [[7, Infinity]],
    ),
  },
  hardSigmoid: {
    about: 'A sigmoid of three straight lines.',
    output: 'y = x/6 + 1/2, cut to [0, 1]',
    adjust: 'dx = dy/6 where |x| < 3, else 0',
    shapes: elementwise,
    source: 'Courbariaux et al. 2015',
    curve: curve(
      nn.hardSigmoid(),
      (x) => Math.min(1, Math.max(0, x / 6 + 0.5)),
      (x) => (Math.abs(x) < 3 ? 1 / 6 : 0),
      [
        [-Infinity, -3],
        [3, Infinity],
      ],
    ),
  },
  hardSwish: {
    about: 'silu with the sigmoid of three straight lines, for small devices.',
    output: 'y = x·hardSigmoid(x)',
    adjust: 'dx = 0 below −3, dy above 3, dy·(2x + 3)/6 between',
    shapes: elementwise,
    source: 'Howard et al. 2019',
    curve: curve(
      nn.hardSwish(),
      (x) => x * Math.min(1, Math.max(0, x / 6 + 0.5)),
      (x) => (x < -3 ? 0 : x > 3 ? 1 : (2 * x + 3) / 6),
      [[-Infinity, -3]],
    ),
  },
  tanh: {
    about: 'Squeezes numbers to between −1 and 1, around 0.',
    output: 'y = tanh(x)',
    adjust: 'dx = dy·(1 − y²)',
    shapes: elementwise,
    watch: 'Saturates on both sides; initialise with glorotUniform so that sums stay in its steep part.',
    source: 'LeCun et al. 1998; R18',
    curve: curve(nn.tanh(), Math.tanh, (x) => 1 - Math.tanh(x) ** 2, [
      [-Infinity, -4.2],
      [4.2, Infinity],
    ]),
  },
  hardTanh: {
    about: 'x, cut to an interval.',
    output: 'y = min(max(x, low), high)',
    adjust: 'dx = dy where low < x < high, else 0',
    shapes: elementwise,
    defaults: 'low −1, high 1',
    curve: curve(
      nn.hardTanh(),
      (x) => Math.min(1, Math.max(-1, x)),
      (x) => (Math.abs(x) < 1 ? 1 : 0),
      [
        [-Infinity, -1],
        [1, Infinity],
      ],
    ),
  },
  softSign: {
    about: 'Squeezes like tanh, but saturates slowly.',
    output: 'y = x / (1 + |x|)',
    adjust: 'dx = dy / (1 + |x|)²',
    shapes: elementwise,
    source: 'Bergstra et al. 2009',
    curve: curve(
      nn.softSign(),
      (x) => x / (1 + Math.abs(x)),
      (x) => 1 / (1 + Math.abs(x)) ** 2,
      [
        [-Infinity, -32],
        [32, Infinity],
      ],
    ),
  },
  tanhShrink: {
    about: 'What tanh takes away: small numbers nearly vanish.',
    output: 'y = x − tanh(x)',
    adjust: 'dx = dy·tanh²(x)',
    shapes: elementwise,
    watch: 'Flat around 0, where weights begin.',
    curve: curve(
      nn.tanhShrink(),
      (x) => x - Math.tanh(x),
      (x) => Math.tanh(x) ** 2,
      [[-0.03, 0.03]],
    ),
  },
  hardShrink: {
    about: 'Makes small numbers 0 and leaves the others alone.',
    output: 'y = x where |x| > threshold, else 0',
    adjust: 'dx = dy where |x| > threshold, else 0',
    shapes: elementwise,
    defaults: 'threshold 0.5',
    watch: 'Jumps at ±threshold.',
    curve: {
      ...curve(
        nn.hardShrink(),
        (x) => (Math.abs(x) > 0.5 ? x : 0),
        (x) => (Math.abs(x) > 0.5 ? 1 : 0),
        [[-0.5, 0.5]],
      ),
      from: -2,
      to: 2,
    },
  },
  threshold: {
    about: 'Replaces what is not above a threshold by a value.',
    output: 'y = x where x > at, else value',
    adjust: 'dx = dy where x > at, else 0',
    shapes: elementwise,
    defaults: 'at 0, value 0: relu',
    watch: 'Jumps at the threshold, unless the value is the threshold.',
    curve: {
      ...curve(
        nn.threshold(0.5, -1),
        (x) => (x > 0.5 ? x : -1),
        (x) => (x > 0.5 ? 1 : 0),
        [[-Infinity, 0.5]],
      ),
      from: -2,
      to: 2,
    },
  },
  rrelu: {
    about: 'leakyRelu with a random slope while training.',
    output: 'y = x where x > 0, else a·x with a uniform in [low, high]; their mean when not training',
    adjust: 'dx = dy where x > 0, else a·dy',
    shapes: elementwise,
    defaults: 'low 1/8, high 1/3',
    source: 'Xu et al. 2015',
    curve: curve(
      nn.rrelu(),
      (x) => (x > 0 ? x : (11 / 48) * x),
      (x) => (x > 0 ? 1 : 11 / 48),
    ),
  },
  softShrink: {
    about: 'Moves numbers towards 0, and not past it: the proximal step of an L1 penalty.',
    output: 'y = sign(x)·max(|x| − threshold, 0)',
    adjust: 'dx = dy where |x| > threshold, else 0',
    shapes: elementwise,
    defaults: 'threshold 0.5',
    source: 'Donoho & Johnstone 1994',
    curve: {
      ...curve(
        nn.softShrink(),
        (x) => sign(x) * Math.max(Math.abs(x) - 0.5, 0),
        (x) => (Math.abs(x) > 0.5 ? 1 : 0),
        [[-0.5, 0.5]],
      ),
      from: -2,
      to: 2,
    },
  },
  identity: {
    about: 'Nothing: a place to put something later, or the way past a block.',
    output: 'y = x',
    adjust: 'dx = dy',
    shapes: elementwise,
    curve: curve(
      nn.identity(),
      (x) => x,
      () => 1,
    ),
  },
  softmax: {
    about: 'Makes numbers of any size a distribution: positive, with sum 1.',
    output: 'yᵢ = eˣⁱ / Σⱼ eˣʲ',
    adjust: 'dx = y ⊙ (dy − Σ y·dy): what all want alike is taken off',
    shapes: alongAxis,
    watch:
      'Saturates where one input is far above the others. As last layer leave it out: softmaxCrossEntropy takes what goes in here, and its gradient does not vanish.',
    source: 'Bridle 1990; R22',
    example: { code: 'nn.softmax()(x).at(0)', x: [1, 2, 3], gives: 0.09003, adjusts: [0.08193, -0.02203, -0.05989] },
  },
  softmin: {
    about: 'The softmax of −x: the smallest has most.',
    output: 'yᵢ = e^(−xᵢ) / Σⱼ e^(−xⱼ)',
    adjust: 'dx = −y ⊙ (dy − Σ y·dy)',
    shapes: alongAxis,
    example: { code: 'nn.softmin()(x).at(0)', x: [3, 2, 1], gives: 0.09003, adjusts: [-0.08193, 0.02203, 0.05989] },
  },
  logSoftmax: {
    about: 'The logarithm of softmax, finite for all finite inputs.',
    output: 'yᵢ = xᵢ − log Σⱼ eˣʲ',
    adjust: 'dx = dy − softmax(x)·Σ dy',
    shapes: alongAxis,
    watch: 'What nll takes; softmaxCrossEntropy is both in one.',
    source: 'R22',
    example: {
      code: 'nn.logSoftmax()(x).at(0)',
      x: [1, 2, 3],
      gives: -2.40761,
      adjusts: [0.90997, -0.24473, -0.66524],
    },
  },
  sparsemax: {
    about: 'The nearest distribution, in which many entries can be exactly 0.',
    output: 'yᵢ = max(xᵢ − τ, 0) with τ such that Σ y = 1',
    adjust: 'dxᵢ = dyᵢ − mean of dy over the support where yᵢ > 0, else 0',
    shapes: alongAxis,
    watch: 'Entries at 0 get no gradient: train with sparsemaxLoss.',
    source: 'Martins & Astudillo 2016',
    example: { code: 'nn.sparsemax()(x).at(0)', x: [1, 0.5, -1], gives: 0.75, adjusts: [0.5, -0.5, 0] },
  },
  entmax15: {
    about: 'Half way between softmax and sparsemax: zeros, but with a smooth way there.',
    output: 'yᵢ = max(xᵢ/2 − τ, 0)² with τ such that Σ y = 1',
    adjust: 'dx = s ⊙ (dy − Σ s·dy / Σ s) with s = √y',
    shapes: alongAxis,
    source: 'Peters et al. 2019',
    example: { code: 'nn.entmax15()(x).at(0)', x: [1, 0], gives: 0.83072, adjusts: [0.28347, -0.28347] },
  },
}
