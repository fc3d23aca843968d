// Derivatives of control flow: the taken branch again, a scan in the other direction, a bounded loop as a scan.

import { dtypes, isFloat } from '../dtype.ts'
import { isMovement } from '../movements.ts'
import { type ControlVjp, isOp, type Node, type OpAttributes, type Subgraph } from '../node.ts'
import { sizeOf } from '../shape.ts'
import { dependents, inline, invariants, outsiders, subgraphOrder } from '../subgraph.ts'
import { topologicalOrder } from '../walk.ts'
import { dear, isPointwise } from './pointwise.ts'

/** The backward pass of a conditional is a conditional, whose branches run again from their inputs. */
export const condVjp: ControlVjp<'cond'> = ({ b, stand, vjp }, node, cotangents, needed) => {
  const [predicate, ...operands] = node.inputs as [Node, ...Node[]]
  const { whenTrue, whenFalse } = node.attributes
  const given = cotangents.flatMap((c, i) => (c && isFloat(c.dtype) ? [i] : []))
  const wanted = operands.flatMap((x, i) => (needed[i + 1] && isFloat(x.dtype) ? [i] : []))
  const backward = [whenTrue, whenFalse].map((branch): Subgraph => {
    const seeds = given.map((i) => stand(branch.outputs[i] as Node))
    const chosen = { parameters: branch.parameters, outputs: given.map((i) => branch.outputs[i] as Node) }
    const outputs = vjp(
      chosen,
      seeds,
      wanted.map((i) => branch.parameters[i] as Node),
    )
    return { parameters: [...branch.parameters, ...seeds], outputs }
  })
  // A custom gradient may read values of its own.
  const extra = backward.map((g) => outsiders(g.outputs, g.parameters, -1))
  const all = [...new Set(extra.flat())]
  const closed = backward.map((g) => ({ ...g, parameters: [...g.parameters, ...all] }))
  const seeds = given.map((i) => cotangents[i] as Node)
  const made = b.node('cond', [predicate, ...operands, ...seeds, ...all], {
    whenTrue: closed[0] as Subgraph,
    whenFalse: closed[1] as Subgraph,
  })
  const result: (Node | null)[] = node.inputs.map(() => null)
  wanted.forEach((i, k) => {
    result[i + 1] = b.node('part', [made], { index: k })
  })
  return result
}

/**
 * The backward pass of a scan is a scan in the other direction, whose carries are the cotangents of the carries and the sums
 * of the constants'. What is dear to compute again is stacked by the forward pass, which is repeated here with more
 * results: simplification joins it with the original.
 */
export const scanVjp: ControlVjp<'scan'> = ({ b, stand, vjp }, node, cotangents, needed) => {
  const { body, carries, sequences, length, reverse, ...rest } = node.attributes
  const { parameters } = body
  const active = activeCarries(body, carries, needed)
  const isWanted = (i: number): boolean => needed[i] === true && isFloat((node.inputs[i] as Node).dtype)
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
  const wantedSequences = range(carries, carries + sequences).filter(isWanted)
  const wantedConstants = range(carries + sequences, node.inputs.length).filter(isWanted)
  const stacked = range(carries, body.outputs.length).filter((i) => {
    const c = cotangents[i]
    return c && isFloat(c.dtype)
  })

  const at = (list: readonly number[]): Node[] => list.map((i) => parameters[i] as Node)
  const seeded = [...active, ...stacked].map((i) => body.outputs[i] as Node)
  const seeds = seeded.map(stand)
  const gradients = vjp({ parameters, outputs: seeded }, seeds, [
    ...at(active),
    ...at(wantedSequences),
    ...at(wantedConstants),
  ])
  const { residuals, original } = cut(gradients, seeds, body, carries, sequences)

  // The forward pass again, with the residuals as further results.
  const changing = parameters.slice(0, carries + sequences)
  const forwardOutputs = [...body.outputs, ...residuals]
  const fixed = new Set(parameters.slice(carries + sequences))
  const outer = (inside: readonly Node[]): readonly Node[] => inline(b, { parameters, outputs: inside }, node.inputs)
  const forwardConstants = [...new Set([...fixed, ...invariants(forwardOutputs, changing, fixed)])]
  const forward: OpAttributes['scan'] = {
    body: { parameters: [...changing, ...forwardConstants], outputs: forwardOutputs },
    carries,
    sequences,
    length,
    reverse,
    ...rest,
  }
  const again =
    residuals.length > 0
      ? b.node('scan', [...node.inputs.slice(0, carries + sequences), ...outer(forwardConstants)], forward)
      : undefined

  const sums = wantedConstants.map((i) => stand(parameters[i] as Node))
  const [gCarries, gSequences, gConstants] = [
    gradients.slice(0, active.length),
    gradients.slice(active.length, active.length + wantedSequences.length),
    gradients.slice(active.length + wantedSequences.length),
  ]
  const outputs = [...gCarries, ...gConstants.map((g, i) => b.binary('add', sums[i] as Node, g)), ...gSequences]
  const carrySeeds = seeds.slice(0, active.length)
  const slices = [...seeds.slice(active.length), ...residuals, ...original]
  const varying = [...carrySeeds, ...sums, ...slices]
  const constants = invariants(outputs, varying, fixed)
  const zero = (x: Node): Node => b.constant(0, x.shape, x.dtype)
  const backward = b.node(
    'scan',
    [
      ...active.map((i) => cotangents[i] ?? zero(body.outputs[i] as Node)),
      ...sums.map(zero),
      ...stacked.map((i) => cotangents[i] as Node),
      ...residuals.map((_, i) => b.node('part', [again as Node], { index: body.outputs.length + i })),
      ...outer(original),
      ...outer(constants),
    ],
    {
      body: { parameters: [...varying, ...constants], outputs },
      carries: active.length + sums.length,
      sequences: slices.length,
      length,
      reverse: !reverse,
      ...rest,
    },
  )
  const result: (Node | null)[] = node.inputs.map(() => null)
  const places = [...active, ...wantedConstants, ...wantedSequences]
  places.forEach((place, index) => {
    result[place] = b.node('part', [backward], { index })
  })
  return result
}

/** The float carries of a loop that depend, at some turn, on one of the inputs that are `needed`. */
export function activeCarries(
  { parameters, outputs }: Subgraph,
  carries: number,
  needed: readonly boolean[],
): number[] {
  const ends = new Set(parameters)
  const active = new Set(parameters.filter((p, i) => needed[i] && isFloat(p.dtype)))
  for (let before = -1; before !== active.size; ) {
    before = active.size
    const reached = dependents(outputs.slice(0, carries), active, ends)
    parameters.slice(0, carries).forEach((p, i) => {
      if (isFloat(p.dtype) && reached.has(outputs[i] as Node)) active.add(p)
    })
  }
  return parameters.slice(0, carries).flatMap((p, i) => (active.has(p) ? [i] : []))
}

/** Operations that are computed again rather than kept, unless what they read would take more memory. */
const cheap = (node: Node): boolean =>
  (isPointwise(node.op) && !dear.has(node.op) && node.op !== 'custom') || isMovement(node) || node.op === 'iota'

/**
 * Which values of the forward pass the gradients of a body read: `residuals` are stacked by it, `original` are slices of
 * its sequences. Whatever does not depend on the seeds belongs to the forward pass.
 */
function cut(
  gradients: readonly Node[],
  seeds: readonly Node[],
  { parameters }: Subgraph,
  carries: number,
  sequences: number,
): { residuals: Node[]; original: Node[] } {
  const carried = new Set(parameters.slice(0, carries))
  const sliced = new Set(parameters.slice(carries, carries + sequences))
  const ends = new Set([...parameters, ...seeds])
  const order = topologicalOrder(gradients, (n) => ends.has(n))
  const backward = dependents(gradients, new Set(seeds), ends)
  const changing = dependents(gradients, new Set([...carried, ...sliced]), ends)
  const residuals = new Set<Node>()
  const bytes = (list: Iterable<Node>): number =>
    [...list].reduce((sum, n) => sum + sizeOf(n.shape) * dtypes[n.dtype].bytes, 0)

  /** What has to be stacked to compute `node` again. */
  const needs = (node: Node): Set<Node> => {
    const found = new Set<Node>()
    const stack = [node]
    const seen = new Set<Node>()
    while (stack.length > 0) {
      const x = stack.pop() as Node
      if (seen.has(x) || !changing.has(x) || sliced.has(x) || residuals.has(x)) continue
      seen.add(x)
      if (carried.has(x) || !cheap(x)) found.add(x)
      else stack.push(...x.inputs)
    }
    return found
  }
  const read = order.flatMap((n) => (backward.has(n) ? n.inputs.filter((x) => !backward.has(x)) : []))
  const used = [...new Set([...read, ...gradients.filter((g) => !backward.has(g))])].filter((n) => changing.has(n))
  for (const node of used) if (carried.has(node) || (!cheap(node) && !sliced.has(node))) residuals.add(node)
  for (const node of used) {
    if (residuals.has(node) || sliced.has(node)) continue
    const more = needs(node)
    if (bytes(more) > bytes([node])) residuals.add(node)
    else for (const n of more) residuals.add(n)
  }
  const reached = subgraphOrder({ parameters: [...ends, ...residuals], outputs: gradients })
  return { residuals: [...residuals], original: reached.filter((n) => sliced.has(n)) }
}

/** A loop with a bound is a scan of that length, whose turns after the end do nothing. */
export const whileVjp: ControlVjp<'whileLoop'> = (rule, node, cotangents, needed) => {
  const { b } = rule
  const { condition, body, carries, maximum } = node.attributes
  if (!Number.isFinite(maximum)) {
    throw new Error(
      'whileLoop: a gradient needs a bound on the number of turns, whose states it keeps: pass { maximum }, or use scan',
    )
  }
  const { parameters } = body
  const [goOn] = inline(b, condition, parameters)
  const chosen = b.node('cond', [goOn as Node, ...parameters], {
    whenTrue: body,
    whenFalse: { parameters, outputs: parameters.slice(0, carries) },
  })
  const scan = b.node('scan', node.inputs, {
    body: { parameters, outputs: parameters.slice(0, carries).map((_, index) => b.node('part', [chosen], { index })) },
    carries,
    sequences: 0,
    length: maximum,
    reverse: false,
  })
  return isOp(scan, 'scan') ? scanVjp(rule, scan, cotangents, needed) : []
}
