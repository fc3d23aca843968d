// Dispatch: rows sorted by the expert that is to see them, in blocks of one expert each, and where each of them went.

import { checkWhole } from '../../graph/check.ts'
import { misfit } from '../../graph/refuse.ts'
import { show } from '../../graph/shape.ts'
import { argsort, iota, oneHot, type Tensor, withBroadcasting } from '../../tensor/index.ts'

export interface Dispatch {
  /** For each of the blocks' places the row that lies there, int32 [blocks · size]; places that are left over hold any row. */
  readonly rows: Tensor
  /** Each block's expert, int32 [blocks]. */
  readonly experts: Tensor
  /** Where the rows' choices lie, int32 [n, k]: places among all blocks'. */
  readonly places: Tensor
  /** Which choices have a place, bool [n, k]. */
  readonly isKept: Tensor
  readonly blocks: number
  /** Rows of a block. */
  readonly size: number
}

/**
 * Sorts n rows with k experts each, `chosen` int32 [n, k] of `count`, into blocks. Without a capacity each expert has as many
 * blocks of `size` rows as it needs: there are ⌊(n·k + count·(size − 1)) / size⌋ at most, and nothing is dropped. With a
 * capacity each has one block of so many rows, and what comes later in the batch has no place (Fedus et al. 2021).
 */
export function dispatch(chosen: Tensor, count: number, options: { size: number } | { capacity: number }): Dispatch {
  checkWhole('dispatch', { count, ...options })
  if (chosen.rank !== 2 || chosen.dtype !== 'int32')
    throw misfit(`dispatch: the choices are ${chosen.dtype} ${show(chosen.shape)}: expected int32 [n, k]`)
  const [n, k] = chosen.shape as [number, number]
  const assignments = n * k
  const expertOf = chosen.reshape([assignments])
  const isFixed = 'capacity' in options
  const size = isFixed ? options.capacity : options.size
  const blocks = isFixed ? count : Math.floor((assignments + count * (size - 1)) / size)

  const order = argsort(expertOf)
  const rank = argsort(order)
  const counts = oneHot(expertOf, count, 'int32').sum(0)
  const blocksOf = isFixed ? counts.mul(0).add(1) : counts.add(size - 1).floorDivide(size)
  const [start, firstBlock] = [before(counts), before(blocksOf)]

  const block = iota([blocks, 1], 0)
  const lastBlock = firstBlock.add(blocksOf)
  const experts = withBroadcasting('numpy', () => block.greaterEqual(lastBlock))
    .cast('int32')
    .sum(1)
    .clamp(0, count - 1)
  const place = iota([blocks * size], 0)
  const ownExpert = experts.take(place.floorDivide(size))
  const within = place.sub(firstBlock.take(ownExpert).mul(size))
  const assignment = order.take(
    start
      .take(ownExpert)
      .add(within)
      .clamp(0, Math.max(0, assignments - 1)),
  )

  const position = rank.sub(start.take(expertOf))
  return {
    rows: assignment.floorDivide(k),
    experts,
    places: firstBlock.take(expertOf).mul(size).add(position).reshape([n, k]),
    isKept: isFixed ? position.less(size).reshape([n, k]) : chosen.greaterEqual(0),
    blocks,
    size,
  }
}

/** Sums of all elements before each, [count]. */
const before = (x: Tensor): Tensor => {
  const [count] = x.shape as [number]
  return iota([count, count], 1)
    .less(iota([count, count], 0))
    .where(x.reshape([1, count]).broadcastTo([count, count]), 0)
    .sum(1)
}
