// The place in the user's code that is running: the innermost line that is not of this library.

/** As `file:///app/train.ts:12:5`; it takes some microseconds. */
export function userPlace(): string {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 60
  const lines = new Error().stack?.split('\n') ?? []
  Error.stackTraceLimit = stackTraceLimit
  const own = ownFolder()
  for (const line of lines) {
    // V8 writes `at f (url:1:2)`, others `f@url:1:2`.
    const place = /((?:[a-z]+:\/\/|\/|[A-Z]:\\)[^()]+:\d+:\d+)\)?$/.exec(line)?.[1]
    if (
      place &&
      !(own && (place.startsWith(own) || `file://${place}`.startsWith(own))) &&
      !line.includes('node:internal')
    )
      // Development servers add a query to each file's name.
      return place.replace(/\?[^:]*(?=:\d+:\d+$)/, '')
  }
  return 'an unknown place'
}

/** Where this library's files lie: the folder above this file's. Not `new URL`, in which bundlers see a file to bring along. */
const ownFolder = (): string | undefined => /^(.*\/)[^/]*\/[^/]*$/.exec(import.meta.url)?.[1]
