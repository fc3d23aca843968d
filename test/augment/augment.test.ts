/** Augmentations by their laws: what leaves as it is, what undoes itself, exact areas, mixtures, and both sides in two epochs. */

import { describe, expect, it } from 'vitest'
import type { Augmentation, Examples } from '../../src/augment/index.ts'
import * as augment from '../../src/augment/index.ts'
import * as loss from '../../src/loss/index.ts'
import { compile, grad, iota, random, type Tensor, tensor, withTraining, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { checkFirstOrder } from '../support/derivative.ts'
import { randomOf } from '../support/random.ts'

const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  tensor(new Float64Array(values), { shape })
const whole = (...values: readonly number[]): Tensor => tensor(new Int32Array(values), { shape: [values.length] })
const images = (n: number, c: number, h: number, w: number): Tensor =>
  random.normal([n, c, h, w], { key: random.key(n + h) })
const distance = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

/** What becomes of the examples of one step. */
function once(change: Augmentation, given: Partial<Examples> & { inputs: Tensor }, step = 0, epoch = 0): Examples {
  const [n] = given.inputs.shape
  const key = random.fold(random.key(7), step)
  const draw = { key, runKey: random.key(7), epoch: whole(epoch).reshape([]), rows: iota([n], 0), classes: 4 }
  return withTraining(true, () => augment.augmented({ targets: zeros([n], 'int32'), ...given }, [change], draw))
}

forEachEngine(({ backend }) => {
  it('by nothing is the identity: shift, crop, flip, erase, masks, noise, affine, mixup, labels', () => {
    const x = images(3, 2, 5, 4)
    const nothing = [
      augment.shift(0),
      augment.crop([5, 4]),
      augment.flip({ p: 0 }),
      augment.erase(0),
      augment.erase(3, { p: 0 }),
      augment.timeMask(0),
      augment.frequencyMask(0, { count: 2 }),
      augment.noise(0),
      augment.labelNoise(0),
    ]
    for (const change of nothing) expect(distance(once(change, { inputs: x }).inputs, x)).toBe(0)
    expect(distance(once(augment.affine(), { inputs: x }).inputs, x)).toBeLessThan(1e-5)
    expect(once(augment.labelNoise(0), { inputs: x, targets: whole(3, 1, 2) }).targets.arraySync()).toEqual([3, 1, 2])
    // Outside of training nothing happens.
    const given = { inputs: x, targets: whole(0, 1, 2) }
    expect(augment.augmented(given, [augment.noise(1)])).toBe(given)
  })

  it('a window moves by whole pixels, with what is told outside', () => {
    const x = f64([1, 2, 3, 4, 5, 6], [1, 2, 3])
    const at = (top: number, left: number, options?: augment.MoveOptions) =>
      augment.moved(x, whole(top), whole(left), options).arraySync()
    expect(at(0, 1)).toEqual([
      [
        [2, 3, 0],
        [5, 6, 0],
      ],
    ])
    expect(at(1, 0, { outside: 9 })).toEqual([
      [
        [4, 5, 6],
        [9, 9, 9],
      ],
    ])
    expect(at(-1, -2, { outside: 'edge' })).toEqual([
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
    ])
    expect(at(0, -2, { outside: 'reflect' })).toEqual([
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ])
    expect(at(0, 2, { outside: 'reflect' })).toEqual([
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ])
    expect(at(1, 1, { extents: [1, 2] })).toEqual([[[5, 6]]])
    const back = augment.moved(augment.moved(x, whole(0), whole(1)), whole(0), whole(-1))
    expect(back.arraySync()).toEqual([
      [
        [0, 2, 3],
        [0, 5, 6],
      ],
    ])
  })

  it('every shift and every crop is drawn, each example its own', () => {
    const x = iota([200, 3, 3], 1)
      .mul(3)
      .add(iota([200, 3, 3], 2))
      .add(1)
      .cast('float32')
    const centres = once(augment.shift(1), { inputs: x }).inputs.slice(null, [1, 2], [1, 2])
    expect(new Set(centres.dataSync()).size).toBe(9)
    const corners = once(augment.crop(2, { padding: 1 }), { inputs: x }).inputs
    expect(corners.shape).toEqual([200, 2, 2])
    expect(new Set(corners.slice(null, [0, 1], [0, 1]).dataSync()).size).toBe(10)
  })

  it('flips are their own inverse, and alternating ones show both sides in any two epochs', () => {
    const x = images(40, 1, 2, 3)
    const flags = random.bernoulli([40], 0.5, { key: random.key(3) })
    expect(distance(augment.flipped(augment.flipped(x, flags), flags), x)).toBe(0)
    const change = augment.flip({ alternating: true })
    const epochs = [0, 1, 2].map((epoch) => once(change, { inputs: x }, epoch, epoch).inputs)
    expect(distance(epochs[1], epochs[0].flip(-1))).toBe(0)
    expect(distance(epochs[2], epochs[0])).toBe(0)
    const isFlipped = epochs[0].sub(x).abs().sum([1, 2, 3]).greater(0).cast('int32').sum().itemSync()
    expect(isFlipped).toBeGreaterThan(8)
    expect(isFlipped).toBeLessThan(32)
    expect(distance(once(augment.flip({ p: 1, axis: -2 }), { inputs: x }).inputs, x.flip(-2))).toBe(0)
  })

  it('erases exactly its area, inside of each image, at every place', () => {
    const ones = zeros([50, 2, 4, 5]).add(1)
    const { inputs } = once(augment.erase([2, 3], { value: 0 }), { inputs: ones })
    expect([...new Set(inputs.sum([2, 3]).dataSync())]).toEqual([20 - 6])
    expect(
      new Set(
        inputs
          .mul(iota([20], 0).cast('float32').reshape([4, 5]))
          .sum([1, 2, 3])
          .dataSync(),
      ).size,
    ).toBe(9)
    const some = once(augment.erase(4, { p: 0.5 }), { inputs: ones })
      .inputs.sum([1, 2, 3])
      .dataSync()
    expect(new Set(some)).toEqual(new Set([40, 8]))
  })

  it('affine maps turn, scale, slant and move as matrices say; gradients go to both', () => {
    const x = f64(
      Array.from({ length: 9 }, (_, i) => i),
      [1, 1, 3, 3],
    )
    const through = (angle: number, scale = 1, shear = 0, shift = [0, 0]) =>
      augment.warped(x, augment.affineMaps(f64([angle]), f64([scale]), f64([shear]), f64(shift, [1, 2])))
    const rounded = (y: Tensor) => [...y.dataSync()].map((v) => Math.round(v * 1e6) / 1e6 + 0)
    expect(rounded(through(Math.PI / 2))).toEqual([6, 3, 0, 7, 4, 1, 8, 5, 2])
    expect(rounded(through(0, 2))).toEqual([2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6])
    expect(rounded(through(0, 1, 1))).toEqual([1, 2, 0, 3, 4, 5, 0, 6, 7])
    expect(rounded(through(0, 1, 0, [1, 0]))).toEqual([0, 0, 1, 0, 3, 4, 0, 6, 7])
    expect(rounded(through(0, 1, 0, [0.5, 0]).slice(null, null, null, [1, 3]))).toEqual([0.5, 1.5, 3.5, 4.5, 6.5, 7.5])
    // A right map of a right turn: two half turns are a whole.
    const wide = images(2, 1, 4, 6)
    const half = once(augment.affine({ rotate: 0, scale: [1, 1] }), { inputs: wide.flip(-1).flip(-2) }).inputs
    const maps = augment.affineMaps(zeros([2]).add(Math.PI), zeros([2]).add(1), zeros([2]), zeros([2, 2]))
    expect(distance(augment.warped(wide, maps), half)).toBeLessThan(1e-4)
    const points = [
      { shape: [1, 1, 3, 3], data: [3, 1, 4, 1, 5, 9, 2, 6, 5] },
      { shape: [1, 2, 3], data: [0.9, 0.1, 0.23, -0.2, 1.1, 0.13] },
    ]
    checkFirstOrder(([y, map]) => [augment.warped(y, map)], points, randomOf(1))
  })

  it('mixup mixes inputs and targets by one share, and labels become probabilities that sum to 1', () => {
    const given = { inputs: f64([1, 2, 3, 4], [2, 2]), targets: f64([10, 20]) }
    const mixture = augment.mixed(given, whole(1, 0), f64([0.75, 1]))
    expect(mixture.inputs.arraySync()).toEqual([
      [1.5, 2.5],
      [3, 4],
    ])
    expect(mixture.targets.arraySync()).toEqual([12.5, 20])
    const labels = whole(0, 1, 2, 3)
    const x = tensor([
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
    ])
    const { inputs, targets } = once(augment.mixup(0.4), { inputs: x, targets: labels })
    expect(distance(inputs, targets)).toBe(0)
    expect(distance(targets.sum(1), zeros([4]).add(1))).toBeLessThan(1e-6)
    const l = loss.softmaxCrossEntropy(inputs, targets)
    expect(Number.isFinite(grad(l, inputs).sum().itemSync())).toBe(true)
  })

  it('shares of mixup have the moments of the beta distribution, wrong labels their rate', () => {
    const count = backend === 'reference' ? 300 : 4000
    const near = (drawn: Tensor, mean: number, variance: number): void => {
      expect(Math.abs(drawn.mean().itemSync() - mean)).toBeLessThan(5 * Math.sqrt(variance / count))
      expect(Math.abs(drawn.var().itemSync() / variance - 1)).toBeLessThan(10 / Math.sqrt(count))
    }
    for (const [a, b] of [
      [0.2, 0.2],
      [1, 1],
      [3, 0.5],
    ] as const) {
      const drawn = random.beta([count], a, b, { key: random.key(5) })
      expect(drawn.greaterEqual(0).and(drawn.lessEqual(1)).all().itemSync()).toBe(1)
      near(drawn, a / (a + b), (a * b) / ((a + b) ** 2 * (a + b + 1)))
    }
    near(random.gamma([count], 2.5, { key: random.key(6) }), 2.5, 2.5)
    const { targets } = once(augment.labelNoise(0.5), { inputs: zeros([2000, 1]), targets: zeros([2000], 'int32') })
    const wrong = targets.notEqual(0).cast('float32').mean().itemSync()
    expect(Math.abs(wrong - 0.5 * 0.75)).toBeLessThan(0.05)
  })

  it('masks bands of time and frequency, no wider than told', () => {
    const ones = zeros([60, 2, 6, 8]).add(1)
    const masked = once(augment.timeMask(3, { value: 5 }), { inputs: ones }).inputs
    const bands = masked.sub(1).div(4)
    // The same for all channels and frequencies; as wide as 0 to 3.
    expect(distance(bands, bands.mean([1, 2], true).broadcastTo(bands.shape))).toBe(0)
    expect(new Set(bands.sum([1, 2, 3]).dataSync())).toEqual(new Set([0, 12, 24, 36]))
    const low = once(augment.frequencyMask(2), { inputs: ones }).inputs
    expect(distance(low, low.mean([1, 3], true).broadcastTo(low.shape))).toBe(0)
    expect(new Set(low.sum([1, 2, 3]).dataSync())).toEqual(new Set([96, 80, 64]))
    // Longer than the axis: at most all of it.
    expect(once(augment.timeMask(50), { inputs: ones }).inputs.min().itemSync()).toBe(0)
  })

  it('is another one in each step of a compiled function, and the same by the same key', () => {
    const x = images(4, 1, 6, 6)
    const all = [augment.shift(2), augment.flip(), augment.erase(2), augment.noise(0.1)]
    const run = compile(() => augment.augmented({ inputs: x, targets: x }, all).inputs)
    const [a, b] = withTraining(true, () => [run(), run()])
    expect(distance(a, b)).toBeGreaterThan(0)
    for (const change of all)
      expect(distance(once(change, { inputs: x }, 3).inputs, once(change, { inputs: x }, 3).inputs)).toBe(0)
  })

  it('takes batches of one example, images of one pixel, and none', () => {
    const all = [
      augment.shift(1, { outside: 'reflect' }),
      augment.flip(),
      augment.erase(1),
      augment.affine({ rotate: 9 }),
    ]
    for (const shape of [
      [1, 1, 1, 1],
      [0, 1, 2, 2],
    ] as const)
      for (const change of all) expect(once(change, { inputs: zeros(shape) }).inputs.shape).toEqual(shape)
  })
})

describe('refusals', () => {
  const x = (...shape: readonly number[]): Examples => ({ inputs: zeros(shape), targets: zeros([shape[0]], 'int32') })
  const run = (change: Augmentation, given: Examples): unknown =>
    withTraining(true, () => augment.augmented(given, [change]))
  const cases: readonly (readonly [what: string, refused: () => unknown, message: RegExp])[] = [
    ['shift pixels', () => augment.shift(1.5), /augment\.shift: pixels is 1\.5/],
    ['shift outside', () => augment.shift(1, { outside: Number.NaN }), /outside is NaN/],
    ['crop extent', () => augment.crop([0, 2]), /extent is 0/],
    ['crop too large', () => run(augment.crop(6), x(1, 4, 4)), /window of 6×6 in images of 4×4/],
    ['flip p', () => augment.flip({ p: 1.5 }), /augment\.flip: p is 1\.5.*\[0, 1\]/],
    ['flip twice', () => augment.flip({ p: 0.2, alternating: true }), /give one of them/],
    ['erase too large', () => run(augment.erase([2, 9]), x(1, 4, 4)), /2×9 of images of 4×4/],
    ['erase value', () => augment.erase(1, { value: Infinity }), /value is Infinity/],
    ['affine scale', () => augment.affine({ scale: [2, 1] }), /scale is \[2, 1\]/],
    ['affine rotate', () => augment.affine({ rotate: Number.NaN }), /rotate is NaN/],
    ['images', () => run(augment.shift(1), x(5, 4)), /\[5, 4\]: expected images/],
    ['warp channels', () => run(augment.affine(), x(5, 4, 4)), /\[5, 4, 4\].*\[n, c, h, w\]/],
    ['moved places', () => augment.moved(zeros([2, 3, 3]), whole(1), whole(1, 2)), /top is int32 \[1\].*int32 \[2\]/],
    ['noise', () => augment.noise(-1), /standard deviation is -1/],
    ['time mask width', () => augment.timeMask(-1), /augment\.timeMask: width is -1/],
    ['frequency mask axes', () => run(augment.frequencyMask(1), x(5, 4)), /at least 3 axes/],
    ['mixup alpha', () => augment.mixup(0), /alpha is 0/],
    ['mixup classes', () => run(augment.mixup(1), x(5, 4)), /unknown number of classes/],
    [
      'label noise of numbers',
      () => run(augment.labelNoise(0.1), { inputs: zeros([2]), targets: zeros([2]) }),
      /float32/,
    ],
    [
      'a number of examples that changes',
      () =>
        run(
          { kind: 'half', options: {}, apply: (e) => ({ inputs: e.inputs.slice([0, 1]), targets: e.targets }) },
          x(2, 2),
        ),
      /half makes 1 inputs and 2 targets of 2 examples/,
    ],
  ]
  it.each(cases)('%s', (_, refused, message) => {
    expect(refused).toThrow(message)
  })
})
