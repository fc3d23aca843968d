// The page of examples/browser, built by Vite and driven in Chromium: with threads under a strict policy, without isolation, and
// where policies forbid workers or WebAssembly.
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { findChromium } from '../../scripts/find-chromium.mjs'
import { builtPage, isolated, served } from './serve.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const executablePath = findChromium()

describe.skipIf(executablePath === undefined)('the page (left out without a Chromium)', () => {
  let browser: Browser
  let built: Awaited<ReturnType<typeof builtPage>>
  beforeAll(async () => {
    built = await builtPage(new URL('../../examples/browser', import.meta.url))
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: ['--no-sandbox', '--disable-gpu'] })
  })
  afterAll(async () => {
    await browser?.close()
    built?.remove()
  })

  /** Opens the page as a server with these headers gives it, and calls `look` when it is ready to train. */
  async function open(headers: Record<string, string>, look: (page: Page, said: string[]) => Promise<void>) {
    const server = await served(built.folder, headers)
    const page = await browser.newPage()
    const said: string[] = []
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(`error: ${error.message}`))
    try {
      await page.goto(`${server.url}?examples=500&epochs=2`)
      await page.waitForSelector('#start:not([disabled])')
      await look(page, said)
    } finally {
      await page.close()
      server.close()
    }
  }

  const status = (page: Page) => page.textContent('#status')
  const saysOf = (page: Page, text: RegExp): Promise<unknown> =>
    page.waitForFunction(
      (pattern) => new RegExp(pattern).test(document.querySelector('#status')?.textContent ?? ''),
      text.source,
    )
  const train = async (page: Page): Promise<void> => {
    await page.click('#start')
    await saysOf(page, /^Done in/)
  }

  test('isolated, under a strict policy: threads, curve, guesses; pause, go on, stop, again', async () => {
    const policy =
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src data:"
    await open({ ...isolated, 'Content-Security-Policy': policy }, async (page, said) => {
      expect(await page.textContent('#engine')).toMatch(/^Engine: wasm, \d+ threads?\. It works in a worker/)
      await train(page)
      expect(await page.textContent('#accuracy')).toMatch(/^\d+\.\d %$/)
      expect(await page.locator('#digits .right, #digits .wrong').count()).toBe(20)
      expect(await page.getAttribute('#chart .mean', 'd')).toMatch(/^M.*L/)

      const press = (...ids: string[]): Promise<void> =>
        page.evaluate((all) => {
          for (const id of all) document.getElementById(id)?.click()
        }, ids)
      await press('start', 'pause')
      await saysOf(page, /^Paused/)
      await page.waitForFunction(() => document.querySelector('#chart .mean')?.getAttribute('d')?.startsWith('M'))
      await press('pause', 'pause')
      await saysOf(page, /^Paused/)
      await press('stop')
      await saysOf(page, /^Stopped/)
      expect(await page.isEnabled('#start')).toBe(true)
      expect(said).toEqual([])
    })
  })

  test('not isolated: one thread, and a note on the page and the console', async () => {
    await open({}, async (page, said) => {
      const note = /not cross-origin isolated, so there is no shared memory: one thread. Serve it with the headers/
      expect(await page.textContent('#engine')).toMatch(/^Engine: wasm, 1 thread\. Note:/)
      expect(await page.textContent('#engine')).toMatch(note)
      expect(said).toEqual([expect.stringMatching(note)])
      await train(page)
    })
  })

  test('no workers: it works on the page itself, and says what to do', async () => {
    const policy = "script-src 'self' 'wasm-unsafe-eval'; worker-src 'none'"
    await open({ ...isolated, 'Content-Security-Policy': policy }, async (page, said) => {
      const note = /the engine's worker could not start .* works on the page itself.*worker-src 'self'/
      expect(await page.textContent('#engine')).toMatch(/^Engine: wasm, 1 thread\. Note:/)
      expect(await page.textContent('#engine')).toMatch(note)
      expect(said.filter((text) => note.test(text))).toHaveLength(1)
      await train(page)
    })
  })

  test('no WebAssembly: one message that names the policy', async () => {
    await open({ ...isolated, 'Content-Security-Policy': "script-src 'self'" }, async (page) => {
      const message = /does not compile WebAssembly.*add 'wasm-unsafe-eval' to its script-src/
      expect(await page.textContent('#engine')).toMatch(message)
      await page.click('#start')
      await saysOf(page, message)
      expect(await status(page)).not.toContain('Epoch')
    })
  })
})
