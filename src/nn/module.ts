// Module: a piece of a network as plain, typed data (tensors in slots, child modules, options) plus a call.

import type { DataArray, DType } from '../graph/dtype.ts'
import type { Dims } from '../graph/shape.ts'
import type { Checked, Shape, Sound, Tensor, Variable } from '../tensor/index.ts'
import type { Applied, CarriedRule, Filled } from './shape-rule-types.ts'
import type { ShapeRule } from './shape-rules.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** What it takes to build a module of the same architecture again (see `fromConfig`): its kind and options, as JSON. */
export interface ModuleConfig {
  readonly kind: string
  readonly [option: string]: Json
}

export type Tensors = Readonly<Record<string, Tensor>>
export type Modules = Readonly<Record<string, Module>>
export type Variables = Readonly<Record<string, Variable>>

/** The data of a module. `forward` reads tensors and children from its arguments only, so that others can take their places. */
export interface Definition<
  P extends Tensors = Tensors,
  B extends Tensors = Tensors,
  C extends Modules = Modules,
  In extends Shape = Shape,
  Out extends Shape = Shape,
  Kind extends string = string,
> {
  /** Its type, as `linear`. */
  readonly kind: Kind
  /** What shapes it takes and gives; checked before `forward`, unless it has children, which check for themselves. */
  readonly shapes?: ShapeRule<In, Out>
  /** What a reader wants to know beside the kind, as `300→10`. */
  readonly label?: string
  /** Options that rebuild it. */
  readonly options?: { readonly [option: string]: Json }
  /** Trained tensors, by PyTorch's names and in its layouts. */
  readonly parameters?: P
  /** Tensors that are kept with the module but not trained: running statistics. */
  readonly buffers?: B
  readonly children?: C
  forward(x: Tensor, own: { readonly [K in keyof (P & B)]: Tensor }, children: C): Tensor
  /** The same for inputs or results other than one tensor; see `Running`. */
  run?(own: { readonly [K in keyof (P & B)]: Tensor }, children: C, ...inputs: never[]): unknown
}

/**
 * A module that has more inputs or results than one tensor: `run` takes and gives them all, trees of tensors; the call takes
 * the first and gives the first.
 *
 *     const { output, state } = lstm.run(x, before)
 */
export interface Running<Inputs extends readonly unknown[], Result> {
  run(...inputs: Inputs): Result
}

/** An array on the host, as a checkpoint holds it. */
export interface ArrayRecord {
  readonly dtype: DType
  readonly shape: Dims
  readonly data: DataArray
}

/**
 * A piece of a network. Called with a tensor it gives its output; it throws a `ModuleError` that names the module, as
 * `net.2 (linear 300→10)`. The type says what shapes it takes and gives, as patterns (see `ShapeRule`); `Module` alone is any.
 *
 *     const net: Module<['...', 784], ['...', 10]> = nn.linear(784, 10)
 */
export type Module<In extends Shape = Shape, Out extends Shape = Shape, Kind extends string = string> = ModuleCall<
  In,
  Out,
  Kind
> &
  ModuleMembers & { readonly '~rule': CarriedRule<In, Out, Kind> }

type ModuleCall<In extends Shape, Out extends Shape, Kind extends string> = number extends In['length']
  ? (x: Tensor) => Tensor<number extends Out['length'] ? Shape : Filled<Out, In, unknown>>
  : <S extends Shape, D extends DType>(
      x: Checked<NoInfer<Applied<Kind, In, Out, S>>, Tensor<S, D>>,
    ) => Tensor<Sound<Applied<Kind, In, Out, S>>>

export interface ModuleMembers {
  readonly kind: string
  readonly definition: Definition
  /** JSON that `fromConfig` rebuilds the same architecture from. */
  readonly config: ModuleConfig
  readonly children: Modules
  /** The variables to train, each once, in order of definition; frozen ones are left out. */
  parameters(): Variable[]
  /** The same by PyTorch's names: `0.weight`, `encoder.1.bias`. */
  namedParameters(): Variables
  buffers(): Variable[]
  namedBuffers(): Variables
  /** Every variable, frozen ones and buffers included, by PyTorch's names; one used twice has its first name. */
  state(): Variables
  /**
   * Takes over the values of a state of the same architecture. Throws one error that lists what differs in name, shape or
   * dtype, and then loads nothing. PyTorch's `num_batches_tracked` is passed over.
   */
  loadState(state: { readonly [name: string]: Tensor | ArrayRecord }): void
  /** Takes every parameter out of training; gives the module back. */
  freeze(): this
  unfreeze(): this
  /**
   * The same network with other tensors in its slots, by name or as a list in the order of `parameters()`. Any tensor of
   * the slot's shape will do, the output of another network too: gradients flow to it.
   *
   *     const y = net.with({ '0.weight': hyper(z).reshape([4, 3]) })(x)
   */
  with(replacements: Tensors | readonly Tensor[]): this
  /** Shapes, parameters and FLOPs of every module for an input of the given shape, batch axis included; nothing is computed. */
  summary(inputShape: Dims, options?: { readonly dtype?: DType }): Summary
  toString(): string
}

/** One call of a module. Parameters and FLOPs are its own, without its children's: columns add up to the totals. */
export interface SummaryRow {
  /** Names from the network down, as `encoder.1`; empty for the network itself. */
  readonly path: string
  readonly kind: string
  readonly outputShape: Dims
  /** Elements; a tensor that occurred in an earlier row is not counted again. */
  readonly parameters: number
  /** Floating-point operations of matrix products and convolutions; a multiply and an add are two. */
  readonly flops: number
}

export interface Summary {
  readonly inputShape: Dims
  readonly rows: readonly SummaryRow[]
  readonly parameters: number
  /** Elements of parameters that are not frozen. */
  readonly trainable: number
  readonly flops: number
  /** An aligned table with totals. */
  toString(): string
}

/** Modules are functions with a definition. */
export const isModule = (value: unknown): value is Module => typeof value === 'function' && 'definition' in value
