// Errors about what the user gave: they end in the place in the user's program that asked for what does not fit.

import { userPlace } from './place.ts'

/** The error for shapes and numbers that do not fit, as `matmul: … (at train.ts:12)`. */
export const misfit = (message: string): RangeError => new RangeError(message + at(userPlace()))

/** The same for a value of another kind than was asked for. */
export const mistake = (message: string): TypeError => new TypeError(message + at(userPlace()))

/** The end of an error: ` (at train.ts:12)` for the place `file:///app/train.ts:12:5`; nothing where it is not known. */
export function at(place = ''): string {
  const [, file, line] = /([^/\\]+):(\d+):\d+$/.exec(place) ?? []
  return file ? ` (at ${file}:${line})` : ''
}
