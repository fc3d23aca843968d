// Variables: tensors whose value can be replaced, the only cut in the history of a computation.

import type { Storage } from '../backend/backend.ts'
import { build } from '../graph/build.ts'
import type { DataArray, DType } from '../graph/dtype.ts'
import type { Node } from '../graph/node.ts'
import { type Dims, sameShape, show } from '../graph/shape.ts'
import { evaluate, readData, storageOf } from './execute.ts'
import { allocateFor, bytesOf, HostData, type LeafSource } from './leaf.ts'
import { backend, runtime } from './runtime.ts'
import type { Checked, Same, Shape, ShapeError, ShapeOf, Text } from './shape-types.ts'
import { Tensor } from './tensor.ts'

/** The value of a variable at one version. */
export class VariableSource implements LeafSource {
  readonly variable: Variable
  readonly version: number

  constructor(variable: Variable, version: number) {
    this.variable = variable
    this.version = version
  }

  storage(): Storage {
    if (this.version !== this.variable.version) {
      throw new Error(
        `variable '${this.variable.name}' was assigned (version ${this.variable.version}) after this value was read from it (version ${this.version}): read it again, or take its value before the assignment with data()`,
      )
    }
    return this.variable.storage
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
  private readonly initial: HostData | Node
  private held: { storage: Storage } | undefined
  private leaf: Node<'leaf'> | undefined

  /** `initial`: its elements, or a node that has been evaluated. */
  constructor(
    initial: DataArray | Node,
    shape: Dims,
    dtype: DType,
    options: { readonly name?: string; readonly trainable?: boolean } = {},
  ) {
    super(undefined, shape, dtype)
    this.initial = 'op' in initial ? initial : new HostData(initial)
    this.name = options.name ?? ''
    this.trainable = options.trainable ?? true
  }

  /** The memory that holds the current value; its address does not change. */
  get storage(): Storage {
    if (!this.held) {
      const { initial } = this
      this.held = { storage: allocateFor(this, bytesOf(this.dtype, this.shape)) }
      if (initial instanceof HostData) backend().upload(this.held.storage, initial.data)
      else backend().copy(storageOf(initial), this.held.storage)
    }
    return this.held.storage
  }

  override get node(): Node {
    if (runtime.trace) return runtime.trace.read(this)
    this.leaf ??= build.leaf(new VariableSource(this, this.version), this.shape, this.dtype)
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
      if (runtime.trace)
        throw new Error(`variable '${this.name}': assign a tensor inside a compiled function, not an array`)
      if (value.length !== this.size)
        throw new RangeError(`variable '${this.name}' ${show(this.shape)}: cannot assign ${value.length} elements`)
      backend().upload(this.storage, value)
      this.changed()
      return this
    }
    if (!sameShape(value.shape, this.shape) || value.dtype !== this.dtype) {
      throw new TypeError(
        `variable '${this.name}' is ${this.dtype} ${show(this.shape)}, the value to assign ${value.dtype} ${show(value.shape)}: they must be equal`,
      )
    }
    if (runtime.trace) {
      runtime.trace.assign(this, value.node)
      return this
    }
    const { node } = value
    evaluate([node])
    backend().copy(storageOf(node), this.storage)
    this.changed()
    return this
  }

  override get [Symbol.toStringTag](): string {
    return this.name ? `Variable '${this.name}'` : 'Variable'
  }

  /** Called when the memory was written: values read before are out of date. */
  changed(): void {
    this.version++
    this.leaf = undefined
  }
}

/**
 * Assigns several values at once: all of them are taken before the first is assigned, and outside of compiled functions
 * they are computed together, in one program.
 */
export function assignAll(variables: readonly Variable[], values: readonly Tensor[]): void {
  const targets = new Set<Tensor>(variables)
  const taken = values.map((t) => {
    const { node } = t
    // A variable's own memory may be overwritten before it is read.
    return new Tensor(!runtime.trace && targets.has(t) ? copyOf(node) : node)
  })
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
  const { node, shape, dtype } = value
  // From another thread the numbers would have to be waited for.
  return new Variable(backend().kind === 'remote' ? copyOf(node) : readData(node), shape, dtype, options)
}

/** A node with the value that another one has now, in memory of its own. */
function copyOf(node: Node): Node {
  evaluate([node])
  const { dtype, shape } = node
  const copy = build.leaf({}, shape, dtype)
  const storage = allocateFor(copy, bytesOf(dtype, shape))
  backend().copy(storageOf(node), storage)
  copy.value = storage
  return copy
}
