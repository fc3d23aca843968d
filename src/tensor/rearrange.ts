// Rearranging elements: rolling, tiling and padding with elements of the tensor itself.

import { checkInteger, checkWhole } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { normalizeAxis, type Range, show } from '../graph/shape.ts'
import { concat } from './create.ts'
import type { Tensor } from './tensor.ts'

/** Elements moved along an axis by `shift` places; what leaves at one end enters at the other. */
export function roll(x: Tensor, shift: number, axis = 0): Tensor {
  const at = normalizeAxis(axis, x.rank, 'roll')
  if (!Number.isInteger(shift)) throw misfit(`roll: the shift is ${shift}, it must be an integer`)
  const extent = x.shape[at]
  const cut = extent === 0 ? 0 : ((-shift % extent) + extent) % extent
  return cut === 0 ? x : concat([part(x, at, [cut, null]), part(x, at, [null, cut])], at)
}

/** The tensor laid side by side: `repeats` counts copies per axis, aligned right as in NumPy. */
export function tile(x: Tensor, repeats: readonly number[]): Tensor {
  const bad = repeats.find((n) => !Number.isInteger(n) || n < 0)
  if (bad !== undefined) throw misfit(`tile: ${bad} copies in ${show(repeats)}: use integers ≥ 0`)
  const rank = Math.max(x.rank, repeats.length)
  const shape = [...new Array<number>(rank - x.rank).fill(1), ...x.shape]
  const copies = [...new Array<number>(rank - repeats.length).fill(1), ...repeats]
  const spread = x.reshape(shape.flatMap((d) => [1, d])).broadcastTo(shape.flatMap((d, i) => [copies[i], d]))
  return spread.reshape(shape.map((d, i) => d * copies[i]))
}

/** Each element (or sub-array) `times` times in a row along an axis, as NumPy's `repeat`: [a, b] gives [a, a, b, b]. */
export function repeat(x: Tensor, times: number, axis = 0): Tensor {
  checkWhole('repeat', { times }, 0)
  const at = normalizeAxis(axis, x.rank, 'repeat')
  const spread = [...x.shape.slice(0, at + 1), times, ...x.shape.slice(at + 1)]
  const flat = x.shape.map((d, a) => (a === at ? d * times : d))
  return x
    .unsqueeze(at + 1)
    .broadcastTo(spread)
    .reshape(flat)
}

/** The sub-arrays along an axis, which they lose: the counterpart of `stack`. */
export function unstack(x: Tensor, axis = 0): Tensor[] {
  const at = normalizeAxis(axis, x.rank, 'unstack')
  return Array.from({ length: x.shape[at] }, (_, i) => x.at(i, at))
}

/** An axis moved to another place, the others in their order. */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  const [source, target] = [normalizeAxis(from, x.rank, 'moveAxis'), normalizeAxis(to, x.rank, 'moveAxis')]
  const order = [...x.shape.keys()].filter((axis) => axis !== source)
  order.splice(target, 0, source)
  return x.permute(order)
}

/** A quarter turn of two axes, `times` times, from the first towards the second, as NumPy's `rot90`. */
export function rot90(x: Tensor, times = 1, axes: readonly [number, number] = [0, 1]): Tensor {
  checkInteger('rot90', { times })
  const [a, b] = axes.map((axis) => normalizeAxis(axis, x.rank, 'rot90'))
  if (a === b) throw misfit(`rot90: both axes are ${a} of ${show(x.shape)}`)
  const swapped = (y: Tensor): Tensor =>
    y.permute([...x.shape.keys()].map((axis) => (axis === a ? b : axis === b ? a : axis)))
  const turns = [() => x, () => swapped(x.flip([b])), () => x.flip([a, b]), () => swapped(x).flip([b])]
  return turns[((times % 4) + 4) % 4]()
}

/** Vectors as the axes of a grid: for each its value at every point, all of shape [n₁, n₂, …], as NumPy's `meshgrid` with `indexing='ij'`. */
export function meshgrid(...axes: readonly Tensor[]): Tensor[] {
  const bad = axes.find((x) => x.rank !== 1)
  if (bad) throw misfit(`meshgrid: an axis is ${show(bad.shape)}: each must be a vector`)
  const shape = axes.map((x) => x.size)
  return axes.map((x, i) => x.reshape(shape.map((d, a) => (a === i ? d : 1))).broadcastTo(shape))
}

/** How `padWith` fills: mirrored without the edge, with the edge's element, or from the other end. */
export type PadMode = 'reflect' | 'replicate' | 'circular'

/** Padding with elements of the tensor: `amounts` gives [before, after] for each axis. */
export function padWith(x: Tensor, amounts: readonly (readonly [number, number])[], mode: PadMode): Tensor {
  if (!Object.hasOwn(borders, mode))
    throw misfit(`padWith: unknown mode '${String(mode)}': use one of ${Object.keys(borders).join(', ')}`)
  if (amounts.length !== x.rank) throw misfit(`padWith: ${amounts.length} amounts for the axes of ${show(x.shape)}`)
  return amounts.reduce((padded, [before, after], axis) => {
    const extent = x.shape[axis]
    const most = { reflect: extent - 1, replicate: extent === 0 ? 0 : Infinity, circular: extent }[mode]
    if (![before, after].every((n) => Number.isInteger(n) && n >= 0 && n <= most)) {
      throw misfit(
        `padWith: axis ${axis} of ${show(x.shape)} takes 0 to ${most} elements at each end in mode '${mode}', not ${before} and ${after}`,
      )
    }
    const [left, right] = borders[mode](padded, axis, extent, before, after)
    const parts = [...(before > 0 ? [left()] : []), padded, ...(after > 0 ? [right()] : [])]
    return parts.length === 1 ? padded : concat(parts, axis)
  }, x)
}

type Border = (x: Tensor, axis: number, extent: number, before: number, after: number) => [() => Tensor, () => Tensor]

const borders: { readonly [M in PadMode]: Border } = {
  reflect: (x, axis, extent, before, after) => [
    () => part(x, axis, [1, before + 1]).flip(axis),
    () => part(x, axis, [extent - 1 - after, extent - 1]).flip(axis),
  ],
  replicate: (x, axis, extent, before, after) => [
    () => repeated(part(x, axis, [0, 1]), axis, before),
    () => repeated(part(x, axis, [extent - 1, extent]), axis, after),
  ],
  circular: (x, axis, extent, before, after) => [
    () => part(x, axis, [extent - before, extent]),
    () => part(x, axis, [0, after]),
  ],
}

const part = (x: Tensor, axis: number, range: Range): Tensor =>
  x.slice(...x.shape.map((_, a) => (a === axis ? range : null)))

const repeated = (x: Tensor, axis: number, times: number): Tensor =>
  x.broadcastTo(x.shape.map((d, a) => (a === axis ? times : d)))
