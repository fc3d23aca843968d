/** Random programs as bodies of scans: compiled, with hoisting and joined loops, they give what the loop written out gives. */

import fc from 'fast-check'
import { it } from 'vitest'
import { compile, grad, scan, stack, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'
import { inputsOf, programs, run } from '../support/programs.ts'
import { normals, randomOf } from '../support/random.ts'
import { evaluateByRecords } from '../support/records.ts'

type Program = Parameters<typeof run>[0]
type Turn = (carry: Tensor, slice: Tensor) => readonly [Tensor, Tensor]

/** The program works on the constants, the carry and a slice; the last value of the carry's shape is the next one. */
const turnOf =
  (program: Program, constants: readonly Tensor[]): Turn =>
  (carry, slice) => {
    const made = run(program, [...constants, slice, carry])
    const fits = made.findLast((y) => y.shape.join() === carry.shape.join())
    const last = made.at(-1) ?? slice
    const next = carry.mul(0.5).add((fits ?? last.square().sum().mul(0.01)).tanh())
    return [next, last.mul(next.sum().tanh())]
  }

const loops: { readonly [name: string]: (turn: Turn, carry: Tensor, xs: Tensor) => readonly [Tensor, Tensor] } = {
  scan: (turn, carry, xs) => scan(turn, carry, xs),
  unrolled: (turn, carry, xs) => {
    const results: Tensor[] = []
    let state = carry
    for (let t = 0; t < (xs.shape[0] as number); t++) {
      const [next, result] = turn(state, xs.at(t))
      state = next
      results.push(result)
    }
    return [state, stack(results)]
  },
}

forEachBackend(() => {
  it.each([
    ['float32', 4e-5],
    ['float64', 1e-10],
  ] as const)(
    '%s',
    (dtype, tolerance) => {
      const constants = inputsOf(dtype)
      const xs = tensor(normals(randomOf(8), 3 * 6), { shape: [3, 2, 3], dtype })
      const carry = tensor(normals(randomOf(9), 6), { shape: [3, 2], dtype })
      fc.assert(
        fc.property(programs, (program) => {
          const f =
            (loop: string) =>
            (start: Tensor, sequence: Tensor, ...fixed: Tensor[]): Tensor[] => {
              const [state, all] = loops[loop](turnOf(program, fixed), start, sequence)
              const total = state.square().sum().add(all.square().sum().mul(0.1))
              return [state, all, ...grad(total, [start, sequence, ...fixed])]
            }
          const actual = compile(f('scan'))(carry, xs, ...constants)
          f('unrolled')(carry, xs, ...constants).forEach((expected, i) => {
            expectClose(actual[i], evaluateByRecords(expected.node), tolerance, `output ${i} ${expected.shape.join()}`)
          })
        }),
        { seed: 3, numRuns: 40 },
      )
    },
    60_000,
  )
})
