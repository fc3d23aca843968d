// The innermost loop of every matrix product: one register tile, multiplied up over a run of k.

import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'

/** Rows and columns of the register tile. 15 of 16 xmm registers are ours, and a spilled accumulator halves the speed. */
export interface Tile {
  readonly rows: number
  readonly columns: number
  /** Whether the left operand has to be packed: four rows are then loaded at once and spread by shuffles. */
  readonly spread: boolean
}

/**
 * tile[row][column] (+)= Σ_k left[row][k] · right[k][column] as a function (k, left, leftRow, leftStep, right, rightStep,
 * tile, tileStride, accumulate): k ≥ 1; the other numbers are addresses and distances in bytes, `leftRow` from row to row,
 * `leftStep` and `rightStep` from k to k. With `accumulate` the run is summed by itself before it is added to the tile.
 */
export function emitMicroKernel(module: ModuleBuilder, tile: Tile, relaxedMadd: boolean): FunctionBuilder {
  const f = module.function(
    'multiply',
    Array.from({ length: 9 }, () => 'i32' as const),
  )
  const [k, left, leftRow, leftStep, right, rightStep, out, outStride, accumulate] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8,
  ] as const
  const vectors = Array.from({ length: tile.columns / 4 }, (_, j) => j)
  const rows = Array.from({ length: tile.rows }, () => vectors.map(() => f.local('v128')))
  const b = vectors.map(() => f.local('v128'))
  const a = f.local('v128')
  const pointer = f.local('i32')
  const loadRight = (): void => {
    for (const j of vectors)
      f.get(right)
        .memory('v128.load', 16 * j)
        .set(b[j])
    f.get(right).get(rightStep).op('i32.add').set(right)
  }
  const multiply = (factor: number, sums: readonly number[]): void => {
    for (const j of vectors) {
      if (relaxedMadd) f.get(factor).get(b[j]).get(sums[j]).op('f32x4.relaxed_madd').set(sums[j])
      else f.get(factor).get(b[j]).op('f32x4.mul').get(sums[j]).op('f32x4.add').set(sums[j])
    }
  }
  const repeat = (step: () => void): void => {
    f.loop(() => {
      step()
      f.get(k).i32(1).op('i32.sub').tee(k).brIf(0)
    })
  }
  if (tile.spread) {
    const whole = tile.rows & ~3
    const loaded = rows.flatMap((_, i) => (i >= whole || i % 4 === 0 ? [{ row: i, local: f.local('v128') }] : []))
    repeat(() => {
      loadRight()
      for (const { row, local } of loaded)
        f.get(left)
          .memory(row < whole ? 'v128.load' : 'v128.load32_splat', 4 * row)
          .set(local)
      f.get(left).get(leftStep).op('i32.add').set(left)
      rows.forEach((sums, i) => {
        const { row, local } = loaded.findLast((l) => l.row <= i) ?? loaded[0]
        if (i < whole)
          f.get(local)
            .get(local)
            .shuffle(lane(i - row))
            .set(a)
        multiply(i < whole ? a : local, sums)
      })
    })
  } else {
    const pointers = rows.map((_, i) => (i === 0 ? left : f.local('i32')))
    for (let i = 1; i < tile.rows; i++)
      f.get(pointers[i - 1])
        .get(leftRow)
        .op('i32.add')
        .set(pointers[i])
    repeat(() => {
      loadRight()
      rows.forEach((sums, i) => {
        f.get(pointers[i]).memory('v128.load32_splat').set(a)
        f.get(pointers[i]).get(leftStep).op('i32.add').set(pointers[i])
        multiply(a, sums)
      })
    })
  }
  const eachRow = (visit: (sums: readonly number[]) => void): void => {
    f.get(out).set(pointer)
    for (const row of rows) {
      visit(row)
      if (row !== rows.at(-1)) f.get(pointer).get(outStride).op('i32.add').set(pointer)
    }
  }
  f.get(accumulate).if(() => {
    eachRow((sums) => {
      for (const j of vectors)
        f.get(pointer)
          .memory('v128.load', 16 * j)
          .get(sums[j])
          .op('f32x4.add')
          .set(sums[j])
    })
  })
  eachRow((sums) => {
    for (const j of vectors)
      f.get(pointer)
        .get(sums[j])
        .memory('v128.store', 16 * j)
  })
  return f
}

/** The bytes of a shuffle that puts one lane into all. */
const lane = (n: number): number[] => [0, 1, 2, 3].flatMap(() => [0, 1, 2, 3].map((byte) => 4 * n + byte))
