// Matching: what rewrite rules ask of a graph, seeing through what changes no value.

import { build } from '../../graph/build.ts'
import { isOp, type Node, type OpName } from '../../graph/node.ts'
import { type Dims, keepAxes, sameShape } from '../../graph/shape.ts'

export type Mode = 'value' | 'gradient'

/** A reduction that was put back to the shape of what it reduced. */
export interface Spread {
  readonly of: Node
  readonly axes: Dims
}

export class Matcher {
  readonly mode: Mode
  private readonly barriers: ReadonlySet<Node>
  /** Whether a rule looked into a node that has to stay what it is. */
  crossed = false
  /** How deep rules for logarithms are nested; they look no further than a few steps. */
  depth = 0

  constructor(mode: Mode, barriers: ReadonlySet<Node>) {
    this.mode = mode
    this.barriers = barriers
  }

  /** Whether nothing may be rewritten across the node. */
  isBarrier(node: Node): boolean {
    return this.barriers.has(node)
  }

  /** The node that computes the value; a stop of the gradient is seen through only where no gradient will be taken. */
  open(node: Node): Node {
    let at = node
    for (;;) {
      if (this.barriers.has(at)) this.crossed = true
      const isSeenThrough = isOp(at, 'custom')
        ? this.mode === 'value' || at.attributes.isExact === true
        : isOp(at, 'stopGradient') && this.mode === 'value'
      if (!isSeenThrough) return at
      at = at.inputs[0] as Node
    }
  }

  /** What `look` finds; where it finds nothing, nothing was looked into. */
  attempt<T>(look: () => T): T {
    const before = this.crossed
    const found = look()
    if (!found) this.crossed = before
    return found
  }

  /** The node if it is this operation. */
  as<O extends OpName>(op: O, node: Node): Node<O> | undefined {
    return this.attempt(() => {
      const at = this.open(node)
      return isOp(at, op) ? at : undefined
    })
  }
  input(op: OpName, node: Node): Node | undefined {
    return this.as(op, node)?.inputs[0]
  }
  inputs(op: OpName, node: Node): readonly [Node, Node] | undefined {
    const found = this.as(op, node)
    return found && [found.inputs[0] as Node, found.inputs[1] as Node]
  }

  /** The number that all elements are. */
  number(node: Node): number | undefined {
    return this.as('constant', node)?.attributes.value
  }

  /** −u, and u where the node is −u. */
  negative(u: Node): Node {
    return this.input('neg', u) ?? build.unary('neg', u)
  }
  areOpposite(u: Node, v: Node): boolean {
    const [a, b] = [this.input('neg', u), this.input('neg', v)]
    return (a !== undefined && this.same(a, v)) || (b !== undefined && this.same(b, u))
  }

  /** The other term where one of a sum's is this number: x + n, n + x, x − (−n). */
  lessNumber(node: Node, n: number): Node | undefined {
    return this.attempt(() => {
      const sum = this.inputs('add', node)
      if (sum) return this.number(sum[1]) === n ? sum[0] : this.number(sum[0]) === n ? sum[1] : undefined
      const difference = this.inputs('sub', node)
      return difference && this.number(difference[1]) === -n ? difference[0] : undefined
    })
  }
  /** u where the node is 1 − u, however written. */
  oneLess(node: Node): Node | undefined {
    return this.attempt(() => {
      const difference = this.inputs('sub', node)
      if (difference && this.number(difference[0]) === 1) return difference[1]
      const rest = this.lessNumber(node, 1)
      return rest && this.input('neg', rest)
    })
  }

  /** A reduction, as it comes back by reshape and broadcast to the shape of its input. */
  spread(op: 'sum' | 'max', node: Node): Spread | undefined {
    return this.attempt(() => this.spreadOf(op, node))
  }
  private spreadOf(op: 'sum' | 'max', node: Node): Spread | undefined {
    let at = this.open(node)
    const { shape } = at
    if (isOp(at, 'broadcast')) at = this.open(at.inputs[0] as Node)
    const lined = [...new Array<number>(shape.length - at.shape.length).fill(1), ...at.shape]
    if (isOp(at, 'reshape')) at = this.open(at.inputs[0] as Node)
    if (!isOp(at, op)) return undefined
    const of = at.inputs[0] as Node
    const { axes } = at.attributes as { readonly axes: Dims }
    return sameShape(of.shape, shape) && sameShape(lined, keepAxes(shape, axes)) ? { of, axes } : undefined
  }

  /** Whether two nodes compute the same, as far as a few steps show. */
  same(x: Node, y: Node, depth = 8): boolean {
    if (x === y) return true
    const [a, b] = [this.plain(x), this.plain(y)]
    if (a === b) return true
    if (depth === 0 || a.op !== b.op || a.dtype !== b.dtype || a.op === 'leaf' || a.inputs.length !== b.inputs.length)
      return false
    return (
      sameShape(a.shape, b.shape) &&
      sameAttributes(a.attributes, b.attributes) &&
      a.inputs.every((input, i) => this.same(input, b.inputs[i] as Node, depth - 1))
    )
  }

  /** Like open, without asking whether the node may be looked into. */
  private plain(node: Node): Node {
    const before = this.crossed
    const opened = this.open(node)
    this.crossed = before
    return opened
  }

  /** Whether no element is above 0, by the way the node is made. */
  isNeverPositive(node: Node): boolean {
    const at = through(node)
    if (isOp(at, 'neg')) return ['abs', 'exp', 'sigmoid'].includes(through(at.inputs[0] as Node).op)
    if (!isOp(at, 'where')) return false
    const [condition, a, b] = at.inputs.map(through) as [Node, Node, Node]
    const isZero = (x: Node): boolean => isOp(x, 'constant') && x.attributes.value <= 0
    if (isOp(condition, 'less')) {
      const [p, q] = condition.inputs.map(through) as [Node, Node]
      return (isZero(a) || this.isDifference(a, p, q)) && (isZero(b) || this.isDifference(b, q, p))
    }
    return isZero(a) && this.isNeverPositive(b)
  }

  /** Whether the node is p − q, or what is left of that where one of them is 0. */
  private isDifference(node: Node, p: Node, q: Node): boolean {
    const isZero = (x: Node): boolean => isOp(x, 'constant') && x.attributes.value === 0
    const [a, b] = node.inputs
    if (isOp(node, 'sub')) return this.same(a as Node, p) && this.same(b as Node, q)
    return (isOp(node, 'neg') && isZero(p) && this.same(a as Node, q)) || (isZero(q) && this.same(node, p))
  }

  /** Whether the node is x less its maximum along the axes, as stable forms shift their exponents. */
  isShifted(node: Node, axes: Dims): boolean {
    const at = through(node)
    if (!isOp(at, 'sub')) return false
    const x = through(at.inputs[0] as Node)
    let shift = through(at.inputs[1] as Node)
    while (['broadcast', 'reshape', 'where'].includes(shift.op)) {
      shift = through(shift.inputs[shift.op === 'where' ? 2 : 0] as Node)
    }
    if (!isOp(shift, 'max') || !sameShape(shift.attributes.axes, axes)) return false
    const largest = through(shift.inputs[0] as Node)
    return x === largest || this.same(x, largest)
  }
}

/** What lies behind stops and custom gradients of either kind. */
function through(node: Node): Node {
  let at = node
  while (at.op === 'custom' || at.op === 'stopGradient') at = at.inputs[0] as Node
  return at
}

function sameAttributes(a: object, b: object): boolean {
  const values = Object.values(b) as unknown[]
  return Object.values(a).every((value: unknown, i) => {
    const other = values[i]
    if (Array.isArray(value) && Array.isArray(other)) return sameShape(value as Dims, other as Dims)
    return Object.is(value, other)
  })
}
