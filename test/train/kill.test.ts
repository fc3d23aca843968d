// A run that is killed with SIGKILL again and again, and resumed each time, has the numbers of one that was not.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { randomKey, randomStream } from '../../src/data/index.ts'
import { bundled, temporaryFolder } from './support.ts'

const program = await bundled(new URL('./killed-run.ts', import.meta.url))

test('killed at random moments', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder()
  const [straight, killed] = [join(folder, 'straight'), join(folder, 'killed')]
  expect(await start(straight)).toBe('done')
  const random = randomStream(randomKey(7))
  let kills = 0
  while ((await start(killed, kills < 6 ? random.uniform(150, 600) : undefined)) === 'killed') kills++
  expect(kills).toBeGreaterThan(3)
  expect(numbersOf(killed)).toEqual(numbersOf(straight))
  const model = (run: string) => readFileSync(join(run, 'model.safetensors'))
  expect(model(killed).equals(model(straight))).toBe(true)
})

/** Runs the program, killing it after some milliseconds. */
function start(run: string, killAfter?: number): Promise<'done' | 'killed'> {
  const child = spawn(process.execPath, [program, run], { stdio: ['ignore', 'ignore', 'pipe'] })
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (signal === 'SIGKILL') resolve('killed')
      else if (code === 0) resolve('done')
      else reject(new Error(`the run ended with ${code ?? signal}: ${errors}`))
    })
  })
}

/** The records of a run without times. */
function numbersOf(run: string): unknown[] {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => {
    const { seconds, ...numbers } = JSON.parse(line)
    return numbers
  })
}
