// The loops over blocks of tiles of Winograd's convolutions: elements are turned around, multiplied, and what they sum up to is turned back.

import { sumAtMost } from '../wasm/contract-walk.ts'
import { whileLess } from '../wasm/emit-walk.ts'
import { tableAccess } from '../wasm/layout.ts'
import type { Assembler, Label } from './assembler.ts'
import { pushCode } from './contract.ts'
import { pushSmaller } from './tables.ts'
import type { VectorTarget } from './target.ts'
import { products } from './winograd.ts'
import { WinogradFunction, type WinogradWord, winogradWords } from './winograd-function.ts'

const [args, begin, end, scratch] = [0, 1, 2, 3] as const

/** A tile of sums in all of the sixteen products. */
interface Products {
  /** Columns of the sums, and how many steps of k there are: locals. */
  readonly width: number
  readonly k: number
  /** Where the right operand and the sums of the first product begin, and bytes from one product to the next. */
  readonly right: number
  readonly rightPlane: number
  readonly rightStep: number
  readonly sums: number
  readonly sumPlane: number
  readonly sumStride: number
  /** The word with the stride of the sums, which those of a left operand in place follow. */
  readonly strides: WinogradWord
  /** Pushes where the left operand of a product's rows begins: of a panel, or of rows in place. */
  readonly left: (product: number, row: number, rowsOfTile: number) => void
  readonly accumulate: number
}

class Driver extends WinogradFunction {
  private readonly codeStart: bigint

  constructor(a: Assembler, target: VectorTarget, codeStart: bigint) {
    super(a, target, 4)
    this.codeStart = codeStart
  }

  /** Calls a function whose place in the code is a word. */
  callWord(name: WinogradWord, parameters: readonly number[]): void {
    this.pushWord(name)
    pushCode(this, this.codeStart)
    this.callFunction(
      undefined,
      parameters.map((l) => () => void this.get(l)),
    )
  }

  /** A local with an address in scratch memory. */
  inScratch(name: WinogradWord): number {
    return this.number(() => this.pushWord(name).get(scratch).op('i32.add'))
  }

  /** Pushes where the batch element of a plain operand begins. */
  pushStart(operand: number, batch: number): this {
    this.get(operand).memory('i32.load', 4 * tableAccess.address)
    this.get(operand).memory('i32.load', 4 * tableAccess.batch)
    return this.get(batch).i32(2).op('i32.shl').op('i32.add').memory('i32.load').op('i32.add')
  }

  /** Multiplies tile by tile: a right panel stays in the first-level cache while all rows pass. */
  multiply(given: Products): void {
    const { width, right, rightPlane, sums, sumPlane, sumStride } = given
    const { columns: tileColumns } = this.target.tile
    const [m, tileRows, count] = [this.word('m'), this.word('tileRows'), this.number(() => this.i32(products))]
    const [product, column, row, panel, at] = Array.from({ length: 5 }, () => this.local('i32'))
    const [columnsLeft, rowsLeft, narrow, rowsOfTile] = Array.from({ length: 4 }, () => this.local('i32'))
    this.range(
      product,
      () => this.i32(0),
      count,
      1,
      () => {
        this.range(
          column,
          () => this.i32(0),
          width,
          tileColumns,
          () => {
            this.get(width).get(column).op('i32.sub').set(columnsLeft)
            this.get(columnsLeft)
              .i32(tileColumns / 2)
              .op('i32.le_s')
              .set(narrow)
            const offset = this.number(() => this.get(column).i32(2).op('i32.shl'))
            this.get(product).get(rightPlane).op('i32.mul').get(offset).op('i32.add').get(right).op('i32.add')
            this.set(panel)
            this.get(product).get(sumPlane).op('i32.mul').get(offset).op('i32.add').get(sums).op('i32.add').set(at)
            this.i32(0).set(row)
            whileLess(this, row, m, () => {
              this.get(m).get(row).op('i32.sub').set(rowsLeft)
              pushSmaller(this, rowsLeft, tileRows)
              this.set(rowsOfTile)
              this.multiplyTile(given, narrow, rowsOfTile, panel, at, () => given.left(product, row, rowsOfTile))
              this.get(rowsOfTile).get(sumStride).op('i32.mul').get(at).op('i32.add').set(at)
              this.advance(row, tileRows)
            })
          },
        )
      },
    )
  }

  private multiplyTile(
    { k, rightStep, strides, accumulate }: Products,
    narrow: number,
    rowsOfTile: number,
    panel: number,
    at: number,
    left: () => void,
  ): void {
    const ofTile = winogradWords.indexOf('wide')
    this.get(args).get(narrow).i32(3).op('i32.shl').op('i32.add')
    this.get(rowsOfTile).pushWord('tileRows').op('i32.lt_s').i32(2).op('i32.shl').op('i32.add')
    this.memory('i32.load', 4 * ofTile)
    pushCode(this, this.codeStart)
    this.callFunction(undefined, [
      () => this.get(k),
      () => {
        left()
        this.absolute()
      },
      () => this.get(panel).absolute(),
      () => this.get(at).absolute(),
      () =>
        this.get(args)
          .i32(4 * winogradWords.indexOf(strides))
          .op('i32.add')
          .absolute(),
      () => this.get(rightStep),
      () => this.get(accumulate),
      () =>
        this.get(panel)
          .i32(4 * this.target.tile.columns)
          .op('i32.add')
          .absolute(),
    ])
  }
}

/**
 * Emits the function (args, begin, end, scratch) that serves every such convolution and gradient of its images: iteration number
 * image · units + u is a block of rows of tiles.
 */
export function emitImages(a: Assembler, target: VectorTarget, codeStart: bigint): Label {
  const f = new Driver(a, target, codeStart)
  const word = (name: WinogradWord): number => f.word(name)
  const [m, channels, rows, columns] = (['m', 'channels', 'rows', 'columns'] as const).map(word)
  const [across, down, unit, units] = (['across', 'down', 'unit', 'units'] as const).map(word)
  const [tileStride, inPlane, outPlane, filters] = (['tileStride', 'inPlane', 'outPlane', 'leftAhead'] as const).map(
    word,
  )
  const [epilogueArgs, resultStride] = (['epilogueArgs', 'resultStride'] as const).map(word)
  const [sums, tile, zero] = [f.inScratch('sumsAt'), f.inScratch('tileAt'), f.number(() => f.i32(0))]
  const start = f.number(() => f.pushStart(f.word('rightArgs'), zero))
  const [index, image, first, last, lastRow] = Array.from({ length: 5 }, () => f.local('i32'))
  f.range(
    index,
    () => f.get(begin),
    end,
    1,
    () => {
      f.get(index).get(units).op('i32.div_u').set(image)
      f.get(index).get(units).op('i32.rem_u').get(unit).op('i32.mul').set(first)
      sumAtMost(f, first, unit, down, last)
      const count = f.number(() => f.get(last).get(first).op('i32.sub'))
      const short = f.number(() => f.get(last).get(down).op('i32.eq').get(rows).i32(1).op('i32.and').op('i32.and'))
      const from = f.number(() => {
        f.get(image).pushWord('imageStride').op('i32.mul').get(start).op('i32.add')
        f.get(first).i32(1).op('i32.shl').pushWord('rowStride').op('i32.mul').op('i32.add')
      })
      f.callWord('elements', [args, from, scratch, count, short, first])
      f.multiply({
        width: f.number(() => f.get(count).get(across).op('i32.mul')),
        k: channels,
        ...{ right: scratch, rightPlane: inPlane, rightStep: tileStride },
        ...{ sums, sumPlane: outPlane, sumStride: tileStride, strides: 'tileStride' },
        left: (product, row, rowsOfTile) => {
          // A panel of all products is as long as its rows are many
          f.get(row).i32(Math.log2(products)).op('i32.shl')
          f.get(rowsOfTile).get(product).op('i32.mul').op('i32.add')
          f.get(channels).op('i32.mul').i32(2).op('i32.shl').get(filters).op('i32.add')
        },
        accumulate: zero,
      })
      f.callWord('sums', [args, sums, tile, count])
      const [row, more] = [first, count].map((tiles) => f.number(() => f.get(tiles).i32(1).op('i32.shl')))
      sumAtMost(f, row, more, rows, lastRow)
      const [n0, n1] = [row, lastRow].map((r) =>
        f.number(() => f.get(image).get(rows).op('i32.mul').get(r).op('i32.add').get(columns).op('i32.mul')),
      )
      f.callWord('epilogue', [epilogueArgs, zero, zero, m, n0, n1, tile, resultStride])
    },
  )
  return f.finish()
}

/** Emits the function (args, begin, end, scratch) that serves every gradient of filters: an iteration is a batch element, of some images. */
export function emitFilterGradients(a: Assembler, target: VectorTarget, codeStart: bigint): Label {
  const f = new Driver(a, target, codeStart)
  const word = (name: WinogradWord): number => f.word(name)
  const [m, n, channels, images, rows] = (['m', 'n', 'channels', 'images', 'rows'] as const).map(word)
  const [across, down, unit] = (['across', 'down', 'unit'] as const).map(word)
  const [outPlane, tileStride, turnedPlane, turnedStride] = (
    ['outPlane', 'tileStride', 'turnedPlane', 'turnedStride'] as const
  ).map(word)
  const [sumPlane, sumStride, resultStride] = (['sumPlane', 'sumStride', 'resultStride'] as const).map(word)
  const [leftArgs, rightArgs, epilogueArgs] = (['leftArgs', 'rightArgs', 'epilogueArgs'] as const).map(word)
  const [turned, sums, tile] = (['turnedAt', 'sumsAt', 'tileAt'] as const).map((name) => f.inScratch(name))
  const zero = f.number(() => f.i32(0))
  const [batch, image, first, last, accumulate] = Array.from({ length: 5 }, () => f.local('i32'))
  f.range(
    batch,
    () => f.get(begin),
    end,
    1,
    () => {
      f.i32(0).set(accumulate)
      f.range(
        image,
        () => f.i32(0),
        images,
        1,
        () => {
          f.i32(0).set(first)
          whileLess(f, first, down, () => {
            sumAtMost(f, first, unit, down, last)
            const count = f.number(() => f.get(last).get(first).op('i32.sub'))
            const tiles = f.number(() => f.get(count).get(across).op('i32.mul'))
            const short = f.number(() =>
              f.get(last).get(down).op('i32.eq').get(rows).i32(1).op('i32.and').op('i32.and'),
            )
            const from = (operand: number, imageStride: WinogradWord, rowStride: WinogradWord): number =>
              f.number(() => {
                f.pushStart(operand, batch).get(image).pushWord(imageStride).op('i32.mul').op('i32.add')
                f.get(first).i32(1).op('i32.shl').pushWord(rowStride).op('i32.mul').op('i32.add')
              })
            f.callWord('elements', [args, from(rightArgs, 'imageStride', 'rowStride'), scratch, count, short, first])
            f.callWord('turned', [args, scratch, turned, tiles])
            f.callWord('slopes', [args, from(leftArgs, 'slopeImageStride', 'slopeRowStride'), scratch, count, short])
            f.multiply({
              width: channels,
              k: tiles,
              ...{ right: turned, rightPlane: turnedPlane, rightStep: turnedStride },
              ...{ sums, sumPlane, sumStride, strides: 'sumStride' },
              left: (product, row) => {
                f.get(product).get(outPlane).op('i32.mul').get(row).get(tileStride).op('i32.mul').op('i32.add')
                f.get(scratch).op('i32.add')
              },
              accumulate,
            })
            f.i32(1).set(accumulate)
            f.get(last).set(first)
          })
        },
      )
      f.callWord('weights', [args, sums, tile])
      f.callWord('epilogue', [epilogueArgs, batch, zero, m, zero, n, tile, resultStride])
    },
  )
  return f.finish()
}
