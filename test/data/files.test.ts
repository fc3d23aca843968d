// Files of data sets: gzip by its first bytes, whole writes, and downloads that are verified and kept.
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { cachedDownload, cacheFolder, readDataFile, writeWholeFile } from '../../src/data/files.ts'
import { unpackGzip } from '../../src/data/gzip.ts'
import { serve, temporaryFolder } from './support.ts'

const content = Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251)
const sha256 = createHash('sha256').update(content).digest('hex')
const download = (urls: string[]) => ({ name: 'numbers.gz', urls, sha256, bytes: content.length })

test('gzip is known by its first bytes, not its name', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'packed'), gzipSync(content))
  await writeFile(join(folder, 'plain.gz'), content)
  expect(await readDataFile(join(folder, 'packed'))).toEqual(content)
  expect(await readDataFile(join(folder, 'plain.gz'))).toEqual(content)
})

test('unpacking stops at the most that is expected', async () => {
  const bomb = new Uint8Array(gzipSync(new Uint8Array(10_000_000)))
  await expect(unpackGzip(bomb, 'bomb.gz', 1000)).rejects.toThrow('bomb.gz: unpacks to more than 1000 bytes')
  expect(await unpackGzip(new Uint8Array(gzipSync(content)), 'all', 5000)).toEqual(content)
})

test('a file is written whole, in a folder that is made, and nothing else stays', async () => {
  const folder = await temporaryFolder()
  const path = join(folder, 'a', 'b', 'file')
  await writeWholeFile(path, content)
  await writeWholeFile(path, content.subarray(0, 10))
  expect(new Uint8Array(await readFile(path))).toEqual(content.slice(0, 10))
  expect(await readdir(join(folder, 'a', 'b'))).toEqual(['file'])
  await expect(writeWholeFile(join(folder, 'a', 'b'), content)).rejects.toThrow()
  expect(await readdir(join(folder, 'a'))).toEqual(['b'])
})

test('the cache folder follows the environment', () => {
  expect(cacheFolder({ TENON_CACHE: '/here' })).toBe('/here')
  expect(cacheFolder({ XDG_CACHE_HOME: '/caches' })).toBe('/caches/tenon')
  expect(cacheFolder({})).toMatch(/\.cache\/tenon$/)
})

test('a download is kept, however it was packed, and not fetched again', async () => {
  for (const body of [gzipSync(content), content]) {
    const cache = await temporaryFolder()
    const { url, requests } = await serve({ '/good': body })
    const urls = [`${url}missing`, `${url}good`]
    expect(await cachedDownload(download(urls), { cache })).toEqual(content)
    expect(await cachedDownload(download(urls), { cache })).toEqual(content)
    expect(await cachedDownload(download([]), { cache, fetch: false })).toEqual(content)
    expect(requests).toEqual(['/missing', '/good'])
    expect(await readdir(cache)).toEqual(['numbers.gz'])
  }
})

test('a mirror with other content is passed over', async () => {
  const cache = await temporaryFolder()
  const { url, requests } = await serve({ '/bad': gzipSync(content.subarray(1)), '/good': gzipSync(content) })
  expect(await cachedDownload(download([`${url}bad`, `${url}good`]), { cache })).toEqual(content)
  expect(requests).toEqual(['/bad', '/good'])
})

test.each([
  ['one byte changed', () => gzipSync(content.map((byte, i) => (i === 99 ? byte ^ 1 : byte)))],
  ['cut short', () => gzipSync(content).subarray(0, 100)],
  ['empty', () => new Uint8Array(0)],
])('a damaged file in the cache is refused and fetched again (%s)', async (_name, damaged) => {
  const cache = await temporaryFolder()
  const { url, requests } = await serve({ '/good': gzipSync(content) })
  await writeFile(join(cache, 'numbers.gz'), damaged())
  await expect(cachedDownload(download([]), { cache })).rejects.toThrow(/numbers.gz: .*(refused|damaged)/)
  expect(await cachedDownload(download([`${url}good`]), { cache })).toEqual(content)
  expect(requests).toEqual(['/good'])
  expect(new Uint8Array(await readFile(join(cache, 'numbers.gz')))).toEqual(new Uint8Array(gzipSync(content)))
})

test('without a way to the content, the error names every place and nothing is kept', async () => {
  const cache = await temporaryFolder()
  const { url } = await serve({ '/bad': content.subarray(1) })
  const failed = cachedDownload(download([`${url}missing`, `${url}bad`, 'http://127.0.0.1:1/closed']), { cache })
  const { message } = await failed.then(
    () => expect.unreachable(),
    (error: Error) => error,
  )
  expect(message.split('\n')).toHaveLength(5)
  expect(message).toContain('numbers.gz: not there')
  expect(message).toContain('missing: HTTP 404')
  expect(message).toContain('bad: refused: its 4999 unpacked bytes')
  expect(message).toMatch(/closed: fetch failed \(.+\)/)
  expect(await readdir(cache)).toEqual([])
})
