import type { Batch, BatchInput, Build, Node, OpTable } from '../node.ts'
import { misfit, mistake } from '../refuse.ts'
import { sameShape, show, sizeOf } from '../shape.ts'
import { full, moveAxis, shifted } from './batch.ts'

type IndexingName = 'take' | 'scatterAdd' | 'takeAlong' | 'scatterAddAlong'

function checkIndices(op: string, indices: Node): void {
  if (indices.dtype !== 'int32') throw mistake(`${op}: indices are ${indices.dtype}: they must be int32`)
}

export const indexingOps: Pick<OpTable, IndexingName> = {
  take: {
    infer: ([x, indices], { axis }) => {
      const { shape, dtype } = x as Node
      checkIndices('take', indices as Node)
      if (axis < 0 || axis >= shape.length) throw misfit(`take: axis ${axis} is out of range for ${show(shape)}`)
      if (shape[axis] === 0 && sizeOf((indices as Node).shape) > 0)
        throw misfit(`take: axis ${axis} of ${show(shape)} is empty`)
      return { shape: [...shape.slice(0, axis), ...(indices as Node).shape, ...shape.slice(axis + 1)], dtype }
    },
    vjp: (b, node, g) => {
      const [x, indices] = node.inputs as [Node, Node]
      const { axis } = node.attributes
      return [b.node('scatterAdd', [indices, g], { axis, length: x.shape[axis] as number }), null]
    },
    batch: (b, node, [x, indices], batch) => takeBatch(b, node, x as BatchInput, indices as BatchInput, batch),
  },
  scatterAdd: {
    infer: ([indices, updates], { axis, length }) => {
      const [at, { shape, dtype }] = [indices as Node, updates as Node]
      checkIndices('scatterAdd', at)
      if (!sameShape(shape.slice(axis, axis + at.shape.length), at.shape)) {
        throw misfit(
          `scatterAdd: updates ${show(shape)} must hold the indices' shape ${show(at.shape)} at axis ${axis}`,
        )
      }
      if (dtype === 'bool') throw mistake('scatterAdd: does not take bool: cast it to int32 first')
      return { shape: [...shape.slice(0, axis), length, ...shape.slice(axis + at.shape.length)], dtype }
    },
    vjp: (b, node, g) => [null, b.node('take', [g, node.inputs[0] as Node], { axis: node.attributes.axis })],
    batch: (b, node, [indices, updates], batch) =>
      scatterAddBatch(b, node, indices as BatchInput, updates as BatchInput, batch),
  },
  takeAlong: {
    infer: ([x, indices], { axis }) => {
      const { shape, dtype } = x as Node
      checkIndices('takeAlong', indices as Node)
      const at = (indices as Node).shape
      if (at.length !== shape.length || at.some((d, i) => i !== axis && d !== shape[i])) {
        throw misfit(`takeAlong: indices ${show(at)} must equal ${show(shape)} outside axis ${axis}`)
      }
      return { shape: at, dtype }
    },
    vjp: (b, node, g) => {
      const [x, indices] = node.inputs as [Node, Node]
      const { axis } = node.attributes
      return [b.node('scatterAddAlong', [indices, g], { axis, length: x.shape[axis] as number }), null]
    },
    batch: shifted<'takeAlong'>(({ axis }) => ({ axis: axis + 1 })),
  },
  scatterAddAlong: {
    infer: ([indices, updates], { axis, length }) => {
      const [at, { shape, dtype }] = [indices as Node, updates as Node]
      checkIndices('scatterAddAlong', at)
      if (!sameShape(at.shape, shape))
        throw misfit(`scatterAddAlong: indices ${show(at.shape)} and updates ${show(shape)} differ`)
      if (dtype === 'bool') throw mistake('scatterAddAlong: does not take bool: cast it to int32 first')
      return { shape: shape.map((d, i) => (i === axis ? length : d)), dtype }
    },
    vjp: (b, node, g) => [null, b.node('takeAlong', [g, node.inputs[0] as Node], { axis: node.attributes.axis })],
    batch: shifted<'scatterAddAlong'>(({ axis, length }) => ({ axis: axis + 1, length })),
  },
}

/** Rows of all examples under each other, so that indices that differ by example become indices of one table. */
function rowsOfAll(b: Build, indices: BatchInput, extent: number, batch: Batch): Node {
  const own = full(b, indices, batch)
  const counted = b.where(b.binary('less', own, 0), b.binary('add', own, extent), own)
  const inside = b.binary('maximum', b.binary('minimum', counted, extent - 1), 0)
  return b.binary('add', inside, b.binary('mul', b.iota(own.shape, 0), extent))
}

function takeBatch(b: Build, node: Node<'take'>, x: BatchInput, indices: BatchInput, batch: Batch): Node {
  const { axis } = node.attributes
  if (!indices.isBatched) return b.node('take', [x.node, indices.node], { axis: axis + 1 })
  if (!x.isBatched) return moveAxis(b, b.node('take', [x.node, indices.node], { axis }), axis, 0)
  const { shape } = node.inputs[0] as Node
  const rest = [...shape.slice(0, axis), ...shape.slice(axis + 1)]
  const extent = shape[axis] as number
  const rows = b.reshape(moveAxis(b, x.node, axis + 1, 1), [batch.size * extent, ...rest])
  const taken = b.node('take', [rows, rowsOfAll(b, indices, extent, batch)], { axis: 0 })
  return fromRows(b, taken, axis, (node.inputs[1] as Node).shape.length)
}

function scatterAddBatch(
  b: Build,
  node: Node<'scatterAdd'>,
  indices: BatchInput,
  updates: BatchInput,
  batch: Batch,
): Node {
  const { axis, length } = node.attributes
  const given = full(b, updates, batch)
  if (!indices.isBatched) return b.node('scatterAdd', [indices.node, given], { axis: axis + 1, length })
  const count = (node.inputs[0] as Node).shape.length
  // [examples, before, indices, behind] as [examples, indices, before, behind].
  const order = [...given.shape.keys()]
  const places = order.splice(1 + axis, count)
  order.splice(1, 0, ...places)
  const rows = b.node('scatterAdd', [rowsOfAll(b, indices, length, batch), b.transpose(given, order)], {
    axis: 0,
    length: batch.size * length,
  })
  return fromRows(b, b.reshape(rows, [batch.size, length, ...rows.shape.slice(1)]), axis, 1)
}

/** [examples, count axes, before, behind] with the `count` axes back at their place behind `axis` others. */
function fromRows(b: Build, x: Node, axis: number, count: number): Node {
  const order = [...x.shape.keys()]
  const places = order.splice(1, count)
  order.splice(1 + axis, 0, ...places)
  return b.transpose(x, order)
}
