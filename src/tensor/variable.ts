// Variables: tensors whose value can be replaced, the only cut in the history of a computation.

import type { Arrival, Storage } from '../backend/backend.ts'
import { build } from '../graph/build.ts'
import { allocate, type DataArray, type DType } from '../graph/dtype.ts'
import { isOp, type Node } from '../graph/node.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { type Dims, sameShape, show } from '../graph/shape.ts'
import { evaluate, readData } from './execute.ts'
import { type About, Held } from './held.ts'
import type { Same } from './joined-types.ts'
import type { LeafSource } from './leaf.ts'
import { runtime } from './runtime.ts'
import type { Checked, Shape, ShapeError, ShapeOf, Text } from './shape-types.ts'
import { Tensor } from './tensor.ts'

/** The value of a variable at one version; it outlives the next assignment. */
export class VariableSource implements LeafSource {
  readonly variable: Variable
  readonly version: number
  readonly held: Held

  constructor(variable: Variable, held: Held) {
    this.variable = variable
    this.version = variable.version
    this.held = held
  }

  storage(): Storage {
    return this.held.storage()
  }
  read(): DataArray | Arrival {
    return this.held.read()
  }
}

/** The shape of a value for a variable of shape S. */
type Assigned<S extends Shape, V extends Shape> =
  Same<'assign', S, V> extends ShapeError<string>
    ? ShapeError<`assign: the variable is ${Text<S>}, the value ${Text<V>}: they must be equal`>
    : S

/** A tensor that optimizers and statistics assign to. Reading it gives a leaf; a gradient ends there. */
export class Variable<S extends Shape = Shape, D extends DType = DType> extends Tensor<S, D> {
  name: string
  /** Frozen variables are left out of `parameters()` and get no updates. */
  trainable: boolean
  version = 0
  private held: Held
  /** Whether others may hold the same value: a leaf that was read, or the tensor that was assigned. */
  private shared: boolean
  private leaf: Node<'leaf'> | undefined

  /** `initial`: its elements, or a node that has been evaluated. */
  constructor(
    initial: DataArray | Node,
    shape: Dims,
    dtype: DType,
    options: { readonly name?: string; readonly trainable?: boolean } = {},
  ) {
    super(undefined, shape, dtype)
    this.name = options.name ?? ''
    this.trainable = options.trainable ?? true
    const known = 'op' in initial ? heldBy(initial) : undefined
    this.shared = known !== undefined
    this.held = known ?? new Held(this.about(), 'op' in initial ? readData(initial) : initial)
    this.held.owners++
  }

  /** The memory that holds the current value. */
  get storage(): Storage {
    return this.held.storage()
  }

  /** How errors begin; without a name as the compiler's do. */
  private get titled(): string {
    return this.name ? `variable '${this.name}'` : 'assign'
  }

  /** Before a program writes the value in place: who read it before keeps what they read. */
  makeOwn(): void {
    if (this.shared) this.hold(this.held.copy(), false)
  }

  override get node(): Node {
    if (runtime.trace) return runtime.trace.read(this)
    if (!this.leaf) {
      this.leaf = build.leaf(new VariableSource(this, this.held), this.shape, this.dtype)
      this.shared = true
      runtime.residents.moves++
    }
    return this.leaf
  }

  /**
   * Replaces the value by one of the same shape and dtype. In a compiled function it takes effect when the call ends;
   * reads in the same call that come after it see the new value.
   */
  assign<A extends Shape, X extends DType, V extends Tensor | DataArray>(
    this: Variable<A, X>,
    value: V extends Tensor ? Checked<NoInfer<Assigned<A, ShapeOf<V>>>, V> : V,
  ): Variable<A, X>
  assign(this: Variable, value: Tensor | DataArray): Variable {
    if (!(value instanceof Tensor)) {
      if (runtime.trace) throw new Error(`${this.titled}: assign a tensor inside a compiled function, not an array`)
      if (value.length !== this.size)
        throw misfit(`${this.titled} ${show(this.shape)}: cannot assign ${value.length} elements`)
      const data = allocate(this.dtype, this.size)
      data.set(value)
      this.replace(new Held(this.about(), data), false)
      return this
    }
    if (!sameShape(value.shape, this.shape)) {
      throw misfit(
        `${this.titled}: the variable is ${show(this.shape)}, the value ${show(value.shape)}: they must be equal`,
      )
    }
    if (value.dtype !== this.dtype) {
      throw new TypeError(
        `${this.titled}: the variable is ${this.dtype}, the value ${value.dtype}: cast it with cast('${this.dtype}')`,
      )
    }
    if (runtime.trace) {
      runtime.trace.assign(this, value.node)
      return this
    }
    const { node } = value
    evaluate([node])
    const held = heldBy(node)
    if (held) this.replace(held, true)
    else this.replace(new Held(this.about(), readData(node)), false)
    return this
  }

  /** Variables keep their values: there is nothing to give back early. */
  override dispose(): void {}

  override get [Symbol.toStringTag](): string {
    return this.name ? `Variable '${this.name}'` : 'Variable'
  }

  /** Called after a program wrote the memory. */
  changed(): void {
    this.held.written()
    this.version++
    this.leaf = undefined
  }

  private replace(held: Held, shared: boolean): void {
    const { held: old, shared: isRead } = this
    this.hold(held, shared)
    this.version++
    if (!isRead) old.dispose()
  }

  private hold(held: Held, shared: boolean): void {
    this.held.owners--
    held.owners++
    this.held = held
    this.shared = shared
    this.leaf = undefined
    runtime.residents.moves++
  }

  private about(): About {
    return { op: this.name ? `variable '${this.name}'` : 'a variable', shape: this.shape, dtype: this.dtype }
  }
}

/**
 * Assigns several values at once: all of them are taken before the first is assigned, and outside of compiled functions
 * they are computed together, in one program.
 */
export function assignAll(variables: readonly Variable[], values: readonly Tensor[]): void {
  // A variable's node is its value of now.
  const taken = values.map((t) => new Tensor(t.node))
  if (!runtime.trace) evaluate(taken.map((t) => t.node))
  variables.forEach((v, i) => {
    v.assign(taken[i])
  })
}

/** A variable with the given initial value. */
export function variable<S extends Shape, D extends DType>(
  value: Tensor<S, D>,
  options: { readonly name?: string; readonly trainable?: boolean } = {},
): Variable<S, D> {
  if (!(value instanceof Tensor)) throw mistake(`variable: the value is ${String(value)}, it must be a tensor`)
  const { node, shape, dtype } = value
  evaluate([node])
  return new Variable(node, shape, dtype, options)
}

/** The value of a node that has been computed, to be shared; nothing where the host's data may still be overwritten. */
function heldBy(node: Node): Held | undefined {
  if (node.value) return node.value as Held
  return isOp(node, 'leaf') && node.attributes.source instanceof VariableSource
    ? node.attributes.source.held
    : undefined
}
