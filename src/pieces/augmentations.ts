// Augmentations: random changes of training examples as part of the step.

import type { Piece } from './piece.ts'

const on = (change: string, shape: readonly number[], gives = shape): NonNullable<Piece['example']> => ({
  code: `withTraining(true, () => augment.augmented({ inputs: x, targets: ones([${shape[0]}]) }, [augment.${change}]).inputs)`,
  shape,
  gives,
})
const moves = 'each dx is the dy of the place that the pixel was moved to, 0 where it was moved out'
const images = '[n, ..., h, w] → the same'

export const augmentations: { readonly [name: string]: Piece } = {
  shift: {
    about: 'Moves each image by whole pixels, at random.',
    output: 'y[i, j] = x[i + a, j + b], a and b from −pixels to pixels',
    adjust: moves,
    shapes: images,
    defaults: "0 outside; 'edge' and 'reflect' take what is near",
    example: on('shift(2)', [2, 1, 5, 5]),
  },
  crop: {
    about: 'A window of each image, at a random place.',
    output: 'y[i, j] = x[i + a, j + b] for a window of the given extents',
    adjust: moves,
    shapes: '[n, ..., h, w] → [n, ..., height, width]',
    defaults: 'padding 0, 0 outside',
    watch: 'Test images need the same extents: crop them in the middle.',
    example: on('crop(3, { padding: 1 })', [2, 1, 4, 4], [2, 1, 3, 3]),
  },
  flip: {
    about: 'Mirrors images at random, or in every other epoch.',
    output: 'y[…, j] = x[…, w − 1 − j] for the examples that are mirrored',
    adjust: moves,
    shapes: '[n, ..., size] → the same',
    defaults: 'left and right, half of the examples',
    watch: 'Digits and letters are not what they were when mirrored.',
    source: 'alternating: Jordan 2024',
    example: on('flip({ alternating: true })', [2, 1, 3, 4]),
  },
  erase: {
    about: 'Puts a value in a rectangle of each image, so that no part alone decides.',
    output: 'y = value inside of the rectangle, x outside',
    adjust: 'dx = dy outside of the rectangle, 0 inside',
    shapes: images,
    defaults: 'value 0, always',
    source: 'DeVries and Taylor 2017; Zhong et al. 2020',
    example: on('erase([2, 3])', [2, 1, 4, 4]),
  },
  affine: {
    about: 'Turns, scales, slants and moves each image, by fractions of a pixel too.',
    output: 'y(p) = x(A⁻¹(p − shift)) about the centre, linear between pixels, 0 outside',
    adjust: 'dx: each pixel gets the dy of those that it was mixed into, by its share',
    shapes: '[n, channels, h, w] → the same',
    defaults: 'nothing of all that',
    example: on('affine({ rotate: 10, scale: [0.9, 1.1] })', [2, 1, 4, 5]),
  },
  mixup: {
    about: 'Each example mixed with another one, inputs and targets alike.',
    output: 'y = λ·x + (1 − λ)·x′, λ from Beta(α, α)',
    adjust: 'dx = λ·dy, dx′ = (1 − λ)·dy',
    shapes: '[n, ...] → the same; labels become probabilities [n, classes]',
    watch: 'The loss must take probabilities, as softmaxCrossEntropy does. Metrics of fit see the labels as they were.',
    source: 'Zhang et al. 2018',
    example: on('mixup(0.4)', [4, 3]),
  },
  labelNoise: {
    about: 'Wrong labels with a given probability, as smoothing on average.',
    output: 't with probability 1 − p, else any class, each as likely',
    adjust: 'labels get no gradient; dx = dy',
    shapes: 'int32 [n] → the same',
    source: 'Szegedy et al. 2016',
    example: {
      code: 'withTraining(true, () => augment.augmented({ inputs: x, targets: zeros([4], "int32") }, [augment.labelNoise(0.1, { classes: 3 })]).inputs)',
      shape: [4, 3],
      gives: [4, 3],
    },
  },
  noise: {
    about: 'Normal noise on every number.',
    output: 'y = x + s·n, n normal',
    adjust: 'dx = dy',
    shapes: '[...] → the same',
    watch: 'In a linear model it is weight decay by s².',
    source: 'Bishop 1995',
    example: on('noise(0.1)', [4, 3]),
  },
  timeMask: {
    also: ['frequencyMask'],
    about: 'Masks bands of time, or of frequency, of a spectrogram.',
    output: 'y = value inside of the band, x outside',
    adjust: 'dx = dy outside of the band, 0 inside',
    shapes: '[n, ..., frequency, time] → the same',
    defaults: 'one band up to `width` wide, value 0',
    source: 'Park et al. 2019',
    example: on('timeMask(2, { count: 2 })', [2, 3, 6]),
  },
}
