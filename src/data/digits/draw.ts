/** Draws one handwritten digit into a small grey image: pen path, hand and paper vary with the random stream. */
import type { RandomStream } from '../random.ts'
import type { Stroke } from './glyphs.ts'
import { glyphs } from './glyphs.ts'

/** Width and height of a drawn digit in pixels. */
export const digitSize = 28

/** How far hands differ; lengths are in units of the digit's height unless pixels are named. */
const variation = {
  pointJitter: 0.03,
  waveAmplitude: 0.028,
  slant: [-0.15, 0.35],
  rotation: 0.1,
  heightPixels: [16, 21],
  aspect: [0.65, 1],
  shiftPixels: 2.5,
  marginPixels: 1,
  radiusPixels: [0.7, 1.7],
  pressure: 0.2,
  ink: [0.6, 1],
  noise: [0.02, 0.1],
} as const

const curveSteps = 5
const mostSegments = 256

/** A pen path after the hand moved: segments in pixels with the pen's radius at both ends. */
interface PenPath {
  count: number
  readonly startX: Float64Array
  readonly startY: Float64Array
  readonly endX: Float64Array
  readonly endY: Float64Array
  readonly radius: Float64Array
}

/** Working memory of a drawer, used again for each image. */
export interface Drawing {
  readonly path: PenPath
  readonly ink: Float32Array
}

/** Working memory for `drawDigit`. */
export function drawing(): Drawing {
  const numbers = () => new Float64Array(mostSegments)
  const path = { count: 0, startX: numbers(), startY: numbers(), endX: numbers(), endY: numbers(), radius: numbers() }
  return { path, ink: new Float32Array(digitSize * digitSize) }
}

/**
 * Draws `digit` (0–9) as bytes (0 paper, 255 ink) into `pixels`; all choices come from `random`.
 * Bytes, not floats, so that the last bits of a machine's sine do not show.
 */
export function drawDigit(digit: number, random: RandomStream, pixels: Uint8Array, work: Drawing): void {
  const styles = glyphs[digit]
  tracePath(styles[random.integer(styles.length)], random, work.path)
  placeOnPaper(random, work.path)
  spreadInk(work.path, work.ink)
  developImage(random, work.ink, pixels)
}

/** Turns strokes into line segments: shakes the points, joins them by curves, and bends the sheet they are written on. */
function tracePath(strokes: readonly Stroke[], random: RandomStream, path: PenPath): void {
  const bend = smoothBending(random)
  path.count = 0
  for (const stroke of strokes) {
    const points = stroke.map(({ x, y, corner }) => ({
      x: x + random.normal(0, variation.pointJitter),
      y: y + random.normal(0, variation.pointJitter),
      corner,
    }))
    let [fromX, fromY] = bend(points[0].x, points[0].y)
    for (let i = 0; i + 1 < points.length; i++) {
      const [b, c] = [points[i], points[i + 1]]
      const a = i === 0 || b.corner ? b : points[i - 1]
      const d = i + 2 === points.length || c.corner ? c : points[i + 2]
      for (let step = 1; step <= curveSteps && path.count < mostSegments; step++) {
        const t = step / curveSteps
        const [toX, toY] = bend(catmullRom(a.x, b.x, c.x, d.x, t), catmullRom(a.y, b.y, c.y, d.y, t))
        path.startX[path.count] = fromX
        path.startY[path.count] = fromY
        path.endX[path.count] = toX
        path.endY[path.count] = toY
        path.count++
        fromX = toX
        fromY = toY
      }
    }
  }
}

/** The point at `t` in [0, 1] of the curve through b and c whose slopes come from a and d (Catmull and Rom 1974). */
function catmullRom(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
}

/** A smooth elastic distortion: each coordinate moves by a wave across the sheet. */
function smoothBending(random: RandomStream): (x: number, y: number) => [number, number] {
  const wave = () => {
    const amplitude = random.normal(0, variation.waveAmplitude)
    const [alongX, alongY] = [random.uniform(-6, 6), random.uniform(-6, 6)]
    const phase = random.uniform(0, 2 * Math.PI)
    return (x: number, y: number) => amplitude * Math.sin(alongX * x + alongY * y + phase)
  }
  const [firstX, secondX, firstY, secondY] = [wave(), wave(), wave(), wave()]
  return (x, y) => [x + firstX(x, y) + secondX(x, y), y + firstY(x, y) + secondY(x, y)]
}

/** Slants, turns, scales and moves the path onto the image, in pixels, and chooses the pen. */
function placeOnPaper(random: RandomStream, path: PenPath): void {
  const slant = random.uniform(...variation.slant)
  const angle = random.normal(0, variation.rotation)
  const height = random.uniform(...variation.heightPixels)
  const width = height * random.uniform(...variation.aspect)
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  // x' = xx·x + xy·y, y' = yx·x + yy·y
  const [xx, yx] = [width * cos, width * sin]
  const [xy, yy] = [-slant * height * cos - height * sin, -slant * height * sin + height * cos]
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity]
  for (let i = 0; i < path.count; i++) {
    const [startX, startY, endX, endY] = [path.startX[i], path.startY[i], path.endX[i], path.endY[i]]
    path.startX[i] = xx * startX + xy * startY
    path.startY[i] = yx * startX + yy * startY
    path.endX[i] = xx * endX + xy * endY
    path.endY[i] = yx * endX + yy * endY
    left = Math.min(left, path.startX[i], path.endX[i])
    right = Math.max(right, path.startX[i], path.endX[i])
    top = Math.min(top, path.startY[i], path.endY[i])
    bottom = Math.max(bottom, path.startY[i], path.endY[i])
  }
  const radius = random.uniform(...variation.radiusPixels)
  const moveX = randomShift(random, left, right, radius)
  const moveY = randomShift(random, top, bottom, radius)
  const pressurePhase = random.uniform(0, 2 * Math.PI)
  for (let i = 0; i < path.count; i++) {
    path.startX[i] += moveX
    path.endX[i] += moveX
    path.startY[i] += moveY
    path.endY[i] += moveY
    path.radius[i] = radius * (1 + variation.pressure * Math.sin(pressurePhase + 0.2 * i))
  }
}

/** Moves [low, high] to somewhere near the middle of the image, inside its margin where it fits. */
function randomShift(random: RandomStream, low: number, high: number, radius: number): number {
  const free = Math.max(0, (digitSize - (high - low)) / 2 - radius - variation.marginPixels)
  const reach = Math.min(free, variation.shiftPixels)
  return digitSize / 2 - (low + high) / 2 + random.uniform(-reach, reach)
}

/** Covers each pixel by how much of it lies under the pen: radius minus distance, with half a pixel of soft edge. */
function spreadInk(path: PenPath, ink: Float32Array): void {
  ink.fill(0)
  const last = digitSize - 1
  for (let i = 0; i < path.count; i++) {
    const [startX, startY, endX, endY] = [path.startX[i], path.startY[i], path.endX[i], path.endY[i]]
    const reach = path.radius[i] + 0.5
    const [alongX, alongY] = [endX - startX, endY - startY]
    const perLength = 1 / Math.max(alongX * alongX + alongY * alongY, 1e-12)
    // Pixel (column, row) has its centre at (column + ½, row + ½).
    const firstColumn = Math.max(0, Math.ceil(Math.min(startX, endX) - reach - 0.5))
    const lastColumn = Math.min(last, Math.floor(Math.max(startX, endX) + reach - 0.5))
    const firstRow = Math.max(0, Math.ceil(Math.min(startY, endY) - reach - 0.5))
    const lastRow = Math.min(last, Math.floor(Math.max(startY, endY) + reach - 0.5))
    for (let row = firstRow; row <= lastRow; row++) {
      for (let column = firstColumn; column <= lastColumn; column++) {
        const [fromX, fromY] = [column + 0.5 - startX, row + 0.5 - startY]
        const t = Math.min(1, Math.max(0, (fromX * alongX + fromY * alongY) * perLength))
        const [awayX, awayY] = [fromX - t * alongX, fromY - t * alongY]
        const coverage = Math.min(1, reach - Math.sqrt(awayX * awayX + awayY * awayY))
        const pixel = row * digitSize + column
        if (coverage > ink[pixel]) ink[pixel] = coverage
      }
    }
  }
}

/** Gives the ink its darkness and the paper its grain. */
function developImage(random: RandomStream, ink: Float32Array, pixels: Uint8Array): void {
  const darkness = 255 * random.uniform(...variation.ink)
  const grain = 255 * random.uniform(...variation.noise)
  for (let i = 0; i < ink.length; i++) {
    const value = darkness * ink[i] + grain * nearlyNormal(random.uint32())
    pixels[i] = Math.min(255, Math.max(0, Math.round(value)))
  }
}

/** Mean 0 and variance 1 from the sum of a word's four bytes: a quarter of the time of a true normal draw. */
function nearlyNormal(word: number): number {
  const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24)
  return (sum - 4 * 127.5) / Math.sqrt((4 * (256 ** 2 - 1)) / 12)
}
