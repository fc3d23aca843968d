// Runs a TypeScript program bundled, as programs of users run the library: tsx has each function named anew whenever it is made, which
// first steps, whose code is new, feel. Usage: node scripts/run-bundled.mjs FILE [arguments…]
import { spawnSync } from 'node:child_process'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const [file, ...args] = process.argv.slice(2)
if (!file) throw new Error('usage: node scripts/run-bundled.mjs FILE [arguments…]')
const name = basename(file, '.ts')
// Below the project, so that packages are found from there.
const folder = join(fileURLToPath(new URL('..', import.meta.url)), 'node_modules/.cache/bundled', name)
const bundle = await rolldown({
  input: file,
  platform: 'node',
  external: ['koffi'],
  resolve: { conditionNames: ['tenon-source', 'node', 'import', 'default'] },
  logLevel: 'silent',
})
await bundle.write({ dir: folder, format: 'esm', entryFileNames: 'main.mjs', chunkFileNames: '[name]-[hash].mjs' })
await bundle.close()
const { status } = spawnSync(process.execPath, [join(folder, 'main.mjs'), ...args], { stdio: 'inherit' })
process.exitCode = status ?? 1
