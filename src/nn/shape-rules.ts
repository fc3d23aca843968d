// Rules of shapes: what a module takes and gives, as a pair of patterns that the compiler and the running program read alike.

import { misfit } from '../graph/refuse.ts'
import { type Dims, show, sizeOf } from '../graph/shape.ts'
import type { Dim, Shape } from '../tensor/index.ts'

/**
 * A pattern is a shape. In it a number stands for itself, a name for any extent, '...' for any number of axes, and, in a
 * result, '(...)' for these axes made one. A name that only the result has is an extent that is not known.
 *
 *     { in: ['...', 784], out: ['...', 10] }          // linear
 *     { in: ['n', '...'], out: ['n', '(...)'] }        // flatten
 */
export interface ShapeRule<In extends Shape = Shape, Out extends Shape = Shape> {
  readonly in: In
  readonly out: Out
}

/** Refuses a shape that the pattern does not take, in the compiler's words. */
export function checkTaken(kind: string, pattern: Shape, shape: Dims): void {
  const found = bind(pattern, shape, false)
  if (typeof found === 'string') throw misfit(`${kind}: expected ${words(pattern)}, found ${show(shape)}: ${found}`)
}

/** The rule of modules one after the other; undefined where it is not known. Throws, in the compiler's words, where one does not take what comes before. */
export function chain(
  steps: readonly { readonly name: string; readonly rule: ShapeRule | undefined }[],
): ShapeRule | undefined {
  const [first, ...rest] = steps
  let whole = first?.rule
  let before = first?.name
  for (const { name, rule } of rest) {
    whole = whole && rule && composed(whole, rule, name, before ?? '')
    before = name
  }
  return whole
}

function composed(first: ShapeRule, second: ShapeRule, name: string, before: string): ShapeRule {
  const found = bind(second.in, first.out, true)
  if (typeof found === 'string') {
    throw misfit(`sequential: ${name} takes ${words(second.in)}, ${before} gives ${words(first.out)}: ${found}`)
  }
  const grown = found.get('grown')
  return {
    in: grown ? first.in.flatMap((x) => (x === '...' ? grown : [x])) : first.in,
    out: second.out.flatMap((x): Shape => {
      if (x === '(...)') return [merged(found.get('...') ?? ['...'])]
      return found.get(x) ?? [x]
    }),
  }
}

/** What the names of a pattern stand for in a shape, or why it does not fit; see `Bind`, which is the same for the compiler. */
function bind(pattern: Shape, shape: Shape, open: boolean): ReadonlyMap<Dim, Shape> | string {
  const bound = new Map<Dim, Shape>()
  const [p, s] = [[...pattern], [...shape]]
  const pair = (x: Dim, y: Dim): string | undefined => {
    if (typeof x === 'string') bound.set(x, [y])
    return typeof x === 'string' || x === y || (open && typeof y === 'string') ? undefined : `${y} is not ${x}`
  }
  while (p.length > 0 && s.length > 0 && p[0] !== '...' && s[0] !== '...') {
    const reason = pair(p.shift() as Dim, s.shift() as Dim)
    // Where axes are missing, extents are compared with those of other axes.
    if (reason) return p.length === s.length || [...p, ...s].includes('...') ? reason : wrongRank(p, s)
  }
  const isAny = (list: Shape): boolean => list.length === 1 && list[0] === '...'
  while (!isAny(p) && !isAny(s) && p.length > 0 && s.length > 0 && p.at(-1) !== '...' && s.at(-1) !== '...') {
    const reason = pair(p.pop() as Dim, s.pop() as Dim)
    if (reason) return reason
  }
  if (isAny(p)) return bound.set('...', s)
  if (isAny(s)) {
    for (const x of p) if (typeof x === 'string') bound.set(x, [x])
    return bound.set('grown', p)
  }
  return (p.length === 0) === (s.length === 0) ? bound : wrongRank(p, s)
}

const wrongRank = (pattern: Shape, shape: Shape): string =>
  `there are too ${shape.length < pattern.length ? 'few' : 'many'} axes`

const merged = (axes: Shape): Dim =>
  axes.every((x) => typeof x === 'number') ? sizeOf(axes) : axes.length === 1 && axes[0] !== '...' ? axes[0] : '(...)'

const words = (shape: Shape): string => `[${shape.join(', ')}]`
