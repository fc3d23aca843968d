// Evaluation of scalar expressions in JavaScript: what each operation means, rounding, and shared parts.

import { describe, expect, test } from 'vitest'
import { evaluator } from '../../src/scalar/evaluate.ts'
import type { Expr, ScalarType } from '../../src/scalar/expr.ts'
import * as x from '../../src/scalar/expr.ts'

const value = (e: Expr, ...args: number[]): number => evaluator(e)(args)
const a = (type: ScalarType): Expr => x.argument(type, 0)
const b = (type: ScalarType): Expr => x.argument(type, 1)

describe('integers', () => {
  const i = (f: (p: Expr, q: Expr) => Expr, p: number, q: number): number => value(f(a('i32'), b('i32')), p, q)
  test('wrap around', () => {
    expect(i(x.add, 0x7fffffff, 1)).toBe(-0x80000000)
    expect(i(x.mul, 0x12345678, 0x7654321)).toBe(Math.imul(0x12345678, 0x7654321))
    expect(value(x.neg(a('i32')), -0x80000000)).toBe(-0x80000000)
  })
  test('divide towards zero, and by zero to zero', () => {
    expect(i(x.div, -7, 2)).toBe(-3)
    expect(i(x.div, 5, 0)).toBe(0)
    expect(i(x.div, -0x80000000, -1)).toBe(-0x80000000)
  })
  test('shift', () => {
    expect(i(x.shr, -1, 28)).toBe(15)
    expect(i(x.sar, -16, 2)).toBe(-4)
    expect(i(x.shl, 3, 31)).toBe(-0x80000000)
  })
})

describe('conversions', () => {
  const to = (type: ScalarType, from: ScalarType, v: number): number => value(x.convert(type, a(from)), v)
  test('to integers truncate and saturate', () => {
    expect(to('i32', 'f32', -1.9)).toBe(-1)
    expect(to('i32', 'f32', 1e20)).toBe(0x7fffffff)
    expect(to('i32', 'f64', -1e20)).toBe(-0x80000000)
    expect(to('i32', 'f32', Number.NaN)).toBe(0)
  })
  test('to bool ask whether it is not zero', () => {
    expect(to('bool', 'f32', Number.NaN)).toBe(1)
    expect(to('bool', 'i32', 0)).toBe(0)
  })
  test('bitcasts read the same bits', () => {
    expect(value(x.bitcast('i32', a('f32')), 1)).toBe(0x3f800000)
    expect(value(x.bitcast('f32', a('i32')), 0x40490fdb)).toBe(Math.fround(Math.PI))
  })
})

test('rounding goes to even and keeps the sign of zero', () => {
  const round = evaluator(x.round(a('f32')))
  const cases = [
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, -0],
    [-0.2, -0],
    [-1.5, -2],
    [1e20, 1e20],
  ] as const
  for (const [given, want] of cases) expect(round([given])).toBe(want)
})

test('minimum and maximum propagate NaN', () => {
  expect(value(x.max(a('f32'), b('f32')), Number.NaN, 1)).toBeNaN()
  expect(value(x.min(a('f32'), b('f32')), 1, Number.NaN)).toBeNaN()
})

test('float32 is computed in double precision unless rounding is asked for', () => {
  const third = x.div(x.constant('f32', 1), x.constant('f32', 3))
  expect(evaluator(third)([])).toBe(1 / 3)
  expect(evaluator(third, { rounded: true })([])).toBe(Math.fround(1 / 3))
  expect(evaluator(x.call('tanh', a('f32')))([0.3])).toBe(Math.tanh(0.3))
})

test('shared parts are computed once', () => {
  // Doubling forty times would take 2^40 steps without sharing
  let e = a('f32')
  for (let i = 0; i < 40; i++) e = x.add(e, e)
  expect(value(e, 1)).toBe(2 ** 40)
})

test('an operation without meaning is refused', () => {
  expect(() => evaluator(x.sqrt(a('i32')))).toThrow('sqrt has no meaning for i32')
  expect(() => x.add(a('i32'), b('f32'))).toThrow('add: operands have types i32 and f32')
})
