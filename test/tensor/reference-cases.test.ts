/** Values and gradients of the operators against the PyTorch fixture, in float64 and float32, node by node. */

import { describe, expect, it } from 'vitest'
import { compareCase } from '../conformance/check-case.ts'
import { operators } from '../conformance/operators.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectAllClose } from '../support/close.ts'
import { casesOf } from '../support/reference.ts'

const cases = casesOf('op')

it('has a form for every operator of the fixture', () => {
  expect(Object.keys(operators).sort()).toEqual([...cases.keys()].sort())
})

forEachBackend(() => {
  describe.each(['float64', 'float32'] as const)('%s', (dtype) => {
    it.each([...cases.values()])('$name', (known) => {
      expectAllClose(compareCase(known, operators[known.name], dtype, { compiled: false }))
    })
  })
})
