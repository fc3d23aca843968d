// `npm start`: builds Tenon if a source is newer than the build, then runs `tenon` with the given arguments or trains the default.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const built = join(root, 'dist/cli/main.js')
const given = process.argv.slice(2)

if (!existsSync(built) || statSync(built).mtimeMs < newest(join(root, 'src'))) {
  // Only JavaScript is needed to run; declarations wait for `npm run build`. Standard output belongs to `--json`.
  console.error('tenon: building from source')
  const rolldown = join(root, 'node_modules/rolldown/bin/cli.mjs')
  const build = spawnSync(process.execPath, [rolldown, '-c', 'rolldown.config.ts'], { cwd: root, encoding: 'utf8' })
  if (build.status !== 0) {
    console.error(`${build.stdout}${build.stderr}tenon: the build failed; is everything installed? npm ci does it`)
    process.exit(1)
  }
}

process.argv.splice(1, process.argv.length - 1, built, ...(given.length > 0 ? given : ['train', 'digits']))
await import('../dist/cli/main.js')

/** Latest modification time, in milliseconds, of any file below a folder. */
function newest(folder) {
  let latest = 0
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) latest = Math.max(latest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs)
  }
  return latest
}
