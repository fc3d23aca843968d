// Random changes of examples as part of the compiled step: the public names of `augment`.

export { type Augmentation, augmented, type Draw, type Examples } from './augmentation.ts'
export { affineMaps, erased, flipped, type MoveOptions, moved, type Outside, warped } from './geometry.ts'
export {
  type AffineOptions,
  affine,
  type CropOptions,
  crop,
  type EraseOptions,
  erase,
  type FlipOptions,
  flip,
  type OutsideOptions,
  shift,
} from './images.ts'
export { labelNoise, type MixupOptions, mixed, mixup } from './labels.ts'
export { frequencyMask, type MaskOptions, noise, timeMask } from './signals.ts'
