// The blocked loops around the micro-kernel: pack, multiply, hand the finished tile to the epilogue.

import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import { pushElement, setBlock, sumAtMost } from './contract-walk.ts'
import { epilogueParams, kernelParams, packParams } from './layout.ts'
import type { Tile } from './micro-kernel.ts'
import { contractRecord } from './records.ts'

/**
 * A kernel function that serves every contract launch: iteration number (b·mBlocks + i)·nBlocks + j is one block of batch
 * element b, and all else, the pack and epilogue functions included, is read from the args block (`contractRecord`).
 *
 * Operands that were packed ahead are read where their panels lie.
 *
 * An operand read in place still has its last panel packed when that is not full, so that nothing outside it is read.
 */
export function emitContractDriver(module: ModuleBuilder, tile: Tile, microKernel: FunctionBuilder): FunctionBuilder {
  const f = module.function(undefined, kernelParams)
  const [args, block, end, scratch] = [0, 1, 2, 3] as const
  const local = (): number => f.local('i32')
  const word = (name: keyof typeof contractRecord): FunctionBuilder =>
    f.get(args).memory('i32.load', contractRecord[name])
  const constantWord = (name: keyof typeof contractRecord): number => {
    const l = local()
    word(name).set(l)
    return l
  }

  const m = constantWord('m')
  const n = constantWord('n')
  const k = constantWord('k')
  const mc = constantWord('mc')
  const nc = constantWord('nc')
  const kc = constantWord('kc')
  const nBlocks = constantWord('nBlocks')
  const mBlocks = constantWord('mBlocks')
  const leftArgs = constantWord('leftArgs')
  const leftRow = constantWord('leftRow')
  const rightArgs = constantWord('rightArgs')
  const rightStep = constantWord('rightStep')
  const rightAt = constantWord('rightAt')
  const tileAt = constantWord('tileAt')
  const [leftAhead, rightAhead] = [constantWord('leftAhead'), constantWord('rightAhead')]
  // Where the packed panels of the block lie.
  const [leftPanels, rightPanels] = [local(), local()]
  const tileStride = local()
  f.get(rightAt).get(scratch).op('i32.add').set(rightAt)
  f.get(tileAt).get(scratch).op('i32.add').set(tileAt)
  f.get(nc).i32(2).op('i32.shl').set(tileStride)

  // The block: its batch element, its rows m0 … m1 − 1 and columns n0 … n1 − 1.
  const [batch, m0, m1, n0, n1] = [local(), local(), local(), local(), local()]
  // The run of k in work, and the first row and column that come from a packed panel.
  const [k0, k1, run, packedRow, packedColumn] = [local(), local(), local(), local(), local()]
  // The panels in work.
  const [row, column, leftBase, left, leftStride, leftStep, right, step] = [
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
  ]

  f.range(
    block,
    () => f.get(block),
    end,
    1,
    () => {
      setBlock(f, block, { m, n, mc, nc, mBlocks, nBlocks }, { batch, m0, m1, n0, n1 })
      firstPackedRow()
      // A last, partial panel in place is read beyond its columns: the tile has room for what no one reads there
      f.get(n1).get(n0).get(rightStep).op('select').set(packedColumn)
      f.get(k)
        .op('i32.eqz')
        .if(() => {
          f.get(tileAt).i32(0).get(m1).get(m0).op('i32.sub').get(tileStride).op('i32.mul').memoryFill()
        })
      f.i32(0).set(k0)
      f.block(() => {
        f.loop(() => {
          f.get(k0).get(k).op('i32.ge_s').brIf(1)
          sumAtMost(f, k0, kc, k, k1)
          f.get(k1).get(k0).op('i32.sub').set(run)
          f.get(rightAt).set(rightPanels).get(scratch).set(leftPanels)
          ahead('right', rightAhead, n0, rightPanels, () => pack('packRight', rightArgs, packedColumn, n1, rightAt))
          ahead('left', leftAhead, m0, leftPanels, () => pack('packLeft', leftArgs, packedRow, m1, scratch))
          multiply()
          f.get(k1).set(k0).br(0)
        })
      })
      f.get(constantEpilogueArgs()).get(batch).get(m0).get(m1).get(n0).get(n1).get(tileAt).get(tileStride)
      word('epilogue').callIndirect(module.type(epilogueParams, []))
    },
  )
  return f

  function constantEpilogueArgs(): number {
    word('epilogueArgs').set(left)
    return left
  }

  /** The first row for a packed operand, and for one read in place (its stride is not 0) the start of the last, partial panel. */
  function firstPackedRow(): void {
    f.get(m1).get(m1).get(m0).op('i32.sub').i32(tile.rows).op('i32.rem_u').op('i32.sub')
    f.get(m0).get(leftRow).op('select').set(packedRow)
  }

  function pack(name: 'packLeft' | 'packRight', operand: number, from: number, to: number, destination: number): void {
    f.get(from)
      .get(to)
      .op('i32.lt_s')
      .if(() => {
        f.get(operand).get(batch).get(from).get(to).get(k0).get(k1).get(destination)
        word(name).callIndirect(module.type(packParams, []))
      })
  }

  /** Finds the panels that were packed ahead: base + 4 · ((batch · k + k0) · padded + index · run); otherwise packs now. */
  function ahead(name: 'left' | 'right', base: number, index: number, panels: number, now: () => void): void {
    f.get(base).if(() => {
      f.get(base).get(batch)
      word(`${name}Batch`).op('i32.mul').get(k0).op('i32.add')
      word(`${name}Padded`).op('i32.mul')
      f.get(index).get(run).op('i32.mul').op('i32.add').i32(2).op('i32.shl').op('i32.add').set(panels)
    }, now)
  }

  function multiply(): void {
    pushElement(f, leftArgs, batch, m0, k0)
    f.set(leftBase)
    f.range(
      column,
      () => f.get(n0),
      n1,
      tile.columns,
      () => {
        f.get(column)
          .get(packedColumn)
          .op('i32.lt_s')
          .if(
            () => {
              pushElement(f, rightArgs, batch, column, k0)
              f.set(right).get(rightStep).set(step)
            },
            () => {
              panelAddress(rightPanels, column, packedColumn)
              f.set(right)
                .i32(4 * tile.columns)
                .set(step)
            },
          )
        f.range(
          row,
          () => f.get(m0),
          m1,
          tile.rows,
          () => {
            f.get(row)
              .get(packedRow)
              .op('i32.lt_s')
              .if(
                () => {
                  f.get(leftBase).get(row).get(m0).op('i32.sub').get(leftRow).op('i32.mul').op('i32.add').set(left)
                  f.get(leftRow).set(leftStride).i32(4).set(leftStep)
                },
                () => {
                  panelAddress(leftPanels, row, packedRow)
                  f.set(left)
                    .i32(4)
                    .set(leftStride)
                    .i32(4 * tile.rows)
                    .set(leftStep)
                },
              )
            f.get(run).get(left).get(leftStride).get(leftStep).get(right).get(step)
            f.get(tileAt).get(row).get(m0).op('i32.sub').get(tileStride).op('i32.mul').op('i32.add')
            f.get(column).get(n0).op('i32.sub').i32(2).op('i32.shl').op('i32.add')
            f.get(tileStride).get(k0).call(microKernel.index)
          },
        )
      },
    )
  }

  /** Pushes the address of the panel that starts at `index`, where the one that starts at `first` lies at `base`. */
  function panelAddress(base: number, index: number, first: number): void {
    f.get(base).get(index).get(first).op('i32.sub').get(run).op('i32.mul').i32(2).op('i32.shl').op('i32.add')
  }
}
