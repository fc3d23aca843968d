// checkGradient: whether the gradient of a function is linear in its cotangent and agrees with finite differences.

import { isFloat } from '../graph/dtype.ts'
import { mistake } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { tensor } from './create.ts'
import { vjp } from './differentiate.ts'
import { jvp, type TangentOf } from './functional.ts'
import { fold, type Key, key, normal } from './random.ts'
import type { Tensor } from './tensor.ts'
import { mapTree, tensorsOf } from './tree.ts'

export interface GradientCheckOptions {
  /** 2 unless told: the gradient's own gradient is checked too. */
  readonly order?: 1 | 2
  /** false where the gradient is another one on purpose (straight-through estimators): then only that it is linear is checked. */
  readonly differences?: boolean
  /** What differences and gradient may differ by, relative to the terms they are sums of; 1e-6, for float32 results 1e-2. */
  readonly tolerance?: number
  /** Distance of the points that are compared; 1e-3, for float32 results 1e-2. */
  readonly step?: number
  /** Of the random directions. */
  readonly seed?: number
}

/** How large the cotangents are in turn: a gradient that is clipped shows for large ones, one with an offset for small ones. */
const sizes = [1, 100, 0.01]

/**
 * Checks the gradients of a function by all float tensors of its arguments, computed in float64, along random
 * directions: linear in the cotangent, equal to central differences, and forward as backward. Throws an error that says
 * which argument is wrong and by how much. For pieces of your own, `customGradient` above all.
 *
 *     await checkGradient((x) => swish(x), [random.normal([3, 4])])
 */
export async function checkGradient<A extends readonly unknown[]>(
  fn: (...args: A) => unknown,
  args: A,
  options: GradientCheckOptions = {},
): Promise<void> {
  const { order = 2, differences = true, seed = 0 } = options
  const point = await inFloat64(args)
  const outputs = floatsOf(fn(...(point as unknown as A)))
  const single = outputs.some((y) => y.dtype === 'float32')
  await checkOrder('', fn as (...args: readonly unknown[]) => unknown, point, key(seed), { ...options, single })
  if (order < 2 || !differences) return
  const cotangents = await Promise.all(outputs.map((y, i) => like(y, fold(key(seed), -1 - i))))
  const gradient = (inner: readonly unknown[], seeds: readonly Tensor[]): Tensor[] =>
    vjp(floatsOf(fn(...(inner as unknown as A))), seeds, floatsOf(inner))
  await checkOrder(
    'second order: ',
    (...all) => gradient(all[0] as unknown[], all[1] as Tensor[]),
    [point, cotangents],
    key(seed + 1),
    { ...options, single },
  )
}

const floatsOf = (tree: unknown): Tensor[] => tensorsOf(tree).filter((t) => isFloat(t.dtype))

/** Random numbers in the shape of x; read at once, so that the programs that use them need not draw them again. */
async function like(x: Tensor, k: Key, size = 1): Promise<Tensor> {
  const drawn = normal(x.shape, { key: k, dtype: 'float64' }).mul(size).cast(x.dtype)
  await drawn.data()
  return drawn
}

/** The arguments as values of their own, floats in float64. */
async function inFloat64(args: readonly unknown[]): Promise<readonly unknown[]> {
  const values = new Map<Tensor, Tensor>()
  for (const t of floatsOf(args)) values.set(t, tensor(Float64Array.from(await t.data()), { shape: t.shape }))
  return mapTree(args, (t) => values.get(t) ?? t) as readonly unknown[]
}

async function checkOrder(
  what: string,
  fn: (...args: readonly unknown[]) => unknown,
  point: readonly unknown[],
  k: Key,
  options: GradientCheckOptions & { readonly single: boolean },
): Promise<void> {
  const { single } = options
  const inputs = floatsOf(point)
  const outputs = floatsOf(fn(...point))
  if (inputs.length === 0) throw mistake('checkGradient: no argument holds a float tensor: there is no gradient')
  if (outputs.length === 0) throw mistake('checkGradient: the function gives no float tensor: it has no gradient')
  const name = (i: number): string => `checkGradient: ${what}input ${i} ${show((inputs[i] as Tensor).shape)}`
  const pull = (seeds: readonly Tensor[]): Tensor[] => vjp(outputs, seeds, inputs)

  for (const [turn, size] of sizes.entries()) {
    const own = fold(k, turn)
    const draw = (n: number): Promise<Tensor[]> =>
      Promise.all(outputs.map((y, i) => like(y, fold(fold(own, n), i), size)))
    const [u, v] = [await draw(0), await draw(1)]
    const [first, second, both] = [u, v, u.map((x, i) => x.mul(2).sub((v[i] as Tensor).mul(3)))].map(pull) as [
      Tensor[],
      Tensor[],
      Tensor[],
    ]
    for (const [i, together] of both.entries()) {
      const apart = (first[i] as Tensor).mul(2).sub((second[i] as Tensor).mul(3))
      const [found, expected] = [await together.data(), await apart.data()]
      if (!found.every(Number.isFinite))
        throw new Error(`${name(i)}: its gradient is not finite: ${nonFinite(found)}; guard it with a safe where`)
      const scale = largest(await (first[i] as Tensor).data()) + largest(await (second[i] as Tensor).data())
      const off = largest(found.map((x, n) => x - (expected[n] as number)))
      if (off > (single ? 1e-3 : 1e-9) * scale) {
        throw new Error(
          `${name(i)}: its gradient is not linear in the cotangent: that of 2u − 3v is off 2 · that of u − 3 · that of v by ${off.toPrecision(3)}. Backward may multiply the cotangent by what it likes, but not add to it, bend, clip or square it`,
        )
      }
    }
    if (options.differences ?? true) await checkDifferences(u, first, own)
  }

  async function checkDifferences(u: readonly Tensor[], gradients: readonly Tensor[], own: Key): Promise<void> {
    const { tolerance = single ? 1e-2 : 1e-6, step = single ? 1e-2 : 1e-3 } = options
    for (const [i, x] of inputs.entries()) {
      const direction = await like(x, fold(fold(own, 2), i))
      const along = async (distance: number): Promise<Sum> => {
        const moved = mapTree(point, (t) => (t === x ? x.add(direction.mul(distance)) : t)) as readonly unknown[]
        return inner(floatsOf(fn(...moved)), u)
      }
      const [a, b, c, d] = [await along(step), await along(-step), await along(2 * step), await along(-2 * step)]
      const numeric = (8 * (a.value - b.value) - (c.value - d.value)) / (12 * step)
      const analytic = await inner([gradients[i] as Tensor], [direction])
      const scale = Math.max(analytic.size, a.size * 1e-4, Number.MIN_VALUE)
      if (!(Math.abs(numeric - analytic.value) <= tolerance * scale)) {
        throw new Error(
          `${name(i)}: its gradient is wrong: along a random direction the function changes by ${numeric.toPrecision(6)}, the gradient says ${analytic.value.toPrecision(6)}. If it is meant to differ, as a straight-through estimator's, pass { differences: false }`,
        )
      }
      const tangents = mapTree(point, (t) => (t === x ? direction : null)) as TangentOf<readonly unknown[]>
      const forward = await inner(floatsOf(jvp(fn, point, tangents as readonly unknown[])[1]), u)
      if (!(Math.abs(forward.value - analytic.value) <= (single ? 1e-3 : 1e-9) * Math.max(scale, forward.size))) {
        throw new Error(
          `${name(i)}: forward and backward disagree: ⟨u, J v⟩ is ${forward.value.toPrecision(9)}, ⟨Jᵀ u, v⟩ is ${analytic.value.toPrecision(9)}`,
        )
      }
    }
  }
}

interface Sum {
  readonly value: number
  /** The sum of the terms' absolute values. */
  readonly size: number
}

async function inner(xs: readonly Tensor[], factors: readonly Tensor[]): Promise<Sum> {
  let [value, size] = [0, 0]
  for (const [i, x] of xs.entries()) {
    const [a, b] = [await x.data(), await (factors[i] as Tensor).data()]
    a.forEach((element, n) => {
      value += element * (b[n] as number)
      size += Math.abs(element * (b[n] as number))
    })
  }
  return { value, size }
}

const largest = (values: ArrayLike<number>): number => {
  let most = 0
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i] as number))
  return most
}

function nonFinite(values: ArrayLike<number>): string {
  const i = Array.from(values).findIndex((x) => !Number.isFinite(x))
  return `element ${i} is ${values[i]}`
}
