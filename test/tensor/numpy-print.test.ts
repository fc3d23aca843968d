// Printing against the texts of NumPy itself (fixtures/numpy-print.py), for shapes, dtypes, magnitudes, and what is left out.

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { allocate, type DType } from '../../src/graph/dtype.ts'
import { printTensor } from '../../src/tensor/print.ts'

interface Case {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Floats as Python writes them, so that nan, inf and -0.0 survive. */
  readonly values: readonly (string | number)[]
  readonly text: string
}

const { cases } = JSON.parse(
  gunzipSync(readFileSync(new URL('../fixtures/numpy-print.json.gz', import.meta.url))).toString(),
) as {
  cases: Case[]
}

const parsed = (value: string | number): number =>
  Number(String(value).replace('inf', 'Infinity').replace('nan', 'NaN'))

test.each(cases.map((c, i) => [`${i}: ${c.dtype} [${c.shape}] ${c.values.slice(0, 4)}`, c] as const))(
  '%s',
  (_, { dtype, shape, values, text }) => {
    const data = allocate(dtype, values.length)
    data.set(values.map(parsed))
    const printed = printTensor('x', { dtype, shape }, data)
    const head = `x ${dtype} [${shape.join(', ')}]`
    expect(printed.startsWith(head)).toBe(true)
    // The words of JavaScript for the truth values, padded as they are.
    const expected = dtype === 'bool' ? text.replaceAll('True', 'true').replaceAll('False', 'false') : text
    expect(printed.slice(head.length + 1)).toBe(expected)
  },
)
