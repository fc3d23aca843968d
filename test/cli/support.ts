// What the tests of the command line share: the real command, bundled once, in processes of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { bundled } from '../train/support.ts'

export interface Outcome {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface SpawnOptions {
  /** The folder to run in; one without runs unless told. */
  readonly cwd: string
  readonly env?: Record<string, string>
  /** Arguments for Node itself. */
  readonly node?: readonly string[]
  /** Called with all output so far when some has come. */
  readonly onOutput?: (output: string, child: ChildProcess) => void
}

export interface Tenon {
  run(args: readonly string[], options: SpawnOptions): Promise<Outcome>
}

/** The command, bundled from source. */
export async function bundledTenon(): Promise<Tenon> {
  const program = await bundled(new URL('../../src/cli/main.ts', import.meta.url))
  return { run: (args, options) => runProcess(program, args, options) }
}

/** The JSON lines of an output. */
export const linesOf = (output: string): Record<string, unknown>[] =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

function runProcess(program: string, args: readonly string[], options: SpawnOptions): Promise<Outcome> {
  const { cwd, env = {}, node = [], onOutput } = options
  const child = spawn(process.execPath, [...node, program, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, NO_COLOR: '1', ...env },
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    onOutput?.(stdout + stderr, child)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    onOutput?.(stdout + stderr, child)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
