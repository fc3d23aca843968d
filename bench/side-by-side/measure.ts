// One workload on all peers: each starts while the others sleep, then they take turns until the time is spent.
import { setTimeout as sleep } from 'node:timers/promises'
import { summary } from '../../src/cli/bench/timing.ts'
import { meanShare, type Share } from './machine.ts'
import { type PeerProcess, start, type Turn } from './peer-process.ts'
import type { Peer } from './peers.ts'

export interface Result {
  readonly workload: string
  readonly peer: string
  readonly isTenon: boolean
  /** Whether it does the same mathematics as the others. */
  readonly isSame: boolean
  readonly version: string
  readonly threads: number
  readonly medianMs: number
  readonly minMs: number
  readonly samples: number
  /** The medians of its turns: how far they differ is how steady the machine was. */
  readonly turnMediansMs: readonly number[]
  readonly firstStepMs: number
  /** The loss after five updates. */
  readonly loss5: number | null
  readonly gflops?: number
  readonly gbPerS?: number
  /** Processors that it used itself, and that others used meanwhile. */
  readonly cpu?: Share
}

export interface Failure {
  readonly workload: string
  readonly peer: string
  readonly error: string
}

export interface Settings {
  readonly threads: number
  /** Time to measure for, for each peer and workload. */
  readonly timeMs: number
  readonly patienceMs: number
  readonly note: (text: string) => void
}

const rounds = 8
const settleMs = 50

export async function measure(
  workload: string,
  peers: readonly Peer[],
  settings: Settings,
): Promise<(Result | Failure)[]> {
  const { threads, timeMs, patienceMs, note } = settings
  const running: { peer: Peer; process: PeerProcess; turns: Turn[]; spentMs: number }[] = []
  const failures: Failure[] = []
  const fail = (peer: Peer, error: unknown): void => {
    failures.push({ workload, peer: peer.name, error: error instanceof Error ? error.message : String(error) })
  }
  for (const peer of peers) {
    note(`${workload}: ${peer.name} starts`)
    try {
      running.push({ peer, process: await start(peer, workload, threads, patienceMs), turns: [], spentMs: 0 })
    } catch (error) {
      fail(peer, error)
    }
  }
  for (let round = 0; round < rounds; round++) {
    // Another one begins each round, so that no one always follows the same one.
    const order = running.map((_, i) => running[(i + round) % running.length])
    for (const entry of order) {
      // At least two turns, however slow.
      if (entry.turns.length >= 2 && entry.spentMs >= timeMs) continue
      // Threads of the one before may spin a while until they sleep.
      await sleep(settleMs)
      note(`${workload}: ${entry.peer.name}, turn ${round + 1} of ${rounds}`)
      const before = performance.now()
      try {
        entry.turns.push(await entry.process.turn(timeMs / rounds))
      } catch (error) {
        fail(entry.peer, error)
        running.splice(running.indexOf(entry), 1)
      }
      entry.spentMs += performance.now() - before
    }
  }
  for (const { process } of running) await process.stop()
  note('')
  return [...running.map(({ peer, process, turns }) => resultOf(workload, peer, process, turns)), ...failures]
}

function resultOf(workload: string, peer: Peer, { ready }: PeerProcess, turns: readonly Turn[]): Result {
  const samples = turns.flatMap((turn) => turn.samples)
  const { medianMs, minMs } = summary(samples)
  const size = /^gemm-(\d+)$/.exec(workload)?.[1]
  const cpu = meanShare(turns.map(({ share }) => share))
  return {
    workload,
    peer: peer.name,
    isTenon: peer.isTenon,
    isSame: !peer.near?.includes(workload),
    version: ready.version,
    threads: ready.threads,
    medianMs,
    minMs,
    samples: samples.length,
    turnMediansMs: turns.map((turn) => summary(turn.samples).medianMs),
    firstStepMs: ready.firstStepMs,
    loss5: ready.losses[5] ?? null,
    ...(size === undefined ? {} : { gflops: (2 * Number(size) ** 3) / medianMs / 1e6 }),
    ...(maps.includes(workload) ? { gbPerS: (2 * 4 * 2 ** 24) / medianMs / 1e6 } : {}),
    ...(cpu === undefined ? {} : { cpu }),
  }
}

const maps = ['elementwise', 'scale-add']
