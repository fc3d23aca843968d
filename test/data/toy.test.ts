// The toy sets: the geometry that the playground's sets are known by.
import { expect, test } from 'vitest'
import type { Dataset } from '../../src/data/dataset.ts'
import { toy, xorTable } from '../../src/data/toy.ts'

interface Point {
  x: number
  y: number
  target: number
}

const pointsOf = ({ inputs, targets }: Dataset): Point[] =>
  Array.from(targets, (target, i) => ({ x: inputs[2 * i], y: inputs[2 * i + 1], target }))

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

test.each(Object.entries(toy))('%s: sizes, seeds, usual options', (name, generate) => {
  const data = generate({ samples: 41, noise: 0.1, seed: 3 })
  expect(data).toMatchObject({ name, length: 41, inputShape: [2] })
  expect(generate({ samples: 41, noise: 0.1, seed: 3 }).inputs).toEqual(data.inputs)
  const isRegression = data.classes === undefined
  expect(generate().length).toBe(isRegression ? 1200 : 500)
  expect(data.targetShape).toEqual(isRegression ? [1] : [])
  // Without noise the spiral has no chance in it.
  expect(generate({ samples: 41, noise: 0.1, seed: 4 }).inputs).not.toEqual(data.inputs)
})

test.each([
  [0, 0.5],
  [0.25, 2.25],
  [0.5, 4],
])('gaussians about ±(2, 2): noise %f is variance %f', (noise, variance) => {
  const points = pointsOf(toy.gaussians({ samples: 20_000, noise }))
  for (const [target, centre] of [
    [1, 2],
    [0, -2],
  ]) {
    const cloud = points.filter((point) => point.target === target)
    expect(cloud).toHaveLength(10_000)
    for (const axis of ['x', 'y'] as const) {
      expect(Math.abs(mean(cloud.map((point) => point[axis])) - centre)).toBeLessThan(0.1)
      const spread = mean(cloud.map((point) => (point[axis] - centre) ** 2))
      expect(Math.abs(spread / variance - 1)).toBeLessThan(0.08)
    }
  }
})

test('circle: a disc below 2.5, a ring from 3.5 to 5, and labels that noise turns', () => {
  const points = pointsOf(toy.circle({ samples: 1000 }))
  for (const { x, y, target } of points) {
    const radius = Math.hypot(x, y)
    if (target === 1) expect(radius).toBeLessThan(2.5)
    else expect(radius >= 3.4999 && radius <= 5.0001).toBe(true)
  }
  expect(points.filter(({ target }) => target === 1)).toHaveLength(500)
  const noisy = pointsOf(toy.circle({ samples: 1000, noise: 0.3 }))
  expect(noisy.some(({ x, y, target }) => Math.hypot(x, y) < 2.5 && target === 0)).toBe(true)
})

test('xor: four squares pushed out by 0.3, positive where the signs agree', () => {
  for (const { x, y, target } of pointsOf(toy.xor({ samples: 1000 }))) {
    expect(Math.min(Math.abs(x), Math.abs(y))).toBeGreaterThanOrEqual(0.2999)
    expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual(5.3001)
    expect(target).toBe(x * y > 0 ? 1 : 0)
  }
})

test('spiral: radius 5i/n, 1¾ turns, arms half a turn apart', () => {
  const points = pointsOf(toy.spiral({ samples: 200 }))
  for (let i = 0; i < 100; i++) {
    const [first, second] = [points[i], points[100 + i]]
    const angle = (1.75 * 2 * Math.PI * i) / 100
    expect(first.x).toBeCloseTo(((5 * i) / 100) * Math.sin(angle), 5)
    expect(first.y).toBeCloseTo(((5 * i) / 100) * Math.cos(angle), 5)
    expect(second.x).toBeCloseTo(-first.x, 5)
    expect(second.y).toBeCloseTo(-first.y, 5)
    expect([first.target, second.target]).toEqual([1, 0])
  }
  const noisy = pointsOf(toy.spiral({ samples: 200, noise: 0.5 }))
  const moved = noisy.map(({ x }, i) => Math.abs(x - points[i].x))
  expect(Math.max(...moved)).toBeLessThanOrEqual(0.5001)
  expect(mean(moved)).toBeGreaterThan(0.15)
})

test('plane: (x + y) / 10 over [−6, 6]²', () => {
  const points = pointsOf(toy.plane({ samples: 500 }))
  for (const { x, y, target } of points) {
    expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual(6)
    expect(target).toBeCloseTo((x + y) / 10, 5)
  }
  expect(Math.max(...points.map(({ x }) => x))).toBeGreaterThan(5.5)
})

test('multiGaussian: six cones of alternating sign', () => {
  const points = pointsOf(toy.multiGaussian({ samples: 5000 }))
  const signs = { '-4,2.5': 1, '0,2.5': -1, '4,2.5': 1, '-4,-2.5': -1, '0,-2.5': 1, '4,-2.5': -1 }
  for (const [place, sign] of Object.entries(signs)) {
    const [centreX, centreY] = place.split(',').map(Number)
    const near = points.filter(({ x, y }) => Math.hypot(x - centreX, y - centreY) < 1.9)
    expect(near.length).toBeGreaterThan(100)
    for (const { x, y, target } of near)
      expect(target).toBeCloseTo(sign * (1 - Math.hypot(x - centreX, y - centreY) / 2), 5)
  }
  expect(points.some(({ target }) => target === 0)).toBe(true)
})

test('the table of XOR', () => {
  const table = xorTable()
  expect(pointsOf(table).map(({ x, y, target }) => [x, y, target])).toEqual([
    [0, 0, 0],
    [0, 1, 1],
    [1, 0, 1],
    [1, 1, 0],
  ])
  expect(table.classes).toBe(2)
})
