/** Comparisons as expectations of a test. */

import { expect } from 'vitest'
import { type Comparison, difference, type Numbers } from '../conformance/difference.ts'

export { tolerances } from '../conformance/difference.ts'

/** Every |a − b| ≤ tolerance · max(1, max|b|); see `difference`. */
export const expectClose = (actual: Numbers, expected: Numbers, tolerance: number, what = 'values'): void =>
  expectAllClose([{ what, actual, expected, tolerance }])

export function expectAllClose(comparisons: readonly Comparison[]): void {
  for (const comparison of comparisons) {
    const wrong = difference(comparison)
    if (wrong) expect.fail(wrong)
  }
}
