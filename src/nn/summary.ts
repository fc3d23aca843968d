// The summary of a network: what each module puts out, how many parameters it has and how many FLOPs it takes.

import { aligned } from '../graph/aligned.ts'
import { lastId } from '../graph/build.ts'
import type { DType } from '../graph/dtype.ts'
import { contractionFlops } from '../graph/flops.ts'
import type { Node } from '../graph/node.ts'
import { type Dims, show, sizeOf } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'
import { readAs, type Tensor, Variable, withTraining, zeros } from '../tensor/index.ts'
import { tensorsOf } from '../tensor/tree.ts'
import { nameOf } from './error.ts'
import type { Definition, Module, Summary, SummaryRow } from './module.ts'
import { rebuild, slotsOf } from './tree.ts'

/** Builds the graph of a call, without evaluating it, and counts. */
export function summarize(
  module: Module,
  inputShape: Dims,
  dtype: DType,
  define: (definition: Definition) => Module,
): Summary {
  const rows: SummaryRow[] = []
  const counted = new Set<Tensor>()
  const childFlops = [0]
  const watched = rebuild(module, (m, children, path) => {
    const watch = <R>(forward: () => R): R => {
      const position = rows.length
      const start = lastId()
      const parameters = Object.values(m.definition.parameters ?? {}).filter((t) => !counted.has(t))
      for (const t of parameters) counted.add(t)
      rows.push({
        path: path.join('.'),
        kind: nameOf(m),
        outputShape: [],
        parameters: countElements(parameters),
        flops: 0,
      })
      childFlops.push(0)
      const result = forward()
      const outputs = tensorsOf(result)
      // What only other results need, as the mean weights of attention, is not computed when nobody reads them.
      const total = flopsOf(
        outputs.slice(0, 1).map((y) => y.node),
        start,
      )
      // What modules hold that were not called one by one, as experts, belongs to this row.
      const more = parametersOf(m).filter((t) => !counted.has(t))
      for (const t of more) counted.add(t)
      const flops = total - (childFlops.pop() ?? 0)
      childFlops[childFlops.length - 1] += total
      rows[position] = {
        ...rows[position],
        outputShape: outputs[0]?.shape ?? [],
        parameters: rows[position].parameters + countElements(more),
        flops,
      }
      return result
    }
    const { forward, run } = m.definition
    return define({
      ...m.definition,
      children,
      forward: (x, own, inner) => watch(() => forward.call(m.definition, x, own, inner)),
      ...(run ? { run: (own, inner, ...inputs) => watch(() => run.call(m.definition, own, inner, ...inputs)) } : {}),
    })
  })
  withTraining(false, () => watched(zeros(inputShape, dtype)))
  const summary = {
    inputShape,
    rows,
    parameters: rows.reduce((n, row) => n + row.parameters, 0),
    trainable: countElements([...counted].filter((t) => t instanceof Variable && t.trainable)),
    flops: rows.reduce((n, row) => n + row.flops, 0),
  }
  return { ...summary, ...readAs(() => table(summary)) }
}

/** The parameters of a module and its children, each once. */
const parametersOf = (module: Module): Tensor[] => [
  ...new Set(slotsOf(module).flatMap(({ role, tensor }) => (role === 'parameter' ? [tensor] : []))),
]

/** The number of elements of all tensors. */
const countElements = (tensors: Iterable<Tensor>): number => [...tensors].reduce((n, t) => n + sizeOf(t.shape), 0)

/** FLOPs of the contractions that were built after node number `start`. */
function flopsOf(outputs: readonly Node[], start: number): number {
  let flops = 0
  for (const node of topologicalOrder(outputs, (n) => n.id <= start)) {
    if (node.id <= start) continue
    flops += contractionFlops(node)
  }
  return flops
}

function table(summary: Omit<Summary, 'toString'>): string {
  const count = (n: number): string => (n === 0 ? '–' : n.toLocaleString('en-US'))
  const header = ['module', 'kind', 'output', 'parameters', 'FLOPs']
  const input = ['input', '', show(summary.inputShape), '', '']
  const body = summary.rows.map((r) => [
    r.path || 'net',
    r.kind,
    show(r.outputShape),
    count(r.parameters),
    count(r.flops),
  ])
  const frozen = summary.parameters - summary.trainable
  const total = [
    'total',
    frozen === 0 ? '' : `${count(frozen)} frozen`,
    '',
    count(summary.parameters),
    count(summary.flops),
  ]
  const lines = [header, input, ...body, total]
  const text = aligned(lines, (column) => column < 3).split('\n')
  const rule = '─'.repeat(Math.max(...text.map((line) => line.length)))
  return [text[0], rule, ...text.slice(1, -1), rule, text[text.length - 1]].join('\n')
}
