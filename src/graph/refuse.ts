// Errors about shapes: they end in the place in the user's program that asked for what does not fit.

import { userPlace } from './place.ts'

/** The error for shapes that do not fit, as `matmul: … (at train.ts:12)`. */
export function misfit(message: string): RangeError {
  const [, file, line] = /([^/\\]+):(\d+):\d+$/.exec(userPlace()) ?? []
  return new RangeError(file ? `${message} (at ${file}:${line})` : message)
}
