// The machine code of Winograd's convolutions: what turns filters, elements and sums around, and the loop over blocks of tiles between them.

import { sumAtMost } from '../wasm/contract-walk.ts'
import { whileLess } from '../wasm/emit-walk.ts'
import { tableAccess } from '../wasm/layout.ts'
import type { Assembler, Label } from './assembler.ts'
import { NativeFunction } from './builder.ts'
import { pushCode } from './contract.ts'
import { linear } from './convention.ts'
import { reg } from './instruction.ts'
import { gather, loadNeighbours, storeNeighbours } from './memory.ts'
import { pushSmaller } from './tables.ts'
import type { Alternate, VectorTarget } from './target.ts'
import { products } from './winograd.ts'

/** The words of a convolution's args block, named as in `WinogradPlan` and `contractWords`; the last ten are those of every product. */
export const winogradWords = [
  'm',
  'channels',
  'rows',
  'columns',
  'imageStride',
  'channelStride',
  'rowStride',
  'across',
  'down',
  'unit',
  'units',
  'tileStride',
  'inPlane',
  'outPlane',
  'sumsAt',
  'tileAt',
  'resultStride',
  'tileRows',
  'elements',
  'sums',
  'epilogue',
  'wide',
  'wideRest',
  'narrow',
  'narrowRest',
  'leftArgs',
  'rightArgs',
  'epilogueArgs',
  'leftAhead',
  'leftPadded',
  'leftBatch',
  'rightAhead',
  'rightPadded',
  'rightBatch',
  'rightVectors',
] as const
export type WinogradWord = (typeof winogradWords)[number]

/** A function with what all of these need. */
class WinogradFunction extends NativeFunction {
  /** A new local with what `push` pushes. */
  number(push: () => unknown): number {
    const l = this.local('i32')
    push()
    this.set(l)
    return l
  }
  vector(push: () => unknown): number {
    const l = this.local('v128')
    push()
    this.set(l)
    return l
  }
  pushWord(name: WinogradWord): this {
    return this.get(0).memory('i32.load', 4 * winogradWords.indexOf(name))
  }
  word(name: WinogradWord): number {
    return this.number(() => this.pushWord(name))
  }
  /** Adds a local to another one. */
  advance(l: number, by: number): this {
    return this.get(l).get(by).op('i32.add').set(l)
  }
  plus(a: number, b: number): number {
    return this.vector(() => this.get(a).get(b).op('f32x4.add'))
  }
  minus(a: number, b: number): number {
    return this.vector(() => this.get(a).get(b).op('f32x4.sub'))
  }
}

type Turn = (f: WinogradFunction, line: readonly number[]) => number[]

/** Bᵀd of four elements of a line. */
const turnElements: Turn = (f, [a, b, c, d]) => [f.minus(a, c), f.plus(b, c), f.minus(c, b), f.minus(b, d)]

/** Gg of three weights of a line. */
const turnWeights: Turn = (f, [a, b, c]) => {
  const half = (l: number): number => f.vector(() => f.get(l).splat('f32', 0.5).op('f32x4.mul'))
  const [outer, middle] = [half(f.plus(a, c)), half(b)]
  return [a, f.plus(outer, middle), f.minus(outer, middle), c]
}

/** Aᵀm of four sums of a line. */
const turnSums: Turn = (f, [a, b, c, d]) => [f.plus(f.plus(a, b), c), f.minus(f.minus(b, c), d)]

/** The rows of a matrix of vectors turned around, and then its columns. */
function turnBoth(f: WinogradFunction, matrix: readonly (readonly number[])[], turn: Turn): number[][] {
  const rows = matrix.map((row) => turn(f, row))
  const columns = rows[0].map((_, j) =>
    turn(
      f,
      rows.map((row) => row[j]),
    ),
  )
  return columns[0].map((_, i) => columns.map((column) => column[i]))
}

/**
 * Emits a function like those that pack a left operand (`wasm/layout.ts`), of filters: panels of `width` of them, each of which has all
 * channels of the first of the sixteen products, then those of the second; k counts sixteen for a channel.
 */
export function emitFilters(a: Assembler, target: VectorTarget, width: number): Label {
  const f = new WinogradFunction(a, target, 7)
  const [operand, , o0, o1, k0, k1, destination] = [0, 1, 2, 3, 4, 5, 6] as const
  const [address, batch, outer, inner] = (['address', 'batch', 'outer', 'inner'] as const).map((name) =>
    f.number(() => f.get(operand).memory('i32.load', 4 * tableAccess[name])),
  )
  const start = f.number(() => f.get(batch).memory('i32.load').get(address).op('i32.add'))
  const channels = f.number(() => f.get(k1).get(k0).op('i32.sub').i32(4).op('i32.shr_u'))
  const [channel, count, at, entry, to] = Array.from({ length: 5 }, () => f.local('i32'))
  const iota = f.vector(() => f.iota(0))
  whileLess(f, o0, o1, () => {
    const left = f.number(() => f.get(o1).get(o0).op('i32.sub'))
    f.i32(width).set(count)
    pushSmaller(f, left, count)
    f.set(count)
    const mask = f.vector(() => f.get(iota).get(count).op('i32x4.splat').op('i32x4.lt_s'))
    const row = f.number(() => f.get(count).i32(2).op('i32.shl'))
    const plane = f.number(() => f.get(row).get(channels).op('i32.mul'))
    const places = f.vector(() => {
      f.get(outer).get(o0).i32(2).op('i32.shl').op('i32.add')
      loadNeighbours(f, 'int32', 0, mask, 0)
    })
    f.get(inner).set(entry).get(destination).set(at)
    f.range(
      channel,
      () => f.i32(0),
      channels,
      1,
      () => {
        const weights = [0, 1, 2].map((i) =>
          [0, 1, 2].map((j) =>
            f.vector(() => {
              const place = 4 * (3 * i + j)
              f.get(entry).memory('i32.load', place).get(start).op('i32.add').get(places)
              gather(f, 'float32', mask, 0)
            }),
          ),
        )
        f.get(at).set(to)
        for (const value of turnBoth(f, weights, turnWeights).flat()) {
          storeNeighbours(f, 'set', 'float32', to, 0, value, mask)
          f.advance(to, plane)
        }
        f.advance(at, row).get(entry).i32(36).op('i32.add').set(entry)
      },
    )
    f.get(plane).i32(Math.log2(products)).op('i32.shl').get(destination).op('i32.add').set(destination)
    f.get(o0).i32(width).op('i32.add').set(o0)
  })
  return f.finish()
}

/**
 * Emits the function (args, from, to, rows, short) that turns around the elements of so many rows of tiles of all channels. With `short` the
 * last row of tiles has but one row of results, and the last row of its elements, which is not there, is not read.
 */
export function emitElements(a: Assembler, target: VectorTarget, alternate: Alternate): Label {
  const f = new WinogradFunction(a, target, 5)
  const [, from, to, rows, short] = [0, 1, 2, 3, 4] as const
  const [channels, across, tileStride, plane] = (['channels', 'across', 'tileStride', 'inPlane'] as const).map((name) =>
    f.word(name),
  )
  const [channelStride, rowStride] = (['channelStride', 'rowStride'] as const).map((name) => f.word(name))
  // The second vector begins with the last element of the first
  const evens = f.vector(() => f.numbers((lane) => 2 * lane + (2 * lane < f.lanes ? 0 : 1)))
  const [channel, row, column, at, line, place] = Array.from({ length: 6 }, () => f.local('i32'))
  f.range(
    channel,
    () => f.i32(0),
    channels,
    1,
    () => {
      f.get(from).set(line).get(to).set(at)
      f.range(
        row,
        () => f.i32(0),
        rows,
        1,
        () => {
          const second = f.number(() => f.get(line).get(rowStride).op('i32.add'))
          const third = f.number(() => f.get(second).get(rowStride).op('i32.add'))
          const fourth = f.number(() => {
            f.get(third)
            f.get(third).get(rowStride).op('i32.add')
            f.get(rows).get(row).op('i32.sub').get(short).op('i32.eq').op('select')
          })
          const lines = [line, second, third, fourth]
          f.range(
            column,
            () => f.i32(0),
            across,
            f.lanes,
            () => {
              const elements = lines.map((start) => {
                const first = f.number(() => f.get(column).i32(3).op('i32.shl').get(start).op('i32.add'))
                return [0, 4, 8, 12].map((offset) =>
                  f.vector(() => {
                    const numbers = f.get(evens).popVector()
                    const last = offset + f.target.bytes - 4
                    f.push(
                      'vector',
                      [f.get(first).popGeneral(), numbers],
                      (asm, v, s, n) => alternate.load(asm, v, linear(s, offset), linear(s, last), reg(n)),
                      { early: true },
                    )
                  }),
                )
              })
              f.get(column).i32(2).op('i32.shl').get(at).op('i32.add').set(place)
              for (const value of turnBoth(f, elements, turnElements).flat()) {
                f.get(place).get(value).memory('v128.store')
                f.advance(place, plane)
              }
            },
          )
          f.get(across).i32(2).op('i32.shl').get(at).op('i32.add').set(at)
          f.get(rowStride).i32(1).op('i32.shl').get(line).op('i32.add').set(line)
        },
      )
      f.advance(from, channelStride).advance(to, tileStride)
    },
  )
  return f.finish()
}

/** Emits the function (args, from, to, rows) that turns the sums of so many rows of tiles of all filters into rows of results. */
export function emitSums(a: Assembler, target: VectorTarget, alternate: Alternate): Label {
  const f = new WinogradFunction(a, target, 4)
  const [, from, to, rows] = [0, 1, 2, 3] as const
  const [m, across, columns, tileStride] = (['m', 'across', 'columns', 'tileStride'] as const).map((name) =>
    f.word(name),
  )
  const [plane, resultStride] = (['outPlane', 'resultStride'] as const).map((name) => f.word(name))
  const pitch = f.number(() => f.get(columns).i32(2).op('i32.shl'))
  // Lanes of two vectors that take turns, for either half
  const numbers = [0, f.lanes / 2].map((half) =>
    f.vector(() => f.numbers((lane) => half + Math.floor(lane / 2) + (lane % 2) * f.lanes)),
  )
  const iotas = [0, f.lanes].map((first) => f.vector(() => f.iota(first)))
  const [filter, row, column, at, line, place] = Array.from({ length: 6 }, () => f.local('i32'))
  f.range(
    filter,
    () => f.i32(0),
    m,
    1,
    () => {
      f.get(to).set(line).get(from).set(at)
      f.range(
        row,
        () => f.i32(0),
        rows,
        1,
        () => {
          const second = f.number(() => f.get(line).get(pitch).op('i32.add'))
          f.range(
            column,
            () => f.i32(0),
            across,
            f.lanes,
            () => {
              f.get(column).i32(2).op('i32.shl').get(at).op('i32.add').set(place)
              const sums = [0, 1, 2, 3].map(() =>
                [0, 1, 2, 3].map(() => {
                  const value = f.vector(() => f.get(place).memory('v128.load'))
                  f.advance(place, plane)
                  return value
                }),
              )
              const left = f.number(() =>
                f.get(column).i32(1).op('i32.shl').set(place).get(columns).get(place).op('i32.sub'),
              )
              const masks = iotas.map((iota) =>
                f.vector(() => f.get(iota).get(left).op('i32x4.splat').op('i32x4.lt_s')),
              )
              turnBoth(f, sums, turnSums).forEach(([even, odd], i) => {
                const start = f.number(() => f.get(column).i32(3).op('i32.shl').get([line, second][i]).op('i32.add'))
                numbers.forEach((table, half) => {
                  const both = f.vector(() => {
                    const [n, x, y] = [table, even, odd].map((l) => f.get(l).popVector())
                    f.push('vector', [x, y, n], (asm, v, s, t, r) => alternate.join(asm, v, reg(s), reg(t), reg(r)), {
                      early: true,
                    })
                  })
                  storeNeighbours(f, 'set', 'float32', start, half * f.target.bytes, both, masks[half])
                })
              })
            },
          )
          f.get(across).i32(2).op('i32.shl').get(at).op('i32.add').set(at)
          f.get(pitch).get(second).op('i32.add').set(line)
        },
      )
      f.advance(from, tileStride).advance(to, resultStride)
    },
  )
  return f.finish()
}

/** Emits the function (args, begin, end, scratch) that serves every such convolution: iteration number image · units + u is a block of rows of tiles. */
export function emitWinograd(a: Assembler, target: VectorTarget, codeStart: bigint): Label {
  const f = new WinogradFunction(a, target, 4)
  const { columns: tileColumns } = target.tile
  const [args, block, end, scratch] = [0, 1, 2, 3] as const
  const word = (name: WinogradWord): number => f.word(name)
  const [m, channels, rows, columns] = (['m', 'channels', 'rows', 'columns'] as const).map(word)
  const [across, down, unit, units] = (['across', 'down', 'unit', 'units'] as const).map(word)
  const [tileStride, inPlane, outPlane, tileRows] = (['tileStride', 'inPlane', 'outPlane', 'tileRows'] as const).map(
    word,
  )
  const [rightArgs, epilogueArgs, filters] = (['rightArgs', 'epilogueArgs', 'leftAhead'] as const).map(word)
  const inScratch = (name: 'sumsAt' | 'tileAt'): number => f.number(() => f.pushWord(name).get(scratch).op('i32.add'))
  const [sums, tile] = [inScratch('sumsAt'), inScratch('tileAt')]
  const start = f.number(() => {
    f.get(rightArgs).memory('i32.load', 4 * tableAccess.address)
    f.get(rightArgs)
      .memory('i32.load', 4 * tableAccess.batch)
      .memory('i32.load')
      .op('i32.add')
  })
  const zero = f.number(() => f.i32(0))
  const [index, image, first, last, count, product] = Array.from({ length: 6 }, () => f.local('i32'))
  const call = (name: 'elements' | 'sums' | 'epilogue', parameters: readonly number[]): void => {
    f.pushWord(name)
    pushCode(f, codeStart)
    f.callFunction(
      undefined,
      parameters.map((l) => () => void f.get(l)),
    )
  }
  f.range(
    index,
    () => f.get(block),
    end,
    1,
    () => {
      f.get(index).get(units).op('i32.div_u').set(image)
      f.get(index).get(units).op('i32.rem_u').get(unit).op('i32.mul').set(first)
      sumAtMost(f, first, unit, down, last)
      f.get(last).get(first).op('i32.sub').set(count)
      const from = f.number(() => {
        f.get(image).pushWord('imageStride').op('i32.mul').get(start).op('i32.add')
        f.get(first).i32(1).op('i32.shl').pushWord('rowStride').op('i32.mul').op('i32.add')
      })
      const short = f.number(() => f.get(last).get(down).op('i32.eq').get(rows).i32(1).op('i32.and').op('i32.and'))
      call('elements', [args, from, scratch, count, short])
      multiply()
      call('sums', [args, sums, tile, count])
      const row = f.number(() => f.get(first).i32(1).op('i32.shl'))
      const rowsOfBlock = f.number(() => f.get(count).i32(1).op('i32.shl'))
      const lastRow = f.local('i32')
      sumAtMost(f, row, rowsOfBlock, rows, lastRow)
      const columnOf = (r: number): number =>
        f.number(() => f.get(image).get(rows).op('i32.mul').get(r).op('i32.add').get(columns).op('i32.mul'))
      call('epilogue', [epilogueArgs, zero, zero, m, columnOf(row), columnOf(lastRow), tile, f.word('resultStride')])
    },
  )
  return f.finish()

  function multiply(): void {
    const width = f.number(() => f.get(count).get(across).op('i32.mul'))
    const [column, row, left, right, at, panel] = Array.from({ length: 6 }, () => f.local('i32'))
    const [columnsLeft, rowsLeft, narrow, rowsOfTile] = Array.from({ length: 4 }, () => f.local('i32'))
    f.range(
      product,
      () => f.i32(0),
      f.number(() => f.i32(products)),
      1,
      () => {
        f.range(
          column,
          () => f.i32(0),
          width,
          tileColumns,
          () => {
            f.get(width).get(column).op('i32.sub').set(columnsLeft)
            f.get(columnsLeft)
              .i32(tileColumns / 2)
              .op('i32.le_s')
              .set(narrow)
            const offset = f.number(() => f.get(column).i32(2).op('i32.shl'))
            f.get(product).get(inPlane).op('i32.mul').get(offset).op('i32.add').get(scratch).op('i32.add').set(right)
            f.get(product).get(outPlane).op('i32.mul').get(offset).op('i32.add').get(sums).op('i32.add').set(at)
            f.get(filters).set(panel)
            f.i32(0).set(row)
            whileLess(f, row, m, () => {
              f.get(m).get(row).op('i32.sub').set(rowsLeft)
              pushSmaller(f, rowsLeft, tileRows)
              f.set(rowsOfTile)
              const bytes = f.number(() => f.get(rowsOfTile).get(channels).op('i32.mul').i32(2).op('i32.shl'))
              f.get(product).get(bytes).op('i32.mul').get(panel).op('i32.add').set(left)
              multiplyTile(narrow, rowsOfTile, left, right, at)
              f.get(bytes).i32(Math.log2(products)).op('i32.shl').get(panel).op('i32.add').set(panel)
              f.get(rowsOfTile).get(tileStride).op('i32.mul').get(at).op('i32.add').set(at)
              f.advance(row, tileRows)
            })
          },
        )
      },
    )
  }

  function multiplyTile(narrow: number, rowsOfTile: number, left: number, right: number, at: number): void {
    f.get(args).get(narrow).i32(3).op('i32.shl').op('i32.add')
    f.get(rowsOfTile).get(tileRows).op('i32.lt_s').i32(2).op('i32.shl').op('i32.add')
    f.memory('i32.load', 4 * winogradWords.indexOf('wide'))
    pushCode(f, codeStart)
    const stride = 4 * winogradWords.indexOf('tileStride')
    f.callFunction(undefined, [
      () => f.get(channels),
      () => f.get(left).absolute(),
      () => f.get(right).absolute(),
      () => f.get(at).absolute(),
      () => f.get(args).i32(stride).op('i32.add').absolute(),
      () => f.get(tileStride),
      () => f.i32(0),
      () =>
        f
          .get(right)
          .i32(4 * tileColumns)
          .op('i32.add')
          .absolute(),
    ])
  }
}
