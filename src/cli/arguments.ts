// Values of options: from the text that was typed to a number, or one clear line about what is wrong.
import { InvalidArgumentError } from 'commander'

/** A parser of whole numbers from `least` to `most`. */
export const wholeNumber =
  (least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(
        `it must be a whole number of at least ${least}${most < Number.MAX_SAFE_INTEGER ? ` and at most ${most}` : ''}`,
      )
    return value
  }

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError('it must be a number above 0')
  return value
}

/** Numbers above 0 with commas between them, no two the same. */
export function positiveNumbers(text: string): number[] {
  const values = text.split(',').map(positiveNumber)
  if (new Set(values).size < values.length) throw new InvalidArgumentError('no number may come twice')
  return values
}
