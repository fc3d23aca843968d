/** Downloads of known content: what they must be, how they are fetched, and the check that they are it. */
import { unpackGzip } from './gzip.ts'

/** A file that can be downloaded, with what its content must be. */
export interface Download {
  /** File name in the cache. */
  readonly name: string
  /** Where it can be had; tried in this order. */
  readonly urls: readonly string[]
  /** SHA-256 of the unpacked content in hexadecimal, so that it doesn't matter how a mirror packed it. */
  readonly sha256: string
  /** Bytes of the unpacked content. */
  readonly bytes: number
}

export interface DownloadOptions {
  /** Folder to keep the file in. */
  readonly cache: string
  /** False: only look in the cache. */
  readonly fetch?: boolean
  /** Seconds to wait for one URL; 120 unless told. */
  readonly timeoutSeconds?: number
}

/** The body of a response. Throws on any status but success, and after so many seconds. */
export async function fetchBytes(url: string, timeoutSeconds: number): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutSeconds * 1000) })
  if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`.trim())
  return new Uint8Array(await response.arrayBuffer())
}

/** The unpacked content; throws unless it is what the file must be. */
export async function unpackedAndVerified(
  packed: Uint8Array<ArrayBuffer>,
  file: Download,
  sha256: (content: Uint8Array<ArrayBuffer>) => Promise<string>,
): Promise<Uint8Array<ArrayBuffer>> {
  const content = await unpackGzip(packed, 'its content', file.bytes)
  const found = await sha256(content)
  if (found !== file.sha256)
    throw new Error(
      `refused: its ${content.length} unpacked bytes have SHA-256 ${found}, expected ${file.bytes} with ${file.sha256}`,
    )
  return content
}
