/** Documents that are made from records are not stale. */

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { stabilityDocument } from '../support/stability-document.ts'

it('docs/stability.md is what npm run docs writes', () => {
  const file = new URL('../../docs/stability.md', import.meta.url)
  expect(readFileSync(file, 'utf8')).toBe(stabilityDocument())
})
