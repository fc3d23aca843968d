// What the catalogue says of a piece: what it outputs, how it adjusts its inputs, what to watch, with an example that runs.

import { type Dims, grad, type Nested, type Tensor, tensor } from '../tensor/index.ts'

export interface Piece {
  /** In one sentence. */
  readonly about: string
  /** The formula of the output y. */
  readonly output?: string
  /** What becomes of a wanted change dy of the output: the change dx of the input; for optimizers, of the parameter. */
  readonly adjust?: string
  /** What is no piece of a network: how it is called, more of what it does, and lines of code. */
  readonly call?: string
  readonly details?: string
  readonly code?: string
  readonly shapes?: string
  readonly defaults?: string
  /** Where it saturates, fails or surprises. */
  readonly watch?: string
  /** Where it comes from. */
  readonly source?: string
  /** Other names that the same is said of. */
  readonly also?: readonly string[]
  readonly example?: Example
  /** For functions of one number. */
  readonly curve?: Curve
  /** For schedules: the rate by the step. */
  readonly rates?: Rates
}

/** Code in terms of x that a test runs: with numbers, by hand from the formulas, or with shapes. */
type Example =
  | {
      readonly code: string
      readonly x: Nested
      readonly gives: Nested
      /** The gradient of the sum of the output. */
      readonly adjusts: Nested
    }
  | { readonly code: string; readonly shape: Dims; readonly gives: Dims }
  /** An optimizer: a parameter of 1 with gradient 0.5 after one step. */
  | { readonly code: string; readonly firstStep: number }

/** A function of one number, as the library computes it, and value and slope as the record's formulas say. */
export interface Curve {
  readonly of: (x: Tensor) => Tensor
  readonly value: (x: number) => number
  readonly slope: (x: number) => number
  readonly from: number
  readonly to: number
  /** What x is, if it is not the input. */
  readonly variable?: string
  /** Where the slope is less than a thousandth. */
  readonly flat?: readonly (readonly [from: number, to: number])[]
}

interface Rates {
  readonly code: string
  readonly schedule: (step: number) => number
  readonly steps: number
  /** Some of the rates, by hand. */
  readonly at: readonly (readonly [step: number, rate: number])[]
}

/** Value and slope of a curve at `count` places, computed by the library. */
export function sampled(curve: Curve, count: number): { readonly values: number[]; readonly slopes: number[] } {
  const { from, to, of } = curve
  const x = tensor(Float64Array.from({ length: count }, (_, i) => from + ((to - from) * (i + 0.5)) / count))
  const y = of(x)
  return { values: [...y.dataSync()], slopes: [...grad(y.sum(), x).dataSync()] }
}

/** What `flat` says, in words. */
export function saturation({ flat = [] }: Curve): string | undefined {
  const place = ([from, to]: readonly [number, number]): string =>
    from === -Infinity ? `below ${to}` : to === Infinity ? `above ${from}` : `from ${from} to ${to}`
  return flat.length === 0
    ? undefined
    : `${flat.map(place).join(' and ')}: the slope is under 0.001`.replaceAll('-', '−')
}
