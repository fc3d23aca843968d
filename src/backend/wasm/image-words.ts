// A program's image as it is written: words, and which of them will hold addresses.

import type { Program } from '../../kernel/program.ts'
import { lengthOf, type Table } from '../../kernel/table.ts'
import { nativeKernelWord } from './native.ts'
import { Words } from './words.ts'

/** Numbers of words are places in the image; addresses are known when it is loaded. */
export class ImageWords extends Words {
  readonly source: Program
  /** Words that hold a byte offset from the start of the image, to which the image's address is added. */
  readonly pointers: number[] = []
  /** Words that hold an address in one of the program's buffers. */
  readonly addresses: { readonly word: number; readonly buffer: number; readonly offset: number }[] = []
  /** Words that hold a byte offset in memory for operands that are packed ahead. */
  readonly packed: number[] = []
  /** Offset tables to be written where the image lies, and what their entries are multiplied by. */
  readonly tables: { readonly word: number; readonly table: Table; readonly factor: number }[] = []
  /** The words that hold an address in each moving buffer. */
  readonly moved = new Map<number, { readonly word: number; readonly offset: number }[]>()

  constructor(source: Program) {
    super()
    this.source = source
  }

  /** An args block, with the number of its machine code before it. */
  args(words: number, native: number | undefined): number {
    if (native === undefined) return this.record(4 * words)
    const args = this.record(4 * (words + 1)) - nativeKernelWord
    this.set(args + nativeKernelWord, native)
    return args
  }
  /** Words for an offset table. */
  table(table: Table, factor: number): number {
    const word = this.add(lengthOf(table))
    this.tables.push({ word, table, factor })
    return word
  }
  /** Words for a record of so many bytes. */
  record(bytes: number): number {
    return this.add(bytes / 4)
  }
  /** Has a word hold the address of another. */
  pointer(word: number, target: number): void {
    this.set(word, 4 * target)
    this.pointers.push(word)
  }
  /** Has a word hold an address in a buffer. */
  address(word: number, buffer: number, offset: number): void {
    if (buffer < 0 || buffer >= this.source.buffers.length) throw new RangeError(`launch: there is no buffer ${buffer}`)
    if (this.source.buffers[buffer].kind !== 'moving') {
      this.addresses.push({ word, buffer, offset })
      return
    }
    const moved = this.moved.get(buffer) ?? []
    moved.push({ word, offset })
    this.moved.set(buffer, moved)
  }
}
