// `npm run test:browser-example`: trains the example page to its end in Chromium, isolated and not, of the package as it was built;
// fails under 98 % of the test digits, or if a task held the page's thread for more than 50 milliseconds while it trained.
// With `-- examples=1000 epochs=2`, for a look on a quiet machine, it trains on less and only the page's tasks count.
import { chromium } from 'playwright'
import { builtPage, isolated, served } from '../test/examples/serve.ts'
import { findChromium, installChromium } from './find-chromium.mjs'

const executablePath = findChromium()
if (executablePath === undefined) throw new Error(`no Chromium found; install it with: ${installChromium}`)

interface Task {
  readonly name: string
  readonly pid: number
  readonly tid: number
  /** Microseconds by the clock, and of the processor's. */
  readonly dur?: number
  readonly tdur?: number
  readonly args: { readonly name?: string }
}

const asked = process.argv.slice(2)
const built = await builtPage(new URL('../examples/browser', import.meta.url), 'dist')
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
try {
  for (const [name, headers] of [
    ['isolated', isolated],
    ['not isolated', {}],
  ] as const) {
    const server = await served(built.folder, headers)
    const page = await browser.newPage()
    await page.goto(`${server.url}?${asked.join('&')}`)
    await page.waitForSelector('#start:not([disabled])')
    // What came before was loading.
    await page.evaluate(() => {
      const tasks: number[] = []
      new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({
        entryTypes: ['longtask'],
      })
      Object.assign(globalThis, { tasks })
    })
    await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline'] })
    await page.click('#start')
    await page.waitForFunction(
      () => document.querySelector<HTMLButtonElement>('#start')?.disabled === false,
      undefined,
      {
        timeout: 600_000,
      },
    )
    const trace: Task[] = JSON.parse((await browser.stopTracing()).toString()).traceEvents
    const long = await page.evaluate(() => (globalThis as unknown as { tasks: number[] }).tasks)
    const busiest = longestTask(trace, 'tdur')
    const status = await page.textContent('#status')
    const accuracy = Number.parseFloat((await page.textContent('#accuracy')) ?? '')
    console.log(`${name}: ${status} ${await page.textContent('#engine')}`)
    const clock = longestTask(trace, 'dur')
    console.log(
      `  longest task of the page's thread: ${clock.toFixed(0)} ms by the clock, ${busiest.toFixed(0)} ms by the processor's; tasks over 50 ms by the clock: ${long.length}`,
    )
    if (asked.length === 0 && !(accuracy >= 98)) fail(`${name}: ${accuracy} % of the test digits, 98 % were expected`)
    // By the clock, other programs on the machine count too: on a quiet one both are the same.
    if (busiest > 50) fail(`${name}: a task of ${busiest.toFixed(0)} ms`)
    await page.close()
    server.close()
  }
} finally {
  await browser.close()
  built.remove()
}

/** Milliseconds of the page's longest task, by the clock or of processor time. */
function longestTask(trace: readonly Task[], by: 'dur' | 'tdur'): number {
  const threads = trace.filter((event) => event.name === 'thread_name' && event.args.name === 'CrRendererMain')
  const isPage = (event: Task): boolean => threads.some(({ pid, tid }) => pid === event.pid && tid === event.tid)
  const times = trace.map((event) => (event.name.endsWith('RunTask') && isPage(event) ? (event[by] ?? 0) / 1000 : 0))
  return times.reduce((longest, time) => Math.max(longest, time), 0)
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
