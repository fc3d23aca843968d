/** Data: data sets, loaders, transforms, generators and file formats. */
export { cacheFolder } from '#data-files'
export { compose, type ExampleTransform, randomNoise, randomShift } from './augment.ts'
export { type CsvColumn, type CsvOptions, parseCsv } from './csv.ts'
export { csv } from './csv-file.ts'
export { type Dataset, type DatasetSource, dataset, type Targets } from './dataset.ts'
export { type DigitsOptions, digits, digitsScale } from './digits/digits.ts'
export { type IdxArray, type IdxData, readIdx, writeIdx } from './idx.ts'
export { type Batch, type EpochOptions, type Loader, type LoaderOptions, loader } from './loader.ts'
export { type MnistOptions, mnist, mnistScale, type TrainAndTest } from './mnist.ts'
export { foldKey, type RandomKey, type RandomStream, randomKey, randomStream } from './random.ts'
export { type RenderStyle, renderDigit } from './render.ts'
export {
  type DatasetTransform,
  mapInputs,
  normalize,
  type ScalePer,
  type Standardizer,
  standardize,
} from './scale.ts'
export { split, subset, take } from './select.ts'
export { type ToyGenerator, type ToyOptions, toy, xorTable } from './toy.ts'
