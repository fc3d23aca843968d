// How many bytes an entry point, or what one imports of it, may cost: minified and gzipped, with everything behind it.

const budgets = [
  // What a page needs that trains with its own loop: engine, compiler, gradients, every module, loss and optimizer. The
  // aim is 90 kB for this and for one gradient: both are above it, so the limits are where they stand, for now.
  { name: 'core', entry: 'index', import: '{ tensor, grad, compile, nn, loss, optim }', limit: '150 kB' },
  { name: 'one gradient', entry: 'index', import: '{ tensor, grad, gelu }', limit: '104 kB' },
  // With fit, data sets and run folders.
  { name: 'index', entry: 'index', limit: '170 kB' },
  { name: 'nn', entry: 'nn/index', limit: '138 kB' },
  { name: 'loss', entry: 'loss/index', limit: '112 kB' },
  { name: 'optim', entry: 'optim/index', limit: '114 kB' },
  { name: 'linalg', entry: 'linalg/index', limit: '105 kB' },
  { name: 'signal', entry: 'signal/index', limit: '104 kB' },
  { name: 'data', entry: 'data/index', limit: '29 kB' },
  { name: 'train', entry: 'train/index', limit: '140 kB' },
  // With dagre, the library that ranks the boxes of a picture.
  { name: 'inspect', entry: 'inspect/index', limit: '130 kB' },
  { name: 'cli', entry: 'cli/main', limit: '215 kB' },
]

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
  }),
}))
