/** Comparison of numbers with a tolerance that grows with the largest of them. */

import { type DType, Tensor } from '../../src/tensor/index.ts'
import type { ReferenceArray } from './fixture.ts'

export type Numbers = Tensor | ReferenceArray | ArrayLike<number>

/** What a check found, what it should have found, and what one may be off the other by. */
export interface Comparison {
  readonly what: string
  readonly actual: Numbers
  readonly expected: Numbers
  readonly tolerance: number
}

/** What a backend may be off by, relative to max(1, max|expected|). */
export const tolerances: { readonly [D in DType]: number } = {
  float64: 1e-9,
  float32: 2e-5,
  int32: 0,
  uint8: 0,
  bool: 0,
}

/**
 * Every |a − b| ≤ tolerance · max(1, max|b|) over finite b; NaN and infinities must be equal. Shapes are compared where
 * both have one. Says what is wrong, or undefined.
 */
export function difference({ what, actual, expected, tolerance }: Comparison): string | undefined {
  const [shape, wanted] = [shapeOf(actual), shapeOf(expected)]
  if (shape && wanted && String(shape) !== String(wanted))
    return `${what}: shape [${shape.join(', ')}] instead of [${wanted.join(', ')}]`
  const [a, b] = [valuesOf(actual), valuesOf(expected)]
  if (a.length !== b.length) return `${what}: ${a.length} elements instead of ${b.length}`
  let scale = 1
  for (let i = 0; i < b.length; i++) if (Number.isFinite(b[i])) scale = Math.max(scale, Math.abs(b[i]))
  for (let i = 0; i < b.length; i++) {
    const same = Object.is(a[i], b[i]) || a[i] === b[i]
    if (same || Math.abs(a[i] - b[i]) <= tolerance * scale) continue
    return `${what} element ${i} of ${b.length}: ${a[i]} instead of ${b[i]}, allowed ${tolerance * scale}`
  }
  return undefined
}

const shapeOf = (x: Numbers): readonly number[] | undefined => ('shape' in x ? x.shape : undefined)

const valuesOf = (x: Numbers): ArrayLike<number> => (x instanceof Tensor ? x.dataSync() : 'data' in x ? x.data : x)
