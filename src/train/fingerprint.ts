/** A fingerprint of a data set, by which a resumed run notices that it is given other data. */
import type { Dataset } from '../data/dataset.ts'

/** Eight hexadecimal digits made of at most about a million of the data's numbers. */
export function fingerprint({ inputs, targets }: Dataset): string {
  let hash = offset
  for (const numbers of [inputs, targets]) {
    const words = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length)
    const stride = Math.max(1, Math.floor(words.length / sampled))
    hash = mixed(hash, words.length)
    for (let i = 0; i < words.length; i += stride) hash = mixed(hash, words[i])
  }
  return (hash >>> 0).toString(16).padStart(8, '0')
}

const sampled = 500_000

// FNV-1a by words, with the high bits folded down, which a multiplication alone never does.
const offset = 0x811c9dc5
function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x01000193)
  return product ^ (product >>> 15)
}
