// Bundles every entry that package.json names, sharing chunks; `#platform` stays an import, so that the host picks its side.
import { existsSync, readFileSync } from 'node:fs'
import { defineConfig } from 'rolldown'

interface Manifest {
  dependencies: Record<string, string>
  exports: Record<string, string | { 'tenon-source': string; default: string }>
  /** Those without a source are packages. */
  imports: Record<string, { 'tenon-source'?: { node: string; default: string }; node: string; default: string }>
  bin: { tenon: string }
}

const manifest: Manifest = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8'))

// [source, built file] of each entry.
const entries: [string, string][] = [['./src/cli/main.ts', manifest.bin.tenon]]
for (const target of Object.values(manifest.exports)) {
  if (typeof target !== 'string') entries.push([target['tenon-source'], target.default])
}
for (const { 'tenon-source': source, ...built } of Object.values(manifest.imports)) {
  if (source) entries.push([source.node, built.node], [source.default, built.default])
}

// The file of a page's workers, which no import names.
entries.push(['./src/worker/main.ts', './dist/worker/main.js'])

const present = entries.filter(([source]) => existsSync(source))
for (const [source] of entries) {
  if (!existsSync(source)) console.warn(`build: ${source} is named in package.json but does not exist; left out`)
}

const external = [/^node:/, /^#/, ...Object.keys(manifest.dependencies).map((name) => new RegExp(`^${name}(/|$)`))]

/** Bundlers of pages look for `new URL('….js', import.meta.url)`; in the source the file ends in .ts. */
const workerFiles = {
  name: 'worker-files',
  renderChunk: (code: string) => code.replace(/(new URL\("[^"]+)\.ts(", import\.meta\.url\))/g, '$1.js$2'),
}

/**
 * What builds graphs and what runs them, in a file each: split by who shares what, they would be two dozen, and Node opens one after the
 * other. Bundlers take of them what is used. The file that imports `#x86`, which needs the engine's, is in neither.
 */
const groups = [
  {
    name: 'engine',
    test: /src\/(compile|kernel|backend\/(wasm|reference)|transform\/(simplify|simplify-control|hoist|lift)\.ts|engine\/(prepare|server|recorder|chrome-trace|kernel-table|machine-bounds))/,
  },
  { name: 'tensor', test: /src\/(tensor|backend\/remote|engine\/page-engine)/ },
]

export default defineConfig({
  plugins: [workerFiles],
  input: Object.fromEntries(present.map(([source, built]) => [built.replace(/^\.\/dist\/|\.js$/g, ''), source])),
  external,
  platform: 'neutral',
  transform: { target: 'es2022' },
  output: {
    dir: 'dist',
    format: 'esm',
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
    codeSplitting: { includeDependenciesRecursively: false, groups },
  },
})
