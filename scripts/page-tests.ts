// The test files that a page can run: those that import nothing of Node, themselves or through what they import of the tests.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tests = join(root, 'test')

/** Programs of their own, of Node's alone, or what no page does otherwise: numbers of theorems, what is refused before an engine is asked, what runs on the reference alone. */
const notOfPages = [
  'cli/',
  'examples/',
  'x86/',
  'browser/',
  'rows/',
  'refused/',
  'scalar/functions.test.ts',
  'nn/every-kind.test.ts',
]

/** Paths relative to the repository. */
export function pageTests(): string[] {
  return readdirSync(tests, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.test.ts') && !notOfPages.some((folder) => file.startsWith(folder)))
    .filter((file) => !needsNode(join(tests, file)))
    .map((file) => `test/${file}`)
    .sort()
}

const staticImport = /^(?:import|export)\b[^'"]*?from '([^']+)'/gm

function needsNode(file: string, seen = new Set<string>()): boolean {
  if (seen.has(file) || !existsSync(file)) return false
  seen.add(file)
  for (const [, from] of readFileSync(file, 'utf8').matchAll(staticImport)) {
    if (from.startsWith('node:')) return true
    const path = join(dirname(file), from)
    if (from.startsWith('.') && !relative(tests, path).startsWith('..') && needsNode(path, seen)) return true
  }
  return false
}
