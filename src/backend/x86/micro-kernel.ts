// The innermost loop of every matrix product: one tile in registers, multiplied up over a run of k. Written by hand.

import { type Assembler, type Label, type Memory, register } from './assembler.ts'
import type { VectorTarget } from './target.ts'

/** Steps of k in one turn of the loop. */
const unrolled = 4

/** Where the right operand of a tile is read: panels that were packed, or vectors of columns where they lie. */
export type RightSource = 'panel' | 'place'

/** Where its left operand is read: panels that were packed, or rows at equal distances where they lie. */
export type LeftSource = 'panel' | 'place'

/** Rows that are reached from one register by multiples of their distance. */
const rowsOfBase = 5

/**
 * Emits tile[row][column] (+)= Σ_k left[k][row] · right[k][column] for a tile of `rows` by `vectors` (1 or 2) of columns, as
 * a function (k, left, right, tile, strides, rightStep, accumulate, ahead): k ≥ 1; left, right and tile are addresses of the machine, as is
 * `strides`, of three words that count bytes: from row to row of the tile, and of a left operand in place from row to row and from k to k.
 * With `accumulate` the run is summed by itself before it is added to the tile.
 *
 * From `ahead` on a line of memory is asked for in each turn of four k: the panel that the tiles after this one read. Where the right
 * operand lies in place, the sixth parameter is the address of the second vector, and the last one that of the offsets of all k, in bytes.
 *
 * Small tiles have several sums for each element, which take turns, because one multiply-add waits four cycles for the one before.
 */
export function emitMicroKernel(
  a: Assembler,
  target: VectorTarget,
  rows: number,
  vectors: number,
  source: RightSource,
  leftSource: LeftSource,
): Label {
  const {
    rdi: k,
    rsi: left,
    rdx: right,
    rcx: tile,
    r8: tileStride,
    r9: rightStep,
    r10: accumulate,
    r11: ahead,
    rax,
    rbx,
    rbp,
    r12: leftRow,
    r13: threeRows,
    r14,
  } = register
  const leftStep = rax
  const bases = [left, r14, rbp].slice(0, leftSource === 'place' ? Math.ceil(rows / rowsOfBase) : 1)
  const { bytes, tile: largest } = target
  const sums = rows * vectors
  const sets = Math.min(unrolled, Math.floor((largest.rows * largest.vectors) / sums))
  const sum = (set: number, row: number, vector: number): number => 4 + set * sums + row * vectors + vector
  const eachSum = (visit: (row: number, vector: number) => void): void => {
    for (let row = 0; row < rows; row++) for (let vector = 0; vector < vectors; vector++) visit(row, vector)
  }
  const entry = a.label()
  a.align(64).bind(entry)
  for (let i = 4; i < 4 + sets * sums; i++) a.vector('vxorps', i, i, i)
  if (leftSource === 'place') {
    a.move(leftRow, { base: tileStride, displacement: 4 }).move(leftStep, { base: tileStride, displacement: 8 })
    a.lea(threeRows, { base: leftRow, index: leftRow, scale: 2 }, true)
    for (let i = 1; i < bases.length; i++) {
      a.lea(bases[i], { base: bases[i - 1], index: leftRow, scale: 4 }, true).arithmetic('add', bases[i], leftRow, true)
    }
  }
  a.move(tileStride, { base: tileStride })
  if (source === 'panel') a.lea(rbx, { base: rightStep, index: rightStep, scale: 2 }, true)
  const panel =
    (u: number) =>
    (v: number): Memory => {
      const place = { base: right, displacement: bytes * v }
      return u === 0 ? place : { ...place, index: u === 3 ? rbx : rightStep, scale: u === 2 ? 2 : 1 }
    }
  const inPlace = (u: number): ((v: number) => Memory) => {
    a.move(rbx, { base: ahead, displacement: 4 * u })
    return (v) => ({ base: v === 0 ? right : rightStep, index: rbx })
  }
  const placeOf = source === 'panel' ? panel : inPlace
  const advance = (steps: 1 | typeof unrolled): void => {
    if (source === 'place') a.arithmeticImmediate('add', ahead, 4 * steps, true)
    else if (steps === 1) a.arithmetic('add', right, rightStep, true)
    else {
      a.prefetch({ base: ahead }, 2).arithmeticImmediate('add', ahead, 64, true)
      a.lea(right, { base: right, index: rightStep, scale: 4 }, true)
    }
    if (leftSource === 'panel') a.arithmeticImmediate('add', left, 4 * rows * steps, true)
  }
  const leftPlace = (row: number, u: number): Memory => {
    if (leftSource === 'panel') return { base: left, displacement: 4 * (u * rows + row) }
    const [base, distance] = [bases[Math.floor(row / rowsOfBase)], row % rowsOfBase]
    if (distance === 0) return { base }
    return distance === 3 ? { base, index: threeRows } : { base, index: leftRow, scale: distance as 1 | 2 | 4 }
  }

  const step = (u: number): void => {
    const set = u % sets
    const place = placeOf(u)
    for (let v = 0; v < vectors; v++) a.vector('vmovups', v, 0, place(v))
    if (source === 'place' && vectors === 2) {
      a.prefetch({ base: right, index: rbx, displacement: 2 * bytes }, 1)
      a.prefetch({ base: right, index: rbx, displacement: 3 * bytes }, 1)
    }
    for (let row = 0; row < rows; row++) {
      const element = 2 + (row & 1)
      a.vector('vbroadcastss', element, 0, leftPlace(row, u))
      for (let v = 0; v < vectors; v++) a.vector('vfmadd231ps', sum(set, row, v), element, v)
    }
    if (leftSource === 'place') for (const base of bases) a.arithmetic('add', base, leftStep, true)
  }
  const [four, single, rest, done] = [a.label(), a.label(), a.label(), a.label()]
  a.arithmeticImmediate('cmp', k, unrolled).jumpIf('below', rest)
  a.align(64).bind(four)
  for (let u = 0; u < unrolled; u++) step(u)
  advance(unrolled)
  a.arithmeticImmediate('sub', k, unrolled).arithmeticImmediate('cmp', k, unrolled).jumpIf('aboveOrEqual', four)
  a.bind(rest).test(k, k).jumpIf('equal', done)
  a.bind(single)
  step(0)
  advance(1)
  a.arithmeticImmediate('sub', k, 1).jumpIf('notEqual', single)
  a.bind(done)

  for (let distance = 1; distance < sets; distance *= 2) {
    for (let set = 0; set + distance < sets; set += 2 * distance) {
      eachSum((row, v) => a.vector('vaddps', sum(set, row, v), sum(set, row, v), sum(set + distance, row, v)))
    }
  }
  const store = a.label()
  a.move(rax, tile, true).test(accumulate, accumulate).jumpIf('equal', store)
  for (let row = 0; row < rows; row++) {
    for (let v = 0; v < vectors; v++) {
      a.vector('vaddps', sum(0, row, v), sum(0, row, v), { base: rax, displacement: bytes * v })
    }
    a.arithmetic('add', rax, tileStride, true)
  }
  a.bind(store)
  for (let row = 0; row < rows; row++) {
    for (let v = 0; v < vectors; v++) {
      a.vector('vmovupsStore', sum(0, row, v), 0, { base: tile, displacement: bytes * v })
    }
    a.arithmetic('add', tile, tileStride, true)
  }
  a.ret()
  return entry
}
