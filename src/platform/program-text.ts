// The program of a thread as text, for a worker that has no file; `data` and `post` are there when it runs.

import type { ThreadProgram } from './platform.ts'

// tsx, by way of esbuild, wraps functions in calls that keep their names.
export const programText = (program: ThreadProgram<never>): string =>
  `const __name = (f) => f;\n(${program})(data, post, typeof require === 'function' ? require : undefined)`
