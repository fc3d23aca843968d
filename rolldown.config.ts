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
  renderChunk(code: string) {
    const renamed = code.replace(/(new URL\("[^"]+)\.ts(", import\.meta\.url\))/g, '$1.js$2')
    // Each column stays where it was, and so does the source map.
    return renamed === code ? null : { code: renamed, map: null }
  },
}

/** Files that import each other in a circle start in an order that bundlers of pages may not keep. */
const noCircles = {
  name: 'no-circles',
  generateBundle(_: unknown, bundle: Readonly<Record<string, { readonly imports?: readonly string[] }>>) {
    const left = new Map(Object.entries(bundle).map(([file, { imports = [] }]) => [file, imports]))
    for (let before = Infinity; left.size < before; ) {
      before = left.size
      for (const [file, imports] of left) if (!imports.some((other) => left.has(other))) left.delete(file)
    }
    if (left.size > 0) throw new Error(`build: files in a circle, or that need one: ${[...left.keys()].join(', ')}`)
  },
}

/**
 * The floors up to `tensor`, in few files: split by who shares what, they would be two dozen, and Node opens one after the other. A group
 * takes along what it imports and no group before it has, so lower floors come first. Pages have no use for the engine's.
 */
const groups = [
  { name: 'scalar', test: /\/src\/scalar\/(expr|math|threefry)/ },
  { name: 'graph', test: /\/src\/(graph\/(?!routine)|transform\/(batch|stability\/(report|explanations)))/ },
  { name: 'routines', test: /\/src\/graph\/routine/ },
  { name: 'messages', test: /\/src\/(platform\/web-worker|backend\/remote\/wire|engine\/(engine|usual-backend))/ },
  {
    name: 'engine',
    test: /\/src\/(compile|kernel|scalar|backend\/(wasm|reference)|engine\/(prepare|server|recorder))/,
  },
  { name: 'tensor', test: /\/src\/tensor\// },
]

export default defineConfig({
  plugins: [workerFiles, noCircles],
  input: Object.fromEntries(present.map(([source, built]) => [built.replace(/^\.\/dist\/|\.js$/g, ''), source])),
  external,
  platform: 'neutral',
  transform: { target: 'es2022' },
  output: {
    dir: 'dist',
    format: 'esm',
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
    codeSplitting: { groups: groups.map((group, i) => ({ ...group, priority: groups.length - i })) },
  },
})
