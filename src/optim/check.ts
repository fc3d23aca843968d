// Checks of the numbers that optimizers are given.

/** Throws unless every number is finite, at least 0 and, where a limit is given, less than that. */
export function checkRange(kind: string, numbers: { readonly [name: string]: number }, limit = Infinity): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value >= 0 && value < limit))
      throw new RangeError(
        `${kind}: ${name} is ${value}, it must be ${limit === Infinity ? 'finite and at least 0' : `in [0, ${limit})`}`,
      )
  }
}
