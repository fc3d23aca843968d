/** Derivatives against directional finite differences, first and second order. */

import { expect } from 'vitest'
import { type Tensor, tensor, vjp } from '../../src/tensor/index.ts'
import { normals, type Random } from './random.ts'

type Dims = readonly number[]
export type Smooth = (inputs: readonly Tensor[]) => readonly Tensor[]

export interface Point {
  readonly shape: Dims
  readonly data: readonly number[]
}

const step = 1e-3

/** ⟨g, f⟩ differentiated along a random direction equals the vector-Jacobian product's, to 1e-7 (float64). */
export function checkFirstOrder(f: Smooth, at: readonly Point[], random: Random): void {
  const inputs = at.map(({ shape, data }) => tensor(new Float64Array(data), { shape }))
  const outputs = f(inputs)
  const cotangents = outputs.map((y) => normals(random, y.size))
  const gradients = vjp(
    outputs,
    outputs.map((y, i) => tensor(new Float64Array(cotangents[i]), { shape: y.shape })),
    inputs,
  )
  gradients.forEach((gradient, i) => {
    expect(gradient.shape).toEqual(inputs[i].shape)
    expect(gradient.dtype).toBe('float64')
  })
  const directions = at.map(({ data }) => normals(random, data.length))
  const along = (distance: number): { value: number; size: number } => {
    const moved = at.map(({ shape, data }, i) =>
      tensor(
        Float64Array.from(data, (x, k) => x + distance * directions[i][k]),
        { shape },
      ),
    )
    return dot(f(moved), cotangents)
  }
  const [near, far] = [along(step).value - along(-step).value, along(2 * step).value - along(-2 * step).value]
  const numeric = (8 * near - far) / (12 * step)
  const analytic = dot(gradients, directions)
  // Cancellation in the sums is the differences' business, not the gradient's.
  const scale = Math.max(analytic.size, 1e-4 * along(0).size, 1e-30)
  expect(Number.isFinite(analytic.value), 'the gradient is finite').toBe(true)
  expect(Math.abs(numeric - analytic.value) / scale, `differences ${numeric}, gradient ${analytic.value}`).toBeLessThan(
    1e-7,
  )
}

/** The same for the vector-Jacobian product itself, as a function of the inputs and the cotangents. */
export function checkSecondOrder(f: Smooth, at: readonly Point[], random: Random): void {
  const shapes = f(at.map(({ shape, data }) => tensor(new Float64Array(data), { shape }))).map((y) => y.shape)
  const cotangents = shapes.map((shape) => ({
    shape,
    data: normals(
      random,
      shape.reduce((n, d) => n * d, 1),
    ),
  }))
  const gradientOf: Smooth = (all) => vjp(f(all.slice(0, at.length)), all.slice(at.length), all.slice(0, at.length))
  checkFirstOrder(gradientOf, [...at, ...cotangents], random)
}

function dot(tensors: readonly Tensor[], factors: readonly (readonly number[])[]): { value: number; size: number } {
  let [value, size] = [0, 0]
  tensors.forEach((x, i) => {
    x.dataSync().forEach((element, k) => {
      value += element * factors[i][k]
      size += Math.abs(element * factors[i][k])
    })
  })
  return { value, size }
}
