// The graph: immutable nodes, the attributes of every operation, and what the record of an operation must say.

import type { Expr } from '../scalar/expr.ts'
import type { DataArray, DType } from './dtype.ts'
import type { BinaryName } from './ops/binary.ts'
import type { UnaryName } from './ops/unary.ts'
import type { Dims } from './shape.ts'

type None = Record<never, never>

export type { BinaryName, UnaryName }

/** The attributes of each operation; its keys are the operations. */
export interface OpAttributes extends Record<UnaryName | BinaryName, None> {
  /** A value from outside: an input, a variable at one version, uploaded data, or a number that the host computes per call. */
  leaf: { readonly source: object }
  constant: { readonly value: number }
  /** The index along an axis, int32. */
  iota: { readonly axis: number }
  where: None
  cast: { readonly dtype: DType }
  /** Word 0 or 1 of Threefry-2x32 with inputs key0, key1, counter0, counter1 (int32). */
  threefry: { readonly word: 0 | 1 }
  /** The input; its gradient stops here. */
  stopGradient: None
  /**
   * The first input; gradients go to the other inputs by `vjp`, which gets the node's cotangent. Tangents are those of the
   * first input where `jvp` says so, else they come from the transposed `vjp`. `isExact`: a better form of the first
   * input's own derivative, no other one, so that rewrites may look through it.
   */
  custom: {
    readonly vjp: (cotangent: Node) => readonly (Node | null)[]
    readonly jvp?: 'value'
    readonly isExact?: true
  }
  /** The first input, computed only when the second is known, and so never shared with what was computed before. */
  after: None

  reshape: { readonly shape: Dims }
  transpose: { readonly permutation: Dims }
  /** Right aligned, as NumPy. */
  broadcast: { readonly shape: Dims }
  /** Element i of an axis is start + i·step; `sizes` are the results' extents. Steps may be negative. */
  slice: { readonly starts: Dims; readonly sizes: Dims; readonly steps: Dims }
  /** `interior` elements between neighbours, `low` before, `high` after, all ≥ 0. */
  pad: { readonly low: Dims; readonly high: Dims; readonly interior: Dims; readonly value: number }
  /** The last axes as windows: [..., n] becomes [..., positions, ..., size, ...]. */
  windows: { readonly size: Dims; readonly stride: Dims; readonly dilation: Dims }
  concat: { readonly axis: number }

  sum: { readonly axes: Dims }
  prod: { readonly axes: Dims }
  /** `ties`: the gradient of equal maxima is split evenly or goes to the first. */
  max: { readonly axes: Dims; readonly ties: 'even' | 'first' }
  min: { readonly axes: Dims; readonly ties: 'even' | 'first' }
  /** The first position of the largest element, counted row-major over the axes; int32. */
  argmax: { readonly axes: Dims }
  argmin: { readonly axes: Dims }

  /** [...batch, m, k] × [...batch, k, n], equal batch shapes. */
  matmul: None
  /** Valid correlation: x [n, c, ...s], w [o, c / groups, ...k]. Padding is a `pad` before it. */
  /** `seesPadding`: set by the compiler, where the kernel takes what lies outside of the padded images for 0 (`compile/see-padding.ts`). */
  conv: { readonly strides: Dims; readonly dilation: Dims; readonly groups: number; readonly seesPadding?: true }

  /** x[..., indices, ...]: the axis is replaced by the indices' shape. Negative indices count from the end; others are clamped. */
  take: { readonly axis: number }
  /** The adjoint of take: zeros whose axis has the given length, plus the updates at the indices (inputs: indices, updates). */
  scatterAdd: { readonly axis: number; readonly length: number }
  /** out[i, j] = x[index[i, j], j] and so on: one index per element, all other axes equal. */
  takeAlong: { readonly axis: number }
  scatterAddAlong: { readonly axis: number; readonly length: number }

  /** An algorithm that is no fused loop: see `Routine`. */
  routine: { readonly routine: Routine; readonly parameters: Dims }
  /** One of two subgraphs on the inputs after the first, a bool scalar that chooses. Its results are read by `part`. */
  cond: { readonly whenTrue: Subgraph; readonly whenFalse: Subgraph }
  /**
   * Inputs [...carries, ...sequences, ...constants]; per turn the body maps the carries, one slice of each sequence's first
   * axis and the constants to [...carries, ...slices of the stacked results]. `reverse` goes from the last slice to the first;
   * products of a loop that `stays` are not computed for all turns at once, outside of it.
   */
  scan: {
    readonly body: Subgraph
    readonly carries: number
    readonly sequences: number
    readonly length: number
    readonly reverse: boolean
    readonly stays?: true
  }
  /** Inputs [...carries, ...constants], also of condition (a bool scalar) and body; ends after `maximum` turns at the latest. */
  whileLoop: {
    readonly condition: Subgraph
    readonly body: Subgraph
    readonly carries: number
    readonly maximum: number
  }
  /** One result of a cond, scan or whileLoop. */
  part: { readonly index: number }
}

export type OpName = keyof OpAttributes

/** Operations whose meaning is an expression of their inputs' elements at one place. */
export type PointwiseName =
  | UnaryName
  | BinaryName
  | 'where'
  | 'cast'
  | 'threefry'
  | 'stopGradient'
  | 'custom'
  | 'after'
  | 'constant'

/** Operations with several results, which hold subgraphs. */
export type ControlName = 'cond' | 'scan' | 'whileLoop'

/**
 * A graph inside an operation: outputs as a function of parameters. A parameter is any node; what lies behind it belongs to
 * another graph, and everything that the outputs read ends at parameters and constants.
 */
export interface Subgraph {
  readonly parameters: readonly Node[]
  readonly outputs: readonly Node[]
}

/** One value of a computation. */
export interface Node<O extends OpName = OpName> {
  readonly id: number
  readonly op: O
  readonly inputs: readonly Node[]
  readonly attributes: OpAttributes[O]
  readonly shape: Dims
  readonly dtype: DType
  /** Operations on the longest way from a leaf. */
  readonly depth: number
  /** Where the value lies once it was computed; kept by the runtime. Graph passes treat such a node as a leaf. */
  value: { readonly bytes: number } | undefined
  /** Whose call built it; for people alone, no pass may depend on it. */
  readonly scope: Scope | undefined
}

/** A node in which something is different, not computed yet. Written out, as copies by `...` have a layout of their own in memory, and passes are fast over nodes of one. */
export function changed<O extends OpName>(node: Node<O>, { op, inputs, attributes, shape }: Partial<Node<O>>): Node<O> {
  return {
    id: node.id,
    op: op ?? node.op,
    inputs: inputs ?? node.inputs,
    attributes: attributes ?? node.attributes,
    shape: shape ?? node.shape,
    dtype: node.dtype,
    depth: node.depth,
    value: undefined,
    scope: node.scope,
  }
}

/** Numbers objects, as they come. */
export class Numbering {
  private readonly known = new Map<object, number>()

  of(x: object): number {
    const known = this.known.get(x)
    if (known !== undefined) return known
    this.known.set(x, this.known.size)
    return this.known.size - 1
  }
}

/** A node's attributes as a text, equal exactly for equal ones of one operation; objects in them are who they are. −0 and 0 are different. */
export function attributesKey(node: Node, objects: Numbering): string {
  const attributes: { readonly [name: string]: unknown } = node.attributes
  let key = ''
  for (const name in attributes) {
    const v = attributes[name]
    const hasIdentity = typeof v === 'object' && v !== null && !Array.isArray(v)
    key += `;${hasIdentity ? objects.of(v) : Object.is(v, -0) ? '-0' : String(v)}`
  }
  return key
}

/** The piece of a program that a node belongs to, by which pictures, traces and reports name it. */
export interface Scope {
  /** From the network down, as `encoder.1`; empty where there is no module. */
  readonly path: string
  /** What a person calls it: `linear`, `softmaxCrossEntropy`, `adam`; empty if nothing is known. */
  readonly name: string
  /** 0 for what the user's code built, 1 for its derivative, 2 for that one's. */
  readonly order: number
  /** The line of the user's code, while places are tracked. */
  readonly place?: string
}

export interface ShapeAndType {
  readonly shape: Dims
  readonly dtype: DType
}

/** A dense row-major array, the currency of the reference evaluation. */
export interface NdArray extends ShapeAndType {
  readonly data: DataArray
}

/** How derivative rules build nodes. Pointwise methods broadcast and accept numbers. */
export interface Build {
  node<O extends OpName>(op: O, inputs: readonly Node[], attributes: OpAttributes[O]): Node<O>
  unary(op: UnaryName, x: Node): Node
  binary(op: BinaryName, a: Node | number, b: Node | number): Node
  where(condition: Node, a: Node | number, b: Node | number): Node
  constant(value: number, shape: Dims, dtype: DType): Node
  /** The index along an axis, int32. */
  iota(shape: Dims, axis: number): Node
  cast(x: Node, dtype: DType): Node
  reshape(x: Node, shape: Dims): Node
  broadcast(x: Node, shape: Dims): Node
  transpose(x: Node, permutation: Dims): Node
  /** Swaps the last two axes. */
  swap(x: Node): Node
  slice(x: Node, starts: Dims, sizes: Dims, steps?: Dims): Node
  pad(x: Node, low: Dims, high: Dims, interior?: Dims, value?: number): Node
  sum(x: Node, axes: Dims): Node
  /** Reduced axes put back as 1 and broadcast to `shape`. */
  spread(reduced: Node, shape: Dims, axes: Dims): Node
}

/** A derivative rule: one cotangent per input, null where none flows. */
export type Vjp<O extends OpName> = (b: Build, node: Node<O>, cotangent: Node) => readonly (Node | null)[]

/** An input of an operation on many examples: each example's own, along a first axis, or one for all of them. */
export interface BatchInput {
  readonly node: Node
  readonly isBatched: boolean
}

/** What batching rules know of the batch. */
export interface Batch {
  /** The number of examples. */
  readonly size: number
  /** A function of a value like `like` of one example, as a function of those of all examples. */
  lift(f: (x: Node) => readonly (Node | null)[], like: Node): (x: Node) => readonly (Node | null)[]
}

/** Rebuilds a node for all examples at once, along a first axis of the result; at least one input is batched. */
export type BatchRule<O extends OpName> = (b: Build, node: Node<O>, inputs: readonly BatchInput[], batch: Batch) => Node

/** The tangent of a node from those of its inputs, null where an input does not change; at least one is not null. */
export type Jvp<O extends OpName> = (b: Build, node: Node<O>, tangents: readonly (Node | null)[]) => Node | null

/** What the derivative rules of control flow are given: cotangents of subgraphs' outputs, zeros where nothing depends. */
export interface ControlRule {
  readonly b: Build
  /** A leaf that stands for a value of another graph. */
  stand(like: ShapeAndType): Node<'leaf'>
  vjp(graph: Subgraph, cotangents: readonly Node[], wrt: readonly Node[]): Node[]
}

/**
 * The derivative rule of an operation with several results: from one cotangent per result, null where none flows, to one per
 * input; `needed` says for which inputs one is wanted.
 */
export type ControlVjp<O extends ControlName> = (
  rule: ControlRule,
  node: Node<O>,
  cotangents: readonly (Node | null)[],
  needed: readonly boolean[],
) => readonly (Node | null)[]

/** Tangents of the results from those of the inputs, null where nothing changes; `jvp` gives them for nodes of a subgraph. */
export type ControlJvp<O extends ControlName> = (
  rule: Pick<ControlRule, 'b' | 'stand'> & {
    jvp(outputs: readonly Node[], wrt: readonly Node[], tangents: readonly Node[]): Node[]
  },
  node: Node<O>,
  tangents: readonly (Node | null)[],
) => readonly (Node | null)[]

/** The results for all examples; `batch` gives nodes of a subgraph with placeholders replaced by nodes for all of them, but `same` as they are. */
export type ControlBatch<O extends ControlName> = (
  rule: Pick<ControlRule, 'b' | 'stand'> & {
    readonly size: number
    batch(
      outputs: readonly Node[],
      examples: readonly (readonly [placeholder: Node, all: Node])[],
      same?: readonly Node[],
    ): BatchInput[]
  },
  node: Node<O>,
  inputs: readonly BatchInput[],
) => readonly BatchInput[]

/** What is known of an operation that holds subgraphs. Its own shape says nothing. */
export interface ControlRecord<O extends ControlName> {
  readonly infer: (inputs: readonly Node[], attributes: OpAttributes[O]) => ShapeAndType
  /** Shape and dtype of each result. */
  readonly results: (attributes: OpAttributes[O]) => readonly ShapeAndType[]
  readonly subgraphs: (attributes: OpAttributes[O]) => readonly Subgraph[]
  readonly withSubgraphs: (attributes: OpAttributes[O], graphs: readonly Subgraph[]) => OpAttributes[O]
  readonly vjp: ControlVjp<O>
  readonly jvp: ControlJvp<O>
  readonly batch: ControlBatch<O>
}

/**
 * What is known of one operation. `vjp` is its derivative, or 'none' where it is constant almost everywhere or its
 * result is not real; `jvp`, its transpose, is given where transposing that would be wasteful. What the others than pointwise
 * ones do to arrays stands in the reference backend (`meanings.ts`), as no kernel asks for it.
 */
export interface OpRecord<O extends OpName> {
  /** Shape and dtype of the result; throws with both shapes when they don't fit. */
  readonly infer: (inputs: readonly Node[], attributes: OpAttributes[O]) => ShapeAndType
  readonly vjp: Vjp<O> | 'none'
  readonly jvp?: Jvp<O>
  readonly batch: BatchRule<O>
}

export interface PointwiseRecord<O extends PointwiseName> extends OpRecord<O> {
  /** Its meaning in the scalar language, which the reference interprets and kernels contain. */
  readonly scalar: (args: readonly Expr[], node: Node<O>) => Expr
}

/**
 * An algorithm with its shape rule and derivative. It works on the trailing axes of its inputs and is repeated over the
 * leading ones, which all inputs share. It runs on one thread, and nothing is fused into it; `parameters` are numbers
 * whose meaning the routine states.
 */
export interface Routine {
  /** Tells routines apart in keys and in print; unique. */
  readonly name: string
  /** Shape and dtype of the result; throws with all shapes when the inputs don't fit. */
  readonly infer: (inputs: readonly ShapeAndType[], parameters: readonly number[]) => ShapeAndType
  /** Writes every element of `result`; the inputs are read only. */
  readonly run: (inputs: readonly NdArray[], result: NdArray, parameters: readonly number[]) => void
  readonly vjp: Vjp<'routine'> | 'none'
  /** Gives the name, for keys of structure. */
  toString(): string
}

export type OpTable = {
  readonly [O in OpName]: O extends ControlName
    ? ControlRecord<O>
    : O extends PointwiseName
      ? PointwiseRecord<O>
      : OpRecord<O>
}

export const isOp = <O extends OpName>(node: Node, op: O): node is Node<O> => node.op === op

export const isControl = (node: Node): node is Node<ControlName> =>
  isOp(node, 'cond') || isOp(node, 'scan') || isOp(node, 'whileLoop')
