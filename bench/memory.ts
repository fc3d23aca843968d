// Memory of long eager loops without any disposal: the largest resident size must not grow.
// Run: npm run bench:memory [iterations] [loop…]. Each loop runs in a process of its own.

import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { configure, grad, loss, nn, optim, random, type Tensor, tensor } from '../src/index.ts'
import { memoryReport } from '../src/tensor/index.ts'

const [batch, inputs, hidden, classes] = [32, 64, 64, 10]

/** A training step as a beginner writes it: nothing compiled, nothing disposed of. */
function trainer(): () => Tensor {
  configure({ threads: 1, seed: 1 })
  const net = nn.sequential(nn.linear(inputs, hidden), nn.relu(), nn.linear(hidden, classes))
  const optimizer = optim.adam({ learningRate: 1e-3 })
  return () => {
    const x = tensor(Float32Array.from({ length: batch * inputs }, Math.random), { shape: [batch, inputs] })
    const t = tensor(Int32Array.from({ length: batch }, (_, i) => i % classes))
    const l = loss.softmaxCrossEntropy(net(x), t)
    optimizer.step(net.parameters(), grad(l, net.parameters()))
    return l
  }
}

type Loop = (iterations: number, after: (i: number) => void) => Promise<unknown>

const loops: { readonly [name: string]: Loop } = {
  /** Each loss is read, and the event loop gets its turn. */
  async awaited(iterations, after) {
    const step = trainer()
    let last = 0
    for (let i = 0; i < iterations; i++) {
      last = await step().item()
      after(i)
    }
    return last
  },
  /** Nothing is read until the end: one long synchronous job. */
  async silent(iterations, after) {
    const step = trainer()
    let l: Tensor | undefined
    for (let i = 0; i < iterations; i++) {
      l = step()
      after(i)
    }
    return l?.item()
  },
  /** Each loss is read without letting the event loop run. */
  async synchronous(iterations, after) {
    const step = trainer()
    let last = 0
    for (let i = 0; i < iterations; i++) {
      last = step().itemSync()
      after(i)
    }
    return last
  },
  /** Large results, computed and dropped. */
  async results(iterations, after) {
    configure({ threads: 1, seed: 1 })
    const w = random.normal([256, 256])
    let sum = 0
    for (let i = 0; i < iterations; i++) {
      sum += random.uniform([256, 256]).matmul(w).dataSync()[0] as number
      after(i)
    }
    return sum
  },
}

const [given = '10000', ...names] = process.argv.slice(2)
const iterations = Number(given)
const [name] = names
if (names.length === 1 && name !== undefined && process.send === undefined && process.env.BENCH_CHILD)
  await measure(name)
else for (const loop of names.length > 0 ? names : Object.keys(loops)) runApart(loop)

function runApart(loop: string): void {
  try {
    execFileSync(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url), given, loop], {
      env: { ...process.env, BENCH_CHILD: '1' },
      stdio: 'inherit',
    })
  } catch {
    process.exitCode = 1
  }
}

async function measure(loop: string): Promise<void> {
  const run = loops[loop]
  if (!run) throw new RangeError(`there is no loop '${loop}': choose from ${Object.keys(loops).join(', ')}`)
  const largest = [0, 0]
  const last = await run(iterations, (i) => {
    const half = i < iterations / 2 ? 0 : 1
    if (i % 20 === 0) largest[half] = Math.max(largest[half], process.memoryUsage.rss() / 2 ** 20)
  })
  const ratio = largest[1] / largest[0]
  console.log(
    `${loop.padEnd(12)} ${iterations} iterations: largest resident size ${largest.map((mib) => `${mib.toFixed(0)} MiB`).join(' in the first half, ')} in the second: ${ratio.toFixed(3)} times (result ${last})`,
  )
  if (process.env.TENON_DEBUG?.includes('memory')) console.log(String(memoryReport()))
  process.exitCode = ratio <= 1.1 ? 0 : 1
}
