// Products of small, thin, odd and prime shapes beside their neighbours rounded up to the register tile: none may fall off a cliff.

import { x86Vectors } from '../src/backend/x86/index.ts'
import { compile, configure, tensor, Variable } from '../src/tensor/index.ts'

const [name = 'wasm'] = process.argv.slice(2)
const backend = name === 'x86' ? 'x86' : 'wasm'
const half = { m: 6, n: 16, k: 4 }
const tile = backend === 'x86' && x86Vectors() === 'AVX-512' ? { m: 14, n: 32, k: 4 } : half
/** A shape may take as long as its neighbour, divided by this. */
const least = 0.6
const small = [1, 2, 3, 5, 7, 8, 11, 13, 15, 16]
const large = [61, 127, 257, 509]

configure({ backend, threads: 1 })

const known = new Map<string, number>()

/** Microseconds of a product: the least of several samples. */
function timeOf(m: number, n: number, k: number): number {
  const key = `${m} ${n} ${k}`
  const before = known.get(key)
  if (before !== undefined) return before
  const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i))
  const a = tensor(numbers(m * k), { shape: [m, k] })
  const b = tensor(numbers(k * n), { shape: [k, n] })
  const result = new Variable(new Float32Array(m * n), [m, n], 'float32')
  const run = compile(() => {
    result.assign(a.matmul(b))
  })
  // Enough runs for the host to compile everything well.
  for (const end = performance.now() + 5; performance.now() < end; ) run.repeat(200)
  const sample = (times: number): number => {
    const start = performance.now()
    run.repeat(times)
    return (1000 * (performance.now() - start)) / times
  }
  const times = Math.max(1, Math.round(100 / sample(20)))
  const best = Math.min(...Array.from({ length: 15 }, () => sample(times)))
  known.set(key, best)
  return best
}

const up = (extent: number, unit: number): number => Math.ceil(extent / unit) * unit
const shapes = [
  ...small.flatMap((s) =>
    [64, 509].flatMap((l) => [
      [s, l, l],
      [l, s, l],
      [l, l, s],
    ]),
  ),
  ...small.flatMap((s) => [
    [s, s, 509],
    [s, 509, s],
    [509, s, s],
    [s, s, s],
  ]),
  ...large.map((l) => [l, l, l]),
  [1021, 3, 1021],
  [3, 1021, 1021],
  [1021, 1021, 3],
]
const offenders = shapes.flatMap(([m, n, k]) => {
  const neighbour = [up(m, tile.m), up(n, tile.n), up(k, tile.k)] as const
  const [own, other] = [timeOf(m, n, k), timeOf(...neighbour)]
  if (own <= other / least) return []
  return [`${[m, n, k].join(' × ')}: ${own.toFixed(2)} µs, ${neighbour.join(' × ')}: ${other.toFixed(2)} µs`]
})
console.log(`${backend}: ${shapes.length} shapes, ${offenders.length} slower than their neighbour allows`)
for (const line of offenders) console.log(line)
process.exit(offenders.length > 0 ? 1 : 0)
