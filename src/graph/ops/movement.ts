// Movement operations: views that rearrange elements, with the adjoint that puts them back.

import { renamed } from '../names.ts'
import type { BatchInput, Build, Node, OpTable } from '../node.ts'
import { misfit, mistake } from '../refuse.ts'
import {
  checkShape,
  contiguousStrides,
  type Dims,
  forEachIndex,
  normalizeAxis,
  sameShape,
  show,
  sizeOf,
} from '../shape.ts'
import { shifted, unchanged } from './batch.ts'

type MovementName = 'reshape' | 'transpose' | 'broadcast' | 'slice' | 'pad' | 'windows' | 'concat'

const zeros = (rank: number): number[] => new Array<number>(rank).fill(0)
const ones = (rank: number): number[] => new Array<number>(rank).fill(1)

export const movementOps: Pick<OpTable, MovementName> = {
  reshape: {
    infer: ([x], { shape }) => {
      const from = (x as Node).shape
      if (sizeOf(from) !== sizeOf(shape))
        throw misfit(`reshape: ${show(from)} has ${sizeOf(from)} elements, ${show(shape)} has ${sizeOf(shape)}`)
      return { shape, dtype: (x as Node).dtype }
    },
    vjp: (b, node, g) => [b.reshape(g, (node.inputs[0] as Node).shape)],
    batch: (b, node, [x], { size }) => b.reshape((x as BatchInput).node, [size, ...node.shape]),
  },
  transpose: {
    infer: ([x], { permutation }) => {
      const { shape, dtype } = x as Node
      const sorted = [...permutation].sort((a, b) => a - b)
      if (sorted.length !== shape.length || sorted.some((p, i) => p !== i)) {
        throw misfit(
          `transpose: ${show(permutation)} is not a permutation of the ${shape.length} axes of ${show(shape)}`,
        )
      }
      const moved = permutation.map((p) => shape[p] as number)
      return { shape: renamed(moved, shape, permutation), dtype }
    },
    vjp: (b, node, g) => {
      const inverse = zeros(g.shape.length)
      node.attributes.permutation.forEach((p, i) => {
        inverse[p] = i
      })
      return [b.transpose(g, inverse)]
    },
    batch: shifted<'transpose'>(({ permutation }) => ({ permutation: [0, ...permutation.map((p) => p + 1)] })),
  },
  broadcast: {
    infer: ([x], { shape }) => {
      checkShape(shape)
      const from = (x as Node).shape
      const lead = shape.length - from.length
      if (lead < 0 || from.some((d, i) => d !== 1 && d !== shape[lead + i])) {
        throw misfit(`broadcast: ${show(from)} does not broadcast to ${show(shape)}`)
      }
      return { shape, dtype: (x as Node).dtype }
    },
    vjp: (b, node, g) => {
      const from = (node.inputs[0] as Node).shape
      const lead = g.shape.length - from.length
      const axes = g.shape
        .map((_, axis) => axis)
        .filter((axis) => axis < lead || (from[axis - lead] === 1 && g.shape[axis] !== 1))
      return [b.reshape(b.sum(g, axes), from)]
    },
    batch: (b, node, [x], { size }) => {
      const { shape } = node.inputs[0] as Node
      // New axes come after that of the examples.
      const aligned = [size, ...new Array<number>(node.shape.length - shape.length).fill(1), ...shape]
      return b.broadcast(b.reshape((x as BatchInput).node, aligned), [size, ...node.shape])
    },
  },
  slice: {
    infer: ([x], { starts, sizes, steps }) => {
      const { shape, dtype } = x as Node
      if (starts.length !== shape.length || sizes.length !== shape.length || steps.length !== shape.length) {
        throw misfit(`slice: needs one start, size and step for each of the ${shape.length} axes of ${show(shape)}`)
      }
      sizes.forEach((size, axis) => {
        const first = starts[axis] as number
        const last = first + (size - 1) * (steps[axis] as number)
        const extent = shape[axis] as number
        if (size < 0 || (size > 0 && (first < 0 || first >= extent || last < 0 || last >= extent))) {
          throw misfit(`slice: elements ${first} to ${last} of axis ${axis} lie outside ${show(shape)}`)
        }
      })
      return { shape: sizes, dtype }
    },
    vjp: (b, node, g) => [unslice(b, g, (node.inputs[0] as Node).shape, node.attributes)],
    batch: (b, { attributes }, [x], { size }) =>
      b.slice((x as BatchInput).node, [0, ...attributes.starts], [size, ...attributes.sizes], [1, ...attributes.steps]),
  },
  pad: {
    infer: ([x], { low, high, interior }) => {
      const { shape, dtype } = x as Node
      if (
        [low, high, interior].some(
          (list) => list.length !== shape.length || list.some((n) => n < 0 || !Number.isInteger(n)),
        )
      ) {
        throw misfit(
          `pad: low ${show(low)}, high ${show(high)} and interior ${show(interior)} must be integers ≥ 0, one for each axis of ${show(shape)}`,
        )
      }
      return {
        shape: shape.map(
          (d, i) => (low[i] as number) + d + Math.max(0, d - 1) * (interior[i] as number) + (high[i] as number),
        ),
        dtype,
      }
    },
    vjp: (b, node, g) => {
      const { low, interior } = node.attributes
      return [
        b.slice(
          g,
          low,
          (node.inputs[0] as Node).shape,
          interior.map((i) => i + 1),
        ),
      ]
    },
    batch: shifted<'pad'>(({ low, high, interior, value }) => ({
      low: [0, ...low],
      high: [0, ...high],
      interior: [0, ...interior],
      value,
    })),
  },
  windows: {
    infer: ([x], { size, stride, dilation }) => {
      const { shape, dtype } = x as Node
      const lead = shape.length - size.length
      const positions = size.map((k, i) => {
        const extent = shape[lead + i] as number
        const reach = (dilation[i] as number) * (k - 1) + 1
        if (k < 1 || reach > extent)
          throw misfit(`windows: a window of ${k} (reach ${reach}) does not fit axis ${lead + i} of ${show(shape)}`)
        return Math.floor((extent - reach) / (stride[i] as number)) + 1
      })
      return { shape: [...shape.slice(0, lead), ...positions, ...size], dtype }
    },
    vjp: (b, node, g) => [unwindow(b, g, (node.inputs[0] as Node).shape, node.attributes)],
    // The adjoint adds overlapping windows up; transposed again it would add up as many tangents.
    jvp: (b, node, [t]) => b.node('windows', [t as Node], node.attributes),
    batch: unchanged,
  },
  concat: {
    infer: (inputs, { axis }) => {
      const [first] = inputs
      if (!first) throw misfit('concat: needs at least one array')
      normalizeAxis(axis, first.shape.length, 'concat')
      for (const x of inputs) {
        if (x.dtype !== first.dtype) throw mistake(`concat: dtypes ${first.dtype} and ${x.dtype} differ`)
        if (x.shape.length !== first.shape.length || x.shape.some((d, i) => i !== axis && d !== first.shape[i])) {
          throw misfit(`concat: shapes ${show(first.shape)} and ${show(x.shape)} differ outside axis ${axis}`)
        }
      }
      const total = inputs.reduce((n, x) => n + (x.shape[axis] as number), 0)
      return { shape: first.shape.map((d, i) => (i === axis ? total : d)), dtype: first.dtype }
    },
    vjp: (b, node, g) => {
      const { axis } = node.attributes
      let start = 0
      return node.inputs.map((x) => {
        const starts = zeros(g.shape.length)
        starts[axis] = start
        start += x.shape[axis] as number
        return b.slice(g, starts, x.shape)
      })
    },
    batch: shifted<'concat'>(({ axis }) => ({ axis: axis + 1 })),
  },
}

/** Strides that read a contiguous array of shape `from` as if it had the broadcast shape `to`. */
export function broadcastStrides(from: Dims, to: Dims): number[] {
  const strides = contiguousStrides(from)
  const lead = to.length - from.length
  return to.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : (strides[axis - lead] as number)))
}

/** The adjoint of slice: the cotangent at its places, zeros elsewhere. */
function unslice(
  b: Build,
  g: Node,
  shape: Dims,
  { starts, sizes, steps }: { starts: Dims; sizes: Dims; steps: Dims },
): Node {
  if (sizeOf(sizes) === 0) return b.constant(0, shape, g.dtype)
  const rank = shape.length
  // A negative step is a flip of the slice with the positive step.
  const flipped = steps.map((s) => s < 0)
  const straight = flipped.includes(true)
    ? b.slice(
        g,
        sizes.map((n, i) => (flipped[i] ? n - 1 : 0)),
        sizes,
        flipped.map((f) => (f ? -1 : 1)),
      )
    : g
  const stride = steps.map(Math.abs)
  const low = starts.map((start, i) => (flipped[i] ? start + ((sizes[i] as number) - 1) * (steps[i] as number) : start))
  const high = Array.from(
    { length: rank },
    (_, i) => (shape[i] as number) - (low[i] as number) - ((sizes[i] as number) - 1) * (stride[i] as number) - 1,
  )
  return b.pad(
    straight,
    low,
    high,
    stride.map((s) => s - 1),
  )
}

/** The adjoint of windows: overlapping windows are added up. */
function unwindow(
  b: Build,
  g: Node,
  shape: Dims,
  { size, stride, dilation }: { size: Dims; stride: Dims; dilation: Dims },
): Node {
  const k = size.length
  const lead = shape.length - k
  const leadShape = shape.slice(0, lead)
  const positions = g.shape.slice(lead, lead + k)
  const disjoint = size.every((s, i) => (stride[i] as number) >= s && (dilation[i] === 1 || s === 1))
  if (disjoint) {
    // [lead, positions, size] → gaps to the stride → [lead, position, stride, ...] → one axis each → the rest of the axis.
    const gaps = b.pad(g, zeros(lead + 2 * k), [...zeros(lead + k), ...size.map((s, i) => (stride[i] as number) - s)])
    const order = [...leadShape.keys(), ...size.flatMap((_, i) => [lead + i, lead + k + i])]
    const merged = b.reshape(b.transpose(gaps, order), [
      ...leadShape,
      ...positions.map((p, i) => p * (stride[i] as number)),
    ])
    const cut = merged.shape.map((d, i) => Math.min(d, shape[i] as number))
    const kept = sameShape(cut, merged.shape) ? merged : b.slice(merged, zeros(shape.length), cut)
    return b.pad(
      kept,
      zeros(shape.length),
      shape.map((d, i) => d - (cut[i] as number)),
    )
  }
  let sum: Node | undefined
  forEachIndex(size, (offset) => {
    const one = b.slice(g, [...zeros(lead + k), ...offset], [...leadShape, ...positions, ...ones(k)])
    const low = [...zeros(lead), ...offset.map((u, i) => u * (dilation[i] as number))]
    const interior = [...zeros(lead), ...stride.map((s) => s - 1)]
    const spread = [...leadShape, ...positions.map((p, i) => (p - 1) * (stride[i] as number) + 1)]
    const high = shape.map((d, i) => d - (low[i] as number) - (spread[i] as number))
    const placed = b.pad(b.reshape(one, [...leadShape, ...positions]), low, high, interior)
    sum = sum ? b.binary('add', sum, placed) : placed
  })
  return sum ?? b.constant(0, shape, g.dtype)
}
