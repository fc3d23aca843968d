/** src/pieces/reference.ts: what doc comments say of exports that are no pieces of networks, read from the sources. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as data from '../../src/data/index.ts'
import * as tenon from '../../src/index.ts'
import * as inspect from '../../src/inspect/index.ts'
import * as linalg from '../../src/linalg/index.ts'
import { families } from '../../src/pieces/index.ts'
import * as signal from '../../src/signal/index.ts'
import * as train from '../../src/train/index.ts'

/** Every namespace of the library: its family of described functions, what they are called by, where they are exported. */
export const namespaces: readonly {
  readonly family: string
  readonly prefix: string
  readonly exports: object
  readonly index: string
}[] = [
  { family: 'tools', prefix: '', exports: tenon, index: 'index.ts' },
  { family: 'random', prefix: 'random.', exports: tenon.random, index: 'tensor/random.ts' },
  { family: 'init', prefix: 'nn.init.', exports: tenon.nn.init, index: 'nn/init.ts' },
  { family: 'building', prefix: 'nn.', exports: tenon.nn, index: 'nn/index.ts' },
  {
    family: 'functional',
    prefix: 'nn.functional.',
    exports: tenon.nn.functional,
    index: 'nn/functional/index.ts',
  },
  { family: 'building', prefix: 'optim.', exports: tenon.optim, index: 'optim/index.ts' },
  { family: 'building', prefix: 'augment.', exports: tenon.augment, index: 'augment/index.ts' },
  { family: 'losses', prefix: 'loss.', exports: tenon.loss, index: 'loss/index.ts' },
  { family: 'functions', prefix: 'pointwise.', exports: tenon.pointwise, index: 'tensor/pointwise.ts' },
  { family: 'linalg', prefix: 'linalg.', exports: linalg, index: 'linalg/index.ts' },
  { family: 'signal', prefix: 'signal.', exports: signal, index: 'signal/index.ts' },
  { family: 'training', prefix: 'train.', exports: train, index: 'train/index.ts' },
  { family: 'data', prefix: 'data.', exports: data, index: 'data/index.ts' },
  { family: 'inspect', prefix: 'inspect.', exports: inspect, index: 'inspect/index.ts' },
]

const source = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)), 'utf8')

/** Namespaces in which a name means what it means elsewhere: `nn.functional.linear` is what `nn.linear` computes. */
export const sharing: ReadonlySet<string> = new Set(['', 'nn.', 'nn.functional.', 'pointwise.'])

/** Names of functions and classes that a namespace exports. */
export const functionsOf = (exports: object): string[] =>
  Object.entries(exports)
    .flatMap(([name, value]) => (typeof value === 'function' ? [name] : []))
    .sort()

/** Names, with a namespace's prefix or without, that hand-written records tell of. */
export function writtenNames(): ReadonlySet<string> {
  const own = Object.values(families).filter(({ isReference }) => !isReference)
  return new Set(
    own.flatMap(({ prefix, pieces }) =>
      Object.entries(pieces).flatMap(([name, piece]) =>
        [name, ...(piece.also ?? [])].flatMap((n) => [n, `${prefix}${n}`]),
      ),
    ),
  )
}

/** The text of src/pieces/reference.ts. Throws for an export without a doc comment. */
export function referenceSource(): string {
  const written = writtenNames()
  const undocumented: string[] = []
  const seen = new Set<unknown>()
  const records = namespaces.map(({ family, prefix, exports, index }) => {
    const files = filesOf(index)
    const own = functionsOf(exports).flatMap((name): [string, object][] => {
      const value = (exports as { readonly [name: string]: unknown })[name]
      const isSame = sharing.has(prefix) && written.has(name)
      if (written.has(`${prefix}${name}`) || isSame || seen.has(value)) return []
      seen.add(value)
      const described = describedAt(name, files.get(name))
      if (!described) {
        undocumented.push(`${prefix}${name}`)
        return []
      }
      return [[`${prefix}${name}`, described]]
    })
    return [family, Object.fromEntries(own)] as const
  })
  if (undocumented.length > 0) throw new Error(`these exports have no doc comment: ${undocumented.join(', ')}`)
  const merged: { [family: string]: { [name: string]: object } } = {}
  for (const [family, own] of records) if (Object.keys(own).length > 0) merged[family] = { ...merged[family], ...own }
  const text = JSON.stringify(merged, null, 1)
  return [
    '// What doc comments say of exports that are no pieces of networks.',
    '// biome-ignore-all format: made by `npm run docs` from the comments; edit those.',
    '// biome-ignore-all lint: made by `npm run docs`.',
    '',
    "import type { Piece } from './piece.ts'",
    '',
    `export const reference: { readonly [family: string]: { readonly [name: string]: Piece } } = ${text}`,
    '',
  ].join('\n')
}

/** The file in which each export of an index is, by its name; the index itself for what it defines. */
function filesOf(index: string): ReadonlyMap<string, readonly [file: string, name: string]> {
  const files = new Map<string, readonly [string, string]>()
  const text = source(index)
  const folder = index.slice(0, index.lastIndexOf('/') + 1)
  for (const [, name] of text.matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm))
    files.set(name, [index, name])
  for (const [, names, path] of text.matchAll(/^export \{([^}]*)\} from '(\.\/.*?|#data-files)'/gms)) {
    const file = path === '#data-files' ? 'data/files.ts' : `${folder}${path.slice(2)}`
    for (const item of names.split(',').map((n) => n.trim())) {
      const [, name, as] = /^(\w+)(?: as (\w+))?$/.exec(item) ?? []
      if (name)
        files.set(as ?? name, file.endsWith('/index.ts') ? (filesOf(file).get(name) ?? [file, name]) : [file, name])
    }
  }
  return files
}

/** What the comment before a declaration says, how it is called, and the example in the comment. */
function describedAt(name: string, place: readonly [file: string, name: string] | undefined): object | undefined {
  const [file, original] = place ?? ['', '']
  if (!file) return undefined
  const text = source(file)
  const heads = [...text.matchAll(new RegExp(`^export (?:async )?(?:function\\*?|const|class) ${original}\\b`, 'gm'))]
  const comment = heads.map(({ index }) => commentBefore(text, index)).find((c) => c !== undefined)
  if (comment === undefined || heads.length === 0) return undefined
  const lines = comment.split('\n').map((line) => line.replace(/^ *\*? ?/, '').trimEnd())
  const example = lines.filter((line) => /^ {4}/.test(line)).map((line) => line.slice(4))
  const prose = lines
    .filter((line) => !/^ {4}/.test(line))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const [, about, details] = /^(.*?(?<!et al|e\.g|i\.e)[.!?])(?: (?=[A-Z0-9`‘“'(Σ])(.*))?$/.exec(prose) ?? [
    undefined,
    prose,
    undefined,
  ]
  const call = signature(text.slice(heads[heads.length - 1].index), name)
  return {
    about: /[.!?]$/.test(about) ? about : `${about}.`,
    ...(call ? { call } : {}),
    ...(details ? { details } : {}),
    ...(example.length > 0 ? { code: example.join('\n') } : {}),
  }
}

function commentBefore(text: string, at: number): string | undefined {
  const before = text.slice(0, at).trimEnd()
  if (!before.endsWith('*/')) return undefined
  return before.slice(before.lastIndexOf('/**') + 3, -2).trim()
}

/** Its parameters and result, without what only the compiler reads; nothing where it is no plain function. */
function signature(declaration: string, name: string): string | undefined {
  const open = declaration.search(/\(/)
  const start =
    /^export (?:(?:async )?function\*? \w+(?:<[^(]*>)?|const \w+(?:: [^=\n]+)? = (?:async )?(?:<[^(]*>)?)\(/.exec(
      declaration,
    )
  if (!start) return undefined
  let depth = 0
  let end = start[0].length - 1
  for (; end < declaration.length; end++) {
    if ('([{'.includes(declaration[end])) depth++
    if (')]}'.includes(declaration[end]) && --depth === 0) break
  }
  const parameters = declaration.slice(Math.max(open, start[0].length - 1), end + 1)
  const result = /^: (.+?)(?: \{$| =>|$)/m.exec(declaration.slice(end + 1))?.[1]
  const tidy = `${parameters}${result ? `: ${result}` : ''}`
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\( /g, '(')
    .replaceAll(/,? \)/g, ')')
    .replaceAll(/\{ \}/g, '{}')
  return tidy.length > 160 ? undefined : `${name}${tidy}`
}
