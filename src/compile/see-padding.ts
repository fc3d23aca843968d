// Convolutions that take what lies outside of padded images for 0, where a kernel can: no padded copy is made.

import { isMovement } from '../graph/movements.ts'
import { changed, isOp, type Node } from '../graph/node.ts'
import { type Dims, sizeOf } from '../graph/shape.ts'
import { mapGraph, wholeOrder } from '../graph/walk.ts'
import type { PaddedConvolution, Padding, SeesPadding } from '../kernel/contract.ts'
import { type Table, tableOf } from '../kernel/table.ts'
import { classify, groupedConvShape, type NodeClass } from './classify.ts'
import { productViews } from './operand.ts'
import { resolve, type View } from './view.ts'

/** What reads through bounds, and needs no copy either. */
const readsBounds: readonly NodeClass[] = ['pointwise', 'reduce', 'window']

/** Marks the convolutions of a graph that see padding. A padded copy that something else needs is better read by all. */
export function seePadding(outputs: readonly Node[], sees: SeesPadding): readonly Node[] {
  const nodes = wholeOrder(outputs)
  // What epilogues may hold is not known yet, and kernels that see padding have none of float64.
  if (nodes.some((n) => n.dtype === 'float64' || classify(n) === 'control')) return outputs
  const seeing = new Map<Node, Node>()
  for (const node of nodes) {
    const pad = isOp(node, 'conv') && classify(node) === 'contract' ? padOf(node.inputs[0] as Node) : undefined
    if (pad && maySee(node as Node<'conv'>) && sees(productOf(seeingPadding(node as Node<'conv'>))))
      seeing.set(node, pad)
  }
  if (seeing.size === 0) return outputs
  const copied = new Set(outputs.flatMap((node) => padOf(node) ?? []))
  for (const node of nodes) {
    const kind = classify(node)
    if (kind === 'movement' || readsBounds.includes(kind)) continue
    node.inputs.forEach((input, i) => {
      if (seeing.has(node) && i === 0) return
      const pad = padOf(input)
      if (pad) copied.add(pad)
    })
  }
  return mapGraph(outputs, (node, inputs) => {
    const pad = seeing.get(node)
    const now = inputs === node.inputs ? node : changed(node, { inputs })
    return pad && !copied.has(pad) ? seeingPadding(now as Node<'conv'>) : now
  }).outputs
}

/** Where the images of a convolution that sees padding are. */
export function paddingOf(node: Node<'conv'>): Padding {
  const { shape, bounds } = resolve(node.inputs[0] as Node)
  const [rows, columns] = [shape[2] as number, shape[3] as number]
  const [[top, bottom], [start, end]] = [bounds[2] ?? [0, rows], bounds[3] ?? [0, columns]]
  return { extents: [rows, columns], low: [top, start], high: [bottom, end] }
}

const seeingPadding = (node: Node<'conv'>): Node<'conv'> =>
  changed(node, { attributes: { ...node.attributes, seesPadding: true } })

/** The pad that a value is moved from, if it is. */
function padOf(x: Node): Node | undefined {
  let at = x
  while (isMovement(at) && at.op !== 'pad') at = at.inputs[0] as Node
  return at.op === 'pad' && at !== resolve(at).base ? at : undefined
}

/** Whether images are zero around rows and columns, along which the windows go step by step. */
function maySee({ inputs, attributes: { strides, dilation } }: Node<'conv'>): boolean {
  const [x] = inputs
  const { base, bounds, fill } = resolve(x)
  const around = bounds.every((b, axis) => b === undefined || axis >= 2) && bounds.some((b) => b)
  const steps = [...strides, ...dilation]
  return around && fill === 0 && steps.length === 4 && steps.every((n) => n === 1) && base.dtype === 'float32'
}

/** As `lower-contract.ts` makes its tables: groups are the batch, filters rows, and all else of the output columns. */
function productOf(node: Node<'conv'>): PaddedConvolution {
  const { left: images, right: filters } = productViews(node)
  const outer = groupedConvShape(node)
  const inner = images.shape.map((_, axis) => axis).slice(outer.length)
  const columns = outer.map((_, axis) => axis).filter((axis) => axis !== 1 && axis !== 2)
  const table = (view: View, axes: Dims): Table =>
    tableOf(
      axes.map((a) => images.shape[a] as number),
      axes.map((a) => view.strides[a] as number),
    )
  return {
    batch: outer[1] as number,
    m: outer[2] as number,
    n: sizeOf(columns.map((a) => outer[a] as number)),
    left: { outer: table(filters, [2]), inner: table(filters, inner) },
    right: { outer: table(images, columns), inner: table(images, inner) },
    padding: paddingOf(node),
  }
}
