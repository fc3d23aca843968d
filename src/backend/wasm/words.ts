// Words of a program's image as it grows.

export class Words {
  private room = new Int32Array(2 ** 12)
  length = 0

  /** Adds so many words of 0; returns the number of the first. */
  add(count: number): number {
    const first = this.length
    this.length += count
    if (this.length > this.room.length) {
      const larger = new Int32Array(Math.max(this.length, 2 * this.room.length))
      larger.set(this.room.subarray(0, first))
      this.room = larger
    }
    return first
  }
  get(word: number): number {
    return this.room[word]
  }
  set(word: number, value: number): void {
    this.room[word] = value
  }
  /** The words so far; not to be kept while more are added. */
  view(): Int32Array {
    return this.room.subarray(0, this.length)
  }
}
