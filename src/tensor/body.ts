// Bodies: tracing the functions that a conditional or loop is made of, and what they read and assign.

import { build, lastId, within } from '../graph/build.ts'
import type { Node, ShapeAndType } from '../graph/node.ts'
import { mistake } from '../graph/refuse.ts'
import { mapGraph } from '../graph/walk.ts'
import type { LeafSource } from './leaf.ts'
import { fold, nextKey } from './random-bits.ts'
import { type ActiveTrace, type RunHook, runtime } from './runtime.ts'
import { Tensor } from './tensor.ts'
import type { Variable } from './variable.ts'

/** The source of leaves that stand for values inside a conditional or loop. */
const inside: LeafSource = {
  storage: () => inside.read() as never,
  read: () => {
    throw new Error(
      'reading a value inside cond, scan or whileLoop: it is another one in every turn. Return the tensor and read it outside; to branch on it, use where or cond',
    )
  },
}

/** A leaf that stands for a value inside. */
export const stand = ({ shape, dtype }: ShapeAndType): Node<'leaf'> => build.leaf(inside, shape, dtype)

/** What the functions of one operation share: the trace around them, and the leaves by which they read variables. */
export class Surroundings {
  private readonly around: ActiveTrace | undefined = runtime.trace
  private readonly leaves = new Map<Variable, Node<'leaf'>>()
  /** The variables that any of the functions assigned. */
  readonly assigned = new Set<Variable>()
  /** Nodes of inside come after this one. */
  private readonly startId = lastId()
  private key: Node | undefined
  private readonly what: string
  /** The number of the turn, where there are turns. */
  private readonly turn: Node | undefined
  /** Whether random numbers were drawn, which are others in each turn. */
  drawsRandom = false

  constructor(what: string, turn?: Node) {
    this.what = what
    this.turn = turn
  }

  /** Runs a function of tensors; gives its result and the new values of the variables that it assigned. */
  trace<R>(f: () => R): { result: R; values: ReadonlyMap<Variable, Node> } {
    const values = new Map<Variable, Node>()
    const refuse = (): void => {
      throw new Error(
        `${this.what}: an optimizer's step counts calls of the host, which do not happen inside: take the step outside, or repeat a compiled step`,
      )
    }
    const trace: ActiveTrace = {
      read: (v) => values.get(v as Variable) ?? this.leafOf(v as Variable),
      assign: (v, value) => {
        this.leafOf(v as Variable)
        this.assigned.add(v as Variable)
        values.set(v as Variable, value)
      },
      onRun: (_: RunHook) => refuse(),
      drawsRandom: false,
      assigned: values,
      ordinal: this.ordinal,
      stream: () => this.stream(),
    }
    const result = this.within(trace, f)
    this.ordinal = trace.ordinal
    if (result instanceof Promise)
      throw mistake(`${this.what}: a function is async: only synchronous functions of tensors can be traced`)
    return { result, values }
  }

  private ordinal = 0

  /** The leaf that stands for a variable's value at the start. */
  leafOf(v: Variable): Node<'leaf'> {
    const leaf = this.leaves.get(v) ?? stand(v)
    this.leaves.set(v, leaf)
    return leaf
  }

  /** What nodes of inside that change in no turn are outside: with the value of each variable for the leaf by which it was read. */
  outer(nodes: readonly Node[]): readonly Node[] {
    if (this.leaves.size === 0) return nodes
    const variables = new Map<Node, Variable>([...this.leaves].map(([v, leaf]) => [leaf, v]))
    const isOlder = (node: Node): boolean => node.id <= this.startId
    return mapGraph(
      nodes,
      (node, inputs) => {
        const variable = variables.get(node)
        if (variable) return this.valueOf(variable)
        return inputs.every((x, i) => x === node.inputs[i])
          ? node
          : within(node.scope, () => build.node(node.op, inputs, node.attributes))
      },
      isOlder,
    ).outputs
  }

  /** The value of a variable outside. */
  valueOf(v: Variable): Node {
    return this.within(this.around, () => v.node)
  }

  private stream(): Node {
    this.drawsRandom = true
    if (!this.key) {
      const outside = this.within(this.around, () => nextKey())
      this.key = (this.turn ? fold(outside, new Tensor(this.turn)) : outside).node
    }
    return this.key
  }

  private within<R>(trace: ActiveTrace | undefined, f: () => R): R {
    const before = runtime.trace
    runtime.trace = trace
    try {
      return f()
    } finally {
      runtime.trace = before
    }
  }
}
