// The floors of the house: a folder of src imports only itself and the floors below it.

// Lowest first; the folders of one row are neighbours that do not import each other.
const floors = [
  ['platform'],
  ['scalar'],
  ['graph'],
  ['kernel'],
  ['compile', 'backend', 'transform'],
  ['engine'],
  ['tensor'],
  ['linalg', 'signal'],
  ['nn', 'loss', 'optim'],
  ['data', 'inspect', 'augment', 'pieces'],
  ['train'],
  ['diagnose'],
  ['cli', 'worker'],
]
const mayUseNode = ['platform', 'data', 'train', 'cli']
const mayUsePackages = ['data', 'inspect', 'train', 'cli']

const inside = (folders) => `^src/(${folders.join('|')})/`

const floorRules = floors.flatMap((neighbours, level) =>
  neighbours.map((folder) => ({
    name: `floor-${folder}`,
    comment: `src/${folder} imports itself and ${floors.slice(0, level).flat().join(', ') || 'no other floor'}; move the code down or pass it in`,
    severity: 'error',
    from: { path: inside([folder]) },
    to: { path: '^src/', pathNot: inside([folder, ...floors.slice(0, level).flat()]) },
  })),
)

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...floorRules,
    {
      name: 'engine-apart',
      comment:
        'Graphs are built where no engine need be: from tensor up, what computes is reached through #engine alone',
      severity: 'error',
      from: { path: inside(['tensor', 'linalg', 'signal', 'nn', 'loss', 'optim']) },
      to: {
        path: ['^src/(compile|kernel)/', '^src/backend/', '^src/engine/(direct|server|prepare|recorder)\\.ts$'],
        pathNot: '^src/backend/backend\\.ts$',
      },
    },
    {
      name: 'engine-on-demand',
      comment: 'In a page the engine is a file of its own: nothing that is there from the start may import it',
      severity: 'error',
      from: { path: '^src/engine/(on-demand|page-engine|engine|recording)\\.ts$' },
      to: {
        path: ['^src/compile/', '^src/backend/(wasm|x86|reference)/', '^src/engine/direct\\.ts$'],
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'known-floor',
      comment: 'A folder of src is a floor: give it a row in .dependency-cruiser.cjs and in docs/architecture.md',
      severity: 'error',
      from: { path: '^src/', pathNot: [inside(floors.flat()), '^src/index\\.ts$'] },
      to: {},
    },
    {
      name: 'node-free',
      comment: `Browsers run this floor: only ${mayUseNode.join(', ')} import node: modules; go through #platform`,
      severity: 'error',
      from: { path: '^src/', pathNot: inside(mayUseNode) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'package-free',
      comment: `Only ${mayUsePackages.join(', ')} import npm packages`,
      severity: 'error',
      from: { path: '^src/', pathNot: inside(mayUsePackages) },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'shipped-packages',
      comment: 'What src imports has to be among the dependencies of package.json',
      severity: 'error',
      from: { path: '^src/' },
      // What package.json's own imports name is resolved by the host.
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'aliased-subpath-import'],
      },
    },
    {
      name: 'no-circular',
      comment: 'Two files that need each other are one idea, or a third one is missing; types count too',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'resolves',
      comment: 'The imported file or package does not exist',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      conditionNames: ['tenon-source', 'node', 'import', 'types', 'default'],
      exportsFields: ['exports'],
      extensions: ['.ts', '.mts', '.js', '.mjs', '.json', '.d.ts'],
    },
  },
}
