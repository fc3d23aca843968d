// A task that waits for its turns: `npm run bench` lets many processes take turns, so that all meet the same machine.
import { createInterface } from 'node:readline'
import { type Begun, begin, sample, type Task } from './timing.ts'

/** The first line that a process writes. */
export interface Ready extends Begun {
  readonly version: string
  readonly threads: number
}

/**
 * Writes a line when the task is warm; then, for each line with a number of milliseconds, a line with the samples of that time.
 * What the engine took to start belongs to the first step.
 */
export async function serve(
  task: Task,
  about: { readonly version: string; readonly threads: number },
  startMs = 0,
): Promise<void> {
  const write = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)
  const begun = await begin(task)
  write({ ...about, ...begun, firstStepMs: begun.firstStepMs + startMs } satisfies Ready)
  for await (const line of createInterface({ input: process.stdin })) {
    // One that does not count: caches have seen other programs since the last turn.
    const start = performance.now()
    const given = await sample(task, 1, 0, Number.POSITIVE_INFINITY)
    const spent = performance.now() - start
    const budget = Number(line) - spent
    write(spent > Number(line) / 4 ? given : await sample(task, 10_000, budget, 0))
  }
}
