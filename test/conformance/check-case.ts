/** Holds a function against a case of the PyTorch fixture: its values, and its vector-Jacobian products. */

import { compile, Tensor, vjp } from '../../src/tensor/index.ts'
import { type Comparison, tolerances } from './difference.ts'
import { type ReferenceCase, toTensor } from './fixture.ts'

/** A case in the library's words. */
export type CaseFunction = (inputs: readonly Tensor[], attributes: ReferenceCase['attrs']) => Tensor | readonly Tensor[]

export type CaseFunctions = { readonly [name: string]: CaseFunction }

/** Where PyTorch itself is less exact: its derivative of hardsigmoid has 1/6 in single precision. */
const looser: { readonly [name: string]: number } = { hardsigmoid: 3e-8 }

/** Outputs and gradients of one program, or node by node where it is not `compiled`. */
export function compareCase(
  known: ReferenceCase,
  f: CaseFunction,
  dtype: 'float64' | 'float32',
  { compiled = true }: { readonly compiled?: boolean } = {},
): Comparison[] {
  const plain = (inputs: readonly Tensor[], cotangents: readonly Tensor[]) => {
    const result = f(inputs, known.attrs)
    const outputs = result instanceof Tensor ? [result] : result
    const sources = known.diff.map((i) => inputs[i])
    return {
      outputs,
      gradients: sources.length > 0 ? vjp(outputs.slice(0, cotangents.length), cotangents, sources) : [],
    }
  }
  const { outputs, gradients } = (compiled ? compile(plain) : plain)(
    known.inputs.map((x) => toTensor(x, dtype)),
    (known.cotangents ?? []).map((g) => toTensor(g, dtype)),
  )
  const tolerance = Math.max(tolerances[dtype], looser[known.name] ?? 0)
  return [
    ...known.outputs.map((expected, i) => ({ what: `output ${i}`, actual: outputs[i], expected, tolerance })),
    ...(known.grads ?? []).map((expected, i) => ({
      what: `gradient of input ${known.diff[i]}`,
      actual: gradients[i],
      expected,
      tolerance,
    })),
  ]
}
