// The machine: what it is, and how much of it others use while something is measured.
import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
  readonly date: string
  /** Processes that ran or wanted to in the last minute. */
  readonly load: number
}

export const machine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? 'unknown',
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  system: `${platform()} ${arch()} ${release()}`,
  node: process.versions.node,
  date: new Date().toISOString(),
  load: Number((loadavg()[0] ?? 0).toFixed(2)),
})

/** Whether the processor has these features by the names of Linux; never elsewhere. */
export function hasFeatures(...names: readonly string[]): boolean {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? []
    return names.every((name) => flags.includes(name))
  } catch {
    return false
  }
}

/** The environment of peers: their OpenBLAS is to look at the processor itself. */
export function unforced(): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE, OPENBLAS_L2_SIZE, ...env } = process.env
  return { ...env, PYTHONDONTWRITEBYTECODE: '1' }
}

/** Processors in use, on average over some time. */
export interface Share {
  readonly ms: number
  readonly own: number
  readonly others: number
}

interface Clock {
  /** Seconds since the start, by the same ticks as the rest: a wall clock is read at another moment on a busy machine. */
  readonly at: number
  /** Processor seconds of all, and of the one process with its threads. */
  readonly all: number
  readonly own: number
}

const ticksPerSecond = 100

/** What processors have done so far; undefined where the system does not tell (elsewhere than on Linux). */
export function clock(pid: number | undefined): Clock | undefined {
  try {
    const [total, ...each] = readFileSync('/proc/stat', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('cpu'))
    const [user, nice, system, idle, waiting, irq, softIrq, steal] = total.trim().split(/\s+/).slice(1).map(Number)
    const busy = user + nice + system + irq + softIrq + steal
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // After the name, which may hold anything: state is field 3, so user and system time are at 11 and 12 from there.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return {
      at: (busy + idle + waiting) / each.length / ticksPerSecond,
      all: busy / ticksPerSecond,
      own: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    }
  } catch {
    return undefined
  }
}

export function shareSince(before: Clock | undefined, pid: number | undefined): Share | undefined {
  const now = clock(pid)
  if (!before || !now) return undefined
  const seconds = now.at - before.at
  if (seconds <= 0) return undefined
  const own = now.own - before.own
  return { ms: seconds * 1000, own: own / seconds, others: Math.max(0, now.all - before.all - own) / seconds }
}

/** The mean of shares, by their time. */
export function meanShare(shares: readonly (Share | undefined)[]): Share | undefined {
  const known = shares.filter((share) => share !== undefined)
  const ms = known.reduce((sum, share) => sum + share.ms, 0)
  if (ms === 0) return undefined
  const mean = (of: (share: Share) => number): number =>
    known.reduce((sum, share) => sum + of(share) * share.ms, 0) / ms
  return { ms, own: mean(({ own }) => own), others: mean(({ others }) => others) }
}
