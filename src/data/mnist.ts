/** The MNIST handwritten digits, from a folder, from the cache, or from a verified download. */
import { cachedDownload, cacheFolder, exists, join, readDataFile } from '#data-files'
import { platform } from '#platform'
import { type Dataset, dataset } from './dataset.ts'
import { readIdx } from './idx.ts'

export interface MnistOptions {
  /** A folder with the four idx files, or with a folder `mnist` that has them; TENON_DATA unless told. In a page: its URL. */
  readonly data?: string
  /** False: never reach for the network. */
  readonly fetch?: boolean
  /** Folder of kept downloads; see `cacheFolder`. */
  readonly cache?: string
  /** Where to download from: URLs that the file names are added to. */
  readonly mirrors?: readonly string[]
}

/** A training set with the test set that belongs to it. */
export interface TrainAndTest {
  readonly train: Dataset
  readonly test: Dataset
}

/** Mean and standard deviation of the training pixels, scaled to [0, 1]. */
export const mnistScale = { mean: 0.1307, standardDeviation: 0.3081 } as const

const mirrors = [
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
  'https://raw.githubusercontent.com/fgnt/mnist/master/',
]

/** The four files, with size and SHA-256 of their unpacked content: the same data has been packed in more than one way. */
const files = {
  trainImages: {
    names: ['train-images-idx3-ubyte', 'train-images.idx3-ubyte'],
    bytes: 47_040_016,
    sha256: 'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
  },
  trainLabels: {
    names: ['train-labels-idx1-ubyte', 'train-labels.idx1-ubyte'],
    bytes: 60_008,
    sha256: '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
  },
  testImages: {
    names: ['t10k-images-idx3-ubyte', 't10k-images.idx3-ubyte'],
    bytes: 7_840_016,
    sha256: '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
  },
  testLabels: {
    names: ['t10k-labels-idx1-ubyte', 't10k-labels.idx1-ubyte'],
    bytes: 10_008,
    sha256: 'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
  },
} as const

type MnistFile = keyof typeof files

/**
 * MNIST: 60,000 training and 10,000 test images [1, 28, 28] with labels 0–9 (LeCun, Cortes and Burges 1998), scaled to [0, 1], then
 * normalised with `mnistScale`. A folder that `data` or TENON_DATA names must have the files (raw or gzip); any data
 * set in that form will do, such as Fashion-MNIST. Otherwise they are downloaded once, checked by SHA-256 and kept.
 * Throws with what to do if there is no way to the data, or if a file is not what it should be.
 *
 *     const { train, test } = await mnist({ data: 'data/mnist' })
 */
export async function mnist(options: MnistOptions = {}): Promise<TrainAndTest> {
  const folder = options.data ?? platform.environment('TENON_DATA')
  const read = folder ? await folderReader(folder, options.data === undefined) : downloadReader(options)
  return {
    train: await imagesWithLabels('mnist train', read, 'trainImages', 'trainLabels'),
    test: await imagesWithLabels('mnist test', read, 'testImages', 'testLabels'),
  }
}

interface FileContent {
  readonly source: string
  readonly bytes: Uint8Array
}

type FileReader = (file: MnistFile) => Promise<FileContent>

/** Reads from the first of the folders that has the training images. */
async function folderReader(folder: string, isFromEnvironment: boolean): Promise<FileReader> {
  const places = [folder, join(folder, 'mnist'), join(folder, 'MNIST', 'raw')]
  const find = async (place: string, file: MnistFile) => {
    for (const name of files[file].names)
      for (const path of [join(place, name), join(place, `${name}.gz`)]) if (await exists(path)) return path
    return undefined
  }
  for (const place of places) {
    if ((await find(place, 'trainImages')) === undefined) continue
    return async (file) => {
      const source = await find(place, file)
      if (source === undefined)
        throw new Error(
          `mnist: ${place} has training images, but no ${files[file].names[0]} (raw or .gz); put it beside them`,
        )
      return { source, bytes: await readDataFile(source) }
    }
  }
  throw new Error(
    `mnist: no ${files.trainImages.names[0]} (raw or .gz) in ${places.join(', ')}; ${isFromEnvironment ? 'TENON_DATA must name' : 'name'} a folder with the four idx files, or no folder at all to download them`,
  )
}

function downloadReader({ fetch = true, cache = join(cacheFolder(), 'mnist'), ...options }: MnistOptions): FileReader {
  return async (file) => {
    const name = `${files[file].names[0]}.gz`
    const urls = (options.mirrors ?? mirrors).map(
      (mirror) => new URL(name, mirror.endsWith('/') ? mirror : `${mirror}/`).href,
    )
    try {
      return {
        source: join(cache, name),
        bytes: await cachedDownload({ ...files[file], name, urls }, { cache, fetch }),
      }
    } catch (error) {
      throw new Error(
        `mnist: ${error instanceof Error ? error.message : error}\nPut the four idx files in a folder and name it (--data DIR, mnist({ data: DIR }) or TENON_DATA=DIR), or train on 'digits', which need no files.`,
        { cause: error },
      )
    }
  }
}

async function imagesWithLabels(
  name: string,
  read: FileReader,
  imagesFile: MnistFile,
  labelsFile: MnistFile,
): Promise<Dataset> {
  const [imagesContent, labelsContent] = [await read(imagesFile), await read(labelsFile)]
  const images = readIdx(imagesContent.bytes, imagesContent.source)
  const labels = readIdx(labelsContent.bytes, labelsContent.source)
  const [count, ...imageShape] = images.shape
  if (!(images.data instanceof Uint8Array) || imageShape.join() !== '28,28')
    throw new Error(
      `${imagesContent.source}: expected bytes of shape [count, 28, 28], found ${images.data.constructor.name} of shape [${images.shape.join(', ')}]`,
    )
  if (!(labels.data instanceof Uint8Array) || labels.shape.join() !== String(count))
    throw new Error(
      `${labelsContent.source}: expected bytes of shape [${count}], one label for each image of ${imagesContent.source}, found ${labels.data.constructor.name} of shape [${labels.shape.join(', ')}]`,
    )
  const wrong = labels.data.findIndex((label) => label > 9)
  if (wrong >= 0)
    throw new Error(`${labelsContent.source}: label ${wrong} is ${labels.data[wrong]}, expected a digit from 0 to 9`)

  const { mean, standardDeviation } = mnistScale
  const scaled = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - mean) / standardDeviation)
  const inputs = new Float32Array(images.data.length)
  for (let i = 0; i < inputs.length; i++) inputs[i] = scaled[images.data[i]]
  return dataset({ name, inputs, inputShape: [1, 28, 28], targets: Int32Array.from(labels.data), classes: 10 })
}
