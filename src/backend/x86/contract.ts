// Products as machine code: the blocked loops around the micro-kernel pack, multiply, and hand the finished tile to the epilogue.

import type { ContractKernel } from '../../kernel/contract.ts'
import { setBlock, sumAtMost } from '../wasm/contract-walk.ts'
import { whileLess } from '../wasm/emit-walk.ts'
import { tableAccess } from '../wasm/layout.ts'
import { eachUnit } from '../wasm/pack-driver.ts'
import { type Assembler, type Label, register } from './assembler.ts'
import { NativeFunction } from './builder.ts'
import { isSingle } from './loop.ts'
import { pushSmaller } from './tables.ts'
import type { VectorTarget } from './target.ts'

/** The words of a product's args block, by their names in order. With a `pieceVectors` of 0 the right operand is packed; else it is read in place
 * (`in-place.ts`): `piece` columns in so many vectors, as runs of `run` columns with `gap` vacant ones between them, or all of use where `run` is 0.
 * A `leftRow` says that the left operand is read in place: so many bytes from row to row, `leftStep` from k to k.
 * `packLeft`, `packRight` and `epilogue` say how far from the start of all code
 * their functions are, and so do the four micro-kernels: for tiles of all rows or of those that are left, with two vectors of columns or
 * one. Then come the addresses of three args blocks, for each operand those of panels packed ahead (`wasm/records.ts`), and that of the table of vectors. */
export const contractWords = [
  'm',
  'n',
  'k',
  'mc',
  'nc',
  'kc',
  'mBlocks',
  'nBlocks',
  'rightAt',
  'tileAt',
  'tileRows',
  'tileStride',
  'leftRow',
  'leftStep',
  'piece',
  'pieceVectors',
  'run',
  'gap',
  'packLeft',
  'packRight',
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
export type ContractWord = (typeof contractWords)[number]

/** Whether machine code can be made of a product. */
export function isNativeContract({ left, right, epilogue }: ContractKernel): boolean {
  const accesses = [left, right, epilogue].flatMap((part) => part.accesses)
  const roots = [left.value, right.value, ...epilogue.stores.map((s) => s.value)]
  return accesses.every((a) => a.dtype !== 'float64') && isSingle(roots)
}

/**
 * Emits the function (args, begin, end, scratch) that serves every product: iteration number (b·mBlocks + i)·nBlocks + j is one block
 * of batch element b.
 */
export function emitContract(a: Assembler, target: VectorTarget, codeStart: bigint): Label {
  const f = new NativeFunction(a, target, 4)
  const { columns: tileColumns } = target.tile
  const [args, block, end, scratch] = [0, 1, 2, 3] as const
  const local = (): number => f.local('i32')
  const pushWord = (name: ContractWord): void => void f.get(args).memory('i32.load', 4 * contractWords.indexOf(name))
  const word = (name: ContractWord): number => {
    const l = local()
    pushWord(name)
    f.set(l)
    return l
  }
  const [m, n, k, mc, nc, kc] = (['m', 'n', 'k', 'mc', 'nc', 'kc'] as const).map(word)
  const [mBlocks, nBlocks, rightAt, tileAt] = (['mBlocks', 'nBlocks', 'rightAt', 'tileAt'] as const).map(word)
  const [leftArgs, rightArgs, epilogueArgs] = (['leftArgs', 'rightArgs', 'epilogueArgs'] as const).map(word)
  const [tileRows, tileStride] = (['tileRows', 'tileStride'] as const).map(word)
  const [piece, pieceVectors, runLength, gap] = (['piece', 'pieceVectors', 'run', 'gap'] as const).map(word)
  const [leftRow, leftStep] = (['leftRow', 'leftStep'] as const).map(word)
  const [leftAhead, rightAhead] = (['leftAhead', 'rightAhead'] as const).map(word)
  // Where the packed panels of the block lie.
  const [leftPanels, rightPanels] = [local(), local()]
  // Bytes from row to row of the left operand, in its panels or in place, where it begins for the batch element.
  const [leftRowBytes, leftBase] = [local(), local()]
  f.get(rightAt).get(scratch).op('i32.add').set(rightAt)
  f.get(tileAt).get(scratch).op('i32.add').set(tileAt)

  // The block: its batch element, its rows m0 … m1 − 1 and columns n0 … n1 − 1.
  const [index, batch, m0, m1, n0, n1] = [local(), local(), local(), local(), local(), local()]
  // The run of k in work, and the tile.
  const [k0, k1, run, row, column, rows, columns] = [local(), local(), local(), local(), local(), local(), local()]
  const [right, step, narrow] = [local(), local(), local()]
  // Columns of the block as the tile has them, and what is asked for ahead: how much further for each row.
  const [width, ahead, aheadStep] = [local(), local(), local()]
  // In place: the batch element, the block's first vector, and the offsets of all k.
  const [rightBase, vectors, offsets] = [local(), local(), local()]

  f.range(
    index,
    () => f.get(block),
    end,
    1,
    () => {
      setBlock(f, index, { m, n, mc, nc, mBlocks, nBlocks }, { batch, m0, m1, n0, n1 })
      setWidth()
      f.get(leftRow).if(() => {
        f.get(m0).get(leftRow).op('i32.mul')
        pushStart(leftArgs)
        f.op('i32.add').set(leftBase)
      })
      f.get(k).op('i32.eqz')
      f.if(clearTile)
      f.i32(0).set(k0)
      f.block(() => {
        f.loop(() => {
          f.get(k0).get(k).op('i32.ge_s').brIf(1)
          sumAtMost(f, k0, kc, k, k1)
          f.get(k1).get(k0).op('i32.sub').set(run)
          f.get(rightAt).set(rightPanels).get(scratch).set(leftPanels)
          packed('right', rightAhead, n0, rightPanels, () => {
            f.get(pieceVectors).op('i32.eqz')
            f.if(() => callPack('packRight', rightArgs, n0, n1, rightAt))
          })
          f.get(leftRow).if(leftInPlace, () => {
            f.get(run).i32(2).op('i32.shl').set(leftRowBytes)
            packed('left', leftAhead, m0, leftPanels, () => callPack('packLeft', leftArgs, m0, m1, scratch))
          })
          multiply()
          f.get(k1).set(k0).br(0)
        })
      })
      f.get(runLength).if(finishRuns, () => finish(n0, n1, tileAt))
    },
  )
  return f.finish()

  /** The columns that the tile has for the block's, and where they lie if the right operand is read in place. */
  function setWidth(): void {
    f.get(n1).get(n0).op('i32.sub').set(width)
    f.get(pieceVectors).if(() => {
      const pieces = local()
      f.get(width).get(piece).op('i32.add').i32(1).op('i32.sub').get(piece).op('i32.div_u').set(pieces)
      f.get(pieces).get(pieceVectors).op('i32.mul').i32(target.lanes).op('i32.mul').set(width)
      pushWord('rightVectors')
      f.get(n0).get(piece).op('i32.div_u').get(pieceVectors).op('i32.mul').i32(2).op('i32.shl')
      f.op('i32.add').set(vectors)
      pushStart(rightArgs)
      f.set(rightBase)
      f.get(rightArgs)
        .memory('i32.load', 4 * tableAccess.inner)
        .set(offsets)
    })
  }

  /** Pushes the address at which the batch element of a plain operand begins. */
  function pushStart(operand: number): void {
    f.get(operand).memory('i32.load', 4 * tableAccess.address)
    f.get(operand).memory('i32.load', 4 * tableAccess.batch)
    f.get(batch).i32(2).op('i32.shl').op('i32.add').memory('i32.load').op('i32.add')
  }

  function leftInPlace(): void {
    f.get(leftRow).set(leftRowBytes)
    f.get(k0).get(leftStep).op('i32.mul').get(leftBase).op('i32.add').set(leftPanels)
  }

  /** Columns `from` … `to` − 1 of the block are finished in the tile, where they begin at `at`. */
  function finish(from: number, to: number, at: number): void {
    pushFunction('epilogue')
    f.callFunction(
      undefined,
      [epilogueArgs, batch, m0, m1, from, to, at, tileStride].map((l) => () => void f.get(l)),
    )
  }

  /** Finishes a tile in which columns are vacant between the runs of a piece, and at its end. */
  function finishRuns(): void {
    const [from, to, at, start, last] = [local(), local(), local(), local(), local()]
    f.get(n0).set(from).get(tileAt).set(start)
    whileLess(f, from, n1, () => {
      f.get(start).set(at).get(from).get(piece).op('i32.add').set(last)
      whileLess(f, from, last, () => {
        f.get(from).get(runLength).op('i32.add').set(to)
        finish(from, to, at)
        f.get(runLength).get(gap).op('i32.add').i32(2).op('i32.shl').get(at).op('i32.add').set(at)
        f.get(to).set(from)
      })
      f.get(pieceVectors).i32(target.bytes).op('i32.mul').get(start).op('i32.add').set(start)
    })
  }

  function pushFunction(name: 'packLeft' | 'packRight' | 'epilogue'): void {
    pushWord(name)
    pushCode(f, codeStart)
  }

  function callPack(
    pack: 'packLeft' | 'packRight',
    operand: number,
    from: number,
    to: number,
    destination: number,
  ): void {
    pushFunction(pack)
    f.callFunction(
      undefined,
      [operand, batch, from, to, k0, k1, destination].map((l) => () => void f.get(l)),
    )
  }

  /** Finds the panels that were packed ahead: base + 4 · ((batch · k + k0) · padded + index · run); otherwise packs now. */
  function packed(side: 'left' | 'right', base: number, index: number, panels: number, now: () => void): void {
    const [padded, step] = [`${side}Padded`, `${side}Batch`] as const
    f.get(base).if(() => {
      f.get(base).get(batch)
      pushWord(step)
      f.op('i32.mul').get(k0).op('i32.add')
      pushWord(padded)
      f.op('i32.mul').get(index).get(run).op('i32.mul').op('i32.add').i32(2).op('i32.shl').op('i32.add').set(panels)
    }, now)
  }

  function multiply(): void {
    f.range(
      column,
      () => f.i32(0),
      width,
      tileColumns,
      () => {
        f.get(width).get(column).op('i32.sub').set(columns)
        f.get(columns)
          .i32(tileColumns / 2)
          .op('i32.le_s')
          .set(narrow)
        f.get(pieceVectors).if(rightInPlace, rightPanel)
        f.get(m0).set(row)
        whileLess(f, row, m1, () => {
          f.get(m1).get(row).op('i32.sub').set(rows)
          pushSmaller(f, rows, tileRows)
          f.set(rows)
          multiplyTile()
          f.get(row).get(tileRows).op('i32.add').set(row)
        })
      },
    )
  }

  function rightPanel(): void {
    f.get(rightPanels).get(column).get(run).op('i32.mul').i32(2).op('i32.shl').op('i32.add').set(right)
    f.i32(2 * tileColumns)
      .i32(4 * tileColumns)
      .get(narrow)
      .op('select')
      .set(step)
    // Each tile asks for its share of the next right panel
    f.get(run)
      .i32(4 * tileColumns)
      .op('i32.mul')
      .get(right)
      .op('i32.add')
      .set(ahead)
    f.get(run).set(aheadStep)
  }

  function rightInPlace(): void {
    const vector = local()
    f.get(column)
      .i32(Math.log2(target.lanes) - 2)
      .op('i32.shr_u')
      .get(vectors)
      .op('i32.add')
      .set(vector)
    f.get(vector).memory('i32.load').get(rightBase).op('i32.add').set(right)
    f.get(vector).memory('i32.load', 4).get(rightBase).op('i32.add').absolute().set(step)
    f.get(k0).i32(2).op('i32.shl').get(offsets).op('i32.add').set(ahead)
    f.i32(0).set(aheadStep)
  }

  function multiplyTile(): void {
    f.get(args).get(narrow).i32(3).op('i32.shl').op('i32.add')
    f.get(rows).get(tileRows).op('i32.lt_s').i32(2).op('i32.shl').op('i32.add')
    f.memory('i32.load', 4 * contractWords.indexOf('wide'))
    pushCode(f, codeStart)
    f.callFunction(undefined, [
      () => f.get(run),
      () => {
        f.get(leftPanels).get(row).get(m0).op('i32.sub').get(leftRowBytes).op('i32.mul').op('i32.add').absolute()
      },
      () => f.get(right).absolute(),
      () => {
        f.get(tileAt).get(row).get(m0).op('i32.sub').get(tileStride).op('i32.mul').op('i32.add')
        f.get(column).i32(2).op('i32.shl').op('i32.add').absolute()
      },
      () =>
        f
          .get(args)
          .i32(4 * contractWords.indexOf('tileStride'))
          .op('i32.add')
          .absolute(),
      () => f.get(step),
      () => f.get(k0),
      () => f.get(row).get(m0).op('i32.sub').get(aheadStep).op('i32.mul').get(ahead).op('i32.add').absolute(),
    ])
  }

  function clearTile(): void {
    const [at, last] = [local(), local()]
    f.get(m1).get(m0).op('i32.sub').get(tileStride).op('i32.mul').get(tileAt).op('i32.add').set(last)
    f.range(
      at,
      () => f.get(tileAt),
      last,
      target.bytes,
      () => f.get(at).splat('f32', 0).memory('v128.store'),
    )
  }
}

/** Emits the function (args, begin, end, scratch) that packs operands ahead, as `emitPackDriver` of the wasm backend does. */
export function emitPackAhead(a: Assembler, target: VectorTarget, codeStart: bigint): Label {
  const f = new NativeFunction(a, target, 4)
  eachUnit(f, f.range.bind(f), (word, parameters) => {
    word('pack')
    pushCode(f, codeStart)
    f.callFunction(undefined, parameters)
  })
  return f.finish()
}

/** Replaces a distance from the start of the code by an address. */
export function pushCode(f: NativeFunction, codeStart: bigint): void {
  f.machine('general', 'general', (asm, to, distance) => {
    // In functions that call, no value lies in r11
    asm.address(register.r11, codeStart).lea(to, { base: register.r11, index: distance }, true)
  })
}
