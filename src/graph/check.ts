// Checks of the numbers that a caller chooses: one message each, with the name, the value and what it must be.

import { misfit } from './refuse.ts'

type Numbers = { readonly [name: string]: number }

/** Throws unless each number is a whole one of at least `least`. */
export const checkWhole = (where: string, numbers: Numbers, least = 1): void =>
  check(where, numbers, (v) => Number.isInteger(v) && v >= least, `a whole number of at least ${least}`)

/** Throws unless each number is whole. */
export const checkInteger = (where: string, numbers: Numbers): void =>
  check(where, numbers, Number.isInteger, 'a whole number')

/** Throws unless each number is finite. */
export const checkFinite = (where: string, numbers: Numbers): void =>
  check(where, numbers, Number.isFinite, 'a finite number')

/** Throws unless each number is positive and finite. */
export const checkPositive = (where: string, numbers: Numbers): void =>
  check(where, numbers, (v) => v > 0 && v < Infinity, 'positive and finite')

/** Throws unless each number is finite, at least 0 and, where a limit is given, less than that. */
export const checkRange = (where: string, numbers: Numbers, limit = Infinity): void =>
  check(where, numbers, (v) => v >= 0 && v < limit, limit === Infinity ? 'finite and at least 0' : `in [0, ${limit})`)

/** Throws unless the number lies in [0, 1]. */
export function checkProbability(where: string, p: number, name = 'the probability'): void {
  if (!(p >= 0 && p <= 1)) throw misfit(`${where}: ${name} is ${p}, it must lie in [0, 1]`)
}

function check(where: string, numbers: Numbers, holds: (value: number) => boolean, wanted: string): void {
  for (const [name, value] of Object.entries(numbers))
    if (!holds(value)) throw misfit(`${where}: ${name} is ${value}, it must be ${wanted}`)
}
