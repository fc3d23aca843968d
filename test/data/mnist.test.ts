// MNIST from folders, from a mirror and from the real files, and what is said when there is none.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { writeIdx } from '../../src/data/idx.ts'
import { mnist } from '../../src/data/mnist.ts'
import { serve, sharedData, temporaryFolder } from './support.ts'

beforeEach(() => void vi.stubEnv('TENON_DATA', ''))
afterEach(() => void vi.unstubAllEnvs())

/** Four small files in the form of MNIST's, under other names where told. */
function smallFiles(name = (base: string) => base) {
  const images = (count: number) =>
    writeIdx({ shape: [count, 28, 28], data: Uint8Array.from({ length: count * 784 }, (_, i) => i % 256) })
  const labels = (count: number) =>
    writeIdx({ shape: [count], data: Uint8Array.from({ length: count }, (_, i) => i % 10) })
  return {
    [name('train-images-idx3-ubyte')]: images(3),
    [name('train-labels-idx1-ubyte')]: labels(3),
    [name('t10k-images-idx3-ubyte')]: images(2),
    [name('t10k-labels-idx1-ubyte')]: labels(2),
  }
}

async function writeFiles(folder: string, files: Record<string, Uint8Array>) {
  await mkdir(folder, { recursive: true })
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
}

const packed = (files: Record<string, Uint8Array>) =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)]))

test.each([
  ['raw files', '', smallFiles()],
  ['packed files', '', packed(smallFiles())],
  ['the other names', '', smallFiles((base) => base.replace('-idx', '.idx'))],
  ['a folder mnist', 'mnist', packed(smallFiles((base) => base.replace('-idx', '.idx')))],
])('read from a folder that is named: %s', async (_name, inner, files) => {
  const folder = await temporaryFolder()
  await writeFiles(join(folder, inner), files)
  const { train, test } = await mnist({ data: folder })
  expect(train).toMatchObject({ length: 3, inputShape: [1, 28, 28], targetShape: [], classes: 10 })
  expect([...train.targets]).toEqual([0, 1, 2])
  expect(test.length).toBe(2)
  for (const i of [0, 128, 255]) expect(train.inputs[i]).toBeCloseTo((i / 255 - 0.1307) / 0.3081, 6)
})

test('TENON_DATA names a folder, and the option wins', async () => {
  const [a, b] = [await temporaryFolder(), await temporaryFolder()]
  await writeFiles(a, smallFiles())
  vi.stubEnv('TENON_DATA', a)
  expect((await mnist()).train.length).toBe(3)
  await expect(mnist({ data: b })).rejects.toThrow(`no train-images-idx3-ubyte (raw or .gz) in ${b}`)
  vi.stubEnv('TENON_DATA', b)
  await expect(mnist()).rejects.toThrow('TENON_DATA must name a folder with the four idx files')
})

test('without files or network, the error says what to do', async () => {
  const cache = await temporaryFolder()
  const noWay = mnist({ cache, mirrors: ['http://127.0.0.1:1/mnist'] })
  await expect(noWay).rejects.toThrow(
    /train-images-idx3-ubyte.gz is not to be had[\s\S]*127.0.0.1:1\/mnist\/train-images/,
  )
  await expect(mnist({ cache, fetch: false })).rejects.toThrow(/TENON_DATA=DIR.*'digits', which need no files/)
})

test('a cache that cannot be made is refused before anything is fetched', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'file'), '')
  const { url, requests } = await serve({})
  await expect(mnist({ cache: join(folder, 'file', 'cache'), mirrors: [url] })).rejects.toThrow(
    /cannot keep downloads in .*file.cache .*TENON_CACHE/,
  )
  expect(requests).toEqual([])
})

test('a mirror with wrong content is refused', async () => {
  const files = Object.fromEntries(Object.entries(packed(smallFiles())).map(([name, body]) => [`/${name}`, body]))
  const { url } = await serve(files)
  await expect(mnist({ cache: await temporaryFolder(), mirrors: [url] })).rejects.toThrow(/refused: its 2368 unpacked/)
})

test('the real files, downloaded, kept and read', async (context) => {
  const folder = dirname(sharedData(context, 'mnist/train-images-idx3-ubyte.gz'))
  const names = ['train-images-idx3', 'train-labels-idx1', 't10k-images-idx3', 't10k-labels-idx1'].map(
    (n) => `${n}-ubyte.gz`,
  )
  const files: Record<string, Uint8Array> = {}
  for (const name of names) files[`/${name}`] = await readFile(join(folder, name))
  // Another compression of the same content, as mirrors have.
  files['/t10k-labels-idx1-ubyte.gz'] = gzipSync(gunzipSync(files['/t10k-labels-idx1-ubyte.gz']), { level: 1 })
  const { url, requests } = await serve(files)
  const cache = await temporaryFolder()
  await mnist({ cache, mirrors: [url] })
  expect(requests).toEqual(names.map((name) => `/${name}`))
  const { train, test } = await mnist({ cache, fetch: false })
  const counts = new Array<number>(10).fill(0)
  for (const label of train.targets) counts[label]++
  expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])
  let [sum, squares] = [0, 0]
  for (const value of train.inputs) {
    const pixel = value * 0.3081 + 0.1307
    sum += pixel
    squares += pixel * pixel
  }
  const mean = sum / train.inputs.length
  expect(mean).toBeCloseTo(0.13066, 5)
  expect(Math.sqrt(squares / train.inputs.length - mean * mean)).toBeCloseTo(0.30811, 5)
  expect([train.length, test.length]).toEqual([60_000, 10_000])
}, 60_000)
