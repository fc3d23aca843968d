// Checks the types of the packed package as its users meet them: outside the repository, strict, with TypeScript 5.9, 6 and 7.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { differences } from './type-messages.mjs'

const compilers = ['typescript-5', 'typescript-6', 'typescript']
const resolutions = [
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
]

/** The bundler's configuration is no user of the package. */
const exclude = ['examples/*/vite.config.ts']

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'tenon-consumer-'))
let failed = false
try {
  install()
  writeProgram()
  for (const compiler of compilers) for (const resolution of resolutions) check(compiler, resolution)
  for (const compiler of compilers) checkMessages(compiler)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = failed ? 1 : 0

/** Unpacks what would be published beside its dependencies; their types are there only if a dependency brings them. */
function install() {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const packages = join(folder, 'node_modules')
  mkdirSync(packages)
  execFileSync('tar', ['-xzf', join(folder, filename), '-C', packages])
  cpSync(join(packages, 'package'), join(packages, manifest.name), { recursive: true })
  rmSync(join(packages, 'package'), { recursive: true })
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    mkdirSync(dirname(join(packages, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(packages, name))
  }
}

/** One program that uses every entry point, and the examples. */
function writeProgram() {
  const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith('.json'))
  const imports = entries.map((entry, index) => `import * as entry${index} from '${manifest.name}${entry.slice(1)}'`)
  const uses = `console.log(${entries.map((_, index) => `entry${index}`).join(', ')})`
  writeFileSync(join(folder, 'every-entry.ts'), [...imports, uses, ''].join('\n'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  if (existsSync(join(root, 'examples'))) cpSync(join(root, 'examples'), join(folder, 'examples'), { recursive: true })
}

/** @param {string} compiler @param {{ module: string, moduleResolution: string }} resolution */
function check(compiler, resolution) {
  const compilerOptions = {
    ...resolution,
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom'],
    types: ['node'],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    allowImportingTsExtensions: true,
    noEmit: true,
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions, include: ['*.ts', 'examples'], exclude }),
  )
  const tsc = join(root, 'node_modules', compiler, 'bin/tsc')
  const result = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', compiler, 'package.json'), 'utf8'))
  console.log(`TypeScript ${version}, ${resolution.moduleResolution}: ${result.status === 0 ? 'ok' : 'failed'}`)
  if (result.status !== 0) {
    failed = true
    console.log(result.stdout + result.stderr)
  }
}

/** What does not fit is refused by every compiler in the same words. @param {string} compiler */
function checkMessages(compiler) {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom'],
    types: ['node'],
  }
  const wrong = differences({
    source: join(root, 'test/types/rejected.ts'),
    folder,
    tsc: join(root, 'node_modules', compiler, 'bin/tsc'),
    compilerOptions: { ...compilerOptions, strict: true, skipLibCheck: true },
  })
  console.log(`${compiler}, messages of shape types: ${wrong.length === 0 ? 'ok' : `failed\n${wrong.join('\n')}`}`)
  if (wrong.length > 0) failed = true
}
