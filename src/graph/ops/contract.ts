// Contractions: the matrix product and the correlation, each closed under differentiation.

import { namesOf, withNames } from '../names.ts'
import type { Batch, BatchInput, Build, Node, OpAttributes, OpTable } from '../node.ts'
import { misfit, mistake } from '../refuse.ts'
import { type Dims, sameShape, show } from '../shape.ts'
import { moveAxis } from './batch.ts'

type ContractName = 'matmul' | 'conv'

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)
const fill = (n: number, value: number): number[] => new Array<number>(n).fill(value)

export const contractOps: Pick<OpTable, ContractName> = {
  matmul: {
    infer: ([a, b]) => {
      const { shape: x, dtype } = a as Node
      const { shape: y, dtype: other } = b as Node
      if (dtype !== other) throw mistake(`matmul: dtypes ${dtype} and ${other} differ`)
      if (dtype === 'bool') throw mistake('matmul: does not take bool: cast it to int32 or float32 first')
      const rank = x.length
      if (rank < 2 || y.length !== rank || !sameShape(x.slice(0, -2), y.slice(0, -2))) {
        throw misfit(`matmul: ${show(x)} @ ${show(y)}: batch axes must be equal and the last two form the matrices`)
      }
      const [k, k2] = [x[rank - 1] as number, y[rank - 2] as number]
      if (k !== k2) throw misfit(`matmul: inner dimensions differ, ${show(x)} @ ${show(y)}: ${k} is not ${k2}`)
      const [rows, columns] = [namesOf(x), namesOf(y)]
      const shape = [...x.slice(0, -1), y[rank - 1] as number]
      if (!rows && !columns) return { shape, dtype }
      const names = shape.map((_, axis) => (axis === rank - 1 ? columns : rows)?.[axis])
      return { shape: withNames(shape, names), dtype }
    },
    vjp: (b, node, g) => {
      const [x, y] = node.inputs as [Node, Node]
      return [b.node('matmul', [g, b.swap(y)], {}), b.node('matmul', [b.swap(x), g], {})]
    },
    jvp: (b, { op, inputs, attributes }, tangents) =>
      productTangent(b, inputs, tangents, (factors) => b.node(op, factors, attributes)),
    batch: (b, _, [x, y], batch) => matmulBatch(b, x as BatchInput, y as BatchInput, batch),
  },
  conv: {
    infer: ([a, b], { strides, dilation, groups }) => {
      const { shape: x, dtype } = a as Node
      const { shape: w, dtype: other } = b as Node
      const spatial = x.length - 2
      const where = `conv: input ${show(x)}, weight ${show(w)}`
      if (dtype !== other) throw mistake(`conv: dtypes ${dtype} and ${other} differ`)
      if (spatial < 1 || w.length !== x.length || strides.length !== spatial || dilation.length !== spatial) {
        throw misfit(
          `${where}: needs input [n, c, ...] and weight [o, c/groups, ...] of one rank, and a stride and dilation per spatial axis`,
        )
      }
      const [channels, out] = [x[1] as number, w[0] as number]
      if (channels !== (w[1] as number) * groups || out % groups !== 0) {
        throw misfit(
          `${where}: ${channels} input channels in ${groups} groups need a weight with ${channels / groups} channels and outputs divisible by ${groups}`,
        )
      }
      const extents = strides.map((stride, i) => {
        const reach = (dilation[i] as number) * ((w[2 + i] as number) - 1) + 1
        if (reach > (x[2 + i] as number))
          throw misfit(
            `${where}: the kernel reaches over ${reach} elements, axis ${2 + i} has ${x[2 + i]}: pad the input or use a smaller kernel`,
          )
        return Math.floor(((x[2 + i] as number) - reach) / stride) + 1
      })
      return { shape: [x[0] as number, out, ...extents], dtype }
    },
    vjp: (b, node, g) => {
      const [x, w] = node.inputs as [Node, Node]
      return [convAdjoint(b, x.shape, w, node.attributes, g), convWeightVjp(b, node, g)]
    },
    jvp: (b, { op, inputs, attributes }, tangents) =>
      productTangent(b, inputs, tangents, (factors) => b.node(op, factors, attributes)),
    batch: (b, node, [x, w], batch) => convBatch(b, node, x as BatchInput, w as BatchInput, batch),
  },
}

/**
 * The adjoint of a correlation with `w` of inputs of a shape, applied to g of the result's: a transposed convolution. Full correlation
 * of the stride-dilated g with the flipped kernel, channels swapped within each group.
 */
export function convAdjoint(b: Build, shape: Dims, w: Node, attributes: OpAttributes['conv'], g: Node): Node {
  const { strides, dilation, groups } = attributes
  if (strides.some((s) => s > 1) && dilation.every((d) => d === 1)) return phasesAdjoint(b, shape, w, attributes, g)
  const spatial = strides.length
  const kernel = w.shape.slice(2)
  const reach = kernel.map((k, i) => (k - 1) * (dilation[i] as number))
  const rest = reach.map(
    (r, i) => (shape[2 + i] as number) - (((g.shape[2 + i] as number) - 1) * (strides[i] as number) + 1 + r),
  )
  const padded = b.pad(
    g,
    [0, 0, ...reach],
    [0, 0, ...reach.map((r, i) => r + (rest[i] as number))],
    [0, 0, ...strides.map((s) => s - 1)],
  )
  const [inGroup, outGroup] = [w.shape[1] as number, (w.shape[0] as number) / groups]
  const flipped = b.slice(w, [0, 0, ...kernel.map((k) => k - 1)], w.shape, [1, 1, ...fill(spatial, -1)])
  const grouped = b.reshape(flipped, [groups, outGroup, inGroup, ...kernel])
  const swapped = b.transpose(grouped, [0, 2, 1, ...range(spatial).map((i) => i + 3)])
  return b.node('conv', [padded, b.reshape(swapped, [groups * inGroup, outGroup, ...kernel])], {
    strides: fill(spatial, 1),
    dilation,
    groups,
  })
}

/**
 * The same without the zeros of the dilation: inputs whose place has one remainder by the stride (a phase) meet one part of the kernel's
 * taps, so each phase is a channel of a narrow convolution, and channels then take their places (Shi et al. 2016).
 */
function phasesAdjoint(b: Build, shape: Dims, w: Node, { strides, groups }: OpAttributes['conv'], g: Node): Node {
  const spatial = range(strides.length)
  const [n, channels] = shape as [number, number]
  const [inGroup, outGroup] = [w.shape[1] as number, (w.shape[0] as number) / groups]
  const axes = strides.map((stride, i) => {
    const [extent, kernel, outputs] = [shape, w.shape, g.shape].map((s) => s[2 + i] as number) as [
      number,
      number,
      number,
    ]
    return {
      stride,
      kernel,
      outputs,
      taps: Math.ceil(kernel / stride),
      places: Math.ceil(extent / stride),
      // A kernel shorter than the stride leaves the other phases zero.
      phases: Math.min(stride, kernel),
      runs: phaseRuns(kernel, stride, inGroup),
    }
  })
  // Tap p + stride · j of the kernel as [j, p].
  const long = b.pad(w, fill(w.shape.length, 0), [0, 0, ...axes.map((a) => a.taps * a.stride - a.kernel)])
  const folded = b.reshape(long, [groups, outGroup, inGroup, ...axes.flatMap((a) => [a.taps, a.stride])])
  const padded = b.pad(g, [0, 0, ...axes.map((a) => a.taps - 1)], [0, 0, ...axes.map((a) => a.places - a.outputs)])
  const convolved = (runs: readonly PhaseRun[]): Node => {
    // From the last tap to the first.
    const taps = b.slice(
      folded,
      [0, 0, 0, ...runs.flatMap((r) => [r.taps - 1, r.from])],
      [groups, outGroup, inGroup, ...runs.flatMap((r) => [r.taps, r.count])],
      [1, 1, 1, ...runs.flatMap(() => [-1, 1])],
    )
    const byPhase = b.transpose(taps, [0, 2, ...spatial.map((i) => 2 * i + 4), 1, ...spatial.map((i) => 2 * i + 3)])
    const count = runs.reduce((product, r) => product * r.count, 1)
    const weight = b.reshape(byPhase, [channels * count, outGroup, ...runs.map((r) => r.taps)])
    const reached = b.slice(
      padded,
      [0, 0, ...runs.map((r, i) => (axes[i]?.taps ?? 0) - r.taps)],
      [...padded.shape.slice(0, 2), ...runs.map((r, i) => (axes[i]?.places ?? 0) + r.taps - 1)],
    )
    const ones = fill(spatial.length, 1)
    const narrow = b.node('conv', [reached, weight], { strides: ones, dilation: ones, groups })
    return b.reshape(narrow, [n, channels, ...runs.map((r) => r.count), ...axes.map((a) => a.places)])
  }
  const together = (chosen: readonly PhaseRun[]): Node => {
    const runs = axes[chosen.length]?.runs
    if (!runs) return convolved(chosen)
    const parts = runs.map((r) => together([...chosen, r]))
    return parts.length === 1 ? (parts[0] as Node) : b.node('concat', parts, { axis: 2 + chosen.length })
  }
  const beside = b.transpose(together([]), [0, 1, ...spatial.flatMap((i) => [2 + spatial.length + i, 2 + i])])
  const whole = b.pad(beside, fill(beside.shape.length, 0), [0, 0, ...axes.flatMap((a) => [0, a.stride - a.phases])])
  const joined = b.reshape(whole, [n, channels, ...axes.map((a) => a.places * a.stride)])
  return b.slice(joined, fill(shape.length, 0), shape)
}

/** Phases side by side that meet equally many taps of a kernel. */
interface PhaseRun {
  readonly from: number
  readonly count: number
  readonly taps: number
}

/** Where the stride does not divide the kernel, the last phases meet a tap less: a convolution of their own, if its channels fill a tile. */
function phaseRuns(kernel: number, stride: number, channels: number): readonly PhaseRun[] {
  const [least, longer] = [Math.floor(kernel / stride), kernel % stride]
  const phases = Math.min(stride, kernel)
  if (longer === 0 || least === 0 || channels < 16)
    return [{ from: 0, count: phases, taps: Math.ceil(kernel / stride) }]
  return [
    { from: 0, count: longer, taps: least + 1 },
    { from: longer, count: stride - longer, taps: least },
  ]
}

/** Correlation of the input with the cotangent: batch takes the part of channels, stride and dilation change places. */
function convWeightVjp(b: Build, node: Node<'conv'>, g: Node): Node {
  const [x, w] = node.inputs as [Node, Node]
  const { strides, dilation, groups } = node.attributes
  const spatial = range(strides.length)
  const [n, inGroup] = [x.shape[0] as number, w.shape[1] as number]
  // [n, groups·c, ...s] → [c, groups·n, ...s]; [n, o, ...t] → [o, n, ...t]; the result is [c, o, ...]. Rows that no window reached are left out.
  const used = spatial.map(
    (i) =>
      ((g.shape[2 + i] as number) - 1) * (strides[i] as number) +
      ((w.shape[2 + i] as number) - 1) * (dilation[i] as number) +
      1,
  )
  const read = b.slice(x, fill(x.shape.length, 0), [...x.shape.slice(0, 2), ...used])
  const split = b.reshape(read, [n, groups, inGroup, ...used])
  const input = b.reshape(b.transpose(split, [2, 1, 0, ...spatial.map((i) => i + 3)]), [inGroup, groups * n, ...used])
  const kernel = b.transpose(g, [1, 0, ...spatial.map((i) => i + 2)])
  const full = b.node('conv', [input, kernel], { strides: dilation, dilation: strides, groups })
  return b.transpose(full, [1, 0, ...spatial.map((i) => i + 2)])
}

/** The product rule: each factor's tangent with the other factor. */
function productTangent(
  b: Build,
  [x, y]: readonly Node[],
  [dx, dy]: readonly (Node | null)[],
  product: (factors: readonly Node[]) => Node,
): Node | null {
  const left = dx ? product([dx, y as Node]) : null
  const right = dy ? product([x as Node, dy]) : null
  return left && right ? b.binary('add', left, right) : (left ?? right)
}

/** Where only one factor differs by example, the examples become rows, or columns, of one larger product. */
function matmulBatch(b: Build, x: BatchInput, y: BatchInput, { size }: Pick<Batch, 'size'>): Node {
  if (x.isBatched && y.isBatched) return b.node('matmul', [x.node, y.node], {})
  if (!x.isBatched) return b.swap(matmulBatch(b, transposed(b, y), transposed(b, x), { size }))
  const [rank, rows] = [y.node.shape.length, x.node.shape.at(-2) as number]
  const before = y.node.shape.slice(0, -2)
  const tall = b.reshape(moveAxis(b, x.node, 0, rank - 2), [...before, size * rows, y.node.shape.at(-2) as number])
  const product = b.node('matmul', [tall, y.node], {})
  return moveAxis(b, b.reshape(product, [...before, size, rows, y.node.shape.at(-1) as number]), rank - 2, 0)
}

const transposed = (b: Build, { node, isBatched }: BatchInput): BatchInput => ({ node: b.swap(node), isBatched })

/** Examples of the input join its batch; examples of the weight become channels, in groups where the input has them too. */
function convBatch(b: Build, node: Node<'conv'>, x: BatchInput, w: BatchInput, batch: Batch): Node {
  const { size } = batch
  const { groups } = node.attributes
  const [input, weight] = node.inputs as [Node, Node]
  const [n, o] = [input.shape[0] as number, weight.shape[0] as number]
  const space = node.shape.slice(2)
  if (!w.isBatched) {
    const y = b.node('conv', [b.reshape(x.node, [size * n, ...input.shape.slice(1)]), w.node], node.attributes)
    return b.reshape(y, [size, ...node.shape])
  }
  if (x.isBatched) {
    const channels = b.reshape(moveAxis(b, x.node, 0, 1), [
      n,
      size * (input.shape[1] as number),
      ...input.shape.slice(2),
    ])
    const y = b.node('conv', [channels, b.reshape(w.node, [size * o, ...weight.shape.slice(1)])], {
      ...node.attributes,
      groups: size * groups,
    })
    return moveAxis(b, b.reshape(y, [n, size, o, ...space]), 1, 0)
  }
  const split = b.reshape(w.node, [size, groups, o / groups, ...weight.shape.slice(1)])
  const y = b.node(
    'conv',
    [x.node, b.reshape(moveAxis(b, split, 0, 1), [size * o, ...weight.shape.slice(1)])],
    node.attributes,
  )
  const apart = b.reshape(y, [n, groups, size, o / groups, ...space])
  return b.reshape(moveAxis(b, apart, 2, 0), [size, ...node.shape])
}
