/** Files of data sets in a page: fetched from URLs; the browser's own cache keeps them. */
import { type Download, type DownloadOptions, fetchBytes, unpackedAndVerified } from './download.ts'
import { unpackGzip } from './gzip.ts'

/** A page has no folders. */
export const cacheFolder = (): string => ''

export const join = (...parts: readonly string[]): string =>
  parts
    .filter((part) => part !== '')
    .map((part, i) => (i < parts.length - 1 ? part.replace(/\/+$/, '') : part))
    .join('/')

/** The bytes of a file by its URL, unpacked if it is gzip. Throws if it can't be fetched or is damaged. */
export async function readDataFile(url: string): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array<ArrayBuffer>
  try {
    bytes = await fetchBytes(url, usualTimeout)
  } catch (error) {
    throw new Error(`${url}: cannot be fetched (${reason(error)})`, { cause: error })
  }
  return unpackGzip(bytes, url)
}

/** Whether there is a file at a URL. Pages that answer everything with their start page have none. */
export const exists = (url: string): Promise<boolean> =>
  fetch(url, { method: 'HEAD' }).then(
    ({ ok, headers }) => ok && !headers.get('content-type')?.startsWith('text/html'),
    () => false,
  )

/** The unpacked content of a file from the first URL that has it, verified. Throws with one line for each URL that was tried. */
export async function cachedDownload(file: Download, options: DownloadOptions): Promise<Uint8Array<ArrayBuffer>> {
  const tried: string[] = []
  if (options.fetch === false) tried.push('  downloading is switched off')
  for (const url of options.fetch === false ? [] : file.urls) {
    try {
      return await unpackedAndVerified(await fetchBytes(url, options.timeoutSeconds ?? usualTimeout), file, sha256)
    } catch (error) {
      tried.push(`  ${url}: ${reason(error)}`)
    }
  }
  throw new Error(`${file.name} is not to be had:\n${tried.join('\n')}`)
}

const usualTimeout = 120

async function sha256(content: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto.subtle) throw new Error('a page checks downloads over https or on localhost only')
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))
