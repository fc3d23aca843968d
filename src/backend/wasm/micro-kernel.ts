// The innermost loop of every matrix product: one register tile, multiplied up over a run of k.

import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'

/** Rows and columns of the register tile. 15 of 16 xmm registers are ours, and a spilled accumulator halves the speed. */
export interface Tile {
  readonly rows: number
  readonly columns: number
}

/**
 * tile[row][column] (+)= Σ_k left[row][k] · right[k][column] as a function (k, left, leftRow, leftStep, right, rightStep,
 * tile, tileStride, accumulate): k ≥ 1; the other numbers are addresses and distances in bytes, `leftRow` from row to row,
 * `leftStep` and `rightStep` from k to k. With `accumulate` the run is summed by itself before it is added to the tile.
 */
export function emitMicroKernel(module: ModuleBuilder, tile: Tile, relaxedMadd: boolean): FunctionBuilder {
  const f = module.function(
    undefined,
    Array.from({ length: 9 }, () => 'i32' as const),
  )
  const [k, left, leftRow, leftStep, right, rightStep, out, outStride, accumulate] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8,
  ] as const
  const vectors = Array.from({ length: tile.columns / 4 }, (_, j) => j)
  const rows = Array.from({ length: tile.rows }, (_, i) => ({
    pointer: i === 0 ? left : f.local('i32'),
    sums: vectors.map(() => f.local('v128')),
  }))
  const b = vectors.map(() => f.local('v128'))
  const a = f.local('v128')
  const pointer = f.local('i32')
  let previous: number = left
  for (const row of rows.slice(1)) {
    f.get(previous).get(leftRow).op('i32.add').set(row.pointer)
    previous = row.pointer
  }
  f.loop(() => {
    for (const j of vectors)
      f.get(right)
        .memory('v128.load', 16 * j)
        .set(b[j])
    f.get(right).get(rightStep).op('i32.add').set(right)
    for (const row of rows) {
      f.get(row.pointer).memory('v128.load32_splat').set(a)
      f.get(row.pointer).get(leftStep).op('i32.add').set(row.pointer)
      for (const j of vectors) {
        if (relaxedMadd) f.get(a).get(b[j]).get(row.sums[j]).op('f32x4.relaxed_madd').set(row.sums[j])
        else f.get(a).get(b[j]).op('f32x4.mul').get(row.sums[j]).op('f32x4.add').set(row.sums[j])
      }
    }
    f.get(k).i32(1).op('i32.sub').tee(k).brIf(0)
  })
  const eachRow = (visit: (sums: readonly number[]) => void): void => {
    f.get(out).set(pointer)
    for (const row of rows) {
      visit(row.sums)
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
