// Errors about shapes: they end in the place in the user's program that asked for what does not fit.

import { userPlace } from './place.ts'

/** The error for shapes that do not fit, as `matmul: … (at train.ts:12)`. */
export function misfit(message: string): RangeError {
  return new RangeError(message + at(userPlace()))
}

/** The end of an error: ` (at train.ts:12)` for the place `file:///app/train.ts:12:5`; nothing where it is not known. */
export function at(place = ''): string {
  const [, file, line] = /([^/\\]+):(\d+):\d+$/.exec(place) ?? []
  return file ? ` (at ${file}:${line})` : ''
}
