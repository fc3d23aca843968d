// Copying 64 MB with all threads: what the memory allows a map that reads and writes as much.
import { startCopiers } from '../../src/cli/bench/memory-speed.ts'

export async function taskOf(_, threads) {
  const { copy } = await startCopiers(4 * 2 ** 24, threads)
  return {
    steps: (count) => {
      for (let i = 0; i < count; i++) copy()
    },
  }
}
