// Every bad input that the data floor refuses, each with what it says.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { randomNoise, randomShift } from '../../src/data/augment.ts'
import { type CsvOptions, parseCsv } from '../../src/data/csv.ts'
import { type DatasetSource, dataset } from '../../src/data/dataset.ts'
import { digits } from '../../src/data/digits/digits.ts'
import { readDataFile } from '../../src/data/files.ts'
import { readIdx, writeIdx } from '../../src/data/idx.ts'
import { type LoaderOptions, loader } from '../../src/data/loader.ts'
import { mnist } from '../../src/data/mnist.ts'
import { foldKey, randomKey, randomStream } from '../../src/data/random.ts'
import { renderDigit } from '../../src/data/render.ts'
import { mapInputs, normalize } from '../../src/data/scale.ts'
import { split, subset, take } from '../../src/data/select.ts'
import { toy } from '../../src/data/toy.ts'
import { temporaryFolder } from './support.ts'

const four = dataset({
  name: 'four',
  inputs: [1, 2, 3, 4, 5, 6, 7, 8],
  inputShape: [2],
  targets: [0, 1, 0, 1],
  classes: 2,
})
const source = (changes: Partial<DatasetSource>) =>
  dataset({ name: 'bad', inputs: [1, 2, 3, 4], inputShape: [2], targets: [0, 1], ...changes })
const load = (changes: Partial<LoaderOptions>, from?: number, epoch = 0) =>
  loader(four, { batchSize: 2, ...changes }).epoch(epoch, from === undefined ? {} : { from })
const table = (text: string, options: Partial<CsvOptions> = {}) =>
  parseCsv(text, { name: 't.csv', target: -1, ...options })
const random = randomStream(randomKey(0))

/** Two 1×3 images as an idx file, with bytes changed or added by `change`. */
const idx = (change: (bytes: Uint8Array) => Uint8Array) =>
  readIdx(change(writeIdx({ shape: [2, 1, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) })), 'images')
const withByte = (at: number, value: number) => (bytes: Uint8Array) => bytes.map((byte, i) => (i === at ? value : byte))

type Row = readonly [name: string, attempt: () => unknown, message: string]

const cases: Record<string, readonly Row[]> = {
  dataset: [
    [
      'NaN',
      () => source({ inputs: [1, 2, NaN, 4] }),
      "dataset 'bad': inputs of example 1 has NaN in column 0; remove the example or replace the value",
    ],
    ['Infinity', () => source({ inputs: [1, -Infinity, 3, 4] }), 'inputs of example 0 has -Infinity in column 1;'],
    [
      'NaN in an image',
      () => source({ inputs: [1, 2, 3, 4, 5, 6, 7, NaN], inputShape: [2, 2] }),
      'inputs of example 1 has NaN in column 3 (at [1, 1] of [2, 2]);',
    ],
    ['NaN target', () => source({ targets: [0.5, NaN] }), 'targets of example 1 has NaN in column 0;'],
    [
      'inputs that do not fit',
      () => source({ inputs: [1, 2, 3] }),
      'inputs hold 3 numbers, not one or more whole examples of shape [2] (2 each)',
    ],
    ['no examples', () => source({ inputs: [], targets: [] }), 'inputs hold 0 numbers, not one or more whole examples'],
    [
      'targets that do not fit',
      () => source({ targets: [0, 1, 0] }),
      'targets hold 3 numbers, expected 2: 2 examples with target shape []',
    ],
    [
      'label too large',
      () => source({ targets: Int32Array.of(0, 2), classes: 2 }),
      'label of example 1 is 2, expected a whole number from 0 to 1 (2 classes)',
    ],
    [
      'negative label',
      () => source({ targets: Int32Array.of(-1, 1) }),
      'label of example 0 is -1, expected a whole number from 0 to 1 (2 classes)',
    ],
    [
      'fractional label',
      () => source({ targets: [0, 0.5], classes: 2 }),
      'label of example 1 is 0.5, expected a whole number',
    ],
    [
      'label in a sequence',
      () => source({ targets: Int32Array.of(0, 1, 9, 0), targetShape: [2], classes: 3 }),
      'label of example 1 is 9 in column 0, expected',
    ],
    ['no classes', () => source({ classes: 0 }), 'classes must be a whole number of at least 1, found 0'],
    ['names and classes', () => source({ classes: 3, classNames: ['a', 'b'] }), '2 class names for 3 classes'],
    [
      'shape',
      () => source({ inputShape: [2, 0] }),
      'inputShape is [2, 0], but every extent must be a whole number of at least 1',
    ],
  ],
  select: [
    [
      'subset index',
      () => subset(four, [0, 4]),
      "subset of 'four': index 4 at place 1 is not a whole number from 0 to 3",
    ],
    ['empty subset', () => subset(four, []), "subset of 'four': no indices"],
    ['take', () => take(four, 5), "take from 'four': expected a whole number from 1 to 4, found 5"],
    ['fraction', () => split(four, 1), "split of 'four': fractions must be above 0 and sum to less than 1, found 1"],
    ['fractions', () => split(four, [0.5, 0.6]), 'sum to at most 1, found 0.5 + 0.6'],
    ['negative fraction', () => split(four, [1.5, -0.5]), 'fractions must be above 0'],
    ['empty part', () => split(four, 0.1), "split of 'four': part 0 with fraction 0.1 of 4 examples is empty"],
    ['seed', () => split(four, 0.5, 1.5), 'seed: expected a whole number, found 1.5'],
  ],
  scale: [
    ['standard deviation', () => normalize([0, 0], [1, 0]), 'normalize: standard deviation 1 must be above 0, found 0'],
    ['mean', () => normalize(NaN, 1), 'normalize: mean must be finite, found NaN'],
    [
      'length',
      () => normalize([1, 2, 3], 1)(four),
      "normalize of 'four': 3 values of mean, expected 1, 2 (first axis) or 2 (elements) for input shape [2]",
    ],
    [
      'mapped length',
      () => mapInputs(four, () => [1, 2, 3]),
      "mapInputs of 'four': example 0 became 3 numbers, expected 2 for shape [2]",
    ],
    [
      'mapped to NaN',
      () => mapInputs(four, ([a], i) => [a, 1 / (i - 2) - 1 / (i - 2)]),
      "dataset 'four': inputs of example 2 has NaN in column 1",
    ],
  ],
  loader: [
    [
      'batch larger than the data',
      () => load({ batchSize: 5 }),
      "loader of 'four': batch size 5 is larger than the data (4 examples); choose at most 4",
    ],
    [
      'batch size 0',
      () => load({ batchSize: 0 }),
      "loader of 'four': batchSize must be a whole number of at least 1, found 0",
    ],
    ['half a batch', () => load({ batchSize: 1.5 }), 'batchSize must be a whole number of at least 1, found 1.5'],
    ['NaN', () => load({ batchSize: NaN }), 'batchSize must be a whole number of at least 1, found NaN'],
    ['prefetch', () => load({ prefetch: -1 }), 'prefetch must be a whole number of at least 0, found -1'],
    ['seed', () => load({ seed: 0.1 }), 'seed: expected a whole number, found 0.1'],
    [
      'from',
      () => load({}, 3),
      'cannot begin at batch 3, an epoch has 2; was the run made with another batch size or other data?',
    ],
    ['negative from', () => load({}, -1), 'from must be a whole number of at least 0, found -1'],
    ['epoch', () => load({}, 0, -1), 'epoch must be a whole number of at least 0, found -1'],
  ],
  augment: [
    ['pixels', () => randomShift(1.5), 'randomShift: pixels must be a whole number of at least 0, found 1.5'],
    [
      'no image',
      () => randomShift(1)(new Float32Array(4), [4], random),
      'randomShift: expected an image [channels, height, width] or [height, width], found shape [4]',
    ],
    ['noise', () => randomNoise(-1), 'randomNoise: standard deviation must be at least 0, found -1'],
  ],
  idx: [
    [
      'wrong magic number',
      () => idx(withByte(0, 0x1f)),
      'images: not an idx file: it begins with 1f 00 08 03, expected 00 00, a type and a rank',
    ],
    [
      'unknown type',
      () => idx(withByte(2, 0x07)),
      'images: unknown idx element type 0x07, expected one of 0x08 (uint8), 0x09 (int8), 0x0b (int16)',
    ],
    [
      'truncated',
      () => idx((bytes) => bytes.subarray(0, -1)),
      'images: cut short: 21 bytes, expected 22 for uint8 of shape [2, 1, 3]; fetch it again',
    ],
    [
      'truncated header',
      () => idx((bytes) => bytes.subarray(0, 9)),
      'images: cut short: 9 bytes, but the header of a rank 3 idx file has 16',
    ],
    [
      'truncated magic number',
      () => idx((bytes) => bytes.subarray(0, 3)),
      'images: not an idx file: 3 bytes, but its magic number alone has 4',
    ],
    [
      'trailing bytes',
      () => idx((bytes) => Uint8Array.of(...bytes, 0)),
      'images: too long: 23 bytes, expected 22 for uint8 of shape [2, 1, 3]',
    ],
    [
      'huge extents',
      () => idx(withByte(4, 0xff)),
      'images: cut short: 22 bytes, expected 12834570262 for uint8 of shape [4278190082, 1, 3]',
    ],
    [
      'written shape',
      () => writeIdx({ shape: [2, 2], data: Uint8Array.of(1) }),
      'writeIdx: 1 numbers of Uint8Array do not fit shape [2, 2]',
    ],
  ],
  csv: [
    [
      'rows of different length',
      () => table('1,2,0\n3,4,1\n\n5,1\n'),
      't.csv: line 4 has 2 cells, but line 1 has 3; every row must have the same',
    ],
    [
      'not a number',
      () => table('a,b,k\n1,2,0\n3,4x,1', { target: 'k' }),
      "t.csv: line 3, column 'b': '4x' is not a number; write a number, or leave the column out of 'features'",
    ],
    [
      'a header unannounced',
      () => table('a,b,k\n1,2,0'),
      "t.csv: line 1, column 0: 'a' is not a number; if the first line has the names of the columns, say header: true",
    ],
    ['infinity', () => table('1,Infinity,0'), "t.csv: line 1, column 1: 'Infinity' is not a number"],
    [
      'missing value',
      () => table('1,2,0\n3,,1'),
      "t.csv: line 2, column 1: missing value ''; fill it in, leave the column out of 'features', or leave out such rows (missing: 'drop')",
    ],
    ['missing label', () => table('1,2,NA'), "t.csv: line 1, column 2: missing value 'NA'"],
    ['all rows dropped', () => table('1,NA,0\n?,2,1', { missing: 'drop' }), 't.csv: each of the 2 rows lacks a value'],
    ['no target', () => table('1,2', { target: undefined as never }), 't.csv: no target: say which column to predict'],
    ['no such name', () => table('a,b\n1,2', { target: 'c' }), "t.csv: no column 'c'; there are a, b"],
    [
      'name without header',
      () => table('a,b\n1,2', { target: 'b', header: false }),
      "no column 'b'; the table was read without a header",
    ],
    ['no such place', () => table('1,2', { target: 2 }), 't.csv: no column 2; there are 2, from 0 to 1'],
    ['no rows', () => table('a,b\n', { target: 'b' }), 't.csv: no rows of data'],
    ['empty', () => table(''), 't.csv: no rows of data'],
    ['no features', () => table('1\n2'), 't.csv: no feature columns beside the target, column 0'],
    [
      'unknown class',
      () => table('1,a\n2,z', { classes: ['a', 'b'] }),
      "t.csv: line 2, column 1: 'z' is not one of the classes a, b",
    ],
    [
      'fraction as a class',
      () => table('1,2\n2,0.5'),
      "t.csv: line 2, column 1: class '0.5' is a fraction; to predict numbers, say task: 'numbers'",
    ],
    ['text as a number', () => table('1,2\n2,x', { task: 'numbers' }), "t.csv: line 2, column 1: 'x' is not a number"],
    ['open quote', () => table('1,"2\n3,4'), 't.csv: Quote Not Closed'],
  ],
  generators: [
    ['samples', () => toy.xor({ samples: 1 }), 'toy.xor: samples must be a whole number of at least 2, found 1'],
    ['noise', () => toy.spiral({ noise: -0.1 }), 'toy.spiral: noise must be at least 0, found -0.1'],
    ['seed', () => toy.plane({ seed: NaN }), 'seed: expected a whole number, found NaN'],
    ['digits', () => digits({ train: 0 }), 'digits train: expected a whole number of at least 1 images, found 0'],
    ['digits seed', () => digits({ seed: 0.5 }), 'seed: expected a whole number, found 0.5'],
    ['path', () => foldKey(randomKey(0), 0.5), 'foldKey: expected whole numbers, found 0.5'],
    ['rendered size', () => renderDigit([1, 2, 3], 2, 2), 'renderDigit: 3 pixels, expected 4 for width 2 and height 2'],
  ],
}

describe.each(Object.entries(cases))('%s refuses', (_area, rows) => {
  test.each(rows)('%s', (_name, attempt, message) => {
    expect(attempt).toThrow(message)
  })
})

const images = (count: number, size = 28) =>
  writeIdx({ shape: [count, size, size], data: new Uint8Array(count * size * size) })
const labels = (...values: number[]) => writeIdx({ shape: [values.length], data: Uint8Array.from(values) })

describe('mnist refuses a folder with', () => {
  test.each([
    [
      'a truncated file',
      { 'train-images-idx3-ubyte': images(2).subarray(0, 1000) },
      'train-images-idx3-ubyte: cut short: 1000 bytes, expected 1584 for uint8 of shape [2, 28, 28]; fetch it again',
    ],
    [
      'a web page',
      { 'train-images-idx3-ubyte': new TextEncoder().encode('<html>') },
      'train-images-idx3-ubyte: not an idx file: it begins with 3c 68 74 6d',
    ],
    [
      'a damaged gzip file',
      { 'train-labels-idx1-ubyte': gzipSync(labels(1, 2)).subarray(0, 20) },
      'train-labels-idx1-ubyte: damaged gzip file (20 bytes): unexpected end of file; fetch it again',
    ],
    [
      'images of another size',
      { 'train-images-idx3-ubyte': images(2, 32) },
      'train-images-idx3-ubyte: expected bytes of shape [count, 28, 28], found Uint8Array of shape [2, 32, 32]',
    ],
    [
      'labels for images',
      { 'train-images-idx3-ubyte': labels(1, 2) },
      'expected bytes of shape [count, 28, 28], found Uint8Array of shape [2]',
    ],
    [
      'fewer labels than images',
      { 'train-labels-idx1-ubyte': labels(1) },
      'train-labels-idx1-ubyte: expected bytes of shape [2], one label for each image of',
    ],
    [
      'a label out of range',
      { 't10k-labels-idx1-ubyte': labels(3, 10) },
      't10k-labels-idx1-ubyte: label 1 is 10, expected a digit from 0 to 9',
    ],
    [
      'no images',
      { 'train-images-idx3-ubyte': images(0), 'train-labels-idx1-ubyte': labels() },
      "dataset 'mnist train': inputs hold 0 numbers, not one or more whole examples of shape [1, 28, 28]",
    ],
    [
      'a file missing',
      { 't10k-labels-idx1-ubyte': undefined },
      'has training images, but no t10k-labels-idx1-ubyte (raw or .gz); put it beside them',
    ],
  ])('%s', async (_name, changes, message) => {
    const folder = await temporaryFolder()
    const files: Record<string, Uint8Array | undefined> = {
      'train-images-idx3-ubyte': images(2),
      'train-labels-idx1-ubyte': labels(1, 2),
      't10k-images-idx3-ubyte': images(2),
      't10k-labels-idx1-ubyte': labels(3, 4),
      ...changes,
    }
    for (const [name, bytes] of Object.entries(files))
      if (bytes !== undefined) await writeFile(join(folder, name), bytes)
    await expect(mnist({ data: folder })).rejects.toThrow(message)
  })
})

test('a file that is not there is named', async () => {
  const folder = await temporaryFolder()
  await expect(readDataFile(join(folder, 'nothing.csv'))).rejects.toThrow(`${join(folder, 'nothing.csv')}: not there`)
  await expect(readDataFile(folder)).rejects.toThrow(folder)
})
