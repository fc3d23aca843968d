// checkPiece: whether a function of tensors is a piece that networks can be made of, or what is wrong with it.

import {
  checkGradient,
  compile,
  type GradientCheckOptions,
  grad,
  stack,
  type Tensor,
  tensor,
  vmap,
} from '../tensor/index.ts'
import { mapTree, tensorsOf } from '../tensor/tree.ts'

export interface PieceCheckOptions extends GradientCheckOptions {
  /** Size of the inputs at which values and gradients must still be finite: 1e4 unless told; null for a piece whose domain ends before. */
  readonly extreme?: number | null
  /** false for a piece of one tensor whose first axis is no batch, or whose examples depend on each other on purpose, as in batch norm. */
  readonly examples?: boolean
}

type Piece = (...args: readonly unknown[]) => unknown

/**
 * Checks a function of tensors, on the backend in use: its gradient and the gradient of that (see `checkGradient`); that
 * many at once under `vmap` give what they give one by one; that rows of one tensor, the examples of a batch, do not change each other; that values
 * and gradients are finite for large inputs and zeros; that float32 stays float32 and agrees with float64; and that
 * compiled it is the same. Throws one error that lists all that is wrong.
 *
 *     await checkPiece((x) => swish(x), [random.normal([3, 4])])
 */
export async function checkPiece<A extends readonly unknown[]>(
  fn: (...args: A) => unknown,
  args: A,
  options: PieceCheckOptions = {},
): Promise<void> {
  const piece = fn as unknown as Piece
  const point = await valuesOf(args)
  await checkOutputs(piece, point)
  const failed: (readonly [name: string, message: string])[] = []
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(piece, point, options)
    } catch (error) {
      failed.push([name, error instanceof Error ? error.message : String(error)])
    }
  }
  if (failed.length === 0) return
  // What fails for one reason is told once.
  const messages = [...new Set(failed.map(([, message]) => message))]
  const lines = messages.map((message) => {
    const names = failed.flatMap(([name, own]) => (own === message ? [name] : []))
    return `\n  ${names.join(', ')}: ${message}`
  })
  throw new Error(`checkPiece: ${failed.length} of ${Object.keys(checks).length} checks failed${lines.join('')}`)
}

/** Without float tensors, the same ones each time, there is nothing to check. */
async function checkOutputs(piece: Piece, args: readonly unknown[]): Promise<void> {
  const outputs = floatsOf(piece(...args))
  if (outputs.length === 0)
    throw new TypeError(
      'checkPiece: the function gives no float tensor: return a tensor, or several in a list or a record',
    )
  for (const [i, again] of floatsOf(piece(...args)).entries())
    await agree(again, outputs[i] as Tensor, 1e-9, 'checkPiece: the second call').catch((error: Error) => {
      throw new Error(
        `${error.message}: the same inputs must give the same output. Make modules outside of the function, and draw with a key of your own ({ key })`,
      )
    })
}

const checks: {
  readonly [name: string]: (piece: Piece, args: readonly unknown[], options: PieceCheckOptions) => Promise<void>
} = {
  gradient: (piece, args, options) => checkGradient(piece, args, { ...options, order: 1 }),
  'second order': async (piece, args, options) => {
    if ((options.order ?? 2) === 1 || options.differences === false) return
    await checkGradient(piece, args, options)
  },
  batch: async (piece, args) => {
    const examples = [1, 0.5, -1].map((factor) => mapTree(args, (t) => (isFloat(t) ? t.mul(factor) : t)) as unknown[])
    const leaves = examples.map(tensorsOf)
    const all = mapTree(args, (t) => {
      const i = tensorsOf(args).indexOf(t)
      return stack(leaves.map((list) => list[i] as Tensor))
    }) as unknown[]
    const mapped = tensorsOf(vmap(piece)(...all))
    for (const [e, example] of examples.entries()) {
      const alone = tensorsOf(piece(...example))
      for (const [i, y] of alone.entries()) {
        const together = (mapped[i] as Tensor).at(e)
        await agree(together, y, 1e-9, `example ${e} of three under vmap, output ${i}`)
      }
    }
  },
  examples: async (piece, args, { examples = true }) => {
    const [x, ...others] = tensorsOf(args)
    if (!examples || others.length > 0 || !x || !isFloat(x) || x.rank < 2 || x.shape[0] < 2) return
    const outputs = tensorsOf(piece(...args))
    if (outputs.some((y) => y.shape[0] !== x.shape[0])) return
    const last = x.shape[0] - 1
    const alone = tensorsOf(piece(...(mapTree(args, (t) => t.slice([last, null])) as unknown[])))
    for (const [i, y] of outputs.entries())
      await agree(alone[i] as Tensor, y.slice([last, null]), 1e-9, `output ${i} of the last row alone`).catch(
        (error: Error) => {
          throw new Error(
            `${error.message} with the others: an example must not change another's output. If the first axis is no batch, or they are meant to, as in batch norm, pass { examples: false }`,
          )
        },
      )
  },
  extremes: async (piece, args, { extreme = 1e4 }) => {
    if (extreme === null) return
    for (const size of [extreme, -extreme, 0]) {
      const inputs = mapTree(args, (t) => (isFloat(t) ? t.mul(0).add(size) : t)) as unknown[]
      const [outputs, sources] = [floatsOf(piece(...inputs)), floatsOf(inputs)]
      for (const y of outputs) await finite(y, `the value where all inputs are ${size}`)
      const sum = outputs.map((y) => y.sum()).reduce((a, b) => a.add(b))
      for (const g of grad(sum, sources)) await finite(g, `the gradient where all inputs are ${size}`)
    }
  },
  dtype: async (piece, args) => {
    const single = mapTree(args, (t) => (isFloat(t) ? t.cast('float32') : t)) as unknown[]
    const exact = tensorsOf(piece(...args))
    for (const [i, y] of tensorsOf(piece(...single)).entries()) {
      const wide = exact[i] as Tensor
      if (isFloat(y) && y.dtype !== 'float32')
        throw new Error(`output ${i} is ${y.dtype} for float32 inputs: constants must take the dtype of the input`)
      if (isFloat(y)) await agree(y, wide, 1e-4, `output ${i} in float32`)
    }
  },
  compiled: async (piece, args) => {
    const eager = tensorsOf(piece(...args))
    const compiled = tensorsOf(compile((...inputs: unknown[]) => tensorsOf(piece(...inputs)))(...args))
    for (const [i, y] of eager.entries())
      await agree(compiled[i] as Tensor, y, 1e-9, `output ${i} of the compiled piece`)
  },
}

const isFloat = (t: Tensor): boolean => t.dtype === 'float32' || t.dtype === 'float64'
const floatsOf = (tree: unknown): Tensor[] => tensorsOf(tree).filter(isFloat)

/** The arguments as values of their own, floats in float64. */
async function valuesOf(args: readonly unknown[]): Promise<readonly unknown[]> {
  const values = new Map<Tensor, Tensor>()
  for (const t of floatsOf(args)) values.set(t, tensor(Float64Array.from(await t.data()), { shape: t.shape }))
  return mapTree(args, (t) => values.get(t) ?? t) as readonly unknown[]
}

async function agree(found: Tensor, expected: Tensor, tolerance: number, what: string): Promise<void> {
  if (String(found.shape) !== String(expected.shape))
    throw new Error(`${what}: shape [${found.shape.join(', ')}] instead of [${expected.shape.join(', ')}]`)
  const [a, b] = [await found.data(), Float64Array.from(await expected.data())]
  const scale = b.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 1)
  const at = b.findIndex((v, i) => !Object.is(a[i], v) && !(Math.abs((a[i] as number) - v) <= tolerance * scale))
  if (at >= 0) throw new Error(`${what}: element ${at} is ${a[at]} instead of ${b[at]}`)
}

async function finite(x: Tensor, what: string): Promise<void> {
  const bad = (await x.data()).find((v) => !Number.isFinite(v))
  if (bad !== undefined)
    throw new Error(
      `${what} is ${bad}: use a stable form, guard it with a safe where, or pass { extreme: null } if the domain ends before`,
    )
}
