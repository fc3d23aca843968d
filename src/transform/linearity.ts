// Whether a graph is linear in one of its nodes, told by its structure: as the backward pass of a function must be in its cotangent.

import { build } from '../graph/build.ts'
import { isFloat } from '../graph/dtype.ts'
import {
  type BinaryName,
  type ControlName,
  isControl,
  isOp,
  type Node,
  type OpName,
  type Subgraph,
  type UnaryName,
  type Vjp,
} from '../graph/node.ts'
import { ops } from '../graph/ops/index.ts'
import { topologicalOrder } from '../graph/walk.ts'

/** Where a graph is not linear in its root. */
export interface Bend {
  /** What is not linear in the root, though its inputs are. */
  readonly node: Node
  /** What it does to the root, as `multiplies it by itself`. */
  readonly how: string
}

/**
 * The first node that bends what is linear in the root, or adds to it; else an output that does not depend on the root and
 * is not known to be 0; `isZero` tells it of leaves. What is linear only for reasons that no single operation shows, as x · |g| · sign(g), counts as bent.
 */
export function findBend(
  outputs: readonly Node[],
  root: Node,
  isZero: (leaf: Node<'leaf'>) => boolean = () => false,
): Bend | undefined {
  const bends: Bend[] = []
  const zeros = topologicalOrder(outputs, (x) => x.id <= root.id).filter((x) => isOp(x, 'leaf') && isZero(x))
  const given = new Map<Node, State>([...zeros.map((x) => [x, 'zero'] as const), [root, 'linear']])
  const states = follow(outputs, given, (x) => x.id < root.id, bends)
  const loose = outputs.find((y) => states.get(y) === 'free')
  return bends[0] ?? (loose && { node: loose, how: 'does not depend on it' })
}

/**
 * What is known of a value: that it does not depend on the root, is 0 in any case, is linear in the root, or none of these.
 * `isZero` and `isNotZero` say of a condition that it compares something linear with 0.
 */
type State = 'free' | 'zero' | 'linear' | 'isZero' | 'isNotZero' | 'bent'

/** The inputs in which an operation is linear: in all at once, in any one of them, or in those of a list. */
type Linear = 'all' | 'one' | 'none' | readonly number[]

/** A pointwise operation that is not named here is linear in nothing. */
const pointwise: Partial<Record<OpName, Linear>> = { neg: 'all', add: 'all', sub: 'all', mul: 'one', div: [0] }

/** Of routines and custom gradients their derivatives tell, of control flow what is inside. */
type Told = UnaryName | BinaryName | ControlName | 'part' | 'routine'

const others: Readonly<Record<Exclude<OpName, Told>, Linear>> = {
  leaf: 'none',
  constant: 'none',
  iota: 'none',
  where: [1, 2],
  cast: 'all',
  threefry: 'none',
  stopGradient: 'all',
  custom: 'all',
  after: 'all',
  reshape: 'all',
  transpose: 'all',
  broadcast: 'all',
  slice: 'all',
  pad: 'all',
  windows: 'all',
  concat: 'all',
  sum: 'all',
  prod: 'none',
  max: 'none',
  min: 'none',
  argmax: 'none',
  argmin: 'none',
  matmul: 'one',
  conv: 'one',
  take: [0],
  scatterAdd: [1],
  takeAlong: [0],
  scatterAddAlong: [1],
}

const linearIn = (op: OpName): Linear => (others as Partial<Record<OpName, Linear>>)[op] ?? pointwise[op] ?? 'none'

const acts: Partial<Record<OpName, string>> = {
  mul: 'multiplies it by itself',
  matmul: 'multiplies it by itself',
  conv: 'multiplies it by itself',
  div: 'divides by it',
  where: 'chooses by it',
  cond: 'chooses by it',
  whileLoop: 'ends by it',
  equal: 'compares it',
  notEqual: 'compares it',
  less: 'compares it',
  lessEqual: 'compares it',
}

const depends = (state: State | undefined): boolean => state !== undefined && state !== 'free' && state !== 'zero'

/** What a value is made of. Other inputs of these operations say when it is made, or where gradients go. */
function sources(node: Node): readonly Node[] {
  if (isOp(node, 'custom')) return followsValue(node) ? node.inputs.slice(0, 1) : node.inputs.slice(1)
  return node.op === 'after' ? node.inputs.slice(0, 1) : node.inputs
}

const followsValue = ({ attributes }: Node<'custom'>): boolean =>
  attributes.isExact === true || attributes.jvp === 'value'

/** What is known of every node that the outputs need, from what is `given`; nodes for which `isFree` holds cannot depend on the root. */
function follow(
  outputs: readonly Node[],
  given: ReadonlyMap<Node, State>,
  isFree: (node: Node) => boolean,
  bends: Bend[],
): Map<Node, State> {
  const states = new Map(given)
  const results = new Map<Node, readonly State[]>()
  for (const node of topologicalOrder(outputs, (x) => given.has(x) || isFree(x), sources))
    if (!given.has(node)) states.set(node, isFree(node) ? independent(node, []) : stateOf(node))
  return states

  function stateOf(node: Node): State {
    if (isOp(node, 'part')) return results.get(node.inputs[0] as Node)?.[node.attributes.index] ?? 'free'
    const inputs = sources(node).map((x) => states.get(x) as State)
    if (!inputs.some(depends)) return independent(node, inputs)
    if (isControl(node)) {
      results.set(node, control(node, inputs, bends))
      return 'free'
    }
    if (inputs.includes('bent')) return 'bent'
    if (node.op === 'routine' || (isOp(node, 'custom') && !followsValue(node)))
      return byRule(node, inputs) ? 'linear' : bend(node)
    return compared(node, inputs) ?? bySlots(node, inputs)
  }

  function bySlots(node: Node, inputs: readonly State[]): State {
    const linear = linearIn(node.op)
    if (linear === 'none' || !isFloat(node.dtype)) return bend(node)
    if (linear === 'one') return inputs.filter(depends).length === 1 ? 'linear' : bend(node)
    const isIn = (i: number): boolean => linear === 'all' || linear.includes(i)
    if (inputs.some((state, i) => depends(state) && !isIn(i))) return isGuard(node, inputs) ? 'linear' : bend(node)
    const adds =
      inputs.some((state, i) => state === 'free' && isIn(i)) || (isOp(node, 'pad') && node.attributes.value !== 0)
    return adds ? bend(node, 'adds to it what does not depend on it') : 'linear'
  }

  function bend(node: Node, how = acts[node.op] ?? 'bends it'): State {
    bends.push({ node, how })
    return 'bent'
  }

  /** A derivative that does not read what depends on the root is that of something linear. */
  function byRule(node: Node, inputs: readonly State[]): boolean {
    const cotangent = build.leaf({}, node.shape, node.dtype)
    const rule = ops[node.op].vjp as Vjp<OpName>
    const all = isOp(node, 'custom') ? node.attributes.vjp(cotangent) : rule(build, node, cotangent)
    const used = all.filter((_, i) => depends(inputs[i]))
    const made = used.filter((c) => c !== null)
    const read = topologicalOrder(made, (x) => states.has(x) || isFree(x))
    return used.length === made.length && !read.some((x) => x === node || depends(states.get(x)))
  }
}

/** Of a node that does not depend on the root. */
function independent(node: Node, inputs: readonly State[]): State {
  if (isOp(node, 'constant')) return node.attributes.value === 0 ? 'zero' : 'free'
  const isMoved = linearIn(node.op) === 'all' && !(isOp(node, 'pad') && node.attributes.value !== 0)
  return isMoved && inputs.length > 0 && inputs.every((x) => x === 'zero') ? 'zero' : 'free'
}

/** What a comparison with 0, or of a value with itself, says; the latter is the same for all finite numbers. */
function compared({ op, inputs }: Node, states: readonly State[]): State | undefined {
  if (op !== 'equal' && op !== 'notEqual') return undefined
  if (inputs[0] === inputs[1]) return 'free'
  if (!states.includes('linear') || !states.includes('zero')) return undefined
  return op === 'equal' ? 'isZero' : 'isNotZero'
}

/** Nothing where nothing arrives, so that 0 · ∞ does not come about. */
const isGuard = (node: Node, [condition, a, b]: readonly State[]): boolean =>
  node.op === 'where' &&
  ((condition === 'isZero' && a === 'zero' && b === 'linear') ||
    (condition === 'isNotZero' && a === 'linear' && b === 'zero'))

/** What is known of the results of a conditional or loop. */
function control(node: Node<ControlName>, inputs: readonly State[], bends: Bend[]): readonly State[] {
  const bend = (): readonly State[] => {
    bends.push({ node, how: acts[node.op] ?? 'bends it' })
    return []
  }
  const through = ({ parameters, outputs }: Subgraph, states: readonly State[], found: Bend[]): State[] => {
    const given = new Map(parameters.map((x, i) => [x, states[i] as State] as const))
    const known = follow(outputs, given, () => false, found)
    return outputs.map((y) => known.get(y) as State)
  }
  /** What is one of two values. */
  const either = (a: State, b: State | undefined): State => {
    if (a === b || b === undefined) return a
    if (a === 'bent' || b === 'bent') return 'bent'
    if (depends(a) && depends(b)) return 'bent'
    if (a === 'zero' || b === 'zero') return a === 'zero' ? b : a
    bends.push({ node, how: 'gives what does not depend on it for something linear in it' })
    return 'bent'
  }
  if (isOp(node, 'cond')) {
    const [condition, ...operands] = inputs
    if (depends(condition)) return bend()
    const { whenTrue, whenFalse } = node.attributes
    const others = through(whenFalse, operands, bends)
    return through(whenTrue, operands, bends).map((state, i) => either(state, others[i]))
  }
  const { body, carries } = (node as Node<'scan' | 'whileLoop'>).attributes
  let state = [...inputs]
  // A carry can become linear that began as 0; each turn settles one carry at least.
  for (let turn = 0; turn <= carries; turn++) {
    const next = through(body, state, []).slice(0, carries)
    const after = state.map((s, i) => (i < carries && s === 'zero' ? either(s, next[i]) : s))
    if (after.every((s, i) => s === state[i])) break
    state = after
  }
  if (isOp(node, 'whileLoop') && through(node.attributes.condition, state, bends).some(depends)) return bend()
  return through(body, state, bends).map((s, i) => (i < carries ? either(state[i] as State, s) : s))
}
