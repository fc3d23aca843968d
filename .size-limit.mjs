// How many bytes an entry point, or what one imports of it, may cost a page: minified and gzipped, with everything behind it that
// is there from the start. The engine is a download of its own, the worker's: a page's whole download is its bundle and that file.

const budgets = [
  // What a page needs that trains with its own loop: gradients, every module, loss and optimizer.
  { name: 'core', entry: 'index', import: '{ tensor, grad, compile, nn, loss, optim }', limit: '90 kB' },
  { name: 'one gradient', entry: 'index', import: '{ tensor, grad, gelu }', limit: '35.5 kB' },
  // The worker's file: compiler, backend and every routine, and what they share with the page: operations and graphs.
  { name: 'worker', entry: 'worker/main', limit: '95 kB' },
  // The same for the page's own thread, where no worker can start; less what the page has.
  { name: 'engine', entry: 'engine/at-once', limit: '95 kB' },
  // With fit, data sets and run folders.
  { name: 'index', entry: 'index', limit: '120.5 kB' },
  { name: 'nn', entry: 'nn/index', limit: '77 kB' },
  { name: 'loss', entry: 'loss/index', limit: '43 kB' },
  { name: 'optim', entry: 'optim/index', limit: '44.5 kB' },
  { name: 'linalg', entry: 'linalg/index', limit: '40.5 kB' },
  { name: 'signal', entry: 'signal/index', limit: '37.5 kB' },
  { name: 'data', entry: 'data/index', limit: '28 kB' },
  { name: 'train', entry: 'train/index', limit: '88.5 kB' },
  // With dagre, the library that ranks the boxes of a picture.
  { name: 'inspect', entry: 'inspect/index', limit: '89 kB' },
  { name: 'cli', entry: 'cli/main', limit: '217 kB' },
]

/** Bundlers keep what is imported on demand in files of their own. */
const onDemand = {
  name: 'on-demand',
  setup(build) {
    build.onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    )
  },
}

// Pages are what has to load: their halves of the package count. The command line is Node's.
export default budgets.map(({ name, entry, limit, import: imported }) => ({
  name,
  path: `dist/${entry}.js`,
  limit,
  gzip: true,
  ...(imported ? { import: imported } : {}),
  modifyEsbuildConfig: (config) => ({
    ...config,
    platform: entry.startsWith('cli') ? 'node' : 'browser',
    format: 'esm',
    conditions: ['module'],
    minify: true,
    plugins: [...(config.plugins ?? []), onDemand],
  }),
}))
