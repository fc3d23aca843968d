// The float32 functions against double precision: dense and random arguments, and what happens at extremes.

import { describe, expect, test } from 'vitest'
import { evaluator } from '../../src/scalar/evaluate.ts'
import { argument, call, type Expr, type FunctionName, topological } from '../../src/scalar/expr.ts'
import { expand, expansions } from '../../src/scalar/functions.ts'
import { math } from '../../src/scalar/math.ts'
import { Chance } from '../kernel/random.ts'

/** Where each function is measured, densely. */
const ranges: { readonly [F in FunctionName]: readonly (readonly [number, number])[] } = {
  exp: [
    [-87, 88.7],
    [-1, 1],
  ],
  expm1: [
    [-20, 88.7],
    [-1, 1],
    [-1e-3, 1e-3],
  ],
  log: [
    [0, 10],
    [0.5, 2],
    [0, 3e38],
  ],
  log1p: [
    [-1, 2],
    [-1e-3, 1e-3],
    [0, 1e10],
  ],
  sin: [
    [-7, 7],
    [-400, 400],
  ],
  cos: [
    [-7, 7],
    [-400, 400],
  ],
  tan: [
    [-7, 7],
    [-100, 100],
  ],
  asin: [[-1, 1]],
  acos: [[-1, 1]],
  atan: [
    [-3, 3],
    [-100, 100],
  ],
  atan2: [
    [-3, 3],
    [-1e-3, 1e-3],
  ],
  sinh: [
    [-89.4, 89.4],
    [-1, 1],
    [-0.01, 0.01],
  ],
  cosh: [
    [-89.4, 89.4],
    [-1, 1],
  ],
  tanh: [
    [-12, 12],
    [-1, 1],
    [-1e-3, 1e-3],
  ],
  asinh: [
    [-10, 10],
    [-1e10, 1e10],
    [-1e-3, 1e-3],
  ],
  acosh: [
    [1, 10],
    [1, 1.01],
    [1, 1e12],
  ],
  atanh: [
    [-1, 1],
    [-0.01, 0.01],
  ],
  erf: [
    [-5, 5],
    [-1e-3, 1e-3],
  ],
  sigmoid: [
    [-86, 86],
    [-5, 5],
  ],
  pow: [
    [-10, 10],
    [-2, 2],
  ],
}

const names = Object.keys(expansions) as FunctionName[]
const isBinary = (name: FunctionName): boolean => name === 'pow' || name === 'atan2'
const isPeriodic = (name: FunctionName): boolean => name === 'sin' || name === 'cos' || name === 'tan'

function expanded(name: FunctionName): Expr {
  const x = argument('f32', 0)
  return expand(isBinary(name) ? call(name, x, argument('f32', 1)) : call(name, x))
}

/** The distance between neighbouring float32 numbers at |t|. */
const spacing = (t: number): number => 2 ** Math.max(-149, Math.floor(Math.log2(Math.abs(t))) - 23)

/** The error in units in the last place; 0 where both are below 2^-125. */
function error(got: number, want: number): number {
  const rounded = Math.fround(want)
  if (Object.is(got, rounded)) return 0
  if (!Number.isFinite(rounded) || !Number.isFinite(got)) return Number.POSITIVE_INFINITY
  if (Math.abs(want) < 2 ** -125 && Math.abs(got) < 2 ** -125) return 0
  return Math.abs(got - want) / spacing(want)
}

describe.each(names)('%s', (name) => {
  const f = evaluator(expanded(name), { rounded: true })
  const exact = math[name]
  const chance = new Chance(7)
  const decades = (): number => (chance.chance(0.5) ? -1 : 1) * 10 ** (chance.number() * 75 - 37)

  test('has no call left', () => {
    expect(topological([expanded(name)]).some((e) => e.op === 'call')).toBe(false)
  })

  test(`is within ${expansions[name].ulp} units in the last place`, () => {
    let worst = { error: 0, args: [0], got: 0, want: 0 }
    const measure = (...given: number[]): void => {
      const args = given.map(Math.fround)
      const [got, want] = [f(args), exact(...args)]
      const e = error(got, want)
      if (e > worst.error) worst = { error: e, args, got, want }
    }
    for (const [low, high] of ranges[name]) {
      for (let i = 0; i <= 10_000; i++) {
        const x = low + ((high - low) * i) / 10_000
        if (isBinary(name)) measure(low + (high - low) * chance.number(), x)
        else measure(x)
      }
    }
    for (let i = 0; i < 10_000 && !isPeriodic(name); i++) {
      if (!isBinary(name)) measure(decades())
      else {
        measure(decades(), decades())
        measure(Math.abs(decades()), 4 * chance.number() - 2)
        measure(1 + 1e-3 * (chance.number() - 0.5), 1e5 * (chance.number() - 0.5))
      }
    }
    expect(worst.error, JSON.stringify(worst)).toBeLessThanOrEqual(expansions[name].ulp)
  })

  test('is right at zeros, infinities, NaN and huge numbers', () => {
    const special = [
      0,
      -0,
      1,
      -1,
      0.5,
      -0.5,
      2,
      3,
      -3,
      Infinity,
      -Infinity,
      Number.NaN,
      1e-30,
      -1e-30,
      3e38,
      -3e38,
      104,
      -104,
    ]
    const limit = isPeriodic(name) ? 1e5 : Infinity
    const arguments_ = special.filter((x) => Math.abs(x) <= limit || !Number.isFinite(x))
    const lists = isBinary(name) ? arguments_.flatMap((x) => arguments_.map((y) => [x, y])) : arguments_.map((x) => [x])
    for (const given of lists) {
      const args = given.map(Math.fround)
      const [got, want] = [f(args), exact(...args)]
      const wrongSign = want === 0 && got === 0 && !Object.is(got, want) && !(name === 'pow')
      expect(error(got, want), `${name}(${args.join()}) = ${got}, not ${want}`).toBeLessThanOrEqual(
        expansions[name].ulp,
      )
      expect(wrongSign, `${name}(${args.join()}) = ${got}`).toBe(false)
    }
  })
})

test('tanh and erf stay within one and are odd', () => {
  for (const name of ['tanh', 'erf'] as const) {
    const f = evaluator(expanded(name), { rounded: true })
    for (let x = 0; x < 12; x += 1 / 4096) {
      expect(Math.abs(f([x]))).toBeLessThanOrEqual(1)
      expect(f([-x])).toBe(-f([x]))
    }
  }
})

test('sine and cosine are good to 2e-7 up to 1e5', () => {
  const chance = new Chance(3)
  for (const name of ['sin', 'cos'] as const) {
    const f = evaluator(expanded(name), { rounded: true })
    for (let i = 0; i < 20_000; i++) {
      const x = Math.fround((chance.number() - 0.5) * 2e5)
      expect(Math.abs(f([x]) - math[name](x))).toBeLessThan(2e-7)
    }
  }
})
