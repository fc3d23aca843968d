/** Holds a function against a case of the PyTorch fixture: its values, and its vector-Jacobian products. */

import { expect } from 'vitest'
import { Tensor, vjp } from '../../src/tensor/index.ts'
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
  const inputs = known.inputs.map((x) => toTensor(x, dtype))
  const result = f(inputs, known.attrs)
  const outputs = result instanceof Tensor ? [result] : result
  known.outputs.forEach((expected, i) => {
    if (outputs[i].rank > 0 || expected.shape.length > 0) expect(outputs[i].shape).toEqual(expected.shape)
    expectClose(outputs[i], expected, tolerances[dtype], `output ${i}`)
  })
  if (known.diff.length === 0) return
  const sources = known.diff.map((i) => inputs[i])
  const cotangents = known.cotangents.map((g) => toTensor(g, dtype))
  const gradients = vjp(outputs.slice(0, cotangents.length), cotangents, sources)
  known.grads.forEach((expected, i) => {
    expectClose(gradients[i], expected, tolerances[dtype], `gradient of input ${known.diff[i]}`)
  })
}
