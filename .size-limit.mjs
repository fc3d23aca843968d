// How many bytes each entry point may cost, minified and gzipped, with everything it imports.

const budgets = {
  index: '90 kB',
  'nn/index': '90 kB',
  'loss/index': '90 kB',
  'optim/index': '90 kB',
  'data/index': '90 kB',
  'train/index': '120 kB',
  'cli/main': '160 kB',
}

export default Object.entries(budgets).map(([entry, limit]) => ({
  name: entry,
  path: `dist/${entry}.js`,
  limit,
  gzip: true,
  modifyEsbuildConfig: (config) => ({ ...config, platform: 'node', format: 'esm' }),
}))
