// A Vitest reporter that ends a run with one plain line, `N passed, N failed, N skipped`, and names what was left out.
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { findChromium, installChromium } from './find-chromium.mjs'

export default class ClosingLine implements Reporter {
  private browserTests: string[] = []

  async onInit(vitest: Vitest): Promise<void> {
    if (findChromium()) return
    this.browserTests = await listBrowserTests(vitest.config.root)
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      let failedHere = 0
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        count[state]++
        if (state === 'failed') failedHere++
      }
      // A file that does not load, or a hook that throws, fails without a failed test.
      if (module.state() === 'failed' && failedHere === 0) count.failed++
    }
    const skipped = count.skipped + count.pending
    // The default reporter writes its summary in the same event; this line comes after it.
    process.once('exit', () => {
      if (this.browserTests.length > 0) {
        console.log(`Left out, no Chromium found: ${this.browserTests.join(', ')}`)
        console.log(`Install it with: ${installChromium}`)
      }
      console.log(`${count.passed} passed, ${count.failed} failed, ${skipped} skipped`)
    })
  }
}

async function listBrowserTests(root: string): Promise<string[]> {
  const { readdir } = await import('node:fs/promises')
  const files = await readdir(`${root}/test/browser`, { recursive: true })
  return files.filter((file) => file.endsWith('.test.ts')).map((file) => `test/browser/${file}`)
}
