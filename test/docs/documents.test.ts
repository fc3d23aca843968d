/** Documents that are made from records are not stale. */

import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { pieces } from '../../src/pieces/index.ts'
import { piecesDocument } from '../support/pieces-document.ts'
import { stabilityDocument } from '../support/stability-document.ts'

it.each([
  ['docs/pieces.md', piecesDocument],
  ['docs/stability.md', stabilityDocument],
])('%s is what npm run docs writes', (path, document) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')).toBe(document())
})

it('rows that the catalogue names have tests', () => {
  const folder = new URL('../rows/', import.meta.url)
  const tests = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  for (const { name, piece } of pieces)
    for (const row of piece.source?.match(/\bR\d+/g) ?? [])
      expect(
        tests.some((text) => new RegExp(`\\b${row}\\b`).test(text)),
        `${name}: ${row}`,
      ).toBe(true)
})
