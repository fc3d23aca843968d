/** What training does in a page in place of files and a terminal: it fetches, and says what there is instead. */
import type * as node from './node-files.ts'

/** The content of a file by its URL. */
export async function readBytes(url: string): Promise<Uint8Array> {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: cannot be read (HTTP ${response.status} ${response.statusText})`)
  return new Uint8Array(await response.arrayBuffer())
}

export const writeWhole: typeof node.writeWhole = (path) => {
  throw new Error(
    `${path}: a page writes no files; encodeSafetensors() of 'tenon/train' gives the bytes, to keep or to offer`,
  )
}

export const createRun: typeof node.createRun = (path) => {
  throw new Error(`fit: run is '${path}', but a page has no folders: leave it out, and follow training by callbacks`)
}

export const openRun: typeof node.openRun = (path) => {
  throw new Error(`fit: run is '${path}', but a page has no folders to resume from`)
}

export const progressBar: typeof node.progressBar = () => {
  throw new Error('fit: progress is a line in a terminal; in a page, follow training by callbacks')
}
