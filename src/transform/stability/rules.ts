// The look-up table of stable combinations: which compositions lose digits, overflow or divide by zero, and what computes the same without.

import { build as b } from '../../graph/build.ts'
import { isFloat } from '../../graph/dtype.ts'
import type { Node } from '../../graph/node.ts'
import { type Dims, sameShape, sizeOf } from '../../graph/shape.ts'
import * as forms from './forms.ts'
import { guarded } from './guard.ts'
import { logRules } from './log-rules.ts'
import type { Matcher } from './match.ts'
import type { Rule } from './rule.ts'

/** The exponents of eᵘ + e⁻ᵘ, as u. */
function mirrored(m: Matcher, node: Node): Node | undefined {
  const [u, v] = m.inputs('add', node)?.map((t) => m.input('exp', t)) ?? []
  return u && v && m.areOpposite(u, v) ? u : undefined
}

/** u where the node is 2·sinh(u), as the rule for eᵘ − e⁻ᵘ leaves it. */
function twoSinh(m: Matcher, node: Node): Node | undefined {
  const product = m.inputs('mul', node)
  return product && m.number(product[1]) === 2 ? m.input('sinh', product[0]) : undefined
}

const half = (u: Node): Node => b.binary('mul', u, 0.5)
const square = (m: Matcher, node: Node): Node | undefined => {
  const product = m.inputs('mul', node)
  return product && m.same(product[0], product[1]) ? product[0] : undefined
}

interface Mean {
  readonly of: Node
  readonly axes: Dims
}

/** A mean: a sum, put into another shape perhaps, over the number of its terms. */
function mean(m: Matcher, node: Node): Mean | undefined {
  const quotient = m.inputs('div', node)
  const total = quotient && (m.as('sum', quotient[0]) ?? m.as('sum', m.input('reshape', quotient[0]) ?? quotient[0]))
  if (!quotient || !total) return undefined
  const of = total.inputs[0] as Node
  const { axes } = total.attributes
  return m.number(quotient[1]) === sizeOf(axes.map((a) => of.shape[a] as number)) ? { of, axes } : undefined
}

/** A sum of squares, times or over a number. */
function isSumOfSquares(m: Matcher, node: Node): boolean {
  const parts = m.inputs('div', node) ?? m.inputs('mul', node)
  if (parts && (m.number(parts[1]) ?? 0) > 0) return isSumOfSquares(m, parts[0])
  const inner = m.input('reshape', node)
  if (inner) return isSumOfSquares(m, inner)
  const total = m.input('sum', node)
  return total !== undefined && square(m, total) !== undefined
}

const others: readonly Rule[] = [
  {
    name: 'tanh by exponentials',
    of: 'div',
    rewrite: (m, top, root) => {
      const bottom = root.inputs[1] as Node
      const s = twoSinh(m, top)
      const c = s && mirrored(m, bottom)
      if (s && c && (m.same(s, c) || m.areOpposite(s, c))) return b.unary('tanh', s)
      const [sinh, cosh] = [m.input('sinh', top), m.input('cosh', bottom)]
      if (sinh && cosh && m.same(sinh, cosh)) return b.unary('tanh', sinh)
      const rest = m.lessNumber(bottom, 1)
      const u = rest && m.input('exp', rest)
      if (!u) return undefined
      const up = m.input('expm1', top)
      if (up && m.same(u, up)) return b.unary('tanh', half(u))
      const inner = m.input('neg', top)
      const down = inner && m.input('expm1', inner)
      return down && m.same(u, down) ? b.unary('tanh', half(m.negative(u))) : undefined
    },
  },
  {
    name: 'sigmoid by exponentials',
    of: 'div',
    rewrite: (m, top, root) => {
      const rest = m.lessNumber(root.inputs[1] as Node, 1)
      const u = rest && m.input('exp', rest)
      if (!u) return undefined
      const same = m.input('exp', top)
      if (same && m.same(same, u)) return b.unary('sigmoid', u)
      if (m.isNeverPositive(u)) return undefined
      const gate = b.unary('sigmoid', m.negative(u))
      return m.number(top) === 1 ? gate : b.binary('mul', top, gate)
    },
  },
  {
    name: 'softmax by exponentials',
    of: 'div',
    rewrite: (m, top, root) => {
      const total = m.spread('sum', root.inputs[1] as Node)
      if (!total || !m.same(top, total.of)) return undefined
      const bare = m.input('exp', top)
      if (bare) return m.isShifted(bare, total.axes) ? undefined : forms.softmax(bare, total.axes)
      const factors = m.inputs('mul', top)
      if (!factors) return undefined
      const [u, v] = factors.map((f) => m.input('exp', f))
      const exponent = u ?? v
      if (!exponent || (u && v) || m.isShifted(exponent, total.axes)) return undefined
      return forms.weightedSoftmax(exponent, u ? factors[1] : factors[0], total.axes)
    },
  },
  {
    name: 'quotient of exponentials',
    of: 'div',
    rewrite: (m, top, root) => {
      const [u, v] = [m.input('exp', top), m.input('exp', root.inputs[1] as Node)]
      return u && v && b.unary('exp', b.binary('sub', u, v))
    },
  },
  {
    name: 'product of exponentials',
    of: 'mul',
    rewrite: (m, x, root) => {
      const [u, v] = [m.input('exp', x), m.input('exp', root.inputs[1] as Node)]
      return u && v && b.unary('exp', b.binary('add', u, v))
    },
  },
  {
    name: 'x · log(y)',
    of: 'mul',
    rewrite: (m, x, root) => {
      const y = root.inputs[1] as Node
      const [u, v] = [m.input('log', x), m.input('log', y)]
      const argument = v ?? u
      const factor = v ? x : y
      if (!argument || (u && v) || m.number(factor) !== undefined || isChosen(m, argument)) return undefined
      return forms.xlogy(factor, argument)
    },
  },
  {
    name: 'exp − 1',
    of: 'sub',
    rewrite: exponentialLessOne,
  },
  {
    name: 'exp − 1',
    of: 'add',
    rewrite: exponentialLessOne,
  },
  {
    name: '1 − sigmoid',
    of: 'sub',
    rewrite: sigmoidOfRest,
  },
  {
    name: '1 − sigmoid',
    of: 'add',
    rewrite: sigmoidOfRest,
  },
  {
    name: 'tanh by sigmoid',
    of: 'sub',
    rewrite: (m, _, root) => {
      const product = m.lessNumber(root, -1)
      const factors = product && m.inputs('mul', product)
      const u = factors && m.number(factors[1]) === 2 ? m.input('sigmoid', factors[0]) : undefined
      return u && b.unary('tanh', half(u))
    },
  },
  {
    name: 'sinh by exponentials',
    of: 'sub',
    rewrite: (m, x, root) => {
      const [u, v] = [m.input('exp', x), m.input('exp', root.inputs[1] as Node)]
      return u && v && m.areOpposite(u, v) ? b.binary('mul', b.unary('sinh', u), 2) : undefined
    },
  },
  {
    name: 'variance by moments',
    of: 'sub',
    rewrite: (m, x, root) => {
      const second = mean(m, x)
      const inner = second && square(m, second.of)
      const average = square(m, root.inputs[1] as Node)
      const first = average && mean(m, average)
      if (!inner || !first || !m.same(first.of, inner) || !sameShape(first.axes, second.axes)) return undefined
      const centred = b.binary('sub', inner, b.spread(average, inner.shape, first.axes))
      const total = b.sum(b.binary('mul', centred, centred), first.axes)
      return b.binary('div', b.reshape(total, root.shape), sizeOf(first.axes.map((a) => inner.shape[a] as number)))
    },
  },
  {
    name: 'sqrt of a square',
    of: 'sqrt',
    rewrite: (m, x) => {
      const u = square(m, x)
      return u && b.unary('abs', u)
    },
  },
  {
    name: 'sqrt of two squares',
    of: 'sqrt',
    rewrite: (m, x) => {
      const [u, v] = m.inputs('add', x)?.map((t) => square(m, t)) ?? []
      // The form itself adds two squares of scaled values.
      return u && v && !(isScaled(m, u) && isScaled(m, v)) ? forms.hypot(u, v) : undefined
    },
  },
  {
    name: 'root of a sum of squares',
    of: 'sqrt',
    only: 'gradient',
    rewrite: (m, x) => (isSumOfSquares(m, x) ? forms.safeRoot(x) : undefined),
  },
  {
    name: 'prod of exponentials',
    of: 'prod',
    rewrite: (m, x, root) => {
      const u = m.input('exp', x)
      return u && b.unary('exp', b.sum(u, (root.attributes as { readonly axes: Dims }).axes))
    },
  },
  {
    name: 'safe where',
    of: 'where',
    only: 'gradient',
    rewrite: (m, _, root) => guarded(m, root),
  },
]

function exponentialLessOne(m: Matcher, _: Node, root: Node): Node | undefined {
  const rest = m.lessNumber(root, -1)
  const u = rest && m.input('exp', rest)
  if (u) return b.unary('expm1', u)
  const e = m.oneLess(root)
  const v = e && m.input('exp', e)
  return v && b.unary('neg', b.unary('expm1', v))
}

function sigmoidOfRest(m: Matcher, _: Node, root: Node): Node | undefined {
  const p = m.oneLess(root)
  const u = p && m.input('sigmoid', p)
  return u && b.unary('sigmoid', m.negative(u))
}

/** Whether the node is a quotient by a chosen scale, as in `forms.hypot`. */
const isScaled = (m: Matcher, node: Node): boolean => {
  const quotient = m.inputs('div', node)
  return quotient !== undefined && m.as('where', quotient[0]) !== undefined && m.as('where', quotient[1]) !== undefined
}

/** Whether the edge was cut out already: a choice of 1, as in `forms.xlogy`. */
const isChosen = (m: Matcher, node: Node): boolean => {
  const choice = m.as('where', node)
  return choice !== undefined && m.number(choice.inputs[1] as Node) === 1
}

export const rules: readonly Rule[] = [...logRules, ...others]

const byRoot = new Map(rules.map(({ of }) => [of, rules.filter((rule) => rule.of === of)]))

/** The rules that may apply to a node. */
export const rulesFor = (node: Node): readonly Rule[] => (isFloat(node.dtype) && byRoot.get(node.op)) || none

const none: readonly Rule[] = []
