// The benchmark's own arithmetic: ratios, what it warns of, its chart, and that its processes take turns.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { chartSvg } from '../../bench/side-by-side/chart.ts'
import { clock, machine, meanShare, shareSince } from '../../bench/side-by-side/machine.ts'
import { measure, type Result } from '../../bench/side-by-side/measure.ts'
import type { Peer } from '../../bench/side-by-side/peers.ts'
import { baseline, type Report, tableOf, warnings } from '../../bench/side-by-side/report.ts'

const result = (peer: string, medianMs: number, more: Partial<Result> = {}): Result => ({
  workload: 'mlp',
  peer,
  isTenon: peer.startsWith('tenon'),
  isSame: true,
  version: '1.2.3',
  threads: 2,
  medianMs,
  minMs: medianMs / 2,
  samples: 8,
  turnMediansMs: [medianMs],
  firstStepMs: 10,
  loss5: 1.57958,
  cpu: { ms: 1, own: 2, others: 0.02 },
  ...more,
})

const report = (...results: Result[]): Report => ({
  machine: { ...machine(), load: 0.1 },
  threads: 2,
  timeMs: 100,
  results,
  failures: [],
})

describe('the report', () => {
  const results = [result('torch', 3), result('tenon wasm', 4), result('tenon x86', 2), result('jax', 1)]

  it("holds all against Tenon's fastest", () => {
    expect(baseline(results)?.peer).toBe('tenon x86')
    const lines = tableOf('mlp', results, [{ workload: 'mlp', peer: 'tfjs', error: 'no backend' }]).split('\n')
    const row = lines
      .find((line) => line.includes('torch'))
      ?.trim()
      .split(/\s{2,}/)
    expect(row).toEqual(['torch 1.2.3', '3', '1.5', '1.5', '1.5', '10', '1.57958', '0.02'])
    expect(lines.at(-1)).toContain('tfjs: failed: no backend')
  })

  it('warns of a busy machine and of other work', () => {
    expect(warnings(report(...results))).toEqual([])
    const busy = result('tenon wasm', 4, { cpu: { ms: 1, own: 1, others: 0.7 } })
    expect(warnings(report(busy))).toEqual([
      expect.stringMatching(/1 of 1 measurements, up to 0.70 \(tenon wasm, mlp\)/),
    ])
    expect(warnings({ ...report(), machine: { ...machine(), load: 3 } })).toEqual([expect.stringContaining('load 3')])
    const wrong = warnings(report(result('tenon x86', 2), result('torch', 2, { loss5: 1.58 })))
    expect(wrong).toEqual([expect.stringMatching(/torch has the loss 1.58000, Tenon 1.57958: not the same work/)])
    expect(warnings(report(result('tenon x86', 2), result('torch', 2, { loss5: Number.NaN })))).toHaveLength(1)
  })

  it('draws a dot at the median on a logarithmic axis', () => {
    const svg = chartSvg(report(result('tenon x86', 2), result('slow & <old>', 200)))
    const x = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, at]) => Number(at))
    const ticks = new Map(
      [...svg.matchAll(/class="tick" x="([\d.]+)" y="\d+">([\d.]+)×/g)].map(([, at, r]) => [r, Number(at)]),
    )
    expect(x).toEqual([ticks.get('1'), ticks.get('100')])
    expect(svg).toContain('slow &amp; &lt;old>')
  })
})

it('means of shares count by their time', () => {
  const shares = [{ ms: 100, own: 2, others: 0 }, undefined, { ms: 300, own: 1, others: 1 }]
  expect(meanShare(shares)).toEqual({ ms: 400, own: 1.25, others: 0.75 })
  expect(meanShare([undefined])).toBeUndefined()
  const before = clock(process.pid)
  const later = before && { at: before.at - 1, all: before.all - 1.5, own: before.own - 0.5 }
  const share = shareSince(later, process.pid)
  // A second that began so; reading takes some more.
  if (share) expect(share.own + share.others).toBeLessThanOrEqual(machine().cores + 0.5)
})

describe('turns', () => {
  const serve = fileURLToPath(new URL('served.ts', import.meta.url))
  const peer = (name: string, ...args: string[]): Peer => ({
    name,
    calls: [name],
    isTenon: false,
    workloads: ['mlp'],
    command: () => [process.execPath, '--import', 'tsx', serve, ...args],
  })
  const settings = { threads: 1, timeMs: 32, patienceMs: 20_000, note: () => {} }

  it('alternate, and a peer that fails says why', { timeout: 60_000 }, async () => {
    const outcomes = await measure('mlp', [peer('good'), peer('bad', 'fail')], settings)
    expect(outcomes).toMatchObject([
      { peer: 'good', version: '7', loss5: 5, turnMediansMs: expect.any(Array) },
      { peer: 'bad', error: 'Error: no such backend' },
    ])
    // At least two turns, however busy the machine.
    expect((outcomes[0] as Result).turnMediansMs.length).toBeGreaterThan(1)
  })

  it('end with the input', { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', serve])
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const { value } = await lines.next()
    expect(JSON.parse(value)).toMatchObject({ version: '7', threads: 1, losses: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] })
    child.stdin.end()
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0)
  })
})
