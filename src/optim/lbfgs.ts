// L-BFGS: a quasi-Newton method that asks for the loss several times a step, for full batches (Liu and Nocedal 1989).

import { checkPositive, checkRange, checkWhole } from '../graph/check.ts'
import { allocate } from '../graph/dtype.ts'
import { compile, grad, type Tensor, type Variable } from '../tensor/index.ts'
import { mostTrials, type Point, strongWolfe } from './line-search.ts'

export interface LbfgsOptions {
  /** The length of a step without line search, and the first that a line search tries; 1 unless told. */
  readonly learningRate?: number
  /** Iterations of one call of `step`; 20 unless told. */
  readonly iterations?: number
  /** Evaluations of the loss in one call of `step`, after which it ends; 5/4 of the iterations unless told. */
  readonly evaluations?: number
  /** Pairs of steps and differences of gradients that are remembered; 100 unless told. */
  readonly history?: number
  /** Searches along each direction for a step that meets the strong Wolfe conditions; true unless told. */
  readonly lineSearch?: boolean
  /** Ends where no gradient is larger; 1e-7 unless told. */
  readonly gradientTolerance?: number
  /** Ends where neither the loss nor a parameter changes by more; 1e-9 unless told. */
  readonly changeTolerance?: number
}

export interface Lbfgs {
  readonly kind: 'lbfgs'
  /** Iterations made so far. */
  readonly iterationCount: number
  /** Minimizes the loss by the parameters, of which it is a function; gives the loss before the step. */
  step(parameters: readonly Variable[], loss: () => Tensor): Promise<number>
}

/**
 * Steps along −H∇ with an approximation H of the inverse Hessian from the last steps. Arithmetic on the history is done in double
 * precision on the host; loss and gradient are one compiled function.
 *
 *     await optimizer.step(net.parameters(), () => loss.mse(net(x), y))
 */
export function lbfgs(options: LbfgsOptions = {}): Lbfgs {
  const { learningRate = 1, iterations = 20, history = 100, lineSearch = true } = options
  const { evaluations = Math.floor((iterations * 5) / 4) } = options
  const { gradientTolerance = 1e-7, changeTolerance = 1e-9 } = options
  checkPositive('lbfgs', { learningRate })
  checkWhole('lbfgs', { iterations, evaluations, history })
  checkRange('lbfgs', { gradientTolerance, changeTolerance })
  let iterationCount = 0
  let last: { readonly gradient: Float64Array; readonly direction: Float64Array; readonly length: number } | undefined
  let scale = 1
  const pairs: { readonly step: Float64Array; readonly change: Float64Array; readonly inverse: number }[] = []
  let compiled: { readonly loss: () => Tensor; readonly run: () => readonly [Tensor, readonly Tensor[]] } | undefined

  /** The two loops of Nocedal: −H∇. */
  const directionOf = (gradient: Float64Array): Float64Array => {
    const q = gradient.map((g) => -g)
    const weights = pairs.map(() => 0)
    for (let i = pairs.length - 1; i >= 0; i--) {
      weights[i] = pairs[i].inverse * dot(pairs[i].step, q)
      addScaled(q, pairs[i].change, -weights[i])
    }
    for (let k = 0; k < q.length; k++) q[k] *= scale
    pairs.forEach(({ step, change, inverse }, i) => {
      addScaled(q, step, weights[i] - inverse * dot(change, q))
    })
    return q
  }

  return {
    kind: 'lbfgs',
    get iterationCount() {
      return iterationCount
    },
    async step(parameters, loss) {
      if (compiled?.loss !== loss)
        compiled = {
          loss,
          run: compile(() => {
            const value = loss()
            return [value, grad(value, [...parameters])] as const
          }),
        }
      const { run } = compiled
      let evaluated = 0
      const evaluate = async (at: Float64Array): Promise<Point> => {
        write(parameters, at)
        const [value, gradients] = run()
        const parts = await Promise.all(gradients.map((g) => g.data()))
        evaluated++
        return { value: await value.item(), gradient: joined(parts) }
      }
      let at = joined(await Promise.all(parameters.map((p) => p.data())))
      let here = await evaluate(at)
      const before = here.value
      for (let i = 0; i < iterations && largest(here.gradient) > gradientTolerance; i++) {
        iterationCount++
        if (last) remember(last, here.gradient)
        const direction = last ? directionOf(here.gradient) : here.gradient.map((g) => -g)
        const slope = dot(here.gradient, direction)
        const start = last ? learningRate : Math.min(1, 1 / sumOfSizes(here.gradient)) * learningRate
        if (slope > -changeTolerance) break
        const from = at
        const along = (length: number): Promise<Point> => evaluate(from.map((x, k) => x + length * direction[k]))
        const found = lineSearch
          ? await strongWolfe(along, start, direction, here, slope, Math.min(mostTrials, evaluations - evaluated))
          : { length: start, point: await along(start) }
        last = { gradient: here.gradient, direction, length: found.length }
        const change = Math.abs(found.point.value - here.value)
        at = from.map((x, k) => x + found.length * direction[k])
        here = found.point
        if (
          evaluated >= evaluations ||
          largest(direction) * found.length <= changeTolerance ||
          change < changeTolerance
        )
          break
      }
      write(parameters, at)
      return before
    },
  }

  function remember(made: NonNullable<typeof last>, gradient: Float64Array): void {
    const change = gradient.map((g, k) => g - made.gradient[k])
    const step = made.direction.map((d) => d * made.length)
    const curvature = dot(change, step)
    if (curvature <= 1e-10) return
    if (pairs.length === history) pairs.shift()
    pairs.push({ step, change, inverse: 1 / curvature })
    scale = curvature / dot(change, change)
  }
}

function write(parameters: readonly Variable[], values: Float64Array): void {
  let from = 0
  for (const p of parameters) {
    const data = allocate(p.dtype, p.size)
    data.set(values.subarray(from, from + p.size))
    p.assign(data)
    from += p.size
  }
}

function joined(parts: readonly ArrayLike<number>[]): Float64Array {
  const all = new Float64Array(parts.reduce((n, p) => n + p.length, 0))
  let to = 0
  for (const part of parts) {
    all.set(part, to)
    to += part.length
  }
  return all
}

export const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
const largest = (a: Float64Array): number => a.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
const sumOfSizes = (a: Float64Array): number => a.reduce((sum, x) => sum + Math.abs(x), 0)
const addScaled = (to: Float64Array, x: Float64Array, factor: number): void => {
  for (let i = 0; i < to.length; i++) to[i] += factor * x[i]
}
