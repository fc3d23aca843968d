/** Losses, layers, modules and transforms against the PyTorch fixture, values and gradients in one program. */

import { describe, expect, it } from 'vitest'
import { compareCase } from '../conformance/check-case.ts'
import { forms } from '../conformance/checks.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectAllClose } from '../support/close.ts'
import { casesOf } from '../support/reference.ts'

const { op: _, ...groups } = forms

describe.each(Object.keys(groups) as (keyof typeof groups)[])('%s', (group) => {
  const functions = groups[group]
  const cases = casesOf(group)
  it('has a form for every case of the fixture', () => {
    expect(Object.keys(functions).sort()).toEqual([...cases.keys()].sort())
  })

  forEachBackend(() => {
    describe.each(['float64', 'float32'] as const)('%s', (dtype) => {
      it.each([...cases.values()])('$name', (known) => {
        expectAllClose(compareCase(known, functions[known.name], dtype))
      })
    })
  })
})
