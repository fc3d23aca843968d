// Seeded random choices for tests.

/** Mulberry32: numbers in [0, 1) from a seed. */
export class Chance {
  private state: number

  constructor(seed: number) {
    this.state = seed
  }

  number(): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  /** An integer from low to high − 1. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.number() * (high - low))
  }

  pick<T>(list: readonly T[]): T {
    return list[this.integer(0, list.length)]
  }

  chance(probability: number): boolean {
    return this.number() < probability
  }
}
