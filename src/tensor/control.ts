// Control flow of tensors: cond, scan and whileLoop, whose functions are traced once and run as often as values say.

import { build, lastId } from '../graph/build.ts'
import type { Node } from '../graph/node.ts'
import { resultsOf } from '../graph/ops/control.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { invariants, outsiders } from '../graph/subgraph.ts'
import { Surroundings, stand } from './body.ts'
import { evaluate } from './execute.ts'
import { runtime } from './runtime.ts'
import { stabilizedBody } from './stabilized.ts'
import { Tensor, wrap } from './tensor.ts'
import { mapTree, tensorsOf, treeKey } from './tree.ts'
import type { Variable } from './variable.ts'

/** A tree with tensors of any shape and dtype: shapes of slices and of stacked results are known when the program runs. */
export type AnyTensors<T> = T extends Tensor ? Tensor : { [K in keyof T]: AnyTensors<T[K]> }

/**
 * The result of `then` where the predicate, a bool scalar, is true, else that of `otherwise`, both on the operands and
 * whatever else they read. Only one of them runs, forward and backward; both give the same structure of tensors. Values
 * that were built before the call are computed in either case.
 *
 *     const y = cond(x.sum().greater(0), (x) => x.log(), (x) => x.neg(), x)
 */
export function cond<A extends readonly unknown[], R>(
  predicate: Tensor,
  then: (...operands: A) => R,
  otherwise: (...operands: A) => AnyTensors<R>,
  ...operands: A
): AnyTensors<R> {
  if (!(predicate instanceof Tensor))
    throw mistake(`cond: the predicate is ${typeof predicate}, it must be a tensor: use an if for host values`)
  const startId = lastId()
  const around = new Surroundings('cond')
  const traced = [then, otherwise].map((f) => around.trace(() => f(...operands)))
  const [yes, no] = traced as [(typeof traced)[number], (typeof traced)[number]]
  checkStructure('cond: the branches give', yes.result, no.result, 'they must be equal')
  const variables = [...around.assigned]
  const outputs = traced.map(({ result, values }) =>
    stabilizedBody(
      [...tensorsOf(result).map((t) => t.node), ...variables.map((v) => values.get(v) ?? around.leafOf(v))],
      startId,
      values.values(),
    ),
  )
  const parameters = [...new Set(outputs.flatMap((o) => outsiders(o, [], startId)))]
  const node = build.node('cond', [predicate.node, ...around.outer(parameters)], {
    whenTrue: { parameters, outputs: outputs[0] as Node[] },
    whenFalse: { parameters, outputs: outputs[1] as Node[] },
  })
  return finish(node, yes.result, variables) as AnyTensors<R>
}

export interface ScanOptions {
  /** The number of turns; needed where there are no sequences. */
  readonly length?: number
  /** From the last slice to the first; results are stacked in the order of the slices. */
  readonly reverse?: boolean
  /**
   * Whether products that need no carry may be computed for all turns at once, which is faster for small ones and takes the memory
   * of all turns; true unless told.
   */
  readonly hoist?: boolean
}

/**
 * Folds a function over the first axis of sequences: `body` maps the carry and one slice of each to the next carry and
 * results, which are stacked along a new first axis. Any of them may be trees of tensors. The body is traced once and
 * compiled once, whatever the length. Variables that it assigns keep their value from turn to turn.
 *
 *     const [total, sums] = scan((sum, x) => [sum.add(x), sum.add(x)], zeros([3]), tensor([[1, 2, 3], [4, 5, 6]]))
 */
export function scan<C, X, Y>(
  body: (carry: AnyTensors<C>, slice: AnyTensors<X>) => readonly [AnyTensors<C>, Y],
  initial: C,
  sequences?: X,
  options: ScanOptions = {},
): [carry: AnyTensors<C>, stacked: AnyTensors<Y>] {
  const inputs = tensorsOf(initial).map((t) => t.node)
  const series = tensorsOf(sequences).map((t) => t.node)
  const length = lengthOf(series, options.length)
  const startId = lastId()
  const carries = inputs.map(stand)
  const slices = series.map(({ shape, dtype }) => stand({ shape: shape.slice(1), dtype }))
  const turn = stand({ shape: [], dtype: 'int32' })
  const around = new Surroundings('scan', turn)
  const { result, values } = around.trace(() => body(fill(initial, carries), fill(sequences as X, slices)))
  if (!Array.isArray(result) || result.length !== 2)
    throw mistake('scan: the body must return [carry, result]; give undefined where there is no result')
  const [next, given] = result as readonly [unknown, unknown]
  checkStructure('scan: the carry is', initial, next, 'after a turn: shapes and dtypes must stay, cast or reshape it')

  const variables = [...around.assigned]
  const state = [...carries, ...variables.map((v) => around.leafOf(v))]
  const seen = around.drawsRandom ? [...slices, turn] : slices
  const outputs = stabilizedBody(
    [
      ...tensorsOf(next).map((t) => t.node),
      ...variables.map((v) => values.get(v) as Node),
      ...tensorsOf(given).map((t) => t.node),
    ],
    startId,
    values.values(),
  )
  const constants = invariants(outputs, [...state, ...seen], new Set(), startId)
  const node = build.node(
    'scan',
    [
      ...inputs,
      ...variables.map((v) => around.valueOf(v)),
      ...series,
      ...(around.drawsRandom ? [build.iota([length], 0)] : []),
      ...around.outer(constants),
    ],
    {
      body: { parameters: [...state, ...seen, ...constants], outputs },
      carries: state.length,
      sequences: seen.length,
      length,
      reverse: options.reverse ?? false,
      ...(options.hoist === false ? { stays: true } : {}),
    },
  )
  return finish(node, [next, given], variables, inputs.length) as [AnyTensors<C>, AnyTensors<Y>]
}

export interface WhileOptions {
  /** Ends the loop after so many turns at the latest; what a gradient needs, which then keeps the state of each turn. */
  readonly maximum?: number
}

/**
 * Repeats `body` on the state, a tree of tensors, while `condition` gives true, a bool scalar. Reverse-mode gradients
 * need a bound on the number of turns, `maximum`.
 *
 *     const halved = whileLoop((x) => x.greater(1), (x) => x.div(2), tensor(100))
 */
export function whileLoop<C>(
  condition: (state: AnyTensors<C>) => Tensor,
  body: (state: AnyTensors<C>) => AnyTensors<C>,
  initial: C,
  options: WhileOptions = {},
): AnyTensors<C> {
  const { maximum = Number.POSITIVE_INFINITY } = options
  if (maximum !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(maximum) && maximum >= 0))
    throw misfit(`whileLoop: maximum is ${maximum}, it must be an integer ≥ 0`)
  const inputs = tensorsOf(initial).map((t) => t.node)
  const startId = lastId()
  const own = inputs.map(stand)
  const turn = stand({ shape: [], dtype: 'int32' })
  const around = new Surroundings('whileLoop', turn)
  const asked = around.trace(() => condition(fill(initial, own)))
  if (asked.values.size > 0) throw new Error('whileLoop: the condition assigns a variable: do that in the body')
  if (!(asked.result instanceof Tensor))
    throw mistake('whileLoop: the condition must return a tensor: one bool that is computed in every turn')
  const { result, values } = around.trace(() => body(fill(initial, own)))
  checkStructure(
    'whileLoop: the state is',
    initial,
    result,
    'after a turn: shapes and dtypes must stay, cast or reshape it',
  )

  const variables = [...around.assigned]
  const counts = around.drawsRandom
  const state = [...own, ...variables.map((v) => around.leafOf(v)), ...(counts ? [turn] : [])]
  const outputs = stabilizedBody(
    [
      ...tensorsOf(result).map((t) => t.node),
      ...variables.map((v) => values.get(v) as Node),
      ...(counts ? [build.binary('add', turn, 1)] : []),
    ],
    startId,
    values.values(),
  )
  const keepGoing = stabilizedBody([asked.result.node], startId)
  const invariant = (list: readonly Node[]): Node[] => invariants(list, state, new Set(), startId)
  const constants = [...new Set([...invariant(outputs), ...invariant(keepGoing)])]
  const parameters = [...state, ...constants]
  const node = build.node(
    'whileLoop',
    [
      ...inputs,
      ...variables.map((v) => around.valueOf(v)),
      ...(counts ? [build.constant(0, [], 'int32')] : []),
      ...around.outer(constants),
    ],
    { condition: { parameters, outputs: keepGoing }, body: { parameters, outputs }, carries: state.length, maximum },
  )
  return finish(node, result, variables) as AnyTensors<C>
}

/** The tree with other tensors. */
function fill<T>(tree: T, nodes: readonly Node[]): AnyTensors<T> {
  let next = 0
  return mapTree(tree, () => new Tensor(nodes[next++] as Node)) as AnyTensors<T>
}

function lengthOf(series: readonly Node[], asked: number | undefined): number {
  for (const { shape, dtype } of series) {
    const length = asked ?? series[0]?.shape[0]
    if (shape.length === 0 || shape[0] !== length)
      throw misfit(
        `scan: a sequence is ${dtype} ${show(shape)}: its first axis must be ${length ?? 'the turns'}, as that of all others`,
      )
  }
  const length = asked ?? series[0]?.shape[0]
  if (length === undefined) throw misfit('scan: without sequences it needs { length }')
  if (!Number.isSafeInteger(length) || length < 0)
    throw misfit(`scan: the length is ${length}, it must be an integer ≥ 0`)
  return length
}

function checkStructure(what: string, a: unknown, b: unknown, remedy: string): void {
  const [before, after] = [treeKey(a), treeKey(b)]
  if (before !== after) throw mistake(`${what} ${before} and ${after}: ${remedy}`)
}

/** The results as tensors, in the form of `like`, and the new values of the variables: results `from` to there. */
function finish(node: Node, like: unknown, variables: readonly Variable[], from?: number): unknown {
  const count = tensorsOf(like).length
  const results = resultsOf(node).map((_, index) => build.node('part', [node], { index }))
  const start = from ?? count
  const values = results.slice(start, start + variables.length)
  // Outside of a trace an assignment takes effect at once: everything is computed while the old values are there.
  if (variables.length > 0 && !runtime.trace) evaluate(results)
  variables.forEach((v, i) => {
    v.assign(new Tensor(values[i] as Node))
  })
  const rest = [...results.slice(0, start), ...results.slice(start + variables.length)]
  let next = 0
  return mapTree(like, () => wrap(rest[next++] as Node))
}
