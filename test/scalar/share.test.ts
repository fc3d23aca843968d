// Structural sharing of expressions.

import { expect, test } from 'vitest'
import { add, argument, call, constant, exprKey, mul, topological } from '../../src/scalar/expr.ts'
import { expand } from '../../src/scalar/functions.ts'
import { sharer } from '../../src/scalar/share.ts'

test('equal expressions become the same object, over several roots', () => {
  const make = () => mul(add(argument('f32', 0), constant('f32', 1)), constant('f32', 1))
  const share = sharer()
  const [first, second] = [share(make()), share(make())]
  expect(first).toBe(second)
  expect(first.args[0].args[1]).toBe(first.args[1])
})

test('zero and minus zero, types and names are told apart', () => {
  const share = sharer()
  expect(share(constant('f32', 0))).not.toBe(share(constant('f32', -0)))
  expect(share(constant('f32', 1))).not.toBe(share(constant('i32', 1)))
  const x = argument('f32', 0)
  expect(share(call('exp', x))).not.toBe(share(call('log', x)))
})

test('meaning is kept, and functions of the same argument share their parts', () => {
  const x = argument('f32', 0)
  const both = add(expand(call('exp', x)), expand(call('exp', argument('f32', 0))))
  const shared = sharer()(both)
  expect(shared.args[0]).toBe(shared.args[1])
  expect(topological([shared]).length).toBeLessThan(topological([both]).length)
  expect(exprKey([sharer()(shared)])).toBe(exprKey([shared]))
})
