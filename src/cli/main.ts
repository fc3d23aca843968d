#!/usr/bin/env -S node --v8-pool-size=1
// The `tenon` command.
import { report } from './failure.ts'
import { run } from './program.ts'

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.exitCode = report(error)
}
