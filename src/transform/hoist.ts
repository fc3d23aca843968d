// Hoisting: products that need no carry leave a scan, and become one product over all turns before or after it.

import { build } from '../graph/build.ts'
import { isOp, type Node, type OpName } from '../graph/node.ts'
import { dependents, inline } from '../graph/subgraph.ts'
import { topologicalOrder } from '../graph/walk.ts'
import { Batching } from './batch.ts'

/**
 * The results of a scan whose parameters are leaves. What depends on sequences alone and holds a product is computed for all
 * turns before the loop (the input projections of a recurrent network). Sums over the turns of products, and stacked
 * products, are computed after it from their stacked factors (the gradients of its weights and of its inputs). A loop that
 * `stays` is left as it is.
 */
export function hoisted(scan: Node<'scan'>): Node[] {
  return scan.attributes.stays ? partsOf(scan) : after(before(scan))
}

const moves: ReadonlySet<OpName> = new Set<OpName>(['reshape', 'transpose', 'broadcast', 'slice', 'pad', 'windows'])
const isProduct = (node: Node): boolean => node.op === 'matmul' || node.op === 'conv'

/** What the loop's turns share and what they don't. */
class Turns {
  readonly scan: Node<'scan'>
  readonly carries: readonly Node[]
  readonly sequences: readonly Node[]
  /** The nodes that depend on a carry. */
  readonly turning: ReadonlySet<Node>
  /** The nodes that differ from turn to turn. */
  readonly changing: ReadonlySet<Node>

  constructor(scan: Node<'scan'>) {
    const { body, carries, sequences } = scan.attributes
    const ends = new Set(body.parameters)
    this.scan = scan
    this.carries = body.parameters.slice(0, carries)
    this.sequences = body.parameters.slice(carries, carries + sequences)
    this.turning = dependents(body.outputs, new Set(this.carries), ends)
    this.changing = dependents(body.outputs, new Set([...this.carries, ...this.sequences]), ends)
  }

  /** Nodes of the body for all turns, along a first axis where they differ; `stacks` gives that for some that need a carry. */
  forAll(nodes: readonly Node[], stacks: ReadonlyMap<Node, Node> = new Map()): Node[] {
    const { body, carries, sequences, length } = this.scan.attributes
    const { inputs } = this.scan
    const fixed = body.parameters.slice(carries + sequences)
    const given = [...stacks.keys()]
    const places = given.map(({ shape, dtype }) => build.leaf({}, shape, dtype))
    const own = inline(build, { parameters: [...fixed, ...given], outputs: nodes }, [
      ...inputs.slice(carries + sequences),
      ...places,
    ])
    const batching = new Batching(length, [
      ...this.sequences.map((p, i): [Node, Node] => [p, inputs[carries + i] as Node]),
      ...places.map((p, i): [Node, Node] => [p, stacks.get(given[i] as Node) as Node]),
    ])
    return own.map((node) => batching.of(node).node)
  }
}

/** Products of sequences become sequences of products. */
function before(scan: Node<'scan'>): Node<'scan'> {
  const turns = new Turns(scan)
  const { body, carries, sequences } = scan.attributes
  const holds = new Set<Node>()
  const ends = new Set(body.parameters)
  for (const node of topologicalOrder(body.outputs, (n) => ends.has(n))) {
    if (ends.has(node) || !turns.changing.has(node) || turns.turning.has(node)) continue
    if (isProduct(node) || node.inputs.some((x) => holds.has(x))) holds.add(node)
  }
  const found = new Set<Node>()
  const take = (node: Node): void => {
    let at = node
    while (moves.has(at.op)) at = at.inputs[0] as Node
    if (holds.has(at)) found.add(at)
  }
  body.outputs.forEach(take)
  for (const node of turns.turning) if (!ends.has(node)) node.inputs.forEach(take)
  if (found.size === 0) return scan

  const products = [...found]
  const leaves = products.map(({ shape, dtype }) => build.leaf({}, shape, dtype))
  const split = carries + sequences
  const outputs = inline(build, { parameters: [...body.parameters, ...products], outputs: body.outputs }, [
    ...body.parameters,
    ...leaves,
  ])
  const parameters = [...body.parameters.slice(0, split), ...leaves, ...body.parameters.slice(split)]
  const inputs = [...scan.inputs.slice(0, split), ...turns.forAll(products), ...scan.inputs.slice(split)]
  return onlyUsed(
    build.node('scan', inputs, {
      ...scan.attributes,
      body: { parameters, outputs },
      sequences: sequences + leaves.length,
    }),
  )
}

/** Without the sequences and constants that the body does not read. */
function onlyUsed(scan: Node<'scan'>): Node<'scan'> {
  const { body, carries, sequences } = scan.attributes
  const read = new Set(topologicalOrder(body.outputs))
  const kept = [...body.parameters.keys()].filter((i) => i < carries || read.has(body.parameters[i] as Node))
  return build.node(
    'scan',
    kept.map((i) => scan.inputs[i] as Node),
    {
      ...scan.attributes,
      body: { ...body, parameters: kept.map((i) => body.parameters[i] as Node) },
      sequences: kept.filter((i) => i >= carries && i < carries + sequences).length,
    },
  )
}

/** A sum over the turns: the carry that holds it, and its terms. */
interface Sum {
  readonly carry: number
  readonly terms: readonly Node[]
}

function after(scan: Node<'scan'>): Node[] {
  const turns = new Turns(scan)
  const { body, carries } = scan.attributes
  const products = body.outputs.flatMap((node, i) => (i >= carries && turns.turning.has(node) && base(node) ? [i] : []))
  const factors = new Set(products.flatMap((i) => frontier(turns, body.outputs[i] as Node)))
  const candidates = sumsOf(turns)
  const sums = candidates.filter(({ terms }) => terms.some(base))
  const addFactors = ({ terms }: Sum): void => {
    for (const term of terms) for (const f of frontier(turns, term)) factors.add(f)
  }
  sums.forEach(addFactors)
  // Other sums leave too where what they sum is stacked anyway.
  for (const sum of candidates) {
    const known = (f: Node): boolean => factors.has(f) || body.outputs.includes(f, carries)
    if (sums.includes(sum) || !sum.terms.every((t) => t.op === 'sum' && frontier(turns, t).every(known))) continue
    sums.push(sum)
    addFactors(sum)
  }
  if (products.length === 0 && sums.length === 0) return partsOf(scan)

  // The loop without them, but with their factors.
  const left = new Set([...products, ...sums.map((s) => s.carry)])
  const kept = [...body.outputs.keys()].filter((i) => !left.has(i))
  const keptCarries = kept.filter((i) => i < carries)
  const outputs = kept.map((i) => body.outputs[i] as Node)
  for (const f of factors) if (!outputs.includes(f, keptCarries.length)) outputs.push(f)
  const order = [...keptCarries, ...[...body.parameters.keys()].filter((i) => i >= carries)]
  const rest = onlyUsed(
    build.node(
      'scan',
      order.map((i) => scan.inputs[i] as Node),
      {
        ...scan.attributes,
        body: { parameters: order.map((i) => body.parameters[i] as Node), outputs },
        carries: keptCarries.length,
      },
    ),
  )
  const part = (index: number): Node => build.node('part', [rest], { index })
  const stacks = new Map([...factors].map((f) => [f, part(outputs.indexOf(f, keptCarries.length))] as const))
  const results: Node[] = []
  kept.forEach((i, index) => {
    results[i] = part(index)
  })
  for (const i of products) {
    const [all] = turns.forAll([body.outputs[i] as Node], stacks) as [Node]
    results[i] = all
  }
  for (const { carry, terms } of sums) {
    const totals = terms.map((term) => total(turns, term, stacks))
    results[carry] = totals.reduce((sum, t) => build.binary('add', sum, t), scan.inputs[carry] as Node)
  }
  return results
}

const partsOf = (scan: Node<'scan'>): Node[] =>
  scan.attributes.body.outputs.map((_, index) => build.node('part', [scan], { index }))

/** The product that a node moves, if it is one. */
function base(node: Node): Node | undefined {
  let at = node
  while (at.op === 'transpose' || at.op === 'reshape') at = at.inputs[0] as Node
  return at.op === 'matmul' ? at : undefined
}

/** The carries that only add something up, without products of what they add. */
function sumsOf({ scan, carries }: Turns): Sum[] {
  const { outputs } = scan.attributes.body
  const readers = new Map<Node, number>()
  const count = (x: Node): void => {
    readers.set(x, (readers.get(x) ?? 0) + 1)
  }
  for (const node of topologicalOrder(outputs)) node.inputs.forEach(count)
  outputs.forEach(count)
  return carries.flatMap((carry, i): Sum[] => {
    const terms: Node[] = []
    let found = 0
    const stack = [outputs[i] as Node]
    while (stack.length > 0) {
      const node = stack.pop() as Node
      if (node === carry) found++
      else if (isOp(node, 'add') && readers.get(node) === 1) stack.push(...node.inputs)
      else terms.push(node)
    }
    const isLinear = terms.every((t) => base(t) !== undefined || t.op === 'sum')
    return found === 1 && readers.get(carry) === 1 && terms.length > 0 && isLinear ? [{ carry: i, terms }] : []
  })
}

const linear: ReadonlySet<OpName> = new Set<OpName>(['matmul', 'transpose', 'reshape', 'sum'])

/** What of a product or sum has to be known of each turn: the last values before it that depend on a carry. */
function frontier(turns: Turns, node: Node): Node[] {
  const found = new Set<Node>()
  const stack = [node]
  const seen = new Set<Node>()
  while (stack.length > 0) {
    const at = stack.pop() as Node
    if (seen.has(at) || !turns.turning.has(at)) continue
    seen.add(at)
    if (linear.has(at.op)) stack.push(...at.inputs)
    else found.add(at)
  }
  return [...found]
}

/** The sum over all turns of a node of the body. */
function total(turns: Turns, node: Node, stacks: ReadonlyMap<Node, Node>): Node {
  const all = (x: Node): Node => (turns.forAll([x], stacks) as [Node])[0]
  if (isOp(node, 'transpose') || isOp(node, 'reshape')) {
    return build.node(node.op, [total(turns, node.inputs[0] as Node, stacks)], node.attributes)
  }
  if (isOp(node, 'sum')) {
    const [x] = node.inputs as [Node]
    if (turns.changing.has(x)) return build.sum(all(x), [0, ...node.attributes.axes.map((a) => a + 1)])
  }
  if (isOp(node, 'matmul') && node.shape.length === 2) {
    const [a, b] = node.inputs as [Node, Node]
    const [left, right] = [all(a), all(b)]
    const [turnsOfA, turnsOfB] = [turns.changing.has(a), turns.changing.has(b)]
    if (turnsOfA && turnsOfB) {
      // Σ over turns of A B is the product of all turns' columns of A with all turns' rows of B.
      const [length, rows, inner] = left.shape as [number, number, number]
      const columns = build.reshape(build.transpose(left, [1, 0, 2]), [rows, length * inner])
      return build.node('matmul', [columns, build.reshape(right, [length * inner, node.shape[1] as number])], {})
    }
    if (turnsOfA) return build.node('matmul', [build.sum(left, [0]), right], {})
    if (turnsOfB) return build.node('matmul', [left, build.sum(right, [0])], {})
  }
  const { length } = turns.scan.attributes
  return turns.changing.has(node) ? build.sum(all(node), [0]) : build.binary('mul', all(node), length)
}
