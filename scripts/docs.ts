// Writes the documents that are made from records; `--check` fails where one is stale.

import { readFileSync, writeFileSync } from 'node:fs'
import { piecesDocument } from '../test/support/pieces-document.ts'
import { stabilityDocument } from '../test/support/stability-document.ts'

const documents: { readonly [path: string]: () => string } = {
  'docs/pieces.md': piecesDocument,
  'docs/stability.md': stabilityDocument,
}

const isCheck = process.argv.includes('--check')
for (const [path, make] of Object.entries(documents)) {
  const file = new URL(`../${path}`, import.meta.url)
  const text = make()
  if (!isCheck) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${path} is stale: run npm run docs`)
    process.exitCode = 1
  }
}
