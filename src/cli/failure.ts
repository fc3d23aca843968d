// What goes wrong in the command line: one clear line on standard error and an exit code.

export const exitCodes = { failure: 1, usage: 2, interrupted: 130 } as const

/** A wrong argument: what it is and what would be right. */
export class UsageError extends Error {}

/** Tells what went wrong; with TENON_DEBUG also where. Gives the exit code. */
export function report(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(`tenon: ${message}\n`)
  if (process.env.TENON_DEBUG && error instanceof Error) process.stderr.write(`${error.stack}\n`)
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failure
}
