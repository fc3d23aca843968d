// What Winograd's convolutions turn around, and back: filters, elements, sums and slopes, sixteen lanes at a time.

import { whileLess } from '../wasm/emit-walk.ts'
import { tableAccess } from '../wasm/layout.ts'
import type { Assembler, Label } from './assembler.ts'
import { linear } from './convention.ts'
import { reg } from './instruction.ts'
import { gather, loadNeighbours, scatter, storeNeighbours } from './memory.ts'
import { pushSmaller } from './tables.ts'
import type { Alternate, VectorTarget } from './target.ts'
import { transpose } from './transpose.ts'
import { products } from './winograd.ts'
import { WinogradFunction } from './winograd-function.ts'

type Turn = (f: WinogradFunction, line: readonly number[]) => number[]

/** Bᵀd of four elements of a line. */
const turnElements: Turn = (f, [a, b, c, d]) => [f.minus(a, c), f.plus(b, c), f.minus(c, b), f.minus(b, d)]

/** Gg of three weights of a line. */
const turnWeights: Turn = (f, [a, b, c]) => {
  const half = (l: number): number => f.vector(() => f.get(l).splat('f32', 0.5).op('f32x4.mul'))
  const [outer, middle] = [half(f.plus(a, c)), half(b)]
  return [a, f.plus(outer, middle), f.minus(outer, middle), c]
}

/** Ay of two slopes of a line. */
const turnSlopes: Turn = (f, [a, b]) => [a, f.plus(a, b), f.minus(a, b), f.vector(() => f.get(b).op('f32x4.neg'))]

/** Gᵀu of four sums of a line. */
const turnBack: Turn = (f, [a, b, c, d]) => {
  const half = (l: number): number => f.vector(() => f.get(l).splat('f32', 0.5).op('f32x4.mul'))
  const outer = half(f.plus(b, c))
  return [f.plus(a, outer), half(f.minus(b, c)), f.plus(outer, d)]
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

/** Numbers of the even lanes of two vectors in a row, and of the odd ones. */
const alternateLanes = (f: WinogradFunction): number[] =>
  [0, 1].map((odd) => f.vector(() => f.numbers((lane) => 2 * lane + odd)))

/** Loads elements from an address plus an offset, twice as many as there are lanes: those at even places and those at odd ones. With masks for both halves, the others are 0. */
function loadAlternating(
  f: WinogradFunction,
  alternate: Alternate,
  at: number,
  offset: number,
  numbers: readonly number[],
  masks: readonly number[] = [],
): number[] {
  const halves = [0, 1].map((half) =>
    f.vector(() => loadNeighbours(f.get(at), 'float32', offset + half * f.target.bytes, masks[half], 0)),
  )
  return numbers.map((table) => join(f, alternate, halves, table))
}

/** The lanes of two vectors that a table of numbers names. */
const join = (f: WinogradFunction, alternate: Alternate, [x, y]: readonly number[], table: number): number =>
  f.vector(() => {
    const from = [x, y, table].map((l) => f.get(l).popVector())
    f.push('vector', from, (a, v, s, t, n) => alternate.join(a, v, reg(s), reg(t), reg(n)), { early: true })
  })

/** Stores a vector, and asks for the line of the cache after it: sixteen streams are more than the processor would follow. */
function storeTurned(f: WinogradFunction, at: number, value: number): void {
  f.get(at).get(value).memory('v128.store')
  f.emit(-1, [f.get(at).popGeneral()], (a, _, s) => a.prefetch(linear(s, f.target.bytes), 1))
}

/** How many columns of a line of elements are there, in all lanes: those of a row that is in memory, or none. */
function presentColumns(f: WinogradFunction, tileRow: number, line: number): number {
  return f.vector(() => {
    f.pushWord('columnSpan').i32(0)
    f.get(tileRow).i32(1).op('i32.shl').i32(line).op('i32.add').pushWord('rowLow').op('i32.sub')
    f.pushWord('rowSpan').op('i32.lt_u').op('select').op('i32x4.splat')
  })
}

/** The columns, of those that are there, of the vectors that a tile's elements are loaded by: two, and two from two elements on. */
function columnPlaces(f: WinogradFunction, lanes: number, column: number): number[] {
  return [0, f.lanes, 2, f.lanes + 2].map((more) =>
    f.vector(() => {
      f.get(column).i32(1).op('i32.shl').i32(more).op('i32.add').pushWord('columnLow').op('i32.sub')
      f.op('i32x4.splat').get(lanes).op('i32x4.add')
    }),
  )
}

/** Asks for twice a vector's bytes at a distance from an address: those of the next channel, for rows are too short to be foreseen. */
function prefetchPair(f: WinogradFunction, at: number, distance: number): void {
  for (const more of [0, f.target.bytes]) {
    const from = f.get(at).get(distance).op('i32.add').popGeneral()
    f.emit(-1, [from], (a, _, s) => a.prefetch(linear(s, more), 1))
  }
}

/** The mask of the first lanes, as many as `push` pushes. */
const firstLanes = (f: WinogradFunction, lanes: number, push: () => unknown): number =>
  f.vector(() => {
    f.get(lanes)
    push()
    f.op('i32x4.splat').op('i32x4.lt_s')
  })

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
  const lanes = f.vector(() => f.iota(0))
  whileLess(f, o0, o1, () => {
    const left = f.number(() => f.get(o1).get(o0).op('i32.sub'))
    f.i32(width).set(count)
    pushSmaller(f, left, count)
    f.set(count)
    const mask = firstLanes(f, lanes, () => f.get(count))
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
 * Emits the function (args, from, to, rows, short, top) that turns around the elements of so many rows of tiles of all channels, of which the
 * first is number `top` of its image. With `short` the last row of tiles has but one row of results, and the last row of its elements, which is
 * not there, is not read. Of images that are `padded` only what is there is read, and what is around them is 0.
 */
export function emitElements(a: Assembler, target: VectorTarget, alternate: Alternate, padded = false): Label {
  const f = new WinogradFunction(a, target, 6)
  const [, from, to, rows, short, top] = [0, 1, 2, 3, 4, 5] as const
  const [channels, across, tileStride, plane] = (['channels', 'across', 'tileStride', 'inPlane'] as const).map((name) =>
    f.word(name),
  )
  const [channelStride, rowStride] = (['channelStride', 'rowStride'] as const).map((name) => f.word(name))
  const columns = f.word('columns')
  const [alternates, lanes] = [alternateLanes(f), f.vector(() => f.iota(0))]
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
          // How many columns of each line are there
          const tileRow = f.number(() => f.get(top).get(row).op('i32.add'))
          const spans = padded ? lines.map((_, i) => presentColumns(f, tileRow, i)) : []
          f.range(
            column,
            () => f.i32(0),
            across,
            f.lanes,
            () => {
              // Past the last result lies what is not to be seen: multiplied by no weight, it could still be no number
              const whole = firstLanes(f, lanes, () => f.get(columns).i32(1).op('i32.shr_u').get(column).op('i32.sub'))
              const places = padded ? columnPlaces(f, lanes, column) : []
              const elements = lines.map((start, i) => {
                const first = f.number(() => f.get(column).i32(3).op('i32.shl').get(start).op('i32.add'))
                if (i < 2) prefetchPair(f, first, channelStride)
                const there = padded ? places.map((p) => f.vector(() => f.get(p).get(spans[i]).op('i32x4.lt_u'))) : []
                const [a, b, c, d] = [0, 1].flatMap((pair) =>
                  loadAlternating(f, alternate, first, 8 * pair, alternates, there.slice(2 * pair)),
                )
                return [a, b, c, f.vector(() => f.get(d).get(whole).op('v128.and'))]
              })
              f.get(column).i32(2).op('i32.shl').get(at).op('i32.add').set(place)
              for (const value of turnBoth(f, elements, turnElements).flat()) {
                storeTurned(f, place, value)
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
              const masks = iotas.map((iota) => firstLanes(f, iota, () => f.get(left)))
              turnBoth(f, sums, turnSums).forEach(([even, odd], i) => {
                const start = f.number(() => f.get(column).i32(3).op('i32.shl').get([line, second][i]).op('i32.add'))
                numbers.forEach((table, half) => {
                  const both = join(f, alternate, [even, odd], table)
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

/**
 * Emits the function (args, from, to, rows, short) that turns around the slopes of so many rows of tiles of all filters, as `emitElements` does
 * for elements; results that are not there have none.
 */
export function emitSlopes(a: Assembler, target: VectorTarget, alternate: Alternate): Label {
  const f = new WinogradFunction(a, target, 5)
  const [, from, to, rows, short] = [0, 1, 2, 3, 4] as const
  const [m, across, columns, tileStride, plane] = (['m', 'across', 'columns', 'tileStride', 'outPlane'] as const).map(
    (name) => f.word(name),
  )
  const [slopeStride, rowStride] = (['slopeStride', 'slopeRowStride'] as const).map((name) => f.word(name))
  const [alternates, lanes] = [alternateLanes(f), f.vector(() => f.iota(0))]
  const [filter, row, column, at, line, place] = Array.from({ length: 6 }, () => f.local('i32'))
  f.range(
    filter,
    () => f.i32(0),
    m,
    1,
    () => {
      f.get(from).set(line).get(to).set(at)
      f.range(
        row,
        () => f.i32(0),
        rows,
        1,
        () => {
          const isLast = f.number(() => f.get(rows).get(row).op('i32.sub').get(short).op('i32.eq'))
          const second = f.number(() => {
            f.get(line)
            f.get(line).get(rowStride).op('i32.add')
            f.get(isLast).op('select')
          })
          f.range(
            column,
            () => f.i32(0),
            across,
            f.lanes,
            () => {
              const [even, odd] = [1, 0].map((more) =>
                f.number(() => f.get(columns).i32(more).op('i32.add').i32(1).op('i32.shr_u').get(column).op('i32.sub')),
              )
              const slopes = [line, second].map((start, i) => {
                const first = f.number(() => f.get(column).i32(3).op('i32.shl').get(start).op('i32.add'))
                prefetchPair(f, first, slopeStride)
                const slopes = loadAlternating(f, alternate, first, 0, alternates)
                return [even, odd].map((count, j) => {
                  const there = firstLanes(f, lanes, () => {
                    if (i === 0) f.get(count)
                    else f.i32(0).get(count).get(isLast).op('select')
                  })
                  return f.vector(() => f.get(slopes[j]).get(there).op('v128.and'))
                })
              })
              f.get(column).i32(2).op('i32.shl').get(at).op('i32.add').set(place)
              for (const value of turnBoth(f, slopes, turnSlopes).flat()) {
                storeTurned(f, place, value)
                f.advance(place, plane)
              }
            },
          )
          f.get(across).i32(2).op('i32.shl').get(at).op('i32.add').set(at)
          f.get(rowStride).i32(1).op('i32.shl').get(line).op('i32.add').set(line)
        },
      )
      f.advance(from, slopeStride).advance(to, tileStride)
    },
  )
  return f.finish()
}

/** Emits the function (args, from, to, tiles) that makes rows of channels of the columns of so many tiles, for all sixteen products. */
export function emitTurned(a: Assembler, target: VectorTarget): Label {
  const f = new WinogradFunction(a, target, 4)
  const [, from, to, tiles] = [0, 1, 2, 3] as const
  const [channels, tileStride, inPlane] = (['channels', 'tileStride', 'inPlane'] as const).map((name) => f.word(name))
  const [stride, plane] = (['turnedStride', 'turnedPlane'] as const).map((name) => f.word(name))
  const count = f.number(() => f.i32(products))
  const [product, channel, tile, source, destination, place] = Array.from({ length: 6 }, () => f.local('i32'))
  f.range(
    product,
    () => f.i32(0),
    count,
    1,
    () => {
      f.range(
        channel,
        () => f.i32(0),
        channels,
        f.lanes,
        () => {
          f.get(channel).get(tileStride).op('i32.mul').get(from).op('i32.add').set(source)
          f.get(channel).i32(2).op('i32.shl').get(to).op('i32.add').set(destination)
          f.range(
            tile,
            () => f.i32(0),
            tiles,
            f.lanes,
            () => {
              f.get(tile).i32(2).op('i32.shl').get(source).op('i32.add').set(place)
              const rows = Array.from({ length: f.lanes }, () => {
                const row = f.vector(() => f.get(place).memory('v128.load'))
                f.advance(place, tileStride)
                return row
              })
              const columns = transpose(
                f,
                rows.map((row) => f.get(row).popVector()),
              )
              for (const column of columns) {
                const value = f.vector(() => f.put({ is: 'register', register: column }))
                f.get(destination).get(value).memory('v128.store')
                f.advance(destination, stride)
              }
            },
          )
        },
      )
      f.advance(from, inPlane).advance(to, plane)
    },
  )
  return f.finish()
}

/** Emits the function (args, from, to) that turns the sums of all filters and channels back into the weights of filters. */
export function emitWeights(a: Assembler, target: VectorTarget): Label {
  const f = new WinogradFunction(a, target, 3)
  const [, from, to] = [0, 1, 2] as const
  const [m, channels, stride, plane, resultStride] = (
    ['m', 'channels', 'sumStride', 'sumPlane', 'resultStride'] as const
  ).map((name) => f.word(name))
  const lanes = f.vector(() => f.iota(0))
  const apart = f.vector(() => f.get(lanes).splat('i32', 36).op('i32x4.mul'))
  const [filter, channel, place] = Array.from({ length: 3 }, () => f.local('i32'))
  f.range(
    filter,
    () => f.i32(0),
    m,
    1,
    () => {
      f.range(
        channel,
        () => f.i32(0),
        channels,
        f.lanes,
        () => {
          const mask = firstLanes(f, lanes, () => f.get(channels).get(channel).op('i32.sub'))
          f.get(channel).i32(2).op('i32.shl').get(from).op('i32.add').set(place)
          const sums = [0, 1, 2, 3].map(() =>
            [0, 1, 2, 3].map(() => {
              const sum = f.vector(() => f.get(place).memory('v128.load'))
              f.advance(place, plane)
              return sum
            }),
          )
          f.get(channel).i32(36).op('i32.mul').get(to).op('i32.add').set(place)
          turnBoth(f, sums, turnBack)
            .flat()
            .forEach((weight, i) => {
              f.get(place)
                .i32(4 * i)
                .op('i32.add')
                .get(apart)
              scatter(f, 'set', 'float32', weight, mask)
            })
        },
      )
      f.advance(from, stride).advance(to, resultStride)
    },
  )
  return f.finish()
}
