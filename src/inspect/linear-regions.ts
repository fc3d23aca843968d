// linearRegions(net, box): the pieces on each of which a network is one affine function; affineAt(net, x): that of a point's piece.

import { checkWhole } from '../graph/check.ts'
import { show, sizeOf } from '../graph/shape.ts'
import { type Tensor, tensor } from '../tensor/index.ts'
import { type Affine, affineParts, type Place, traced } from './affine-walk.ts'
import { type AffineFunction, areNeighbours, type ConvexPiece, cut } from './convex-piece.ts'

type Net = (x: Tensor) => Tensor
export type Interval = readonly [low: number, high: number]

/** A piece: connected, as large as it can be, the output on it weight · x + offset. */
export interface LinearRegion {
  /** It, in convex parts: the ends of intervals [[low], [high]], or corners of polygons in order. */
  readonly parts: readonly ConvexPiece[]
  /** [outputs][inputs]. */
  readonly weight: readonly (readonly number[])[]
  readonly offset: readonly number[]
}

export interface LinearRegions {
  readonly count: number
  /** From left to right, where there is one input. */
  readonly regions: readonly LinearRegion[]
  /** With one input, where one piece ends and the next begins. */
  readonly breakpoints: readonly number[]
  readonly box: readonly Interval[]
}

export interface LinearRegionsOptions {
  /** More parts than this are refused: 100,000 unless told. */
  readonly limit?: number
}

/**
 * The linear regions of a piecewise linear network of one or two inputs in a box, exactly, in float64: every part of the
 * box is cut where a kink of the network crosses it, and neighbours with the same affine map are one region (Serra et al. 2018; Hanin & Rolnick 2019).
 * `net` is called with [1, inputs]. Throws for what is not piecewise linear, with the operation and its module.
 *
 *     const { count, breakpoints } = await linearRegions((x) => x.relu().add(x.neg().relu()), [[-1, 1]]) // 2, [0]
 */
export async function linearRegions(
  net: Net,
  box: readonly Interval[],
  options: LinearRegionsOptions = {},
): Promise<LinearRegions> {
  const { limit = 1e5 } = options
  checkWhole('linearRegions', { limit })
  checkBox(box)
  const walk = await traced('linearRegions', net, [1, box.length])
  const parts: Part[] = []
  for (const [{ piece }, map] of affineParts(walk, new Region(cornersOf(box)), box.length)) {
    parts.push({ piece, map: flat(map) })
    if (parts.length > limit)
      throw new RangeError(`linearRegions: more than ${limit} parts: take a smaller box, or allow more by { limit }`)
  }
  const regions = joined(parts, Math.max(...box.map(([low, high]) => high - low)))
  const outputs = sizeOf(walk.output.shape)
  const described = regions.map((own) => ({ parts: own.map(({ piece }) => piece), ...mapOf(own[0].map, outputs) }))
  if (box.length > 1) return { count: described.length, regions: described, breakpoints: [], box }
  const start = ({ parts }: LinearRegion): number => Math.min(...parts.map(([[low]]) => low))
  described.sort((a, b) => start(a) - start(b))
  return { count: described.length, regions: described, breakpoints: described.slice(1).map(start), box }
}

export interface AffineMap {
  /** [...shape of the output, ...shape of x]. */
  readonly weight: Tensor
  readonly offset: Tensor
}

/**
 * The affine function that a piecewise linear network is around a point x (one example, of any shape): net(x) = weight · x +
 * offset, in float64. At a kink it is the piece whose derivative the library takes. `net` is called with [1, ...shape of x].
 *
 *     const { weight, offset } = await affineAt(net, tensor([0.5, -1]))
 */
export async function affineAt(net: Net, x: Tensor): Promise<AffineMap> {
  const at = Float64Array.from(await x.data())
  if (!at.every(Number.isFinite)) throw new RangeError('affineAt: x is not finite: a region has finite points')
  const walk = await traced('affineAt', net, [1, ...x.shape])
  const [[, { shape, columns }]] = [...affineParts(walk, new Spot(at), at.length)]
  const result = shape[0] === 1 ? shape.slice(1) : shape
  const size = sizeOf(result)
  const weight = Float64Array.from(
    { length: size * at.length },
    (_, i) => columns[i % at.length][Math.floor(i / at.length)],
  )
  return {
    weight: tensor(weight, { shape: [...result, ...x.shape] }),
    offset: tensor(columns[at.length], { shape: result }),
  }
}

class Region implements Place<Region> {
  readonly piece: ConvexPiece
  constructor(piece: ConvexPiece) {
    this.piece = piece
  }
  cut(f: AffineFunction): (readonly [Region, number])[] {
    const parts = cut(this.piece, f)
    return parts.map(([piece, sign]) => [parts.length === 1 ? this : new Region(piece), sign])
  }
}

class Spot implements Place<Spot> {
  private readonly at: Float64Array
  constructor(at: Float64Array) {
    this.at = at
  }
  cut(f: AffineFunction): (readonly [Spot, number])[] {
    const value = this.at.reduce((sum, x, k) => sum + f[k] * x, 0) + f[this.at.length]
    return [[this, Math.sign(value)]]
  }
}

interface Part {
  readonly piece: ConvexPiece
  /** Coefficients of all outputs by the first input, by the second, and the constants. */
  readonly map: Float64Array
}

/** Parts that touch and have the same map, together. */
function joined(parts: readonly Part[], size: number): Part[][] {
  const leader = parts.map((_, i) => i)
  const find = (i: number): number => {
    let root = i
    while (leader[root] !== root) root = leader[root]
    leader[i] = root
    return root
  }
  // Equal maps are near each other when sorted by any one coefficient; the sum of all tells most maps apart.
  const keys = parts.map(({ map }) => map.reduce((sum, v, i) => sum + v * (1 + i / 7), 0))
  const order = parts.map((_, i) => i).sort((a, b) => keys[a] - keys[b])
  for (let a = 0; a < order.length; a++) {
    for (let b = a + 1; b < order.length; b++) {
      const [i, j] = [order[a], order[b]]
      const scale = 1 + Math.abs(keys[i])
      if (keys[j] - keys[i] > 1e-8 * scale) break
      if (
        find(i) !== find(j) &&
        isSame(parts[i].map, parts[j].map) &&
        areNeighbours(parts[i].piece, parts[j].piece, size)
      )
        leader[find(j)] = find(i)
    }
  }
  const groups = new Map<number, Part[]>()
  parts.forEach((part, i) => {
    const group = groups.get(find(i))
    if (group) group.push(part)
    else groups.set(find(i), [part])
  })
  return [...groups.values()]
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  const scale = a.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  return a.every((v, i) => Math.abs(v - b[i]) <= 1e-10 * scale)
}

function flat({ columns }: Affine): Float64Array {
  const map = Float64Array.from(columns.flatMap((column) => [...column]))
  const bad = map.find((v) => !Number.isFinite(v))
  if (bad !== undefined) throw new RangeError(`linearRegions: a slope or an offset of the network is ${bad}`)
  return map
}

/** The map of a region with rows for outputs. */
function mapOf(map: Float64Array, outputs: number): Pick<LinearRegion, 'weight' | 'offset'> {
  const inputs = map.length / outputs - 1
  const column = (k: number): number[] => [...map.subarray(k * outputs, (k + 1) * outputs)]
  const columns = Array.from({ length: inputs }, (_, k) => column(k))
  return {
    weight: Array.from({ length: outputs }, (_, i) => columns.map((c) => c[i])),
    offset: column(inputs),
  }
}

function cornersOf(box: readonly Interval[]): ConvexPiece {
  const [[left, right], vertical] = box
  if (!vertical) return [[left], [right]]
  const [low, high] = vertical
  return [
    [left, low],
    [right, low],
    [right, high],
    [left, high],
  ]
}

function checkBox(box: readonly Interval[]): void {
  const isInterval = (range: Interval): boolean =>
    range.length === 2 && range.every(Number.isFinite) && range[0] < range[1]
  if (!(box.length === 1 || box.length === 2) || !box.every(isInterval))
    throw new RangeError(
      `linearRegions: the box is ${show(box.map((range) => show(range)) as never)}: give [low, high] with low < high for one or two inputs; of more inputs affineAt tells the map at a point`,
    )
}
