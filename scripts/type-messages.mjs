// Compares what a compiler says of programs with the sentences written above their lines: `// @ts-expect-error SENTENCE`.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const marker = '// @ts-expect-error '

/** The sentences of a file, by the number of the line they are about. @param {string} text */
export function sentences(text) {
  const found = new Map()
  text.split('\n').forEach((line, index) => {
    const at = line.indexOf(marker)
    if (at >= 0) found.set(index + 2, line.slice(at + marker.length).trim())
  })
  return found
}

/**
 * Compiles a copy of the file in `folder`, in which the sentences are mere comments, and lists where the compiler says something else.
 * @param {{ source: string, folder: string, tsc: string, compilerOptions: object }} options
 */
export function differences({ source, folder, tsc, compilerOptions }) {
  const text = readFileSync(source, 'utf8')
  writeFileSync(join(folder, 'rejected.ts'), text.replaceAll(marker, '// '))
  const config = { compilerOptions: { ...compilerOptions, noEmit: true }, files: ['rejected.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
    encoding: 'utf8',
    cwd: folder,
  })
  const said = new Map()
  for (const [, line, message] of stdout.matchAll(/^rejected\.ts\((\d+),\d+\): error (.*)$/gm))
    said.set(Number(line), message)
  const wanted = sentences(text)
  const wrong = []
  for (const [line, sentence] of wanted) {
    const message = said.get(line)
    if (!message?.includes(`ShapeError<"${sentence}">`))
      wrong.push(`line ${line}: expected ${sentence}\n  found ${message ?? 'no error'}`)
  }
  for (const [line, message] of said) if (!wanted.has(line)) wrong.push(`line ${line}: unexpected ${message}`)
  if (said.size === 0) wrong.push(stdout)
  return wrong
}
