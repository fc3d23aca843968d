// Rules for logarithms: log and log1p of what is an exponential, a probability, or made of these.

import { build as b } from '../../graph/build.ts'
import { isOp, type Node, type OpName } from '../../graph/node.ts'
import type { Dims } from '../../graph/shape.ts'
import * as forms from './forms.ts'
import type { Matcher } from './match.ts'
import type { Rule } from './rule.ts'

/** The logarithm of x by the rules below, or undefined where none applies. */
function logOf(m: Matcher, x: Node): Node | undefined {
  if (m.depth > 12) return undefined
  m.depth++
  try {
    for (const rule of logRules) {
      const found = rule.of === 'log' ? m.attempt(() => rule.rewrite(m, x, x)) : undefined
      if (found) return found
    }
    return undefined
  } finally {
    m.depth--
  }
}

const plainLog = (m: Matcher, x: Node): Node => {
  const value = m.number(x)
  return value === undefined ? b.unary('log', x) : b.constant(Math.log(value), x.shape, x.dtype)
}

/** Operations that only choose and place elements of their first input. */
const moves: ReadonlySet<OpName> = new Set(['reshape', 'transpose', 'broadcast', 'slice', 'take', 'takeAlong'])

/** Whether no element is negative, by the way the node is made. */
const isPositive = (m: Matcher, node: Node): boolean => m.attempt(() => isPositiveWithin(m, node, 8))

function isPositiveWithin(m: Matcher, node: Node, depth: number): boolean {
  const x = m.open(node)
  if (['exp', 'sigmoid', 'abs', 'sqrt', 'cosh'].includes(x.op)) return true
  if (isOp(x, 'constant')) return x.attributes.value > 0
  if (depth === 0) return false
  const isOwn = moves.has(x.op) || x.op === 'sum' || x.op === 'prod'
  if (isOwn) return isPositiveWithin(m, x.inputs[0] as Node, depth - 1)
  return ['add', 'mul', 'div'].includes(x.op) && x.inputs.every((input) => isPositiveWithin(m, input, depth - 1))
}

interface Term {
  readonly exponent: Node
  readonly weight: Node | undefined
}

/** The node as weight · exp(exponent). */
function exponential(m: Matcher, node: Node): Term | undefined {
  const exponent = logOf(m, node)
  if (exponent && isPositive(m, node)) return { exponent, weight: undefined }
  const chosen = m.as('where', node)
  if (chosen) {
    const [condition, x, rest] = chosen.inputs as [Node, Node, Node]
    const inner = m.number(rest) === 0 ? exponential(m, x) : undefined
    return inner && { ...inner, exponent: b.where(condition, inner.exponent, -Infinity) }
  }
  const factors = m.inputs('mul', node)
  if (factors) {
    const [first, second] = [exponential(m, factors[0]), exponential(m, factors[1])]
    if (!first === !second) return undefined
    const term = (first ?? second) as Term
    const other = first ? factors[1] : factors[0]
    return { exponent: term.exponent, weight: term.weight ? b.binary('mul', term.weight, other) : other }
  }
  const quotient = m.inputs('div', node)
  const top = quotient && exponential(m, quotient[0])
  if (!quotient || !top) return undefined
  const inverse = b.binary('div', top.weight ?? 1, quotient[1])
  return { exponent: top.exponent, weight: inverse }
}

/** Whether a rule made this already: the branch of log(1 − eˣ) on one side of −ln 2. */
const isHalf = (m: Matcher, u: Node): boolean => {
  const condition = m.as('where', u)?.inputs[0]
  const bound = condition && m.inputs('less', condition)
  return bound !== undefined && m.number(bound[1]) !== undefined
}

/** log(x) where `x` is the argument; see `Rule`. */
export const logRules: readonly Rule[] = [
  {
    name: 'log of exp',
    of: 'log',
    rewrite: (m, x) => m.input('exp', x),
  },
  {
    name: 'log of softmax',
    of: 'log',
    rewrite: (m, x) => {
      const quotient = m.inputs('div', x)
      const exponent = quotient && m.input('exp', quotient[0])
      const total = exponent && m.spread('sum', quotient[1])
      if (!exponent || !total || !m.same(quotient[0], total.of)) return undefined
      return m.isShifted(exponent, total.axes)
        ? forms.logSoftmaxOfShifted(exponent, total.axes)
        : forms.logSoftmax(exponent, total.axes)
    },
  },
  {
    name: 'log of sigmoid',
    of: 'log',
    rewrite: (m, x) => {
      const u = m.input('sigmoid', x)
      return u && forms.logSigmoid(u)
    },
  },
  {
    name: 'log of a sum of exponentials',
    of: 'log',
    rewrite: (m, x) => {
      const total = m.as('sum', x)
      if (!total) return undefined
      const { axes } = total.attributes
      const bare = m.input('exp', total.inputs[0] as Node)
      if (bare && m.isShifted(bare, axes)) return undefined
      const term = exponential(m, total.inputs[0] as Node)
      if (!term || isShiftedTerm(m, total.inputs[0] as Node, axes)) return undefined
      return forms.logSumExp(term.exponent, axes, term.weight)
    },
  },
  {
    name: 'log of 1 + exp',
    of: 'log',
    rewrite: (m, x) => {
      const rest = m.lessNumber(x, 1)
      const u = rest && m.input('exp', rest)
      return u && (m.isNeverPositive(u) ? b.unary('log1p', rest) : forms.softplus(u))
    },
  },
  {
    name: 'log of exp + exp',
    of: 'log',
    rewrite: (m, x) => {
      const terms = m.inputs('add', x)
      const [u, v] = terms ? terms.map((t) => m.input('exp', t)) : []
      return u && v && forms.logAddExp(u, v)
    },
  },
  {
    name: 'log of 1 − exp',
    of: 'log',
    rewrite: (m, x) => {
      const e = m.input('neg', x)
      const u = e && m.input('expm1', e)
      return u && !isHalf(m, u) ? forms.log1mExp(u) : undefined
    },
  },
  {
    name: 'log of 1 + x',
    of: 'log',
    rewrite: (m, x) => {
      const less = m.oneLess(x)
      if (less) return b.unary('log1p', b.unary('neg', less))
      const rest = m.lessNumber(x, 1)
      return rest && b.unary('log1p', rest)
    },
  },
  {
    name: 'log of a product',
    of: 'log',
    rewrite: (m, x) => {
      const product = m.inputs('mul', x)
      const parts = product ?? m.inputs('div', x)
      if (!parts) return undefined
      const [p, q] = parts
      const [u, v] = parts.map((part) => (isPositive(m, part) ? logOf(m, part) : undefined))
      if (!u && !v) return undefined
      return b.binary(product ? 'add' : 'sub', u ?? plainLog(m, p), v ?? plainLog(m, q))
    },
  },
  {
    name: 'log of prod',
    of: 'log',
    rewrite: (m, x) => {
      const product = m.as('prod', x)
      if (!product) return undefined
      const factor = product.inputs[0] as Node
      const terms = isPositive(m, factor) ? logOf(m, factor) : undefined
      return terms && b.sum(terms, product.attributes.axes)
    },
  },
  {
    name: 'log of sqrt',
    of: 'log',
    rewrite: (m, x) => {
      const u = m.input('sqrt', x)
      const inner = u && isPositive(m, u) ? logOf(m, u) : undefined
      return inner && b.binary('mul', inner, 0.5)
    },
  },
  {
    name: 'log of a part',
    of: 'log',
    rewrite: (m, x) => {
      const at = m.open(x)
      if (!moves.has(at.op)) return undefined
      const inner = logOf(m, at.inputs[0] as Node)
      return inner && b.node(at.op, [inner, ...at.inputs.slice(1)], at.attributes)
    },
  },
  {
    name: 'log of a choice',
    of: 'log',
    rewrite: (m, x) => {
      const at = m.as('where', x)
      if (!at) return undefined
      const [condition, p, q] = at.inputs as [Node, Node, Node]
      const [u, v] = [logOf(m, p), logOf(m, q)]
      // A logarithm of the other branch's own would be asked where the choice never took it.
      const isSafe = (known: Node | undefined, n: Node): boolean => known !== undefined || m.number(n) !== undefined
      if ((!u && !v) || !isSafe(u, p) || !isSafe(v, q)) return undefined
      return b.where(condition, u ?? plainLog(m, p), v ?? plainLog(m, q))
    },
  },
  {
    name: 'log1p of exp',
    of: 'log1p',
    rewrite: (m, x) => {
      const u = m.input('exp', x)
      return u && !m.isNeverPositive(u) ? forms.softplus(u) : undefined
    },
  },
  {
    name: 'log1p of −sigmoid',
    of: 'log1p',
    rewrite: (m, x) => {
      const p = m.input('neg', x)
      const u = p && m.input('sigmoid', p)
      return u && forms.logSigmoid(m.negative(u))
    },
  },
  {
    name: 'log1p of −exp',
    of: 'log1p',
    rewrite: (m, x) => {
      const e = m.input('neg', x)
      const u = e && m.input('exp', e)
      return u && !isHalf(m, u) ? forms.log1mExp(u) : undefined
    },
  },
  {
    name: 'log1p of expm1',
    of: 'log1p',
    rewrite: (m, x) => m.input('expm1', x),
  },
]

/** A weighted sum of exponentials that is shifted already. */
function isShiftedTerm(m: Matcher, node: Node, axes: Dims): boolean {
  const factors = m.inputs('mul', node)
  return (
    factors?.some((f) => {
      const u = m.input('exp', f)
      return u !== undefined && m.isShifted(u, axes)
    }) ?? false
  )
}
