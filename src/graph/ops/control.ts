import {
  type ControlName,
  type ControlRecord,
  changed,
  isOp,
  type Node,
  type OpAttributes,
  type OpTable,
  type ShapeAndType,
  type Subgraph,
} from '../node.ts'
import { misfit, mistake } from '../refuse.ts'
import { sameShape, show } from '../shape.ts'
import { noInputs } from './batch.ts'
import { condBatch, condJvp, scanBatch, scanJvp, whileBatch, whileJvp } from './control-forward.ts'
import { condVjp, scanVjp, whileVjp } from './control-vjp.ts'

const typed = ({ shape, dtype }: ShapeAndType): ShapeAndType => ({ shape, dtype })
const text = ({ shape, dtype }: ShapeAndType): string => `${dtype} ${show(shape)}`

/** Shape and dtype of the operation's own node, which has no value. */
const nothing: ShapeAndType = { shape: [0], dtype: 'bool' }

function checkEqual(what: string, given: readonly ShapeAndType[], wanted: readonly ShapeAndType[]): void {
  if (given.length !== wanted.length) throw misfit(`${what}: ${given.length} given, ${wanted.length} expected`)
  given.forEach((g, i) => {
    const w = wanted[i]
    if (g.dtype !== w.dtype || !sameShape(g.shape, w.shape))
      throw mistake(`${what} ${i} is ${text(g)}, expected ${text(w)}: they must be equal`)
  })
}

function checkPredicate(what: string, node: Node): void {
  if (node.dtype !== 'bool' || node.shape.length > 0)
    throw mistake(`${what} is ${text(node)}: it must be one bool: compare, and reduce with all() or any()`)
}

const slice = ({ shape, dtype }: ShapeAndType): ShapeAndType => ({ shape: shape.slice(1), dtype })

/** What the body of a scan gets: carries, slices and constants. */
const bodyArguments = (inputs: readonly Node[], { carries, sequences }: OpAttributes['scan']): ShapeAndType[] =>
  inputs.map((x, i) => (i >= carries && i < carries + sequences ? slice(x) : x))

export const controlOps: Pick<OpTable, ControlName | 'part'> = {
  cond: {
    infer: ([predicate, ...operands], { whenTrue, whenFalse }) => {
      checkPredicate('cond: the predicate', predicate)
      checkEqual('cond: operand', operands, whenTrue.parameters)
      checkEqual('cond: operand', operands, whenFalse.parameters)
      checkEqual("cond: the second branch's result", whenFalse.outputs, whenTrue.outputs)
      return nothing
    },
    results: ({ whenTrue }) => whenTrue.outputs.map(typed),
    subgraphs: ({ whenTrue, whenFalse }) => [whenTrue, whenFalse],
    withSubgraphs: (_, [whenTrue, whenFalse]) => ({ whenTrue, whenFalse }),
    vjp: condVjp,
    jvp: condJvp,
    batch: condBatch,
  },
  scan: {
    infer: (inputs, attributes) => {
      const { body, carries, sequences, length } = attributes
      for (const [i, x] of inputs.slice(carries, carries + sequences).entries()) {
        if (x.shape[0] !== length)
          throw misfit(`scan: sequence ${i} is ${text(x)}: its first axis must have the length ${length}`)
      }
      checkEqual('scan: argument', bodyArguments(inputs, attributes), body.parameters)
      checkEqual('scan: the next carry', body.outputs.slice(0, carries), body.parameters.slice(0, carries))
      return nothing
    },
    results: ({ body, carries, length }) =>
      body.outputs.map(({ shape, dtype }, i) => ({ shape: i < carries ? shape : [length, ...shape], dtype })),
    subgraphs: ({ body }) => [body],
    withSubgraphs: (own, [body]) => ({ ...own, body }),
    vjp: scanVjp,
    jvp: scanJvp,
    batch: scanBatch,
  },
  whileLoop: {
    infer: (inputs, { condition, body, carries }) => {
      const [keepGoing] = condition.outputs
      if (!keepGoing || condition.outputs.length > 1) throw mistake('whileLoop: the condition gives one bool')
      checkPredicate('whileLoop: the condition', keepGoing)
      checkEqual('whileLoop: argument', inputs, body.parameters)
      checkEqual('whileLoop: argument', inputs, condition.parameters)
      checkEqual('whileLoop: the next carry', body.outputs, body.parameters.slice(0, carries))
      return nothing
    },
    results: ({ body }) => body.outputs.map(typed),
    subgraphs: ({ condition, body }) => [condition, body],
    withSubgraphs: (own, [condition, body]) => ({ ...own, condition, body }),
    vjp: whileVjp,
    jvp: whileJvp,
    batch: whileBatch,
  },
  part: {
    infer: ([from], { index }) => resultsOf(from)[index],
    vjp: 'none',
    batch: noInputs,
  },
}

/** Shape and dtype of each result of a cond, scan or whileLoop. */
export function resultsOf(node: Node): readonly ShapeAndType[] {
  if (isOp(node, 'cond')) return controlOps.cond.results(node.attributes)
  if (isOp(node, 'scan')) return controlOps.scan.results(node.attributes)
  if (isOp(node, 'whileLoop')) return controlOps.whileLoop.results(node.attributes)
  throw mistake(`${node.op}: has one result`)
}

/** The subgraphs of an operation, in the order in which `withSubgraphs` takes them. */
export const subgraphsOf = (node: Node<ControlName>): readonly Subgraph[] => recordOf(node).subgraphs(node.attributes)

/** The operation with other subgraphs and inputs. */
export const withSubgraphs = (
  node: Node<ControlName>,
  graphs: readonly Subgraph[],
  inputs: readonly Node[],
): Node<ControlName> => changed(node, { inputs, attributes: recordOf(node).withSubgraphs(node.attributes, graphs) })

const recordOf = (node: Node<ControlName>): ControlRecord<ControlName> =>
  controlOps[node.op] as ControlRecord<ControlName>
