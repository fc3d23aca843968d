/** Files of data sets on this machine: reading packed ones, writing whole ones, and a cache of verified downloads. */
import { createHash, randomBytes } from 'node:crypto'
import { access, constants, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Download, type DownloadOptions, fetchBytes, unpackedAndVerified } from './download.ts'
import { unpackGzip } from './gzip.ts'

export { join }

/** Where downloads are kept: TENON_CACHE, or `tenon` in the user's cache folder (XDG_CACHE_HOME, ~/.cache). */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const { TENON_CACHE, XDG_CACHE_HOME } = environment
  return TENON_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'tenon')
}

/** The bytes of a file, unpacked if it is gzip. Throws if it can't be read or is damaged. */
export async function readDataFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await unpackGzip(new Uint8Array(await readFile(path)), path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    throw new Error(`${path}: ${reason(error)}`, { cause: error })
  }
}

/** Writes a file so that it is there whole or not at all: to another name first, then renamed. Makes its folder. */
export async function writeWholeFile(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.part`
  try {
    await writeFile(temporary, bytes)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/**
 * The unpacked content of a file from the cache or, if it isn't there or is damaged, from the first URL that has it. Nothing is
 * returned or kept whose SHA-256 is not the right one. Throws with one line for each place that was tried.
 */
export async function cachedDownload(file: Download, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const path = join(options.cache, file.name)
  const tried: string[] = []
  const attempt = async (place: string, read: () => Promise<Uint8Array<ArrayBuffer>>) => {
    try {
      const packed = await read()
      return { packed, content: await verified(packed, file) }
    } catch (error) {
      tried.push(`  ${place}: ${reason(error)}`)
      return undefined
    }
  }
  const kept = await attempt(path, async () => new Uint8Array(await readFile(path)))
  if (kept !== undefined) return kept.content
  if (options.fetch === false) tried.push('  downloading is switched off')
  else await makeCache(options.cache)
  for (const url of options.fetch === false ? [] : file.urls) {
    const found = await attempt(url, () => fetchBytes(url, options.timeoutSeconds ?? 120))
    if (found === undefined) continue
    await writeWholeFile(path, found.packed)
    return found.content
  }
  throw new Error(`${file.name} is not to be had:\n${tried.join('\n')}`)
}

async function makeCache(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (error) {
    throw new Error(`cannot keep downloads in ${folder} (${reason(error)}); name another folder with TENON_CACHE`, {
      cause: error,
    })
  }
}

const verified = (packed: Uint8Array<ArrayBuffer>, file: Download): Promise<Uint8Array<ArrayBuffer>> =>
  unpackedAndVerified(packed, file, async (content) => createHash('sha256').update(content).digest('hex'))

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** What went wrong, in a few words; fetch hides the cause of "fetch failed". */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ENOENT') return 'not there'
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
