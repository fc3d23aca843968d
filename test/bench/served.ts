// A peer for the tests: its loss is the number of its steps, or it fails.
import { serve } from '../../src/cli/bench/serve.ts'

if (process.argv[2] === 'fail') throw new Error('no such backend')
let steps = -1
await serve({ steps: (count) => (steps += count) }, { version: '7', threads: 1 })
