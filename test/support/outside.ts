/** Classes of numbers that options are of, each with numbers that lie outside of it. */

const { NaN: nan, Infinity: inf } = globalThis

export const outside = {
  /** 1, 2, … */
  whole: [nan, inf, -1, 0, 1.5],
  /** 0, 1, 2, … */
  count: [nan, inf, -1, 1.5],
  integer: [nan, inf, 0.5],
  /** [0, 1] */
  probability: [nan, inf, -0.1, 1.1],
  /** [0, 1) */
  part: [nan, inf, -0.1, 1],
  positive: [nan, inf, 0, -1],
  notNegative: [nan, inf, -1],
  finite: [nan, inf, -inf],
  /** The order of a norm, which may be infinite. */
  order: [nan, 0, -1],
} as const

export type NumberClass = keyof typeof outside
