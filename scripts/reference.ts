// Writes src/pieces/reference.ts, from which docs/pieces.md is made: what doc comments say of exports.

import { writeFileSync } from 'node:fs'
import { referenceSource } from '../test/support/reference-records.ts'

writeFileSync(new URL('../src/pieces/reference.ts', import.meta.url), referenceSource())
