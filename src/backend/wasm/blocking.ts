// Block sizes of a contract launch: a written-down model of what packing, multiplying and sharing cost.

import { scratchBytes } from './layout.ts'
import type { Tile } from './micro-kernel.ts'

export interface ContractShape {
  readonly batch: number
  readonly m: number
  readonly n: number
  readonly k: number
  /** Nanoseconds to pack one element, 0 when the operand is read in place. */
  readonly packLeft: number
  readonly packRight: number
  /** Nanoseconds of the epilogue for one element. */
  readonly epilogue: number
}

export interface Blocking {
  readonly mc: number
  readonly nc: number
  readonly kc: number
  readonly mBlocks: number
  readonly nBlocks: number
  /** Blocks of all batch elements. */
  readonly blocks: number
  /** Blocks that are claimed together, because one alone is too little work. */
  readonly grain: number
  /** Of the whole launch, estimated; and more than that where threads would wait. */
  readonly nanoseconds: number
  readonly price: number
}

/** Which operands are packed by a launch before the product's. */
export interface Ahead {
  readonly left: boolean
  readonly right: boolean
}

/** Elements of a right panel, all columns of a tile along a run of k: 20 KiB, with room for left panels beside them in a first-level cache. */
const panelElements = 5120
/** Each step of a right operand in place is on another page of memory: few of them at a time, and each one far along. */
const maximumRunInPlace = 64
/** A block of each operand and its tile fill a second-level cache of 1 MiB. */
const maximumRows = 260
const maximumColumns = 512
const maximumTile = 260 * 256
/** Nanoseconds of a multiply-add on one thread, and of what surrounds a register tile and a block. */
const multiplyAdd = 0.06
const tileCall = 8
const blockCall = 150
/** Chunks to aim for, and the least work that is worth a chunk of its own. */
const wantedChunks = 8
const smallestChunk = 30_000
/** Nanoseconds of repeated packing that are worth a phase of its own before the product, and the most elements that it may keep. */
const worthAhead = 60_000
const mostAhead = 8 * 1024 * 1024
export const nothingAhead: Ahead = { left: false, right: false }

/** A blocking, and which operands are packed before its launch. */
export interface ContractPlan {
  readonly blocking: Blocking
  readonly ahead: Ahead
}

export function contractPlan(shape: ContractShape, tile: Tile, kept = nothingAhead): ContractPlan {
  return planAhead(shape, (now) => contractBlocking(shape, tile, now), kept)
}

/** Those of a product's operands that stay the same in all turns of its loop which are packed before the loop. */
export function keptOf({ batch, m, n, k, packLeft, packRight }: ContractShape, constant: Ahead): Ahead {
  const pays = (extent: number, price: number): boolean => price > 0 && batch * extent * k <= mostAhead
  return { left: constant.left && pays(m, packLeft), right: constant.right && pays(n, packRight) }
}

/**
 * The cheapest blocking of a model, and which operands are packed ahead: where many blocks would pack the same panels again, once for all of
 * them is cheaper, and leaves the caches to the product. Those that are `kept` are packed anyway.
 */
export function planAhead(
  shape: ContractShape,
  cheapest: (ahead: Ahead) => Blocking,
  kept = nothingAhead,
): ContractPlan {
  const { batch, m, n, k, packLeft, packRight } = shape
  const blocking = cheapest(kept)
  const pays = (blocks: number, extent: number, price: number): boolean =>
    batch * (blocks - 1) * extent * k * price >= worthAhead && batch * extent * k <= mostAhead
  const wanted = {
    left: kept.left || pays(blocking.nBlocks, m, packLeft),
    right: kept.right || pays(blocking.mBlocks, n, packRight),
  }
  if (wanted.left === kept.left && wanted.right === kept.right) return { blocking, ahead: wanted }
  // Each alone too, where both pay: without the other, blocks of other shapes may do
  const tries = [wanted]
  if (wanted.left && wanted.right && !kept.left && !kept.right) {
    tries.push({ left: true, right: false }, { left: false, right: true })
  }
  const plans = tries.map((ahead) => {
    const freed = cheapest(ahead)
    const isUsed = {
      left: kept.left || (ahead.left && freed.nBlocks > 1),
      right: kept.right || (ahead.right && freed.mBlocks > 1),
    }
    const before = (isUsed.left ? m * packLeft : 0) + (isUsed.right ? n * packRight : 0)
    return { blocking: freed, ahead: isUsed, price: freed.price + batch * k * before }
  })
  return plans.reduce((best, plan) => (plan.price < best.price ? plan : best))
}

/** The cheapest blocking, chosen from the shape alone, so that the result and the chunks don't depend on the number of threads. */
export function contractBlocking(shape: ContractShape, tile: Tile, ahead = nothingAhead): Blocking {
  const { m, n, k } = shape
  const inPlace = shape.packRight === 0
  // What blocks have to pack themselves.
  const now = { ...shape, packLeft: ahead.left ? 0 : shape.packLeft, packRight: ahead.right ? 0 : shape.packRight }
  const longest = inPlace ? maximumRunInPlace : panelElements / tile.columns
  const kc = Math.ceil(k / Math.max(1, Math.ceil(k / longest)))
  return cheapestBlocking(shape, {
    kc,
    heights: divisions(m, tile.rows, maximumRows),
    widths: divisions(n, tile.columns, maximumColumns).slice(0, inPlace ? 1 : undefined),
    smallestChunk,
    fits: (mc, nc, bytes) => mc * nc <= maximumTile && bytes <= scratchBytes,
    cost: (mBlocks, nBlocks) => batchCost(now, tile, kc, mBlocks, nBlocks),
    // With few chunks some threads have none at the end: price it as if there were eight.
    idle: (chunks) => (Math.ceil(chunks / wantedChunks) * wantedChunks) / chunks,
  })
}

/** What a search among block sizes tries, and what it pays. */
export interface BlockSearch {
  readonly kc: number
  /** Values of mc and nc to try. */
  readonly heights: readonly number[]
  readonly widths: readonly number[]
  /** Nanoseconds of the least work that is worth a chunk of its own. */
  readonly smallestChunk: number
  /** Whether a block may be so large; `bytes` of scratch memory for operands and tile. */
  fits(mc: number, nc: number, bytes: number): boolean
  /** Nanoseconds for one batch element, in blocks of nc columns. */
  cost(mBlocks: number, nBlocks: number, nc: number): number
  /**
   * By how much the price rises because threads wait at the end of so many chunks; `whole` is how much larger all would be as large as the
   * first, and `inRow` is whether all but the last are.
   */
  idle(chunks: number, nanoseconds: number, whole: number, inRow: boolean): number
}

export function cheapestBlocking({ batch, m, n, k }: ContractShape, search: BlockSearch): Blocking {
  const { kc } = search
  let best: Blocking | undefined
  let bestPrice = Number.POSITIVE_INFINITY
  for (const mc of search.heights) {
    const mBlocks = Math.ceil(m / mc)
    for (const nc of search.widths) {
      const nBlocks = Math.ceil(n / nc)
      const nanoseconds = batch * search.cost(mBlocks, nBlocks, nc)
      // Most are ruled out by this alone: waiting comes on top.
      if (nanoseconds >= bestPrice || !search.fits(mc, nc, scratchLayout(mc, nc, kc).bytes)) continue
      const blocks = batch * mBlocks * nBlocks
      const grain = Math.max(1, Math.floor(search.smallestChunk / (nanoseconds / blocks)))
      const whole = (mBlocks * mc * nBlocks * nc) / (m * n)
      const inRow = batch === 1 && grain === 1 && (mBlocks === 1 || nBlocks === 1)
      const price = nanoseconds * Math.max(1, search.idle(Math.ceil(blocks / grain), nanoseconds, whole, inRow))
      if (price >= bestPrice) continue
      bestPrice = price
      best = { mc, nc, kc, mBlocks, nBlocks, blocks, grain, nanoseconds, price }
    }
  }
  if (best === undefined) throw new Error(`contract [${batch}, ${m}, ${n}, ${k}]: no blocking fits the scratch memory`)
  return best
}

/** Byte offsets of the packed right block and the tile in scratch, behind the packed left block. */
export function scratchLayout(mc: number, nc: number, kc: number): { rightAt: number; tileAt: number; bytes: number } {
  const rightAt = roundUp(4 * mc * kc, 64)
  const tileAt = rightAt + roundUp(4 * kc * nc, 64)
  return { rightAt, tileAt, bytes: tileAt + 4 * mc * nc }
}

/** Block extents to try: the whole rounded up to units, then halves, thirds, quarters …, none above `maximum`. */
export function divisions(extent: number, unit: number, maximum: number): number[] {
  const sizes = new Set<number>()
  const fewest = Math.ceil(roundUp(extent, unit) / (Math.floor(maximum / unit) * unit))
  const add = (parts: number): unknown => sizes.add(roundUp(Math.ceil(extent / parts), unit))
  for (let parts = fewest; parts <= fewest + 16; parts++) add(parts)
  // Of many parts sixteen more are hardly smaller ones, and two of the largest make too large a tile.
  if (fewest > 16) for (const times of [2, 3]) add(times * fewest)
  return [...sizes]
}

function batchCost(shape: ContractShape, tile: Tile, kc: number, mBlocks: number, nBlocks: number): number {
  const { m, n, k } = shape
  const rows = roundUp(m, tile.rows)
  const columns = roundUp(n, tile.columns)
  const runs = Math.max(1, Math.ceil(k / kc))
  const tiles = (rows / tile.rows) * (columns / tile.columns) * runs
  return (
    rows * columns * k * multiplyAdd +
    tiles * tileCall +
    mBlocks * nBlocks * blockCall +
    nBlocks * rows * k * shape.packLeft +
    mBlocks * columns * k * shape.packRight +
    rows * columns * (0.3 * runs + shape.epilogue)
  )
}

export const roundUp = (x: number, unit: number): number => Math.ceil(x / unit) * unit
