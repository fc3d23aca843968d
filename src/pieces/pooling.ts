// Pooling and places: windows and images made smaller, larger or flat.

import { fold } from '../nn/index.ts'
import type { Piece } from './piece.ts'

export const pools: { readonly [name: string]: Piece } = {
  maxPool2d: {
    also: ['maxPool1d', 'maxPool3d'],
    about: 'The largest element of each window.',
    output: 'y[p] = max over k of x[stride·p + k]',
    adjust: 'dx = dy at the place of the largest, the first of equal ones; 0 elsewhere',
    shapes: '[n, c, h, w] → [n, c, h′, w′]',
    defaults: 'stride = kernel, padding 0 (which never wins), ceil false',
    watch: 'All but one element of a window learn nothing.',
    example: { code: 'nn.maxPool1d(2)(x)', x: [[[1, 5, 2, 2]]], gives: [[[5, 2]]], adjusts: [[[0, 1, 1, 0]]] },
  },
  averagePool2d: {
    also: ['averagePool1d', 'averagePool3d'],
    about: 'The mean of each window.',
    output: 'y[p] = mean over k of x[stride·p + k]',
    adjust: 'dx = dy / size, spread evenly over the window',
    shapes: '[n, c, h, w] → [n, c, h′, w′]',
    defaults: 'stride = kernel, padding 0, countPadding true: padding counts as zeros',
    example: {
      code: 'nn.averagePool1d(2)(x)',
      x: [[[1, 5, 2, 2]]],
      gives: [[[3, 2]]],
      adjusts: [[[0.5, 0.5, 0.5, 0.5]]],
    },
  },
  adaptiveAveragePool2d: {
    also: ['adaptiveAveragePool1d', 'adaptiveAveragePool3d'],
    about: 'The mean of each of a given number of parts, whatever the extents.',
    output: 'y[i] = mean of x from ⌊i·h/output⌋ to ⌈(i + 1)·h/output⌉',
    adjust: 'dx = dy / size, spread evenly over each part',
    shapes: '[n, c, h, w] → [n, c, output, output]',
    example: {
      code: 'nn.adaptiveAveragePool1d(2)(x)',
      x: [[[1, 5, 2]]],
      gives: [[[3, 3.5]]],
      adjusts: [[[0.5, 1, 0.5]]],
    },
  },
  adaptiveMaxPool2d: {
    also: ['adaptiveMaxPool1d', 'adaptiveMaxPool3d'],
    about: 'The largest element of each of a given number of parts, whatever the extents.',
    output: 'y[i] = max of x from ⌊i·h/output⌋ to ⌈(i + 1)·h/output⌉',
    adjust: 'dx = dy at the place of the largest, the first of equal ones',
    shapes: '[n, c, h, w] → [n, c, output, output]',
    example: { code: 'nn.adaptiveMaxPool1d(2)(x)', x: [[[1, 5, 2]]], gives: [[[5, 5]]], adjusts: [[[0, 2, 0]]] },
  },
  globalAveragePool: {
    about: 'The mean of each channel: the end of many image networks.',
    output: 'y = mean over space of x',
    adjust: 'dx = dy / (h·w) at every place',
    shapes: '[n, c, ...spatial] → [n, c]',
    source: 'Lin et al. 2014',
    example: {
      code: 'nn.globalAveragePool()(x)',
      x: [[[1, 5, 3]]],
      gives: [[3]],
      adjusts: [[[0.333333, 0.333333, 0.333333]]],
    },
  },
  globalMaxPool: {
    about: 'The largest element of each channel.',
    output: 'y = max over space of x',
    adjust: 'dx = dy at the place of the largest, the first of equal ones',
    shapes: '[n, c, ...spatial] → [n, c]',
    example: { code: 'nn.globalMaxPool()(x)', x: [[[1, 5, 3]]], gives: [[5]], adjusts: [[[0, 1, 0]]] },
  },
  powerPool2d: {
    also: ['powerPool1d', 'powerPool3d'],
    about: 'The p-norm of each window: between sum (p = 1) and max (p large).',
    output: 'y = (Σ |x|ᵖ)^(1/p)',
    adjust: 'dx = dy·sign(x)·(|x| / y)^(p − 1); 0 in a window of zeros',
    shapes: '[n, c, h, w] → [n, c, h′, w′]',
    example: {
      code: 'nn.powerPool2d(2, 2)(x)',
      x: [
        [
          [
            [3, 0],
            [0, 4],
          ],
        ],
      ],
      gives: [[[[5]]]],
      adjusts: [
        [
          [
            [0.6, 0],
            [0, 0.8],
          ],
        ],
      ],
    },
  },
  maxUnpool: {
    about: 'Puts the values that max pooling kept back at their places, zeros elsewhere.',
    output: 'y[indices[p]] = x[p], else 0',
    adjust: 'dx[p] = dy[indices[p]]',
    shapes: 'run(values [n, c, ...], indices of the same shape) → [n, c, ...extents]',
    watch: 'The indices come from functional.maxPoolWithIndices; a call without them throws.',
    source: 'Zeiler & Fergus 2014',
    example: {
      code: "nn.maxUnpool([4]).run(x, tensor([[[1, 2]]], { dtype: 'int32' }))",
      x: [[[5, 2]]],
      gives: [[[0, 5, 2, 0]]],
      adjusts: [[[1, 1]]],
    },
  },
  fold: {
    about: 'Folds [0, 1] onto itself again and again: depth makes pieces that width would pay for.',
    output:
      'y = t(t(…t(x))), t(x) = 2 relu(x) − 4 relu(x − ½): 2ᵏ pieces by k folds of two units; one layer needs 2ᵏ − 1',
    adjust: 'dx = ±2ᵏ dy, the sign by the piece',
    shapes: '[..., 1] → the same',
    watch: 'Outside [0, 1] it is flat; slopes double with each fold, and gradients with them.',
    source: 'Telgarsky 2016; R51',
    example: {
      code: 'nn.fold(2)(x)',
      x: [[0.1], [0.3], [0.6]],
      gives: [[0.4], [0.8], [0.4]],
      adjusts: [[4], [-4], [4]],
    },
    curve: {
      of: (x) => fold(3, { dtype: 'float64' })(x.unsqueeze(-1)).squeeze(-1),
      value: (x) => 1 - Math.abs(2 * (4 * x - Math.floor(4 * x)) - 1),
      slope: (x) => (Math.floor(8 * x) % 2 === 0 ? 8 : -8),
      variable: 'x, of fold(3)',
      from: 0,
      to: 1,
      flat: [
        [-Infinity, 0],
        [1, Infinity],
      ],
    },
  },
  flatten: {
    about: 'Several axes as one, as linear layers take them.',
    output: 'y = x, in another shape',
    adjust: 'dx = dy, in the shape of x',
    shapes: '[n, c, h, w] → [n, c·h·w]',
    example: { code: 'nn.flatten()(x)', shape: [2, 3, 4], gives: [2, 12] },
  },
  upsample: {
    about: 'Images `factor` times as large, by the nearest element or along straight lines between.',
    output: 'y[p] = x at p/factor',
    adjust: 'dx = the sum of dy over the places that were made of it',
    shapes: '[n, c, ...spatial] → [n, c, ...factor·spatial]',
    example: { code: 'nn.upsample(2)(x)', x: [[[1, 2]]], gives: [[[1, 1, 2, 2]]], adjusts: [[[2, 2]]] },
  },
  pixelShuffle: {
    about: 'Channels become pixels: larger images from a convolution at small size.',
    output: 'y[c, h·f + i, w·f + j] = x[c·f² + i·f + j, h, w]',
    adjust: 'dx is dy, shuffled back',
    shapes: '[n, c·f², h, w] → [n, c, h·f, w·f]',
    source: 'Shi et al. 2016',
    example: { code: 'nn.pixelShuffle(2)(x)', shape: [1, 4, 2, 3], gives: [1, 1, 4, 6] },
  },
  pixelUnshuffle: {
    about: 'Pixels become channels: undoes pixelShuffle.',
    output: 'y[c·f² + i·f + j, h, w] = x[c, h·f + i, w·f + j]',
    adjust: 'dx is dy, shuffled back',
    shapes: '[n, c, h·f, w·f] → [n, c·f², h, w]',
    example: { code: 'nn.pixelUnshuffle(2)(x)', shape: [1, 1, 4, 6], gives: [1, 4, 2, 3] },
  },
}
