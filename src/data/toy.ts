/** Small data sets in the plane, as TensorFlow Playground makes them, and the truth table of XOR. */
import { type Dataset, dataset } from './dataset.ts'
import { foldKey, type RandomStream, randomKey, randomStream } from './random.ts'

export interface ToyOptions {
  /** Number of points; 500 for classes, 1,200 for regression unless told. */
  readonly samples?: number
  /** From 0 to 0.5 in the playground; 0 unless told. */
  readonly noise?: number
  /** 0 unless told. */
  readonly seed?: number
}

/** A generator of points (x, y), each shape [2], with a class (0 negative, 1 positive) or a number of shape [1]. */
export type ToyGenerator = (options?: ToyOptions) => Dataset

type Point = readonly [x: number, y: number, target: number]
type Draw = (samples: number, noise: number, random: RandomStream) => Point[]

/**
 * The 2-D toy sets of tensorflow/playground (`src/dataset.ts`). In `gaussians`, `circle` and `spiral` all points of one class come
 * first: shuffle them. `plane` and `multiGaussian` are for regression, with targets in [−1, 1]. Throws on bad options.
 *
 *     toy.spiral({ samples: 200, noise: 0.1, seed: 1 }).inputShape // [2]
 */
export const toy: Readonly<
  Record<'gaussians' | 'circle' | 'xor' | 'spiral' | 'plane' | 'multiGaussian', ToyGenerator>
> = {
  gaussians: classes('gaussians', drawGaussians),
  circle: classes('circle', drawCircle),
  xor: classes('xor', drawXor),
  spiral: classes('spiral', drawSpiral),
  plane: regression('plane', drawPlane),
  multiGaussian: regression('multiGaussian', drawMultiGaussian),
}

/** The four points of XOR: 00 → 0, 01 → 1, 10 → 1, 11 → 0. */
export function xorTable(): Dataset {
  return dataset({
    name: 'xor table',
    inputs: [0, 0, 0, 1, 1, 0, 1, 1],
    inputShape: [2],
    targets: [0, 1, 1, 0],
    classNames: ['0', '1'],
  })
}

/** Two round clouds at (2, 2) and (−2, −2), with variance 0.5 (noise 0) to 4 (noise 0.5). */
function drawGaussians(samples: number, noise: number, random: RandomStream): Point[] {
  const deviation = Math.sqrt(0.5 + (noise / 0.5) * 3.5)
  return twoHalves(samples, (_i, _n, isPositive) => {
    const centre = isPositive ? 2 : -2
    return [random.normal(centre, deviation), random.normal(centre, deviation), isPositive ? 1 : 0]
  })
}

/** A disc of radius 2.5 in a ring from 3.5 to 5; noise moves the point that is labelled, not the one that is shown. */
function drawCircle(samples: number, noise: number, random: RandomStream): Point[] {
  const radius = 5
  return twoHalves(samples, (_i, _n, isInside) => {
    const distance = isInside ? random.uniform(0, 0.5 * radius) : random.uniform(0.7 * radius, radius)
    const angle = random.uniform(0, 2 * Math.PI)
    const [x, y] = [distance * Math.sin(angle), distance * Math.cos(angle)]
    const labelledAt = Math.hypot(
      x + noise * random.uniform(-radius, radius),
      y + noise * random.uniform(-radius, radius),
    )
    return [x, y, labelledAt < 0.5 * radius ? 1 : 0]
  })
}

/** Four squares about a cross of width 0.6: positive where x and y have the same sign. */
function drawXor(samples: number, noise: number, random: RandomStream): Point[] {
  const coordinate = () => {
    const value = random.uniform(-5, 5)
    return value + (value > 0 ? 0.3 : -0.3)
  }
  return Array.from({ length: samples }, () => {
    const [x, y] = [coordinate(), coordinate()]
    const product = (x + noise * random.uniform(-5, 5)) * (y + noise * random.uniform(-5, 5))
    return [x, y, product >= 0 ? 1 : 0]
  })
}

/** Two arms of 1¾ turns out to radius 5, half a turn apart; noise moves the points. */
function drawSpiral(samples: number, noise: number, random: RandomStream): Point[] {
  return twoHalves(samples, (i, n, isFirstArm) => {
    const radius = (i / n) * 5
    const angle = ((1.75 * i) / n) * 2 * Math.PI + (isFirstArm ? 0 : Math.PI)
    const x = radius * Math.sin(angle) + noise * random.uniform(-1, 1)
    const y = radius * Math.cos(angle) + noise * random.uniform(-1, 1)
    return [x, y, isFirstArm ? 1 : 0]
  })
}

const regressionRadius = 6

/** The plane (x + y) / 10 over a square. */
function drawPlane(samples: number, noise: number, random: RandomStream): Point[] {
  return inSquare(samples, noise, random, (x, y) => (x + y) / 10)
}

/** Six cones of radius 2 and alternating sign, in two rows of three; where they meet, the strongest counts. */
function drawMultiGaussian(samples: number, noise: number, random: RandomStream): Point[] {
  const cones = [-2.5, 2.5].flatMap((y) => [-4, 0, 4].map((x) => ({ x, y, sign: (x === 0 ? -1 : 1) * Math.sign(y) })))
  return inSquare(samples, noise, random, (x, y) => {
    let strongest = 0
    for (const cone of cones) {
      const value = cone.sign * Math.max(0, 1 - Math.hypot(x - cone.x, y - cone.y) / 2)
      if (Math.abs(value) > Math.abs(strongest)) strongest = value
    }
    return strongest
  })
}

/** The first half (and the odd one) positive, then the negative ones. */
function twoHalves(samples: number, point: (i: number, n: number, isPositive: boolean) => Point): Point[] {
  const positive = Math.ceil(samples / 2)
  const negative = samples - positive
  return [
    ...Array.from({ length: positive }, (_, i) => point(i, positive, true)),
    ...Array.from({ length: negative }, (_, i) => point(i, negative, false)),
  ]
}

function inSquare(
  samples: number,
  noise: number,
  random: RandomStream,
  height: (x: number, y: number) => number,
): Point[] {
  const coordinate = () => random.uniform(-regressionRadius, regressionRadius)
  return Array.from({ length: samples }, () => {
    const [x, y] = [coordinate(), coordinate()]
    return [x, y, height(x + noise * coordinate(), y + noise * coordinate())]
  })
}

function classes(name: string, draw: Draw): ToyGenerator {
  return (options = {}) => {
    const points = drawPoints(name, draw, 500, options)
    return dataset({ ...points, targetShape: [], classNames: ['negative', 'positive'] })
  }
}

function regression(name: string, draw: Draw): ToyGenerator {
  return (options = {}) => dataset({ ...drawPoints(name, draw, 1200, options), targetShape: [1] })
}

function drawPoints(name: string, draw: Draw, usualSamples: number, options: ToyOptions) {
  const { samples = usualSamples, noise = 0, seed = 0 } = options
  if (!(Number.isInteger(samples) && samples >= 2))
    throw new Error(`toy.${name}: samples must be a whole number of at least 2, found ${samples}`)
  if (!(noise >= 0 && Number.isFinite(noise))) throw new Error(`toy.${name}: noise must be at least 0, found ${noise}`)
  const points = draw(samples, noise, randomStream(foldKey(randomKey(seed), 4)))
  return {
    name,
    inputs: points.flatMap((point) => point.slice(0, 2)),
    inputShape: [2],
    targets: points.map(([, , target]) => target),
  }
}
