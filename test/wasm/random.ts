// Seeded numbers for tests.

/** `next(n)` is a whole number from 0 to n − 1; the same seed gives the same numbers. */
export function integers(seed: number): (n: number) => number {
  let state = seed >>> 0
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

/** `length` floats in [−1, 1) with 12 random bits each. */
export function floats(length: number, seed: number): Float32Array {
  const next = integers(seed)
  return Float32Array.from({ length }, () => next(4096) / 2048 - 1)
}
