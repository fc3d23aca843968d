// What the tests of the command line share: the real command, bundled once, in processes of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { afterAll } from 'vitest'

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
  /** Called when the process has begun. */
  readonly onSpawn?: (child: ChildProcess) => void
}

export interface Tenon {
  run(args: readonly string[], options: SpawnOptions): Promise<Outcome>
}

/** Bundles the command from source; the bundle goes when the tests of the file are done. */
export async function bundledTenon(): Promise<Tenon> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-cli-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const bundle = await rolldown({
    input: fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)),
    platform: 'node',
    resolve: { conditionNames: ['tenon-source', 'node', 'import', 'default'] },
    logLevel: 'silent',
  })
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: 'main.mjs', chunkFileNames: '[name]-[hash].mjs' })
  await bundle.close()
  return { run: (args, options) => runProcess(join(folder, 'main.mjs'), args, options) }
}

/** The JSON lines of an output. */
export const linesOf = (output: string): Record<string, unknown>[] =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

function runProcess(program: string, args: readonly string[], options: SpawnOptions): Promise<Outcome> {
  const { cwd, env = {}, node = [], onOutput, onSpawn } = options
  const child = spawn(process.execPath, [...node, program, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, NO_COLOR: '1', ...env },
  })
  onSpawn?.(child)
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
