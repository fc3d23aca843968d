/** Unpacks gzip files, known by their first two bytes whatever they are called. */

/**
 * The content of `bytes` if they are a gzip file, else `bytes` themselves. `source` names them in errors. Throws if the file is
 * damaged or cut short, or if it unpacks to more than `mostBytes`.
 */
export async function unpackGzip(
  bytes: Uint8Array<ArrayBuffer>,
  source: string,
  mostBytes = Number.POSITIVE_INFINITY,
): Promise<Uint8Array<ArrayBuffer>> {
  const isGzip = bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b
  if (!isGzip) return bytes
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      chunks.push(part.value)
      length += part.value.length
      if (length > mostBytes) break
    }
  } catch (error) {
    throw new Error(
      `${source}: damaged gzip file (${bytes.length} bytes): ${error instanceof Error ? error.message : error}; fetch it again`,
      { cause: error },
    )
  }
  if (length > mostBytes) {
    await reader.cancel()
    throw new Error(`${source}: unpacks to more than ${mostBytes} bytes, the most that is expected of it`)
  }
  const unpacked = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    unpacked.set(chunk, at)
    at += chunk.length
  }
  return unpacked
}
