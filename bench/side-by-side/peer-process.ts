// A peer at work on one workload: a process that is warm after its start, and then measures a while whenever it is its turn.
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Ready } from '../../src/cli/bench/serve.ts'
import { clock, type Share, shareSince, unforced } from './machine.ts'
import type { Peer } from './peers.ts'

export interface Turn {
  readonly samples: readonly number[]
  readonly lastLoss?: number | null
  readonly share: Share | undefined
}

export interface PeerProcess {
  readonly ready: Ready
  /** Measures for so many milliseconds. */
  readonly turn: (ms: number) => Promise<Turn>
  readonly stop: () => Promise<void>
}

/** Starts a peer and waits until it is warm. Throws with its last words when it fails or takes too long. */
export async function start(peer: Peer, workload: string, threads: number, patienceMs: number): Promise<PeerProcess> {
  const [program, ...args] = peer.command(workload, threads)
  const child = spawn(program, args, { stdio: 'pipe', env: { ...unforced(), ...peer.env } })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000)
  })
  child.stdin.on('error', () => {}) // a process that died says so by its end
  const next = linesOf(child, patienceMs, () => complaints)
  const ready = (await next()) as Ready
  const turn = async (ms: number): Promise<Turn> => {
    const before = clock(child.pid)
    child.stdin.write(`${ms}\n`)
    const line = (await next()) as Pick<Turn, 'samples' | 'lastLoss'>
    return { ...line, share: shareSince(before, child.pid) }
  }
  const stop = async (): Promise<void> => {
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.stdin.end()
    const late = setTimeout(() => child.kill('SIGKILL'), 5000)
    if (child.exitCode === null && child.signalCode === null) await ended
    clearTimeout(late)
  }
  return { ready, turn, stop }
}

/** Gives the process's JSON lines, one a call; what else it prints is passed over. */
function linesOf(
  child: ChildProcess & { stdout: NodeJS.ReadableStream },
  patienceMs: number,
  complaints: () => string,
) {
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextJson = async (): Promise<unknown> => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error(lastWords(complaints()))
      if (value.startsWith('{')) return JSON.parse(value)
    }
  }
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  failed.catch(() => {})
  return async (): Promise<unknown> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error(`no answer in ${patienceMs / 1000} s`))
      }, patienceMs)
    })
    return Promise.race([nextJson(), failed, late]).finally(() => clearTimeout(timer))
  }
}

function lastWords(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'it ended without a word').trim()
}
