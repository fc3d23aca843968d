// `npm run bench`: Tenon's backends and whichever peers are installed, in turns in one run; a table, JSON and a chart.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { chartSvg } from './chart.ts'
import { machine } from './machine.ts'
import { measure, type Result } from './measure.ts'
import { groups, npmPeers, type Peer, peersOfPython, tenon, tenonBackends, workloadNames } from './peers.ts'
import { digits, machineText, type Report, tableOf, warnings } from './report.ts'

interface Options {
  readonly peers?: string
  readonly only?: string
  readonly python: readonly string[]
  readonly threads: string
  readonly time: string
  readonly patience: string
  readonly json?: string
  readonly svg?: string
  readonly from?: string
  readonly double?: boolean
}

const program = new Command('npm run bench --')
  .description('Measures Tenon and its peers in turns, in one run. `npm run bench:install` installs peers from npm.')
  .argument('[workloads...]', `${workloadNames.join(', ')}; or ${Object.keys(groups).join(', ')} (default: all)`)
  .option(
    '--peers <names>',
    "Tenon's backends and these peers only, by comma; none for no peer (default: all that are installed)",
  )
  .option('--only <names>', 'nothing but these of backends and peers, by comma: x86,torch')
  .option(
    '--python <path>',
    'a Python with PyTorch, NumPy, JAX or TensorFlow, or TENON_PYTHON; may be repeated',
    (path: string, all: string[]) => [...all, path],
    [],
  )
  .option('--threads <n>', 'threads of each', String(availableParallelism()))
  .option('--time <ms>', 'time to measure for, for each peer and workload', '2000')
  .option('--patience <seconds>', 'how long a peer may take to answer', '180')
  .option('--json <file>', 'writes what was measured')
  .option('--svg <file>', 'draws it')
  .option('--from <file>', 'measures nothing: takes what --json wrote')
  .option('--double', 'what a batch twice as large costs, on each backend (default: mlp, cnn, gpt)')
  .action(main)
await program.parseAsync()

async function main(names: string[], options: Options): Promise<void> {
  if (options.from !== undefined) return show(JSON.parse(readFileSync(options.from, 'utf8')) as Report, options)
  const wanted = names.length > 0 ? names : options.double ? ['mlp', 'cnn', 'gpt'] : workloadNames
  const workloads = wanted.flatMap((name) => groups[name] ?? [name])
  const unknown = workloads.find((name) => !workloadNames.includes(name))
  if (unknown !== undefined)
    program.error(
      `unknown workload '${unknown}': choose from ${workloadNames.join(', ')}, ${Object.keys(groups).join(', ')}`,
    )
  const threads = positive('--threads', options.threads)
  const timeMs = positive('--time', options.time)
  const patienceMs = 1000 * positive('--patience', options.patience)

  const state = machine()
  process.stdout.write(`${machineText({ machine: state, threads })}\n`)
  build()
  const peers = options.double
    ? tenonBackends().flatMap((backend) => [tenon(backend), tenon(backend, 2)])
    : choose(options)
  const named = new Set([...list(options.peers), ...list(options.only)])
  const [results, failures]: [Result[], Report['failures'][number][]] = [[], []]
  for (const workload of new Set(workloads)) {
    const able = peers.filter(
      (peer) =>
        peer.workloads.includes(workload) &&
        (!peer.slow?.includes(workload) || peer.calls.some((call) => named.has(call))),
    )
    const outcomes = await measure(workload, able, { threads, timeMs, patienceMs, note })
    const done = outcomes.filter((outcome) => 'medianMs' in outcome)
    const failed = outcomes.filter((outcome) => 'error' in outcome)
    results.push(...done)
    failures.push(...failed)
    process.stdout.write(`\n${tableOf(workload, done, failed)}\n`)
    if (options.double) process.stdout.write(doubled(done))
  }
  show({ machine: state, threads, timeMs, results, failures }, options, true)
}

/** Ratios of each backend's pair. */
function doubled(results: readonly Result[]): string {
  return results
    .flatMap((twice) => {
      const once = results.find(({ peer }) => `${peer}, batch × 2` === twice.peer)
      return once
        ? [
            `  ${once.peer}: twice the batch takes ${digits(twice.medianMs / once.medianMs)} × the time (minima: ${digits(twice.minMs / once.minMs)} ×)\n`,
          ]
        : []
    })
    .join('')
}

/** The built package is what users run; standard output belongs to the table. */
function build(): void {
  const start = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url))
  const built = spawnSync(process.execPath, [start, '--version'], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (built.status !== 0) process.exit(1)
}

/** Tenon's backends, and of the peers that are installed those that were asked for. */
function choose({ peers, only, python }: Options): readonly Peer[] {
  const pythons = python.length > 0 ? python : process.env.TENON_PYTHON ? [process.env.TENON_PYTHON] : []
  const installed = [
    ...tenonBackends().map((backend) => tenon(backend)),
    ...npmPeers(),
    ...pythons.flatMap((path, i) => peersOfPython(path, i === 0 ? '' : ` (${i + 1})`)),
  ]
  if (peers === undefined && only === undefined) {
    if (installed.length < 8)
      note('no peer of some kind: npm run bench:install brings those of npm, --python PATH those of a Python\n')
    return installed
  }
  const names = [...list(peers), ...list(only)].filter((name) => name !== 'none')
  const missing = names.find((name) => !installed.some(({ calls }) => calls.includes(name)))
  if (missing !== undefined)
    program.error(
      `'${missing}' is not here: there are ${[...new Set(installed.flatMap(({ calls }) => calls))].join(', ')}; npm run bench:install and --python PATH bring more`,
    )
  return installed.filter(
    (peer) => (peer.isTenon && only === undefined) || peer.calls.some((call) => names.includes(call)),
  )
}

function show(report: Report, options: Options, isShown = false): void {
  if (!isShown) {
    process.stdout.write(`${machineText(report)}\n`)
    for (const workload of new Set(report.results.map((result) => result.workload))) {
      const of = <T extends { readonly workload: string }>(all: readonly T[]): T[] =>
        all.filter((one) => one.workload === workload)
      process.stdout.write(`\n${tableOf(workload, of(report.results), of(report.failures))}\n`)
    }
  }
  process.stdout.write(
    '\n× is the time as a multiple of that of the fastest of Tenon, by medians and by minima; others: processors that other processes used meanwhile; *: not the same mathematics.\n',
  )
  for (const warning of warnings(report)) process.stdout.write(`warning: ${warning}\n`)
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ ...report, warnings: warnings(report) }, null, 1)}\n`)
  if (options.svg !== undefined) writeFileSync(options.svg, chartSvg(report))
}

function list(names: string | undefined): readonly string[] {
  return names?.split(',').map((name) => name.trim()) ?? []
}

function positive(option: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) program.error(`${option}: '${text}' is invalid: expected a number above 0`)
  return value
}

/** What is going on, on one line that the next one replaces; only for people. */
function note(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}
