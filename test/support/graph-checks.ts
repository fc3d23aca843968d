/** What must hold of every random graph; each check gives what is wrong, in words, or nothing. */

import { isFloat } from '../../src/graph/dtype.ts'
import type { Node } from '../../src/graph/node.ts'
import { compile, grad, jvp, runtime, stack, Tensor, tensor, vmap } from '../../src/tensor/index.ts'
import { simplify } from '../../src/transform/simplify.ts'
import { stabilize } from '../../src/transform/stability/stabilize.ts'
import { type Conditioned, conditioned, mismatch, valuesInRange, wideValues } from './conditioning.ts'
import { normals, randomOf } from './random.ts'
import { type GraphStep, leavesOf, objective, outputsOf, type RandomGraph, small } from './random-graph.ts'

export type Check = (graph: RandomGraph) => string | undefined

export type Data = ReturnType<Tensor['dataSync']>

const dataOf = (node: Node): Data => new Tensor(node).dataSync()
const nodesOf = (tensors: readonly Tensor[]): Node[] => tensors.map((t) => t.node)

/** As it is evaluated: compositions that lose digits in their stable form. */
const stable = (outputs: readonly Node[]): readonly Node[] =>
  runtime.stabilize ? stabilize(outputs, { mode: 'value', barriers: [], report: () => {} }).outputs : outputs

function firstMismatch(
  actual: readonly ArrayLike<number>[],
  expected: readonly Conditioned[],
  what: string,
): string | undefined {
  for (const [i, values] of expected.entries()) {
    const wrong = mismatch(actual[i], values)
    if (wrong) return `${what}: output ${i}, ${wrong}`
  }
  return undefined
}

/** What the records say, in float64; undefined where a number leaves the range of its dtype. */
export function expected(graph: RandomGraph, limits = small): readonly Conditioned[] | undefined {
  return conditioned(stable(nodesOf(outputsOf(graph, leavesOf(graph), limits))), dataOf)
}

/** The backend in use gives what the records say: compiled, and built and read output by output. */
export const checkBackend = (graph: RandomGraph, values: readonly Conditioned[] | undefined): string | undefined =>
  checkCompiled(graph, values) ?? checkEager(graph, values)

/** Compiled; `seen` gets what came out. */
export function checkCompiled(
  graph: RandomGraph,
  values: readonly Conditioned[] | undefined,
  limits = small,
  seen: (data: readonly Data[]) => void = () => {},
): string | undefined {
  const compiled = compile((...given: Tensor[]) => outputsOf(graph, given, limits))
  const data = compiled(...leavesOf(graph)).map((t) => t.dataSync())
  seen(data)
  return values && firstMismatch(data, values, 'compiled')
}

export function checkEager(
  graph: RandomGraph,
  values: readonly Conditioned[] | undefined,
  limits = small,
): string | undefined {
  const eager = outputsOf(graph, leavesOf(graph), limits).map((t) => t.dataSync())
  return values && firstMismatch(eager, values, 'eager')
}

/** The same where the inputs lie backwards and across in memory. */
export function checkViews(graph: RandomGraph, values: readonly Conditioned[] | undefined): string | undefined {
  const stored = leavesOf(graph).map(asView)
  const compiled = compile((...given: Tensor[]) =>
    outputsOf(
      graph,
      given.map((x, i) => stored[i].view(x)),
    ),
  )(...stored.map((x) => x.tensor)).map((t) => t.dataSync())
  return values && firstMismatch(compiled, values, 'compiled, of views')
}

/** simplify and stabilize keep values, shapes and dtypes. */
export const checkRewrites: Check = (graph) => {
  const outputs = nodesOf(outputsOf(graph, leavesOf(graph)))
  const plain = conditioned(outputs, dataOf)
  for (const [what, rewritten] of [
    ['simplify', simplify(outputs)],
    ['stabilize', stabilize(outputs, { mode: 'value', barriers: [], report: () => {} }).outputs],
  ] as const) {
    const types = (list: readonly Node[]): string => list.map((n) => `${n.dtype} [${n.shape}]`).join()
    if (types(rewritten) !== types(outputs)) return `${what}: ${types(outputs)} became ${types(rewritten)}`
    const made = plain && valuesInRange(rewritten, dataOf)
    if (!made) continue
    // Stable forms are finite where the composition is not.
    const finite = plain.map((p) => ({
      ...p,
      radius: what === 'simplify' ? p.radius : p.radius.map((r, i) => (Number.isFinite(p.value[i]) ? r : Infinity)),
    }))
    const wrong = firstMismatch(made, finite, what)
    if (wrong) return wrong
  }
  return undefined
}

/** The graph in float64, of which every number has the derivative that its gradient says. */
export const smoothed = (graph: RandomGraph): RandomGraph | undefined => {
  const hidden = new Set(['stopGradient', 'detach()', 'where()'])
  const hides = ({ op, body = [] }: GraphStep): boolean => hidden.has(op) || body.some(hides)
  if (graph.steps.some(hides)) return undefined
  return {
    inputs: graph.inputs.map((x) => ({
      ...x,
      dtype: isFloat(x.dtype) ? 'float64' : x.dtype,
      values: 'normal' as const,
    })),
    steps: graph.steps,
    gradient: false,
  }
}

/** The gradient is what finite differences give, where they settle; and the forward derivative agrees with it. */
export const checkGradient: Check = (graph) => {
  const smooth = smoothed(graph)
  return smooth && gradientFits(smooth)
}

/** The same for the gradient of the gradient. */
export const checkSecondGradient: Check = (graph) => {
  const smooth = smoothed(graph)
  return smooth && gradientFits({ ...smooth, gradient: true })
}

function gradientFits(smooth: RandomGraph): string | undefined {
  const inputs = leavesOf(smooth)
  const floats = inputs.filter((t) => isFloat(t.dtype))
  const outputs = outputsOf(smooth, inputs)
  const total = objective(outputs)
  if (!total || floats.length === 0) return undefined
  const directions = floats.map((t, i) => normals(randomOf(50 + i), t.size))
  const moved = (distance: number): number => {
    const at = new Map(
      floats.map((t, i) => [t.node, Float64Array.from(t.dataSync(), (v, k) => v + distance * directions[i][k])]),
    )
    return wideValues([total.node], (node) => at.get(node) ?? dataOf(node))[0][0]
  }
  const gradients = grad(total, floats)
  const values = wideValues(nodesOf(gradients), dataOf)
  let [analytic, size] = [0, 0]
  values.forEach((g, i) => {
    g.forEach((v, k) => {
      analytic += v * directions[i][k]
      size += Math.abs(v * directions[i][k])
    })
  })
  const h = 1e-5
  const [middle, right, left, near, far] = [moved(0), moved(h), moved(-h), moved(h / 2), moved(-h / 2)]
  const [coarse, fine] = [(right - left) / (2 * h), (near - far) / h]
  const scale = Math.max(size, Math.abs(fine), 1e-6)
  const kink = Math.abs(right - 2 * middle + left) / h
  if (![analytic, coarse, fine, kink].every(Number.isFinite)) return undefined
  // What was cancelled in the total is still in its rounding.
  let magnitude = 0
  for (const data of wideValues(nodesOf(outputs.filter((t) => isFloat(t.dtype))), dataOf))
    for (const v of data) magnitude += Math.abs(v)
  // Of large numbers the steps lie so close that differences see a slope.
  if (magnitude > 1000 && smooth.steps.some(isStepping)) return undefined
  const rough = (1e-15 * magnitude) / h
  const settled = 1e-3 * Math.max(Math.abs(coarse), Math.abs(fine)) + 10 * rough
  if (kink > 0.01 * scale || Math.abs(coarse - fine) > settled || rough > 1e-4 * scale) return undefined
  const way = floats.map((t, i) => tensor(Float64Array.from(directions[i]), { shape: t.shape }))
  const [, tangent] = jvp(
    (...given: Tensor[]) => {
      let next = 0
      return objective(
        outputsOf(
          smooth,
          inputs.map((t) => (isFloat(t.dtype) ? given[next++] : t)),
        ),
      ) as Tensor
    },
    floats,
    way,
  )
  // Either may lose digits.
  const along = gradients.map((g, i) => g.mul(way[i]).sum().cast('float64')).reduce((a, b) => a.add(b))
  const lost = (): number =>
    conditioned([along.node, tangent.node], dataOf)?.reduce((sum, { radius }) => sum + radius[0], 0) ?? Infinity
  const off = Math.abs(fine - analytic)
  // Steps may lie so close that differences see a slope, as of remainders of small divisors: nearer ones see none.
  const nearest = (): number => (moved(h / 4096) - moved(-h / 4096)) / (h / 2048)
  const stepsOver = (): boolean =>
    smooth.steps.some(isStepping) && Math.abs(nearest() - analytic) <= 2e-3 * scale + 4096 * 10 * rough
  if (off > 5 * Math.abs(coarse - fine) + 2e-3 * scale && off > lost() && !stepsOver())
    return `gradient: ${analytic} along a direction, differences give ${coarse} and ${fine}`
  const [[forward]] = wideValues([tangent.node], dataOf)
  if (!Number.isFinite(forward) || Math.abs(forward - analytic) <= 1e-6 * scale) return undefined
  return Math.abs(forward - analytic) <= lost()
    ? undefined
    : `jvp: ${forward} along a direction, the gradient gives ${analytic}`
}

const stepping = new Set(['floor', 'ceil', 'trunc', 'round', 'remainder', 'cast'])
const isStepping = ({ op, body = [] }: GraphStep): boolean => stepping.has(op) || body.some(isStepping)

/** Many examples at once give what each gives alone, gradients too. */
export const checkVmap: Check = (plain) => {
  const variants = [0, 1, 2].map((variant) => leavesOf(plain, variant))
  if (variants[0].length === 0) return undefined
  const alone = variants.map((inputs) => nodesOf(outputsOf(plain, inputs)))
  if (alone[0].length === 0) return undefined
  const batched = variants[0].map((_, i) => stack(variants.map((inputs) => inputs[i])))
  const all = vmap((...given: Tensor[]) => outputsOf(plain, given))(...batched)
  const values = wideValues(nodesOf(all), dataOf)
  for (const [example, outputs] of alone.entries()) {
    const wanted = conditioned(outputs, dataOf)
    if (!wanted) continue
    const slices = values.map((data) => data.slice((example * data.length) / 3, ((example + 1) * data.length) / 3))
    const wrong = firstMismatch(slices, wanted, `vmap: example ${example}`)
    if (wrong) return wrong
  }
  return undefined
}

/** Its elements backwards, with the axes in reverse order, and how such a tensor is seen as the first. */
function asView(x: Tensor): { readonly tensor: Tensor; view(stored: Tensor): Tensor } {
  const axes = x.shape.map((_, a) => a)
  const shape = [...x.shape].reverse()
  const data = x.dataSync()
  const stored = data.slice()
  data.forEach((v, i) => {
    let [rest, at, stride] = [i, 0, 1]
    const position = [...x.shape].reverse().map((d) => {
      const here = rest % d
      rest = Math.floor(rest / d)
      return d - 1 - here
    })
    for (const a of axes) {
      at += position[position.length - 1 - a] * stride
      stride *= x.shape[a]
    }
    stored[at] = v
  })
  return { tensor: tensor(stored, { shape, dtype: x.dtype }), view: (t) => t.permute([...axes].reverse()).flip(axes) }
}
