// As many rows as a vector has elements turned into columns, all in registers.

import type { NativeFunction } from './builder.ts'
import type { VectorName } from './forms.ts'
import { reg } from './instruction.ts'

/** The columns of as many rows. Pairs of elements, then fours, then parts of 128 bits of vectors change places. */
export function transpose(f: NativeFunction, rows: readonly number[]): number[] {
  const join: Join = (name, a, b, immediate) => {
    const options = immediate === undefined ? {} : { immediate }
    f.push('vector', [a, b], (asm, to, x, y) => asm.vector(name, to, reg(x), reg(y), options))
    return f.popVector()
  }
  const pairs: number[] = []
  for (let i = 0; i < f.lanes; i += 2) {
    pairs.push(join('vunpcklps', rows[i], rows[i + 1]), join('vunpckhps', rows[i], rows[i + 1]))
  }
  // fours[4g + j] has, in quarter q, element 4q + j of rows 4g … 4g + 3
  const fours: number[] = []
  for (let g = 0; g < f.lanes; g += 4) {
    const [a, b, c, d] = pairs.slice(g, g + 4)
    fours.push(join('vunpcklpd', a, c), join('vunpckhpd', a, c), join('vunpcklpd', b, d), join('vunpckhpd', b, d))
  }
  return f.lanes === 16 ? sixteen(join, fours) : eight(join, fours)
}

/** Emits an instruction on two vectors; returns the register of its result. */
type Join = (name: VectorName, a: number, b: number, immediate?: number) => number

function eight(join: Join, fours: readonly number[]): number[] {
  const columns: number[] = new Array<number>(8)
  for (let j = 0; j < 4; j++) {
    columns[j] = join('vperm2f128', fours[j], fours[4 + j], 0x20)
    columns[4 + j] = join('vperm2f128', fours[j], fours[4 + j], 0x31)
  }
  return columns
}

function sixteen(join: Join, fours: readonly number[]): number[] {
  const columns: number[] = new Array<number>(16)
  const [even, odd] = [0x88, 0xdd]
  for (let j = 0; j < 4; j++) {
    const [a, b, c, d] = [fours[j], fours[4 + j], fours[8 + j], fours[12 + j]]
    const [ab, cd] = [join('vshuff32x4', a, b, even), join('vshuff32x4', c, d, even)]
    columns[j] = join('vshuff32x4', ab, cd, even)
    columns[8 + j] = join('vshuff32x4', ab, cd, odd)
    const [abOdd, cdOdd] = [join('vshuff32x4', a, b, odd), join('vshuff32x4', c, d, odd)]
    columns[4 + j] = join('vshuff32x4', abOdd, cdOdd, even)
    columns[12 + j] = join('vshuff32x4', abOdd, cdOdd, odd)
  }
  return columns
}
