/** Shapes that do not fit: the compiler and the running program say the same sentences. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { differences, sentences } from '../../scripts/type-messages.mjs'
import { rejected } from './rejected.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const source = fileURLToPath(new URL('rejected.ts', import.meta.url))

describe('the running program says', () => {
  const list = [...sentences(readFileSync(source, 'utf8')).values()]

  it('one sentence for each program', () => {
    expect(rejected.length).toBe(list.length)
  })
  it.each(list.map((sentence, i) => [sentence, rejected[i]] as const))('%s', (sentence, program) => {
    let message = ''
    try {
      program()
    } catch (error) {
      message = (error as Error).message
    }
    // Named axes show their extents too, and unknown ones are known by now; a module stands in front, and the place behind.
    const [, said] = /^(?:\w+: )?(.*)$/.exec(sentence) ?? []
    expect(message.replaceAll(/(\w+)=\d+/g, '$1')).toContain(said)
    expect(message).toMatch(/\(at rejected\.ts:\d+\)$/)
  })
})

describe('the compiler says', () => {
  it('the same', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tenon-types-'))
    try {
      const compilerOptions = {
        target: 'es2022',
        lib: ['es2023', 'es2024.sharedmemory', 'esnext.disposable', 'dom', 'dom.iterable'],
        module: 'nodenext',
        strict: true,
        allowImportingTsExtensions: true,
        customConditions: ['tenon-source'],
        paths: { tenon: [join(root, 'src/index.ts')] },
        typeRoots: [join(root, 'node_modules/@types')],
        types: ['node'],
        skipLibCheck: true,
      }
      const tsc = join(root, 'node_modules/typescript/bin/tsc')
      expect(differences({ source, folder, tsc, compilerOptions })).toEqual([])
    } finally {
      rmSync(folder, { recursive: true })
    }
  }, 120_000)
})
