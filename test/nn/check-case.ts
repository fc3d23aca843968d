/** Holds a function against a case of the PyTorch fixture: its values, and its vector-Jacobian products. */

import { expect } from 'vitest'
import { compile, Tensor, vjp } from '../../src/tensor/index.ts'
import { expectClose, tolerances } from '../support/close.ts'
import { casesOf, type ReferenceCase, toTensor } from '../support/reference.ts'

export type CaseFunction = (inputs: readonly Tensor[], attributes: ReferenceCase['attrs']) => Tensor | readonly Tensor[]

/** What holds up the cases that are not among the functions. */
export function expectComplete(
  group: ReferenceCase['group'],
  functions: { readonly [name: string]: CaseFunction },
  missing: readonly string[],
): void {
  expect([...Object.keys(functions), ...missing].sort()).toEqual([...casesOf(group).keys()].sort())
}

export function checkCase(
  group: ReferenceCase['group'],
  name: string,
  dtype: 'float64' | 'float32',
  f: CaseFunction,
): void {
  const known = casesOf(group).get(name)
  if (!known) throw new Error(`no case ${name} in ${group}`)
  // One program for values and gradients.
  const run = compile((inputs: readonly Tensor[], cotangents: readonly Tensor[]) => {
    const result = f(inputs, known.attrs)
    const outputs = result instanceof Tensor ? [result] : result
    const sources = known.diff.map((i) => inputs[i])
    return {
      outputs,
      gradients: sources.length > 0 ? vjp(outputs.slice(0, cotangents.length), cotangents, sources) : [],
    }
  })
  const { outputs, gradients } = run(
    known.inputs.map((x) => toTensor(x, dtype)),
    (known.cotangents ?? []).map((g) => toTensor(g, dtype)),
  )
  known.outputs.forEach((expected, i) => {
    expectClose(outputs[i], expected, tolerances[dtype], `output ${i}`)
  })
  known.grads?.forEach((expected, i) => {
    expectClose(gradients[i], expected, tolerances[dtype], `gradient of input ${known.diff[i]}`)
  })
}
