/** Every layer with one input: comes back from its configuration, computes its functional form, refuses what it must. */

import { describe, expect, it } from 'vitest'
import * as linalg from '../../src/linalg/index.ts'
import * as nn from '../../src/nn/index.ts'
import * as tenon from '../../src/tensor/index.ts'
import { grad, random, type Tensor, tensor, withTraining, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const f = nn.functional
const input = (shape: readonly number[], seed = 1, dtype: 'float32' | 'float64' = 'float32'): Tensor =>
  random.normal(shape, { key: random.key(seed), dtype })
const distance = (a: Tensor, b: Tensor): number => (a.size === 0 ? 0 : a.sub(b).abs().max().itemSync())

type Layer = readonly [module: nn.Module, shape: readonly number[], form?: (x: Tensor, w: nn.Variables) => Tensor]

const layers: readonly Layer[] = [
  [
    nn.conv1d(4, 6, 3, { padding: 'same', groups: 2 }),
    [2, 4, 5],
    (x, w) => f.convolution(x, w.weight, w.bias, { padding: 'same', groups: 2 }),
  ],
  [
    nn.conv3d(1, 2, [1, 2, 3], { stride: 2, bias: false }),
    [1, 1, 3, 4, 5],
    (x, w) => f.convolution(x, w.weight, undefined, { stride: 2 }),
  ],
  [
    nn.convTranspose1d(4, 6, 3, { stride: 2, outputPadding: 1 }),
    [2, 4, 5],
    (x, w) => f.transposedConvolution(x, w.weight, w.bias, { stride: 2, outputPadding: 1 }),
  ],
  [
    nn.convTranspose2d(4, 2, [2, 3], { stride: 2, padding: 1, groups: 2 }),
    [2, 4, 5, 3],
    (x, w) => f.transposedConvolution(x, w.weight, w.bias, { stride: 2, padding: 1, groups: 2 }),
  ],
  [
    nn.convTranspose3d(1, 2, 2, { dilation: 2 }),
    [1, 1, 3, 2, 2],
    (x, w) => f.transposedConvolution(x, w.weight, w.bias, { dilation: 2 }),
  ],
  [nn.maxPool1d(2), [1, 2, 7], (x) => f.maxPool(x, { kernel: 2 }, 1)],
  [nn.maxPool3d([1, 2, 2], { stride: 1 }), [1, 2, 3, 3, 4], (x) => f.maxPool(x, { kernel: [1, 2, 2], stride: 1 }, 3)],
  [
    nn.averagePool1d(3, { padding: 1, ceil: true }),
    [1, 2, 7],
    (x) => f.averagePool(x, { kernel: 3, padding: 1, ceil: true }, 1),
  ],
  [
    nn.averagePool3d(2, { countPadding: false, padding: 1 }),
    [1, 2, 3, 3, 4],
    (x) => f.averagePool(x, { kernel: 2, countPadding: false, padding: 1 }, 3),
  ],
  [nn.adaptiveAveragePool1d(3), [1, 2, 7], (x) => f.adaptiveAveragePool(x, 3, 1)],
  [nn.adaptiveAveragePool2d([2, 3]), [1, 2, 5, 7], (x) => f.adaptiveAveragePool(x, [2, 3])],
  [nn.adaptiveMaxPool1d(3), [1, 2, 7], (x) => f.adaptiveMaxPool(x, 3, 1)],
  [nn.adaptiveMaxPool2d([2, 3]), [1, 2, 5, 7], (x) => f.adaptiveMaxPool(x, [2, 3])],
  [nn.adaptiveAveragePool3d([2, 1, 3]), [1, 2, 3, 4, 5], (x) => f.adaptiveAveragePool(x, [2, 1, 3], 3)],
  [nn.adaptiveMaxPool3d(2), [1, 2, 3, 4, 5], (x) => f.adaptiveMaxPool(x, 2, 3)],
  [nn.globalAveragePool(), [2, 3, 4, 5], (x) => x.mean([2, 3])],
  [nn.globalMaxPool(), [2, 3, 4], (x) => x.max(2)],
  [nn.powerPool2d(2, 2), [1, 2, 4, 4], (x) => f.powerPool(x, 2, { kernel: 2 })],
  [nn.powerPool1d(3, 2, { stride: 1 }), [1, 2, 5], (x) => f.powerPool(x, 3, { kernel: 2, stride: 1 }, 1)],
  [nn.powerPool3d(1, 2), [1, 1, 2, 4, 3], (x) => f.averagePool(x.abs(), { kernel: 2 }, 3).mul(8)],
  [nn.upsample(2), [1, 2, 2, 3], (x) => f.interpolate(x, [4, 6])],
  [
    nn.upsample(1.5, { mode: 'linear', alignCorners: true }),
    [1, 2, 4],
    (x) => f.interpolate(x, 6, { mode: 'linear', alignCorners: true }),
  ],
  [nn.pixelShuffle(2), [1, 8, 2, 3], (x) => f.pixelShuffle(x, 2)],
  [nn.pixelUnshuffle(2), [1, 2, 4, 6], (x) => f.pixelUnshuffle(x, 2)],
  [nn.groupNorm(2, 4, { epsilon: 1e-3 }), [2, 4, 3], (x, w) => f.groupNorm(x, 2, w.weight, w.bias, 1e-3)],
  [nn.instanceNorm(3), [2, 3, 4, 2], (x) => f.instanceNorm(x)],
  [nn.instanceNorm(3, { affine: true }), [2, 3, 4], (x) => f.instanceNorm(x)],
  [nn.rmsNorm([3, 4], { affine: false }), [2, 3, 4], (x) => f.rmsNorm(x, [3, 4])],
  [nn.localResponseNorm({ size: 2, k: 2 }), [2, 4, 3], (x) => f.localResponseNorm(x, { size: 2, k: 2 })],
  [
    nn.weightNorm(nn.conv2d(2, 3, 2)),
    [1, 2, 3, 3],
    (x, w) => f.convolution(x, f.weightNorm(w.weight_v, w.weight_g), w.bias),
  ],
  [nn.glu(1), [2, 4, 3], (x) => tenon.glu(x, 1)],
  [
    nn.swiGlu(3, 5),
    [2, 3],
    (x, w) => f.linear(tenon.silu(f.linear(x, w['gate.weight'])).mul(f.linear(x, w['up.weight'])), w['down.weight']),
  ],
  [
    nn.highway(3),
    [2, 3],
    (x, w) => {
      const t = f.linear(x, w['gate.weight'], w['gate.bias']).sigmoid()
      return t.mul(f.linear(x, w['transform.weight'], w['transform.bias']).relu()).add(t.neg().add(1).mul(x))
    },
  ],
  [nn.squeezeExcite(4, 2), [2, 4, 3, 3]],
  [nn.prelu(), [2, 3], (x) => tenon.leakyRelu(x, 0.25)],
  [nn.prelu(3), [2, 3, 4], (x) => tenon.leakyRelu(x, 0.25)],
  [nn.hardTanh(-0.5, 0.25), [5], (x) => tenon.hardTanh(x, -0.5, 0.25)],
  [nn.leakyRelu(0.3), [7], (x) => tenon.leakyRelu(x, 0.3)],
  [nn.elu(2), [7], (x) => tenon.elu(x, 2)],
  [nn.celu(2), [7], (x) => tenon.celu(x, 2)],
  [nn.softplus(3), [7], (x) => tenon.softplus(x, 3)],
  [nn.hardShrink(0.2), [7], (x) => tenon.hardShrink(x, 0.2)],
  [nn.softShrink(0.2), [7], (x) => tenon.softShrink(x, 0.2)],
  [nn.softmin(0), [3, 2], (x) => x.neg().softmax(0)],
  [nn.logSoftmax(), [3, 2], (x) => x.softmax().log()],
  [nn.sparsemax(0), [3, 2], (x) => tenon.sparsemax(x, 0)],
  [nn.entmax15(), [3, 2], (x) => tenon.entmax15(x)],
  ...(
    ['relu6', 'selu', 'silu', 'mish', 'logSigmoid', 'hardSigmoid', 'hardSwish', 'softSign', 'tanhShrink'] as const
  ).map((name): Layer => [{ ...nn }[name](), [2, 9], (x) => ({ ...tenon })[name](x)]),
  [nn.identity(), [3], (x) => x],
  [
    nn.mixtureOfExperts(
      nn.linear(3, 4),
      [0, 1, 2, 3].map(() => nn.linear(3, 2)),
      { top: 2 },
    ),
    [5, 3],
  ],
]

const titled = layers.map(([module, shape, form]) => ({
  name: `${module.kind} ${module.definition.label ?? ''}`,
  module,
  shape,
  form,
}))

forEachEngine(() => {
  it.each(titled)('$name', ({ module, shape, form }) => {
    const x = input(shape)
    const y = module(x)
    if (form) expect(distance(y, form(x, module.state()))).toBeLessThan(2e-6)
    const again = nn.fromConfig(JSON.parse(JSON.stringify(module.config)))
    expect(again.config).toEqual(module.config)
    again.loadState(module.state())
    expect(distance(again(x), y)).toBe(0)
    expect(module.summary(shape).rows[0].outputShape).toEqual(y.shape)
    for (const g of grad(y.sum(), module.parameters())) expect(g.isFinite().all().itemSync()).toBe(1)
  })

  it('dropouts keep the mean while training, and change nothing otherwise', () => {
    const x = input([64, 64, 4, 4]).add(1)
    for (const make of [nn.dropout, nn.spatialDropout, nn.dropPath, nn.alphaDropout]) {
      expect(distance(make(0.25)(x), x)).toBe(0)
      expect(withTraining(true, () => make(0)(x))).toBe(x)
      expect(nn.fromConfig(make(0.25).config).config).toEqual(make(0.25).config)
    }
    withTraining(true, () => {
      const ones = zeros([40, 50, 2, 2]).add(1)
      const y = nn.spatialDropout(0.25)(ones)
      expect(distance(y, y.mean([2, 3], true).broadcastTo(y.shape))).toBe(0)
      expect(Math.abs(y.mean().itemSync() - 1)).toBeLessThan(0.05)
      const path = nn.dropPath(0.5)(ones)
      expect(distance(path, path.mean([1, 2, 3], true).broadcastTo(path.shape))).toBe(0)
      const normal = input([300, 300])
      const kept = nn.alphaDropout(0.3)(tenon.selu(normal))
      expect(Math.abs(kept.mean().itemSync())).toBeLessThan(0.03)
      expect(Math.abs(kept.var().itemSync() - 1)).toBeLessThan(0.03)
      expect(nn.dropout(1)(ones).abs().max().itemSync()).toBe(0)
      expect(nn.spatialDropout(1)(ones).abs().max().itemSync()).toBe(0)
      expect(nn.alphaDropout(1)(ones).abs().max().itemSync()).toBe(0)
    })
  })

  it('weight normalisation begins at the layer’s own function, and unpooling undoes pooling', () => {
    const layer = nn.linear(3, 4)
    const x = input([2, 3])
    expect(distance(nn.weightNorm(layer)(x), layer(x))).toBeLessThan(1e-6)
    const pooled = f.maxPoolWithIndices(input([1, 2, 4, 4]), { kernel: 2 })
    const back = nn.maxUnpool([4, 4]).run(pooled.values, pooled.indices)
    expect(distance(f.maxPool(back, { kernel: 2 }), pooled.values.maximum(0))).toBe(0)
  })
})

describe('pools and grids beyond their defaults', () => {
  const image = (): Tensor => input([2, 2, 7, 6])
  it('a dilated window is a window of every second element', () => {
    const every = (x: Tensor, row: number, column: number): Tensor =>
      x.slice(null, null, [row, null, 2], [column, null, 2])
    const dilated = f.maxPool(image(), { kernel: [3, 2], stride: 1, dilation: 2 })
    for (const [row, column] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ])
      expect(
        distance(every(dilated, row, column), f.maxPool(every(image(), row, column), { kernel: [3, 2], stride: 1 })),
      ).toBe(0)
    const { values, indices } = f.maxPoolWithIndices(image(), {
      kernel: 3,
      stride: 2,
      padding: 1,
      dilation: 2,
      ceil: true,
    })
    expect(
      distance(
        image()
          .reshape([2, 2, 42])
          .takeAlong(indices.reshape([2, 2, -1]), 2)
          .reshape(values.shape),
        values,
      ),
    ).toBe(0)
  })

  it('grids take the nearest pixel, and that of the border beyond it', () => {
    const at = (...places: [x: number, y: number][]): Tensor =>
      tenon.tensor([places, places], { shape: [2, 1, places.length, 2] })
    const x = image()
    const corners = at([-3, -3], [3, -2], [-2, 5], [9, 9])
    const border = f.gridSample(x, corners, { padding: 'border' }).squeeze(2)
    const wanted = tenon.stack(
      [
        [0, 0],
        [0, 5],
        [6, 0],
        [6, 5],
      ].map(([r, c]) => x.at(r, 2).at(c, 2)),
      -1,
    )
    expect(distance(border, wanted)).toBeLessThan(1e-6)
    expect(distance(f.gridSample(x, corners).abs().sum(), tenon.tensor(0))).toBe(0)
    const near = f.gridSample(x, at([-0.95, -0.9], [0.1, 0.05]), { mode: 'nearest', alignCorners: true }).squeeze(2)
    expect(distance(near, tenon.stack([x.at(0, 2).at(0, 2), x.at(3, 2).at(3, 2)], -1))).toBe(0)
  })
})

describe('refusals', () => {
  const x = (...shape: readonly number[]): Tensor => zeros(shape)
  const run = (module: nn.Module, ...shape: readonly number[]): Tensor =>
    nn.sequential({ a: module } as nn.Modules)(x(...shape))
  const cases: readonly (readonly [what: string, refused: () => unknown, message: RegExp])[] = [
    ['conv1d rank', () => run(nn.conv1d(2, 3, 3), 2, 2), /net\.a \(conv1d 2→3 3\).*\[n, 2, l\].*\[2, 2\]/],
    ['conv1d channels', () => run(nn.conv1d(2, 3, 3), 1, 4, 5), /net\.a .*\[1, 4, 5\].*4 is not 2/],
    ['conv3d kernel too large', () => run(nn.conv3d(1, 1, 5), 1, 1, 3, 3, 3), /net\.a .*\[1, 1, 3, 3, 3\]/],
    ['conv2d groups', () => nn.conv2d(3, 4, 1, { groups: 2 }), /3 inputs and 4 outputs don't divide into 2 groups/],
    ['conv2d stride', () => nn.conv2d(3, 4, 1, { stride: 0 }), /stride is 0/],
    ['conv2d dilation', () => nn.conv2d(3, 4, 1, { dilation: [1, 0.5] }), /dilation is 0.5/],
    ['conv2d padding', () => nn.conv2d(3, 4, 1, { padding: -1 }), /padding is -1/],
    ['conv1d kernel list', () => nn.conv1d(3, 4, [1, 2]), /2 numbers for 1 spatial axes/],
    ['convTranspose groups', () => nn.convTranspose2d(4, 3, 2, { groups: 2 }), /divide into 2 groups/],
    [
      'convTranspose outputPadding',
      () => run(nn.convTranspose1d(1, 1, 2, { outputPadding: 1 }), 1, 1, 3),
      /outputPadding/,
    ],
    ['maxPool1d rank', () => run(nn.maxPool1d(2), 1, 2, 3, 3), /net\.a \(maxPool1d 2\).*too many axes/],
    ['maxPool padding', () => run(nn.maxPool2d(2, { padding: 2 }), 1, 1, 4, 4), /more than half the kernel/],
    ['maxPool kernel', () => nn.maxPool3d(0), /kernel is 0/],
    ['adaptive output', () => nn.adaptiveMaxPool2d([1, 0]), /output is 0/],
    ['global rank', () => run(nn.globalAveragePool(), 2, 3), /net\.a .*\[2, 3\]/],
    ['powerPool order', () => nn.powerPool2d(Number.NaN, 2), /order p is NaN/],
    ['embeddingBag mode', () => nn.embeddingBag(2, 3, { mode: 'min' as 'max' }), /unknown mode 'min'/],
    ['embeddingBag padding', () => nn.embeddingBag(2, 3, { paddingIndex: 2 }), /paddingIndex is 2.*0 to 1/],
    [
      'embeddingBag axes',
      () => nn.sequential({ a: nn.embeddingBag(2, 3) as nn.Module })(zeros([2], 'int32')),
      /net\.a/,
    ],
    [
      'embeddingBag factors',
      () => nn.embeddingBag(2, 3).run(zeros([2, 1], 'int32'), { factors: x(2, 1) }),
      /factors \[2, 1\] are for mode 'sum'/,
    ],
    ['dynamic kernel', () => nn.dynamicConvolution(1, 1, [], nn.relu()), /1 to 3 spatial axes/],
    ['dynamic groups', () => nn.dynamicConvolution(3, 2, [1], nn.relu(), { groups: 2 }), /divide into 2 groups/],
    [
      'dynamic weights',
      () => run(nn.dynamicConvolution(2, 1, [2], nn.linear(2, 4)), 3, 2, 4),
      /net\.a .*gives \[3, 4\]: expected \[3, 5\]/,
    ],
    ['whitening kernel', () => nn.whitening(3, 0), /kernel is 0/],
    ['whiten another layer', () => nn.whiten(nn.linear(2, 3), x(1), { eigh: linalg.eigh }), /the layer is a linear/],
    ['whiten channels', () => nn.whiten(nn.whitening(3, 2), x(1, 2, 4, 4), { eigh: linalg.eigh }), /\[n, 3, h, w\]/],
    ['conditional branches', () => nn.conditional(nn.relu(), nn.relu(), {} as nn.Module), /all modules/],
    [
      'conditional predicate',
      () => run(nn.conditional(nn.relu(), nn.relu(), nn.relu()), 2, 3),
      /net\.a .*gives \[2, 3\].*expected one number/,
    ],
    [
      'conditional of each',
      () => run(nn.conditional(nn.linear(3, 2), nn.relu(), nn.relu(), { each: 'example' }), 4, 3),
      /one for each of 4 examples/,
    ],
    [
      'conditional shapes',
      () => run(nn.conditional(nn.linear(3, 1), nn.relu(), nn.linear(3, 1)), 1, 3),
      /net\.a.*\[1, ?1\]/,
    ],
    ['adaptive cutoffs', () => nn.adaptiveSoftmax(8, 10, [4, 4]), /cutoffs are \[4, 4\]/],
    ['adaptive cutoffs end', () => nn.adaptiveSoftmax(8, 10, [10]), /between 0 and 10/],
    ['adaptive width', () => nn.adaptiveSoftmax(8, 10, [2, 4]), /leave cluster 2 none/],
    ['adaptive divide', () => nn.adaptiveSoftmax(8, 10, [2], { divide: 0.5 }), /divide is 0\.5/],
    ['adaptive targets', () => nn.adaptiveSoftmax(8, 10, [2]).run(x(3, 8), x(3)), /targets float32 \[3\]/],
    [
      'experts capacity',
      () => nn.mixtureOfExperts(nn.linear(2, 1), [nn.linear(2, 1)], { capacity: 0 }),
      /capacity is 0/,
    ],
    [
      'experts that differ with a capacity',
      () => nn.mixtureOfExperts(nn.linear(2, 2), [nn.linear(2, 1), nn.sequential(nn.linear(2, 1))], { capacity: 1 }),
      /experts of one architecture/,
    ],
    ['maxUnpool alone', () => run(nn.maxUnpool([4]), 1, 1, 2), /run\(values, indices\)/],
    ['upsample factor', () => nn.upsample(Number.POSITIVE_INFINITY), /factor is Infinity/],
    ['pixelShuffle channels', () => run(nn.pixelShuffle(2), 1, 6, 2, 2), /net\.a .*\[1, 6, 2, 2\]/],
    ['groupNorm groups', () => nn.groupNorm(3, 4), /4 channels don't divide into 3 groups/],
    ['groupNorm channels', () => run(nn.groupNorm(2, 4), 1, 6, 2), /6 is not 4/],
    ['norm epsilon', () => nn.layerNorm(3, { epsilon: Number.NaN }), /epsilon is NaN/],
    ['batchNorm momentum', () => nn.batchNorm(3, { momentum: 2 }), /is 2, it must lie in \[0, 1\]/],
    ['rmsNorm shape', () => run(nn.rmsNorm(3), 2, 4), /net\.a .*4 is not 3/],
    ['localResponseNorm size', () => nn.localResponseNorm({ size: 0 }), /size is 0/],
    ['weightNorm of relu', () => nn.weightNorm(nn.relu()), /one layer with a weight/],
    ['dropout p', () => nn.dropPath(1.5), /dropPath: the probability p is 1.5/],
    ['dropout NaN', () => nn.alphaDropout(Number.NaN), /probability p is NaN/],
    ['leakyRelu slope', () => nn.leakyRelu(Number.NaN), /slope is NaN/],
    ['hardTanh order', () => nn.hardTanh(1, 1), /low must be less/],
    ['softmax axis', () => run(nn.softmax(2), 2, 2), /net\.a .*\[2, 2\]/],
    ['glu halves', () => run(nn.glu(), 2, 3), /net\.a .*\[2, 3\] cannot be halved/],
    ['prelu channels', () => run(nn.prelu(3), 2, 4), /4 is not 3/],
    ['highway size', () => run(nn.highway(3), 2, 4), /net\.a.*\[2, 4\]/],
    ['highway bias', () => nn.highway(3, { gateBias: Number.NaN }), /gateBias is NaN/],
    ['squeezeExcite reduction', () => nn.squeezeExcite(4, 8), /leave no unit/],
    ['interaction alone', () => run(nn.multiplicativeInteraction(2, 3, 4), 1, 2), /call run\(x, z\)/],
    ['interaction shapes', () => nn.multiplicativeInteraction(2, 3, 4).run(x(5, 2), x(4, 3)), /\[5, 2\] and \[4, 3\]/],
    ['interaction rank', () => nn.multiplicativeInteraction(2, 3, 4, { form: 'lowRank' }), /give a rank/],
    ['bilinear shapes', () => nn.bilinear(2, 3, 1).run(x(5, 2), x(5, 2)), /expected \[\.\.\., 2\] and \[\.\.\., 3\]/],
    ['film shapes', () => nn.film(2, 3).run(x(5, 4), x(5, 3)), /\[5, 4\]/],
    [
      'hypernetwork count',
      () => nn.hypernetwork(2, 3, nn.linear(1, 8)).run(x(1, 2), x(1, 1)),
      /\[n, 2\] and \[n, 9\]|\[1, 9\]/,
    ],
    [
      'experts gate',
      () => run(nn.mixtureOfExperts(nn.linear(2, 3), [nn.linear(2, 1)]), 4, 2),
      /\[4, 3\] for 1 experts/,
    ],
    ['experts top', () => nn.mixtureOfExperts(nn.linear(2, 1), [nn.linear(2, 1)], { top: 2 }), /top is 2/],
    ['embedding table', () => nn.embedding(3, 2, { paddingIndex: 3 }), /paddingIndex is 3/],
    ['linear dtype of index', () => nn.embedding(3, 2)(tensor([0.5])), /int32/],
  ]
  it.each(cases)('%s', (_, refused, message) => {
    expect(refused).toThrow(message)
  })
})
