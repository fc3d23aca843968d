// Convex pieces of a line or of the plane, cut by the zeros of affine functions.

/** A corner: one coordinate, or two. */
export type Point = readonly number[]

/** Its corners: the two ends of an interval, or those of a convex polygon in order around it. */
export type ConvexPiece = readonly Point[]

/** An affine function of a point: a coefficient for each coordinate, then the constant. */
export type AffineFunction = ArrayLike<number>

/** Beside the numbers that an affine function adds up, less than this is 0. */
const nothing = 1e-12

/** What an affine function is at a point, 0 where rounding could have made it. */
function valueAt(f: AffineFunction, point: Point): number {
  let value = f[point.length]
  let scale = Math.abs(value)
  for (let k = 0; k < point.length; k++) {
    value += f[k] * point[k]
    scale += Math.abs(f[k] * point[k])
  }
  return Math.abs(value) <= nothing * scale && Number.isFinite(scale) ? 0 : value
}

/** The parts of a piece where a function has one sign, with that sign: one part, or two. */
export function cut(piece: ConvexPiece, f: AffineFunction): (readonly [part: ConvexPiece, sign: number])[] {
  const values = piece.map((point) => valueAt(f, point))
  const [low, high] = [Math.min(...values), Math.max(...values)]
  if (!(low < 0 && high > 0)) return [[piece, Math.sign(low + high) || 0]]
  const parts: readonly [below: Point[], above: Point[]] = [[], []]
  piece.forEach((point, i) => {
    if (values[i] <= 0) parts[0].push(point)
    if (values[i] >= 0) parts[1].push(point)
    const j = (i + 1) % piece.length
    const isEdge = point.length > 1 || j > i
    if (!isEdge || !(values[i] * values[j] < 0)) return
    const share = values[i] / (values[i] - values[j])
    const crossing = point.map((x, k) => x + share * (piece[j][k] - x))
    parts[0].push(crossing)
    parts[1].push(crossing)
  })
  return [
    [parts[0], -1],
    [parts[1], 1],
  ]
}

/** Whether two pieces that do not overlap share a border: an end, or a part of an edge that is longer than a point. */
export function areNeighbours(a: ConvexPiece, b: ConvexPiece, size: number): boolean {
  const near = 1e-9 * size
  if (a[0].length === 1) return a.some(([x]) => b.some(([y]) => Math.abs(x - y) <= near))
  return edgesOf(a).some(([p, q]) => edgesOf(b).some(([r, s]) => overlap(p, q, r, s, near) > near))
}

const edgesOf = (piece: ConvexPiece): (readonly [Point, Point])[] =>
  piece.map((point, i) => [point, piece[(i + 1) % piece.length]])

/** The length of what the edges pq and rs share. */
function overlap([px, py]: Point, [qx, qy]: Point, r: Point, s: Point, near: number): number {
  const length = Math.hypot(qx - px, qy - py)
  if (length <= near) return 0
  const [ux, uy] = [(qx - px) / length, (qy - py) / length]
  const beside = ([x, y]: Point): number => Math.abs((x - px) * uy - (y - py) * ux)
  if (beside(r) > near || beside(s) > near) return 0
  const along = ([x, y]: Point): number => (x - px) * ux + (y - py) * uy
  const [from, to] = [Math.min(along(r), along(s)), Math.max(along(r), along(s))]
  return Math.min(length, to) - Math.max(0, from)
}
