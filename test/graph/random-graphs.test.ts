/** Random graphs with their gradients: a backend, which fuses and plans memory, gives what the records give node by node. */

import fc from 'fast-check'
import { it } from 'vitest'
import { compile, type Tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { inputsOf, programs, withGradients } from '../support/programs.ts'
import { evaluateByRecords } from '../support/records.ts'

forEachBackend(() => {
  it.each([
    ['float32', 2e-5],
    ['float64', 1e-10],
  ] as const)(
    '%s',
    (dtype, tolerance) => {
      const inputs = inputsOf(dtype)
      fc.assert(
        fc.property(programs, (program) => {
          const f = (...given: Tensor[]): Tensor[] => withGradients(program, given)
          const actual = compile(f)(...inputs)
          f(...inputs).forEach((expected, i) => {
            expectClose(actual[i], evaluateByRecords(expected.node), tolerance, `output ${i} ${expected.shape.join()}`)
          })
        }),
        { seed: 1, numRuns: 100 },
      )
    },
    60_000,
  )
})
