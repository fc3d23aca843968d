// The double-precision functions that are ours: erf, sigmoid and pow, against values of forty digits.

import { describe, expect, test } from 'vitest'
import { math } from '../../src/scalar/math.ts'

const cases: { readonly [name: string]: readonly (readonly [readonly number[], number])[] } = {
  erf: [
    [[1e-300], 1.1283791670955126e-300],
    [[1e-9], 1.1283791670955127e-9],
    [[0.1], 0.1124629160182849],
    [[0.5], 0.5204998778130465],
    [[0.84], 0.7651427114549945],
    [[0.85], 0.7706680576083526],
    [[1.0], 0.8427007929497149],
    [[1.2], 0.9103139782296353],
    [[1.3], 0.9340079449406524],
    [[2.0], 0.9953222650189527],
    [[2.85], 0.9999443437200386],
    [[2.9], 0.9999589021219005],
    [[3.5], 0.9999992569016276],
    [[5.9], 0.9999999999999999],
    [[6.0], 1.0],
    [[30.0], 1.0],
    [[-0.7], -0.6778011938374184],
    [[-2.0], -0.9953222650189527],
    [[-3.0], -0.9999779095030014],
  ],
  sigmoid: [
    [[0.0], 0.5],
    [[1.0], 0.7310585786300049],
    [[-1.0], 0.2689414213699951],
    [[30.0], 0.9999999999999064],
    [[-30.0], 9.357622968839299e-14],
    [[-700.0], 9.85967654375977e-305],
    [[700.0], 1.0],
    [[1e-20], 0.5],
  ],
  pow: [
    [[2, 0.5], Math.SQRT2],
    [[-8, 3], -512],
    [[1, Number.NaN], 1],
    [[Number.NaN, 0], 1],
    [[-1, Infinity], 1],
    [[-1, -Infinity], 1],
    [[0, -1], Infinity],
    [[-0, -3], -Infinity],
    [[-2, 0.5], Number.NaN],
  ],
}

describe.each(Object.entries(cases))('%s', (name, list) => {
  test.each(list)('of %j is %f', (args, want) => {
    const got = math[name as keyof typeof math](...args)
    if (want === 0 || !Number.isFinite(want)) expect(got).toBe(want)
    else expect(Math.abs(got - want) / Math.abs(want)).toBeLessThan(2e-15)
  })
})
