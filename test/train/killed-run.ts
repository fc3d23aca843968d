// A program that trains a small network with a run folder, resuming if there is a run: for tests that kill it.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { train } from './networks.ts'

const [folder] = process.argv.slice(2)
await train(
  { backend: 'wasm', threads: 2 },
  { run: folder, resume: existsSync(join(folder, 'config.json')), epochs: 120, checkpointEvery: { steps: 1 } },
)
