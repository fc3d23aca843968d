// compile(fn): traces a function of tensors once per shape and mode, and runs it as one program from then on.

import type { Storage } from '../backend/backend.ts'
import { build, lastId } from '../graph/build.ts'
import type { DataArray, DType } from '../graph/dtype.ts'
import { changed, isOp, type Node } from '../graph/node.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { type Dims, sameShape, sizeOf } from '../graph/shape.ts'
import { mapGraph, topologicalOrder } from '../graph/walk.ts'
import { evaluate, noValueYet, prepare } from './execute.ts'
import { type About, beginUse, bytesOf, Held } from './held.ts'
import { HostNumber, hostLeaf, type LeafSource, sourceOf } from './leaf.ts'
import { span } from './record.ts'
import { backend, type CompiledProgram, type Executable, type RunHook, runtime } from './runtime.ts'
import { Tensor } from './tensor.ts'
import { Trace } from './trace.ts'
import { mapTree, tensorsOf, treeKey } from './tree.ts'
import type { Variable } from './variable.ts'

/** A function that was compiled; call it like the original. */
export interface Compiled<A extends readonly unknown[], R> {
  (...args: A): R
  /**
   * Runs the program `times` times with the same arguments; gives the last result. One call of the backend, unless the
   * host computes numbers for each run: schedules, Adam's bias corrections, random draws.
   */
  repeat(times: number, ...args: A): R
}

/**
 * Outputs up to this size are copied out, so that a loop that reads losses allocates nothing on the backend. From another thread
 * they would have to be waited for.
 */
const smallOutput = 64
const manyTraces = 8

/** A result; small ones have memory that stays with the program. */
interface Output {
  readonly about: About
  readonly small: Storage | undefined
}

interface Entry extends CompiledProgram {
  readonly executable: Executable
  readonly sources: readonly (LeafSource | Argument)[]
  readonly variables: readonly Variable[]
  readonly drawsRandom: boolean
  /** Numbers to compute anew for each run. */
  readonly hostNumbers: readonly HostNumber[]
  readonly hooks: readonly RunHook[]
  readonly outputs: readonly Output[]
  /** How many elements each of them has. */
  readonly elements: readonly number[]
  readonly result: unknown
  readonly backend: unknown
  readonly bindings: Storage[]
  /** `runtime.residents.moves` when the bindings were found, if they stay as they are until it grows. */
  settled: number
}

/** A leaf that stands for argument number `index`; bound anew at each call. */
class Argument implements LeafSource {
  readonly index: number
  constructor(index: number) {
    this.index = index
  }
  storage(): Storage {
    return this.read()
  }
  read(): never {
    throw new Error(
      runtime.trace
        ? noValueYet
        : 'a tensor from inside a compiled function was used outside of it: return it from the function instead',
    )
  }
}

/**
 * Compiles a function of tensors into one program: forward, backward and update fused. It is traced again when shapes,
 * dtypes, other arguments or the training mode change, or when a module was frozen; numbers and tensors that the function closes over are
 * constants and live inputs respectively; variables that it assigns change when the call ends. Results have no history:
 * take gradients inside.
 *
 *     const step = compile((x, t) => { const l = loss.mse(net(x), t); optimizer.step(grad(l, net.parameters())); return l })
 */
export function compile<A extends readonly unknown[], R>(fn: (...args: A) => R): Compiled<A, R> {
  const entries = new Map<string, Entry>()
  const programs: CompiledProgram[] = []
  runtime.compiled.register(entries, programs)
  let last: { entry: Entry; args: readonly Tensor[]; mode: boolean; structure: number } | undefined

  const find = (args: A): Entry => {
    if (last && last.mode === runtime.training && last.structure === runtime.structure && alike(args, last.args))
      return last.entry
    const key = `${runtime.training ? 'train' : 'eval'} ${runtime.structure} ${treeKey(args)}`
    let entry = entries.get(key)
    if (!entry || entry.backend !== backend()) {
      entry = span(`trace ${fn.name}`, () => trace(fn, args))
      entries.set(key, entry)
      programs.push(entry)
      if (entries.size === manyTraces) {
        console.warn(
          `compile: ${fn.name || 'a function'} was traced ${manyTraces} times, last for arguments ${treeKey(args)}: pad batches to one shape, or pass changing numbers as tensors`,
        )
      }
    }
    const plain = args.every((a) => a instanceof Tensor)
    last = plain
      ? { entry, args: args as unknown as Tensor[], mode: runtime.training, structure: runtime.structure }
      : undefined
    return entry
  }
  const call = (times: number, args: A): R => {
    // Inside another trace, or a function that is being transformed, the function is simply part of it.
    if (runtime.trace || runtime.transforms.length > 0) return fn(...args)
    const entry = find(args)
    return run(entry, last ? (args as unknown as Tensor[]) : tensorsOf(args), times) as R
  }
  return Object.assign((...args: A): R => call(1, args), {
    repeat: (times: number, ...args: A): R => {
      if (!Number.isInteger(times) || times < 1) throw misfit(`repeat: ${times} times: it must be a positive integer`)
      return call(times, args)
    },
  })
}

function alike(args: readonly unknown[], known: readonly Tensor[]): boolean {
  if (args.length !== known.length) return false
  for (let i = 0; i < args.length; i++) {
    const a = args[i]
    const b = known[i] as Tensor
    if (a !== b && !(a instanceof Tensor && a.dtype === b.dtype && sameShape(a.shape, b.shape))) return false
  }
  return true
}

function trace<A extends readonly unknown[], R>(fn: (...args: A) => R, args: A): Entry {
  const name = fn.name || 'compiled function'
  const current = new Trace(lastId())
  let count = 0
  const placeholders = mapTree(
    args,
    (t) => new Tensor(build.leaf(new Argument(count++), t.shape, t.dtype)),
  ) as unknown as A
  const { gradients } = runtime
  runtime.trace = current
  // What is traced serves later calls too, whether gradients are on where the first one was made or not.
  runtime.gradients = true
  let result: R
  let returned: Node[]
  try {
    result = fn(...placeholders)
    // Read inside, so that a variable that was assigned gives its new value.
    returned = tensorsOf(result).map((t) => t.node)
  } finally {
    runtime.trace = undefined
    runtime.gradients = gradients
  }
  if (result instanceof Promise) {
    // What it rejects with, a value read inside say, must not end the process beside this error.
    result.catch(() => {})
    throw mistake('compile: the function is async: only synchronous functions of tensors can be traced')
  }
  const variables = [...current.assigned.keys()]
  const outputs = [...returned, ...current.assigned.values()]
  // What was built but not evaluated before the trace is computed once, now.
  const isOutside = (node: Node): boolean => node.id <= current.startId
  const outside = topologicalOrder(outputs, isOutside).filter(
    (n) => isOutside(n) && n.op !== 'leaf' && n.op !== 'constant',
  )
  evaluate(outside)
  const isLeaf = (node: Node): boolean => node.op === 'leaf' || node.value !== undefined
  const { map: rebuilt, outputs: results } = mapGraph(
    outputs,
    (node, inner) => {
      if (isLeaf(node)) return node.op === 'leaf' ? node : build.leaf(node.value as Held, node.shape, node.dtype)
      return inner === node.inputs ? node : changed(node, { inputs: inner })
    },
    isLeaf,
  )
  const inputs = [...rebuilt.keys()].filter(isLeaf)
  const leaves = inputs.map((n) => rebuilt.get(n) as Node<'leaf'>)
  const leafIndex = new Map(leaves.map((leaf, i) => [leaf as Node, i] as const))
  const aliases = [...returned.map(() => -1), ...variables.map((v) => leafIndex.get(current.leafOf(v)) ?? -1)]
  const executable = prepare({ leaves, outputs: results, aliases }, name, results.slice(returned.length))
  const sources = leaves.map((leaf) => sourceOf(leaf))
  const on = backend()
  const returnedPlaces = returned.map(({ op, scope, shape, dtype }) => {
    const bytes = bytesOf(dtype, shape)
    const isCopied = bytes <= smallOutput && on.kind !== 'remote'
    return { about: { op, scope, shape, dtype }, small: isCopied ? on.allocate(bytes) : undefined }
  })
  let next = 0
  return {
    executable,
    sources,
    variables,
    drawsRandom: current.drawsRandom,
    hostNumbers: sources.filter((source) => source instanceof HostNumber),
    hooks: current.hooks,
    outputs: returnedPlaces,
    elements: returnedPlaces.map(({ about }) => sizeOf(about.shape)),
    result: mapTree(result, () => new Slot(next++)),
    backend: on,
    bindings: [],
    settled: -1,
    release() {
      executable.release()
      for (const { small } of returnedPlaces) if (small) on.release(small)
    },
  }
}

/** Stands for output number `index` in the remembered result. */
class Slot extends Tensor {
  readonly index: number
  constructor(index: number) {
    super(undefined, [], 'float32')
    this.index = index
  }
}

function run(entry: Entry, args: readonly Tensor[], times: number): unknown {
  const { bindings, variables } = entry
  const unchanged = entry.settled === runtime.residents.moves && entry.backend === runtime.backend
  let larges: Map<number, Held> | undefined
  if (unchanged) for (const number of entry.hostNumbers) number.storage()
  else larges = bind(entry, args)
  const atOnce = entry.hostNumbers.length === 0 ? times : 1
  for (let done = 0; done < times; done += atOnce) {
    if (done > 0) for (const number of entry.hostNumbers) number.storage()
    entry.executable.run(bindings, atOnce, unchanged)
    if (entry.drawsRandom) runtime.random.step += atOnce
    for (const hook of entry.hooks) hook(atOnce)
  }
  for (const v of variables) v.changed()
  const { result } = entry
  if (result instanceof Slot) return resultOf(entry, result.index, larges)
  return mapTree(result, (slot) => resultOf(entry, (slot as Slot).index, larges))
}

/** Finds where everything lies that the program reads and writes; returns the new places of large results. */
function bind(entry: Entry, args: readonly Tensor[]): Map<number, Held> | undefined {
  const { sources, outputs, variables, bindings } = entry
  for (const arg of args) {
    const node = underlying(arg)
    if (node.value === undefined && !isOp(node, 'leaf')) evaluate([node])
  }
  for (const v of variables) v.makeOwn()
  beginUse()
  let at = 0
  for (const source of sources) {
    bindings[at++] = source instanceof Argument ? storageOf(underlying(args[source.index] as Tensor)) : source.storage()
  }
  let larges: Map<number, Held> | undefined
  for (let i = 0; i < outputs.length; i++) {
    const { about, small } = outputs[i] as Output
    if (small) bindings[at++] = small
    else {
      const held = new Held(about)
      larges ??= new Map()
      larges.set(i, held)
      bindings[at++] = held.storage()
    }
  }
  for (const v of variables) bindings[at++] = v.storage
  entry.settled = larges === undefined && args.length === 0 ? runtime.residents.moves : -1
  return larges
}

/** Result number `i`: a value of its own, or copied out of the memory that stays with the program. */
function resultOf({ outputs, elements }: Entry, i: number, larges: ReadonlyMap<number, Held> | undefined): Tensor {
  const { about, small } = outputs[i] as Output
  const large = larges?.get(i)
  if (large) return new Tensor(valued(about, large))
  return new Copied(
    backend().download(small as Storage, about.dtype, elements[i]) as DataArray,
    about.shape,
    about.dtype,
  )
}

/** A result that was copied out; most are only read, or not even that, so it has no node until someone asks for one. */
class Copied extends Tensor {
  private readonly values: DataArray
  private made: Node | undefined
  constructor(values: DataArray, shape: Dims, dtype: DType) {
    super(undefined, shape, dtype)
    this.values = values
  }
  override get node(): Node {
    this.made ??= hostLeaf(this.values, this.shape, this.dtype)
    return this.made
  }
}

/** A node without history for a result that is too large to copy out. */
function valued(like: About, held: Held): Node {
  const node = build.leaf(held, like.shape, like.dtype)
  node.value = held
  return node
}

const storageOf = (node: Node): Storage =>
  node.value ? (node.value as Held).storage() : sourceOf(node as Node<'leaf'>).storage()

/** The node whose memory holds a tensor's value: another shape of a value, or names for its axes, need none of their own. */
function underlying({ node }: Tensor): Node {
  let value = node
  while (value.value === undefined && isOp(value, 'reshape')) value = value.inputs[0] as Node
  return value
}
