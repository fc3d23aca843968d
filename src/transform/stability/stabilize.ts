// stabilize: rewrites compositions that lose digits or overflow into their stable forms, before differentiation and before evaluation.

import { build, within } from '../../graph/build.ts'
import type { Node } from '../../graph/node.ts'
import { mapGraph } from '../../graph/walk.ts'
import { vjp } from '../grad.ts'
import { jvp } from '../jvp.ts'
import { identity } from './forms.ts'
import { Matcher, type Mode } from './match.ts'
import type { Rule } from './rule.ts'
import { rulesFor } from './rules.ts'

export interface StabilizeOptions {
  /** `gradient`: the result will be differentiated; `value`: evaluated. */
  readonly mode: Mode
  /** Nodes that must stay what they are, beside those that were read: nothing is rewritten across them. */
  readonly barriers?: Iterable<Node>
  /** Nodes up to this id, made before a function was traced, are kept and not looked into. */
  readonly since?: number
  /** Called for each pattern found. */
  readonly report?: ((finding: Finding) => void) | undefined
}

/** A composition that was found. */
export interface Finding {
  readonly rule: Rule
  /** Its root, as it was built. */
  readonly node: Node
  /** Rewritten, or left alone as it leads across a barrier. */
  readonly rewritten: boolean
}

/** The graph rewritten; `image` gives what a node has become. */
export interface Stabilized {
  readonly outputs: readonly Node[]
  readonly changed: boolean
  image(node: Node): Node
  /** Puts the nodes that the graph was made of back into one that was built on the rewritten ones. */
  restore(nodes: readonly Node[]): readonly Node[]
}

/** Rewriting one node again and again ends, and never goes on for long. */
const mostSteps = 8

/** Rewrites a graph by the rules of `rules.ts`; every node keeps its value, up to rounding, where that was finite. */
export function stabilize(
  outputs: readonly Node[],
  { mode, barriers = [], since = 0, report }: StabilizeOptions,
): Stabilized {
  const barrierNodes = new Set(barriers)
  const isKept = (node: Node): boolean => node.id <= since
  const barrierImages = new Set<Node>()
  const matcher = new Matcher(mode, barrierImages)
  let changed = false
  const rewrite = (original: Node, start: Node): Node => {
    let node = start
    for (let step = 0; step < mostSteps; step++) {
      const next = once(original, node)
      if (!next) break
      node = next
      // What a stable form chooses it has guarded itself.
      if (node.op === 'where') break
    }
    return node
  }
  const once = (original: Node, node: Node): Node | undefined => {
    let leftAlone: Rule | undefined
    for (const rule of rulesFor(node)) {
      if (rule.only && rule.only !== mode) continue
      matcher.crossed = false
      const next = rule.rewrite(matcher, node.inputs[0] as Node, node)
      if (next && !matcher.crossed) {
        report?.({ rule, node: original, rewritten: true })
        return next
      }
      if (next) leftAlone ??= rule
    }
    if (leftAlone) report?.({ rule: leftAlone, node: original, rewritten: false })
    return undefined
  }
  const become = (node: Node, inputs: readonly Node[]): Node => {
    // What was read is a number.
    const kept = isKept(node)
    const isBarrier = kept || barrierNodes.has(node) || (mode === 'gradient' && node.value !== undefined)
    const isSame = kept || inputs === node.inputs
    if (isSame && (kept || rulesFor(node).length === 0)) {
      if (isBarrier) barrierImages.add(node)
      return node
    }
    return within(node.scope, () => {
      const rebuilt = isSame ? node : build.node(node.op, inputs, node.attributes)
      const rewritten = rewrite(node, rebuilt)
      // A barrier that became one of its own inputs has to stay apart from that.
      const result = isBarrier && rewritten !== rebuilt ? identity(rewritten) : rewritten
      if (isBarrier) barrierImages.add(result)
      if (result !== node) changed = true
      return result
    })
  }
  const { map } = mapGraph(outputs, become, isKept)
  return {
    outputs: outputs.map((o) => map.get(o) ?? o),
    changed,
    image: (node) => map.get(node) ?? node,
    restore: (nodes) => restore(nodes, map),
  }
}

function restore(nodes: readonly Node[], map: ReadonlyMap<Node, Node>): readonly Node[] {
  const originals = new Map<Node, Node>()
  for (const [node, image] of map) if (!map.has(image) && !originals.has(image)) originals.set(image, node)
  return mapGraph(
    nodes,
    (node, inputs) =>
      originals.get(node) ??
      (map.has(node) || inputs === node.inputs
        ? node
        : within(node.scope, () => build.node(node.op, inputs, node.attributes))),
    (node) => map.has(node) || originals.has(node),
  ).outputs
}

type Differentiation = Pick<StabilizeOptions, 'barriers' | 'report'>

/**
 * The vector-Jacobian product of the stabilized graph. What it is made of are the nodes as the caller knows them, so that
 * it can be differentiated again with respect to any of them; evaluation stabilizes those, too.
 */
export function stableVjp(
  outputs: readonly Node[],
  cotangents: readonly Node[],
  wrt: readonly Node[],
  options: Differentiation = {},
): readonly Node[] {
  const stable = forDerivatives(outputs, wrt, options)
  if (!stable.changed) return vjp(outputs, cotangents, wrt)
  return stable.restore(vjp(stable.outputs, cotangents, wrt.map(stable.image)))
}

/** The Jacobian-vector product, likewise. */
export function stableJvp(
  outputs: readonly Node[],
  wrt: readonly Node[],
  tangents: readonly Node[],
  options: Differentiation = {},
): readonly Node[] {
  const stable = forDerivatives(outputs, wrt, options)
  if (!stable.changed) return jvp(outputs, wrt, tangents)
  return stable.restore(jvp(stable.outputs, wrt.map(stable.image), tangents))
}

function forDerivatives(outputs: readonly Node[], wrt: readonly Node[], options: Differentiation): Stabilized {
  const barriers = [...wrt, ...(options.barriers ?? [])]
  return stabilize(outputs, { ...options, mode: 'gradient', barriers })
}
