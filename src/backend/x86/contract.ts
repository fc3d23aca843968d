// Products as machine code: the blocked loops around the micro-kernel pack, multiply, and hand the finished tile to the epilogue.

import type { ContractKernel } from '../../kernel/contract.ts'
import { pushElement, setBlock, sumAtMost } from '../wasm/contract-walk.ts'
import { eachUnit } from '../wasm/pack-driver.ts'
import { type Assembler, type Label, register } from './assembler.ts'
import { NativeFunction } from './builder.ts'
import { isNative } from './loop.ts'
import { pushSmaller } from './tables.ts'
import type { VectorTarget } from './target.ts'

/** The words of a product's args block, by their names in order. A `rightStep` of 0 says that the right operand is packed; else it lies
 * `rightStep` bytes from k to k, its columns side by side. `packLeft`, `packRight` and `epilogue` say how far from the start of all code
 * their functions are, and so do the four micro-kernels: for tiles of all rows or of those that are left, with two vectors of columns or
 * one. Then come the addresses of three args blocks, and for each operand those of panels packed ahead (`wasm/records.ts`). */
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
  'rightStep',
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
] as const
export type ContractWord = (typeof contractWords)[number]

/** Whether machine code can be made of a product. */
export function isNativeContract({ left, right, epilogue }: ContractKernel): boolean {
  const accesses = [left, right, epilogue].flatMap((part) => part.accesses)
  const roots = [left.value, right.value, ...epilogue.stores.map((s) => s.value)]
  return accesses.every((a) => a.dtype !== 'float64') && isNative(roots)
}

/**
 * Emits the function (args, begin, end, scratch) that serves every product: iteration number (b·mBlocks + i)·nBlocks + j is one block
 * of batch element b.
 */
export function emitContract(a: Assembler, target: VectorTarget, codeStart: bigint): Label {
  const f = new NativeFunction(a, target, 4)
  const { rows: tileRows, columns: tileColumns } = target.tile
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
  const [rightStep, leftArgs, rightArgs, epilogueArgs] = (
    ['rightStep', 'leftArgs', 'rightArgs', 'epilogueArgs'] as const
  ).map(word)
  const [leftAhead, rightAhead] = (['leftAhead', 'rightAhead'] as const).map(word)
  // Where the packed panels of the block lie.
  const [leftPanels, rightPanels] = [local(), local()]
  const tileStride = local()
  f.get(rightAt).get(scratch).op('i32.add').set(rightAt)
  f.get(tileAt).get(scratch).op('i32.add').set(tileAt)
  f.get(nc).i32(2).op('i32.shl').set(tileStride)

  // The block: its batch element, its rows m0 … m1 − 1 and columns n0 … n1 − 1.
  const [index, batch, m0, m1, n0, n1] = [local(), local(), local(), local(), local(), local()]
  // The run of k in work, and the tile.
  const [k0, k1, run, row, column, rows, columns] = [local(), local(), local(), local(), local(), local(), local()]
  const [right, step, narrow] = [local(), local(), local()]

  f.range(
    index,
    () => f.get(block),
    end,
    1,
    () => {
      setBlock(f, index, { m, n, mc, nc, mBlocks, nBlocks }, { batch, m0, m1, n0, n1 })
      f.get(k).op('i32.eqz')
      f.if(clearTile)
      f.i32(0).set(k0)
      f.block(() => {
        f.loop(() => {
          f.get(k0).get(k).op('i32.ge_s').brIf(1)
          sumAtMost(f, k0, kc, k, k1)
          f.get(k1).get(k0).op('i32.sub').set(run)
          f.get(rightAt).set(rightPanels).get(scratch).set(leftPanels)
          ahead('right', rightAhead, n0, rightPanels, () => {
            f.get(rightStep).op('i32.eqz')
            f.if(() => callPack('packRight', rightArgs, n0, n1, rightAt))
          })
          ahead('left', leftAhead, m0, leftPanels, () => callPack('packLeft', leftArgs, m0, m1, scratch))
          multiply()
          f.get(k1).set(k0).br(0)
        })
      })
      pushFunction('epilogue')
      f.callFunction(
        undefined,
        [epilogueArgs, batch, m0, m1, n0, n1, tileAt, tileStride].map((l) => () => void f.get(l)),
      )
    },
  )
  return f.finish()

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
  function ahead(side: 'left' | 'right', base: number, index: number, panels: number, now: () => void): void {
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
      () => f.get(n0),
      n1,
      tileColumns,
      () => {
        f.get(n1).get(column).op('i32.sub').set(columns)
        f.get(columns)
          .i32(tileColumns / 2)
          .op('i32.le_s')
          .set(narrow)
        f.get(rightStep)
        f.if(
          () => {
            pushElement(f, rightArgs, batch, column, k0)
            f.set(right).get(rightStep).set(step)
          },
          () => {
            f.get(rightPanels)
              .get(column)
              .get(n0)
              .op('i32.sub')
              .get(run)
              .op('i32.mul')
              .i32(2)
              .op('i32.shl')
              .op('i32.add')
            f.set(right)
            f.i32(2 * tileColumns)
              .i32(4 * tileColumns)
              .get(narrow)
              .op('select')
              .set(step)
          },
        )
        f.range(
          row,
          () => f.get(m0),
          m1,
          tileRows,
          () => {
            f.get(m1).get(row).op('i32.sub').set(rows)
            const most = local()
            f.i32(tileRows).set(most)
            pushSmaller(f, rows, most)
            f.set(rows)
            multiplyTile()
          },
        )
      },
    )
  }

  function multiplyTile(): void {
    f.get(args).get(narrow).i32(3).op('i32.shl').op('i32.add')
    f.get(rows).i32(tileRows).op('i32.lt_s').i32(2).op('i32.shl').op('i32.add')
    f.memory('i32.load', 4 * contractWords.indexOf('wide'))
    pushCode(f, codeStart)
    f.callFunction(undefined, [
      () => f.get(run),
      () => {
        f.get(leftPanels)
          .get(row)
          .get(m0)
          .op('i32.sub')
          .get(run)
          .op('i32.mul')
          .i32(2)
          .op('i32.shl')
          .op('i32.add')
          .absolute()
      },
      () => f.get(right).absolute(),
      () => {
        f.get(tileAt).get(row).get(m0).op('i32.sub').get(tileStride).op('i32.mul').op('i32.add')
        f.get(column).get(n0).op('i32.sub').i32(2).op('i32.shl').op('i32.add').absolute()
      },
      () => f.get(tileStride),
      () => f.get(step),
      () => f.get(k0),
      // Each tile asks for its share of the next right panel
      () => {
        f.get(run)
          .i32(4 * tileColumns)
          .op('i32.mul')
          .get(row)
          .get(m0)
          .op('i32.sub')
          .get(run)
          .op('i32.mul')
          .op('i32.add')
          .get(right)
          .op('i32.add')
          .absolute()
      },
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
function pushCode(f: NativeFunction, codeStart: bigint): void {
  f.machine(['general'], 'general', (asm, to, [distance]) => {
    // In functions that call, no value lies in r11
    asm.address(register.r11, codeStart).lea(to, { base: register.r11, index: distance }, true)
  })
}
