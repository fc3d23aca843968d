// What the catalogue says of a pointwise operation by itself: formulas read off its record, and its curve where it is defined.

import type { UnaryName } from '../graph/node.ts'
import type { Calculus } from '../graph/ops/calculus.ts'
import { type UnaryRecord, unaryTable } from '../graph/ops/unary.ts'
import { evaluator } from '../scalar/evaluate.ts'
import * as s from '../scalar/expr.ts'
import { pointwise } from '../tensor/index.ts'
import type { Piece } from './piece.ts'

/** The record of an operation for which nobody wrote one. */
export function written(name: UnaryName): Piece {
  const { accepts, scalar, derivative, domain = [-Infinity, Infinity] }: UnaryRecord = unaryTable[name]
  const [low, high] = domain
  const meaning = scalar(s.argument('f64', 0), 'float64')
  const value = (x: number): number => evaluator(meaning)([x])
  return {
    about: `${name} of each element${placeOf(low, high)}.`,
    output: `y = ${formulaOf(meaning).text}`,
    adjust:
      derivative === 'none'
        ? 'no gradient passes'
        : `dx = ${derivative(formulas, atom('dy'), atom('x'), atom('y')).text}`,
    shapes: '[...] → the same',
    ...(accepts === 'float'
      ? {
          curve: {
            of: pointwise[name],
            value,
            slope: slopeOf(value),
            from: Math.max(low, Math.min(-3, high - 4)),
            to: Math.min(high, Math.max(3, low + 4)),
            flat: flatEnds(slopeOf(value), low, high),
          },
        }
      : {}),
  }
}

function placeOf(low: number, high: number): string {
  if (low === -Infinity) return high === Infinity ? '' : `, for x below ${high}`
  return high === Infinity ? `, for x above ${low}` : `, for x between ${low} and ${high}`
}

/** By differences of fourth order, so that the rule is held to something else than itself. */
const slopeOf =
  (f: (x: number) => number) =>
  (x: number): number => {
    const h = 1e-4
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)
  }

/** Where the slope stays under a thousandth out to ±60, from a whole number on. */
function flatEnds(slope: (x: number) => number, low: number, high: number): (readonly [number, number])[] {
  const from = (side: number): number | undefined => {
    let start: number | undefined
    for (let n = 60; n > 0 && Math.abs(slope(side * n)) < 1e-3; n--) start = n
    return start
  }
  const [left, right] = [low === -Infinity ? from(-1) : undefined, high === Infinity ? from(1) : undefined]
  return [
    ...(left === undefined ? [] : [[-Infinity, -left] as const]),
    ...(right === undefined ? [] : [[right, Infinity] as const]),
  ]
}

/** How tightly its outermost sign binds: sums 0, products 1, all else 2. */
interface Formula {
  readonly text: string
  readonly binds: number
}

const atom = (text: string): Formula => ({ text, binds: 2 })
const within = ({ text, binds }: Formula, least: number): string => (binds < least ? `(${text})` : text)
const applied = (name: string, ...of: readonly Formula[]): Formula =>
  atom(`${name}(${of.map((f) => f.text).join(', ')})`)

const signs: { readonly [op: string]: readonly [sign: string, binds: number, right: number] } = {
  add: [' + ', 0, 0],
  sub: [' − ', 0, 1],
  mul: ['·', 1, 1],
  div: ['/', 1, 2],
  equal: [' = ', -1, 0],
  less: [' < ', -1, 0],
  lessEqual: [' ≤ ', -1, 0],
  and: [' and ', -2, -1],
}

const minus = (x: Formula): Formula => ({ text: `−${within(x, 1)}`, binds: 0 })

function joined(op: string, x: Formula, y: Formula): Formula {
  const found = signs[op]
  if (!found) return applied(op, x, y)
  const [sign, binds, right] = found
  return { text: `${within(x, binds)}${sign}${within(y, right)}`, binds }
}

/** Derivatives as text. */
const formulas: Calculus<Formula> = {
  unary: (op, x) => (op === 'neg' ? minus(x) : applied(op, x)),
  binary: (op, x, y) => joined(op, asFormula(x), asFormula(y)),
  where: (condition, x, y) => applied('where', condition, asFormula(x), asFormula(y)),
}

const asFormula = (x: Formula | number): Formula => (typeof x === 'number' ? atom(`${Number(x.toPrecision(6))}`) : x)

function formulaOf({ op, name, value, args }: s.Expr): Formula {
  if (op === 'argument') return atom('x')
  if (op === 'const') return asFormula(value)
  const [first, ...rest] = args.map(formulaOf)
  if (op === 'neg') return minus(first)
  return rest.length === 1 && signs[op] ? joined(op, first, rest[0]) : applied(name ?? op, first, ...rest)
}
