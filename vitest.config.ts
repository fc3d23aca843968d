// Runs the suite from source: in Node, as type tests, and in headless Chromium where one is installed.
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { findChromium } from './scripts/find-chromium.mjs'
import { pageTests } from './scripts/page-tests.ts'

const conditions = ['tenon-source']
const chromium = findChromium()

/**
 * V8 optimizes what has run for a while. Most of a suite runs a few times: a third of the processor's time went into optimizing
 * what was then hardly used, on threads that tests had no cores for.
 */
const patientCompiler = '--interrupt-budget=1000000'

const node: TestProjectConfiguration = {
  resolve: { conditions: [...conditions, 'node', 'module', 'import', 'default'] },
  ssr: { resolve: { conditions: [...conditions, 'node', 'module', 'import', 'default'] } },
  test: {
    name: 'node',
    environment: 'node',
    execArgv: [patientCompiler],
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**'],
    // Far more than any test takes: a busy machine must not fail one.
    testTimeout: 60_000,
    // Files of one worker share what they import: most of the time went into importing the library again.
    isolate: false,
    typecheck: {
      enabled: true,
      checker: 'tsc',
      tsconfig: './tsconfig.json',
      include: ['test/**/*.test-d.ts'],
      // Types outside the type tests are `npm run check:types`'s business.
      ignoreSourceErrors: true,
    },
  },
}

/** Cross-origin isolation is what gives a page shared memory, and so threads. */
const isolation = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }

/** The suite in a page: whatever needs nothing of Node, and what is about pages. */
const page = (name: string, headers: Record<string, string>): TestProjectConfiguration => ({
  resolve: { conditions: [...conditions, 'browser', 'module', 'import', 'default'] },
  server: { headers },
  optimizeDeps: { include: ['fast-check', 'csv-parse/sync'] },
  test: {
    name,
    include: [...pageTests(), 'test/browser/**/*.test.ts'],
    setupFiles: ['test/browser/setup.ts'],
    testTimeout: 60_000,
    // As in Node: one page loads the library once, not once per file.
    isolate: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: {
          executablePath: chromium ?? '',
          args: [
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
            `--js-flags=${patientCompiler}`,
          ],
        },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
})

export default defineConfig({
  test: {
    maxWorkers: '100%',
    reporters: ['default', './scripts/closing-line.ts'],
    projects: chromium ? [node, page('page', isolation), page('page without isolation', {})] : [node],
  },
})
