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
}

type Piece = (...args: readonly unknown[]) => unknown

/**
 * Checks a function of tensors, on the backend in use: its gradient and the gradient of that (see `checkGradient`); that
 * examples mapped at once give what they give one by one; that values and gradients are finite for large inputs and
 * zeros; that float32 stays float32 and agrees with float64; and that compiled it is the same. Throws one error that lists all that is wrong.
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
  const wrong: string[] = []
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(piece, point, options)
    } catch (error) {
      wrong.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (wrong.length > 0)
    throw new Error(
      `checkPiece: ${wrong.length} of ${Object.keys(checks).length} checks failed\n  ${wrong.join('\n  ')}`,
    )
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
