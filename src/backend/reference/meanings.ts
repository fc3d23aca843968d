// The meaning of every operation that no expression of one element states: slow and obvious, on whole arrays.

import { allocate, type DataArray, isFloat } from '../../graph/dtype.ts'
import type { ControlName, NdArray, Node, OpName, PointwiseName, Subgraph } from '../../graph/node.ts'
import { resultsOf } from '../../graph/ops/control.ts'
import { broadcastStrides } from '../../graph/ops/movement.ts'
import { identityOf } from '../../graph/ops/reduce.ts'
import { contiguousStrides, type Dims, dotIndex, forEachIndex, sizeOf, without } from '../../graph/shape.ts'

/** Leaves and parts of control flow have no value of their own. */
export type StructuralName = Exclude<OpName, PointwiseName | ControlName | 'leaf' | 'part'>

export type Meaning<O extends StructuralName> = (inputs: readonly NdArray[], node: Node<O>) => DataArray

/** Evaluates a subgraph on arguments. */
type RunSubgraph = (graph: Subgraph, args: readonly NdArray[]) => readonly NdArray[]

export type ControlMeaning<O extends ControlName> = (
  inputs: readonly NdArray[],
  node: Node<O>,
  run: RunSubgraph,
) => readonly NdArray[]

/** Total, so that an operation without a meaning does not compile. */
export const meanings: { readonly [O in StructuralName]: Meaning<O> } = {
  iota(_, { shape, attributes: { axis } }) {
    const inner = sizeOf(shape.slice(axis + 1))
    return Int32Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(i / inner) % shape[axis])
  },

  reshape: ([x]) => x.data,
  transpose([x], { shape, attributes: { permutation } }) {
    const strides = contiguousStrides(x.shape)
    return gather(
      x,
      shape,
      permutation.map((p) => strides[p]),
    )
  },
  broadcast: ([x], { shape }) => gather(x, shape, broadcastStrides(x.shape, shape)),
  slice([x], { shape, attributes: { starts, steps } }) {
    const strides = contiguousStrides(x.shape)
    return gather(
      x,
      shape,
      strides.map((s, axis) => s * steps[axis]),
      dotIndex(starts, strides),
    )
  },
  pad([x], { shape, dtype, attributes: { low, interior, value } }) {
    const strides = contiguousStrides(shape)
    const out = allocate(dtype, sizeOf(shape)).fill(dtype === 'bool' ? Number(value !== 0) : value)
    const steps = strides.map((s, axis) => s * (interior[axis] + 1))
    const offset = dotIndex(low, strides)
    forEachIndex(x.shape, (index, position) => {
      out[offset + dotIndex(index, steps)] = x.data[position]
    })
    return out
  },
  windows([x], { shape, attributes: { size, stride, dilation } }) {
    const strides = contiguousStrides(x.shape)
    const lead = strides.length - size.length
    const spatial = strides.slice(lead)
    return gather(x, shape, [
      ...strides.slice(0, lead),
      ...spatial.map((s, i) => s * stride[i]),
      ...spatial.map((s, i) => s * dilation[i]),
    ])
  },
  concat(inputs, { shape, dtype, attributes: { axis } }) {
    const inner = sizeOf(shape.slice(axis + 1))
    const out = allocate(dtype, sizeOf(shape))
    for (let outer = 0, at = 0; outer < sizeOf(shape.slice(0, axis)); outer++) {
      for (const { data, shape } of inputs) {
        const run = shape[axis] * inner
        out.set(data.subarray(outer * run, (outer + 1) * run), at)
        at += run
      }
    }
    return out
  },

  sum: reduced('sum', (a, b) => a + b),
  prod: reduced('prod', (a, b) => a * b),
  max: reduced('max', Math.max),
  min: reduced('min', Math.min),
  argmax: chosen((a, b) => a > b),
  argmin: chosen((a, b) => a < b),

  matmul([x, y], { shape, dtype }) {
    const [m, n] = shape.slice(-2)
    const k = y.shape[shape.length - 2]
    const out = allocate(dtype, sizeOf(shape))
    for (let batch = 0; batch < sizeOf(shape.slice(0, -2)); batch++) {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let sum = 0
          for (let p = 0; p < k; p++) {
            const left = x.data[(batch * m + i) * k + p]
            const right = y.data[(batch * k + p) * n + j]
            sum = isFloat(dtype) ? sum + left * right : (sum + Math.imul(left, right)) | 0
          }
          out[(batch * m + i) * n + j] = sum
        }
      }
    }
    return out
  },
  conv([x, w], { shape, dtype, attributes: { strides, dilation, groups } }) {
    const xs = contiguousStrides(x.shape)
    const ws = contiguousStrides(w.shape)
    const step = strides.map((s, i) => s * xs[2 + i])
    const reach = dilation.map((d, i) => d * xs[2 + i])
    const out = allocate(dtype, sizeOf(shape))
    const [inGroup, outGroup] = [w.shape[1], w.shape[0] / groups]
    forEachIndex(shape, (index, position) => {
      const [n, o] = index
      const group = Math.floor(o / outGroup)
      const base = n * xs[0] + group * inGroup * xs[1] + dotIndex(index.slice(2), step)
      let sum = 0
      forEachIndex(w.shape.slice(1), (at, p) => {
        sum += x.data[base + at[0] * xs[1] + dotIndex(at.slice(1), reach)] * w.data[o * ws[0] + p]
      })
      out[position] = sum
    })
    return out
  },

  take([x, { data: indices }], { shape, dtype, attributes: { axis } }) {
    const [extent, inner] = [x.shape[axis], sizeOf(x.shape.slice(axis + 1))]
    const out = allocate(dtype, sizeOf(shape))
    for (let outer = 0, to = 0; outer < sizeOf(x.shape.slice(0, axis)); outer++) {
      for (let i = 0; i < indices.length; i++, to += inner) {
        const from = (outer * extent + resolveIndex(indices[i], extent)) * inner
        out.set(x.data.subarray(from, from + inner), to)
      }
    }
    return out
  },
  scatterAdd([{ data: indices }, { data: updates }], { shape, dtype, attributes: { axis, length } }) {
    const inner = sizeOf(shape.slice(axis + 1))
    const out = allocate(dtype, sizeOf(shape))
    for (let outer = 0, from = 0; outer < sizeOf(shape.slice(0, axis)); outer++) {
      for (let i = 0; i < indices.length; i++) {
        const to = (outer * length + resolveIndex(indices[i], length)) * inner
        for (let j = 0; j < inner; j++) out[to + j] += updates[from++]
      }
    }
    return out
  },
  takeAlong([x, indices], { shape, dtype, attributes: { axis } }) {
    const strides = contiguousStrides(x.shape)
    const out = allocate(dtype, sizeOf(shape))
    forEachIndex(shape, (index, position) => {
      const chosen = resolveIndex(indices.data[position], x.shape[axis])
      out[position] = x.data[dotIndex(index, strides) + (chosen - index[axis]) * strides[axis]]
    })
    return out
  },
  scatterAddAlong([indices, updates], { shape, dtype, attributes: { axis, length } }) {
    const strides = contiguousStrides(shape)
    const out = allocate(dtype, sizeOf(shape))
    forEachIndex(updates.shape, (index, position) => {
      const chosen = resolveIndex(indices.data[position], length)
      out[dotIndex(index, strides) + (chosen - index[axis]) * strides[axis]] += updates.data[position]
    })
    return out
  },

  routine(inputs, { shape, dtype, attributes: { routine, parameters } }) {
    const data = allocate(dtype, sizeOf(shape))
    routine.run(inputs, { shape, dtype, data }, parameters)
    return data
  },
}

export const controlMeanings: { readonly [O in ControlName]: ControlMeaning<O> } = {
  cond: ([predicate, ...operands], { attributes: { whenTrue, whenFalse } }, run) =>
    run(predicate.data[0] === 0 ? whenFalse : whenTrue, operands),
  scan(inputs, node, run) {
    const { body, carries, sequences, length, reverse } = node.attributes
    const stacked = resultsOf(node)
      .slice(carries)
      .map((r) => ({ ...r, data: allocate(r.dtype, sizeOf(r.shape)) }))
    const constants = inputs.slice(carries + sequences)
    let state = inputs.slice(0, carries)
    for (let turn = 0; turn < length; turn++) {
      const t = reverse ? length - 1 - turn : turn
      const slices = inputs.slice(carries, carries + sequences).map(({ shape, dtype, data }) => {
        const size = data.length / length
        return { shape: shape.slice(1), dtype, data: data.slice(t * size, (t + 1) * size) }
      })
      const results = run(body, [...state, ...slices, ...constants])
      state = results.slice(0, carries)
      results.slice(carries).forEach(({ data }, i) => {
        stacked[i].data.set(data, t * data.length)
      })
    }
    return [...state, ...stacked]
  },
  whileLoop(inputs, { attributes: { condition, body, carries, maximum } }, run) {
    const constants = inputs.slice(carries)
    let state = inputs.slice(0, carries)
    for (let turn = 0; turn < maximum && run(condition, [...state, ...constants])[0].data[0] !== 0; turn++) {
      state = [...run(body, [...state, ...constants])]
    }
    return state
  },
}

/** Reads the input at offset + Σ index·stride for every index of the output. */
function gather(x: NdArray, shape: Dims, strides: Dims, offset = 0): DataArray {
  const out = allocate(x.dtype, sizeOf(shape))
  forEachIndex(shape, (index, position) => {
    out[position] = x.data[offset + dotIndex(index, strides)]
  })
  return out
}

/** Negative indices count from the end; what still lies outside is moved to the nearest end. */
const resolveIndex = (index: number, extent: number): number =>
  Math.max(0, Math.min(extent - 1, index < 0 ? index + extent : index))

/** Visits every element with its output cell, in row-major order; `place` is the position within the reduced axes. */
function fold(x: NdArray, axes: Dims, visit: (cell: number, value: number, place: number) => void): void {
  const outStrides = contiguousStrides(without(x.shape, axes))
  const placeStrides = contiguousStrides(axes.map((a) => x.shape[a]))
  let kept = 0
  const cells = x.shape.map((_, axis) => (axes.includes(axis) ? 0 : outStrides[kept++]))
  const places = x.shape.map((_, axis) => (axes.includes(axis) ? placeStrides[axes.indexOf(axis)] : 0))
  forEachIndex(x.shape, (index, position) => {
    visit(dotIndex(index, cells), x.data[position], dotIndex(index, places))
  })
}

/** Sums of float32 are kept in double until the end; integers wrap at 32 bits. */
function reduced<O extends 'sum' | 'prod' | 'max' | 'min'>(
  op: O,
  combine: (a: number, b: number) => number,
): Meaning<O> {
  return ([x], { shape, dtype, attributes }) => {
    const wide = new Float64Array(sizeOf(shape)).fill(identityOf(op, dtype))
    const step = op === 'prod' && !isFloat(dtype) ? Math.imul : combine
    fold(x, attributes.axes, (cell, value) => {
      wide[cell] = step(wide[cell], value)
    })
    const out = allocate(dtype, wide.length)
    for (let i = 0; i < wide.length; i++) out[i] = dtype === 'int32' ? wide[i] | 0 : wide[i]
    return out
  }
}

/** The place of the first element that no other is better than. */
function chosen(better: (a: number, b: number) => boolean): Meaning<'argmax' | 'argmin'> {
  return ([x], { shape, attributes }) => {
    const out = new Int32Array(sizeOf(shape))
    const best = new Float64Array(out.length)
    fold(x, attributes.axes, (cell, value, place) => {
      const old = best[cell]
      // The first NaN wins over everything, as in NumPy.
      if (place === 0 || (!Number.isNaN(old) && (Number.isNaN(value) || better(value, old)))) {
        best[cell] = value
        out[cell] = place
      }
    })
    return out
  }
}
