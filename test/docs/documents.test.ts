/** Documents that are made from records are not stale. */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { piecesDocument } from '../support/pieces-document.ts'
import { referenceSource } from '../support/reference-records.ts'
import { stabilityDocument } from '../support/stability-document.ts'

it.each([
  ['src/pieces/reference.ts', referenceSource],
  ['docs/pieces.md', piecesDocument],
  ['docs/stability.md', stabilityDocument],
])('%s is what npm run docs writes', (path, document) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(document())
})
