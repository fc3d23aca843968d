// The float64 functions of lanes against the host's: random arguments of all sizes, and what happens at extremes.

import { describe, expect, test } from 'vitest'
import { doubles, expandDoubles } from '../../src/scalar/double.ts'
import { evaluator } from '../../src/scalar/evaluate.ts'
import { argument, call, type FunctionName, topological } from '../../src/scalar/expr.ts'
import { math } from '../../src/scalar/math.ts'
import { Chance } from '../kernel/random.ts'

/** Largest error in units in the last place of a result, those of the host's function included. */
const units: { readonly [F in FunctionName]?: number } = { erf: 3, tanh: 4, sinh: 4, asinh: 4, acosh: 4, atanh: 4 }

const spacing = (t: number): number => 2 ** Math.max(-1074, Math.floor(Math.log2(Math.abs(t))) - 52)

function error(got: number, want: number): number {
  if (Object.is(got, want)) return 0
  if (!Number.isFinite(want) || !Number.isFinite(got)) return Number.POSITIVE_INFINITY
  return Math.abs(got - want) / spacing(want)
}

const edges = [0, 1, 0.5, 2, 40, 700, 709.7, 709.79, 710.4, 710.5, 745.1, 746, 1e-300, 5e-324, 1e-17, 1e300, 1.7e308]
const special = [...edges, ...edges.map((x) => -x), Infinity, -Infinity, Number.NaN]

describe.each(Object.keys(doubles) as FunctionName[])('%s', (name) => {
  const root = expandDoubles(call(name, argument('f64', 0)), new Map())
  const f = evaluator(root, { rounded: true })
  const limit = units[name] ?? 2
  const measure = (x: number): void => {
    const [got, want] = [f([x]), math[name](x)]
    const wrong = error(got, want)
    if (!(wrong <= limit)) expect.fail(`${name}(${x}) = ${got}, not ${want}: ${wrong} units in the last place`)
  }

  test('has no call left', () => {
    expect(topological([root]).some((e) => e.op === 'call')).toBe(false)
  })

  test('is the host’s where numbers are large, small or none', () => {
    for (const x of special) measure(x)
  })

  test(`is within ${limit} units in the last place`, () => {
    const chance = new Chance(11)
    for (let i = 0; i < 1000; i++) {
      const x = chance.number() - 0.5
      for (const scale of [2, 3, 12, 100, 1420]) measure(scale * x)
      measure(Math.sign(x) * 10 ** (600 * (chance.number() - 0.5)))
    }
  })
})
