// Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): for kernels and for the host.

import type { Expr } from './expr.ts'
import * as s from './expr.ts'

/** Of four rounds each, by turns; after every four a key word is added. */
const rotations = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const
const parity = 0x1bd11bda

/** What `threefry` of the scalar language is made of. */
export function expandThreefry(e: Expr): Expr {
  const [key0, key1, counter0, counter1] = e.args as [Expr, Expr, Expr, Expr]
  const int = (v: number): Expr => s.constant('i32', v)
  const keys = [key0, key1, s.xor(s.xor(key0, key1), int(parity))] as const
  let x = s.add(counter0, key0)
  let y = s.add(counter1, key1)
  for (let block = 0; block < 5; block++) {
    for (const r of rotations[(block % 2) as 0 | 1]) {
      x = s.add(x, y)
      y = s.xor(s.or(s.shl(y, int(r)), s.shr(y, int(32 - r))), x)
    }
    x = s.add(x, keys[((block + 1) % 3) as 0 | 1 | 2])
    y = s.add(s.add(y, keys[((block + 2) % 3) as 0 | 1 | 2]), int(block + 1))
  }
  return e.value === 0 ? x : y
}

/** Writes both words of the block to `out`. */
export function threefry(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Int32Array | Uint32Array,
): void {
  let [a, b, c] = [key0, key1, parity ^ key0 ^ key1]
  let x = (counter0 + key0) | 0
  let y = (counter1 + key1) | 0
  for (let block = 0; block < 5; block++) {
    for (const r of rotations[(block % 2) as 0 | 1]) {
      x = (x + y) | 0
      y = ((y << r) | (y >>> (32 - r))) ^ x
    }
    const first = a
    a = b
    b = c
    c = first
    x = (x + a) | 0
    y = (y + b + block + 1) | 0
  }
  out[0] = x
  out[1] = y
}
