/** Derivatives against directional finite differences, first and second order. */

import { expect } from 'vitest'
import { jvp, type Tensor, tensor, vjp } from '../../src/tensor/index.ts'
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

/**
 * The Jacobian-vector product: equal to differences of f along the tangents to 1e-7, and ⟨g, J v⟩ = ⟨Jᵀ g, v⟩ to 1e-10
 * (float64).
 */
export function checkForward(f: Smooth, at: readonly Point[], random: Random): void {
  const pointed = (data: ArrayLike<number>, shape: Dims): Tensor => tensor(Float64Array.from(data), { shape })
  const directions = at.map(({ data }) => normals(random, data.length))
  const inputs = at.map(({ shape, data }) => pointed(data, shape))
  const tangents = at.map(({ shape }, i) => pointed(directions[i], shape))
  const [outputs, along] = jvp((...xs) => f(xs), inputs, tangents)
  const moved = (distance: number): readonly Tensor[] =>
    f(
      at.map(({ shape, data }, i) =>
        pointed(
          data.map((x, k) => x + distance * directions[i][k]),
          shape,
        ),
      ),
    )
  const [a, b, c, d] = [step, -step, 2 * step, -2 * step].map((distance) => moved(distance).map((y) => y.dataSync()))
  const cotangents = outputs.map((y) => normals(random, y.size))
  outputs.forEach((y, i) => {
    const found = along[i].dataSync()
    expect([along[i].shape, along[i].dtype]).toEqual([y.shape, y.dtype])
    let size = 1
    for (const value of y.dataSync()) size = Math.max(size, Math.abs(value) * 1e-4)
    for (const value of found) size = Math.max(size, Math.abs(value))
    found.forEach((tangent, k) => {
      const numeric = (8 * (a[i][k] - b[i][k]) - (c[i][k] - d[i][k])) / (12 * step)
      expect(Math.abs(numeric - tangent) / size, `differences ${numeric}, tangent ${tangent}`).toBeLessThan(1e-7)
    })
  })
  const gradients = vjp(
    outputs,
    outputs.map((y, i) => pointed(cotangents[i], y.shape)),
    inputs,
  )
  const [forward, backward] = [dot(along, cotangents), dot(gradients, directions)]
  const difference = Math.abs(forward.value - backward.value)
  expect(difference, `⟨g, Jv⟩ = ${forward.value}, ⟨Jᵀg, v⟩ = ${backward.value}`).toBeLessThanOrEqual(
    1e-10 * Math.max(1, forward.size),
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
