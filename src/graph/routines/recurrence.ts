// Running values along the last axis: the linear recurrence, of which cumulative sums and products are cases, and the running maximum.

import type { Build, Node } from '../node.ts'
import { misfit, mistake } from '../refuse.ts'
import { routine } from '../routine.ts'
import { sameShape, show } from '../shape.ts'

/**
 * hᵢ = aᵢ·hᵢ₋₁ + bᵢ along the last axis, with h before the first element 0; inputs a and b of one shape, or b alone where
 * every a is 1. Parameter 1: from the end to the beginning.
 */
export const recurrence = routine({
  name: 'recurrence',
  infer: (inputs) => {
    const [first, last] = [inputs[0], inputs[inputs.length - 1]]
    if (last.shape.length === 0) throw misfit('linearRecurrence: a scalar has no axis to run along')
    if (!sameShape(first.shape, last.shape))
      throw misfit(
        `linearRecurrence: factors ${show(first.shape)} and terms ${show(last.shape)} differ: they must be equal`,
      )
    if (first.dtype !== last.dtype || last.dtype === 'bool')
      throw mistake(`linearRecurrence: factors are ${first.dtype}, terms ${last.dtype}: one dtype of numbers is needed`)
    return last
  },
  run: (inputs, { shape, dtype, data: h }, [reverse]) => {
    const b = inputs[inputs.length - 1].data
    const a = inputs.length === 2 ? inputs[0].data : undefined
    const n = shape[shape.length - 1]
    const whole = dtype === 'int32' || dtype === 'uint8'
    const step = reverse === 1 ? -1 : 1
    for (let row = 0; row < h.length; row += n) {
      let carry = 0
      for (let i = 0, at = reverse === 1 ? row + n - 1 : row; i < n; i++, at += step) {
        // The first factor meets nothing, not even where it is infinite.
        if (i === 0) carry = b[at]
        else if (whole) carry = (Math.imul(a?.[at] ?? 1, carry) + b[at]) | 0
        else carry = (a === undefined ? carry : a[at] * carry) + b[at]
        h[at] = carry
      }
    }
  },
  // The adjoint runs the other way: λᵢ = gᵢ + aᵢ₊₁·λᵢ₊₁, db = λ, daᵢ = λᵢ·hᵢ₋₁.
  vjp: (b, node, g) => {
    const { routine: self, parameters } = node.attributes
    const back = { routine: self, parameters: [parameters[0] === 1 ? 0 : 1] }
    const forward = parameters[0] !== 1
    if (node.inputs.length === 1) return [b.node('routine', [g], back)]
    const factors = shift(b, node.inputs[0], forward ? -1 : 1)
    const adjoint = b.node('routine', [factors, g], back)
    return [b.binary('mul', adjoint, shift(b, node, forward ? 1 : -1)), adjoint]
  },
})

/** Moves the elements of the last axis by one place; zeros come in. */
function shift(b: Build, x: Node, by: 1 | -1): Node {
  const last = x.shape.length - 1
  if (x.shape[last] === 0) return x
  const at = (value: number): number[] => x.shape.map((_, axis) => (axis === last ? value : 0))
  const sizes = x.shape.map((d, axis) => (axis === last ? d - 1 : d))
  return b.pad(b.slice(x, at(by === 1 ? 0 : 1), sizes), at(by === 1 ? 1 : 0), at(by === 1 ? 0 : 1))
}

/** The position of the largest element so far along the last axis, the latest among equals, int32; NaN counts as the largest. */
export const runningArgmax = routine({
  name: 'runningArgmax',
  infer: ([x]) => {
    if (x.shape.length === 0) throw misfit('runningArgmax: a scalar has no axis to run along')
    return { shape: x.shape, dtype: 'int32' }
  },
  run: ([x], { shape, data: positions }) => {
    const n = shape[shape.length - 1]
    for (let row = 0; row < positions.length; row += n) {
      let best = 0
      for (let i = 0; i < n; i++) {
        const value = x.data[row + i]
        if (Number.isNaN(value) || value >= x.data[row + best]) best = i
        positions[row + i] = best
      }
    }
  },
  vjp: 'none',
})
