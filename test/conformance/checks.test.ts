/** The conformance command's checks: one for each entry of the fixture, and what the library lacks is a failure. */

import { expect, it } from 'vitest'
import { reference } from '../support/reference.ts'
import { checksOf } from './checks.ts'
import { difference } from './difference.ts'

it('has a check for each of 260 cases, 38 trajectories, 9 schedules, 6 gains, clipping and 6 second derivatives', () => {
  const checks = checksOf(reference)
  expect(checks.length).toBe(260 + 38 + 9 + 6 + 1 + 6)
  expect(new Set(checks.map(({ group, name }) => `${group} ${name}`)).size).toBe(checks.length)
})

it.each(['sinh of the moon', 'toString'])('a case named %s fails, because the library has no form of it', (name) => {
  const [known] = reference.cases
  const [check] = checksOf({ ...reference, cases: [{ ...known, name }] })
  expect(() => check.compare('float64')).toThrow('the library has no form of it')
})

it('an optimizer and a schedule that nobody knows fail too', () => {
  const checks = checksOf({
    ...reference,
    optimizers: { runs: { 'wish:rosen': { args: {}, trajectory: [[1, 2]] } } },
    schedules: { runs: { wish: [1] } },
  })
  for (const { compare } of checks.filter(({ name }) => name.startsWith('wish')))
    expect(() => compare('float64')).toThrow('no form')
})

it.each([
  [
    'values',
    { actual: [1, 2.1], expected: [1, 2], tolerance: 1e-3 },
    'x element 1 of 2: 2.1 instead of 2, allowed 0.002',
  ],
  ['NaN', { actual: [Number.NaN], expected: [0], tolerance: 1 }, 'x element 0 of 1: NaN instead of 0, allowed 1'],
  [
    'a finite number for an infinity',
    { actual: [9e9], expected: [Infinity], tolerance: 1 },
    'x element 0 of 1: 9000000000 instead of Infinity, allowed 1',
  ],
  ['number of elements', { actual: [1], expected: [1, 2], tolerance: 1 }, 'x: 1 elements instead of 2'],
] as const)('a difference of %s is told', (_, numbers, message) => {
  expect(difference({ what: 'x', ...numbers })).toBe(message)
  expect(difference({ what: 'x', ...numbers, actual: numbers.expected })).toBeUndefined()
})
