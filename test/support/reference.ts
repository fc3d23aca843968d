/** The copy of the PyTorch fixture that the suite reads. */

import { platform } from '#platform'
import { parseReference, type ReferenceCase } from '../conformance/fixture.ts'

const file = new URL('../fixtures/torch-reference.json.gz', import.meta.url)

async function read(): Promise<Uint8Array<ArrayBuffer>> {
  if (platform.name === 'node') return new Uint8Array(await (await import('node:fs/promises')).readFile(file))
  return new Uint8Array(await (await fetch(file)).arrayBuffer())
}

export const reference = await parseReference(await read(), file.href)

/** The cases of a group, by name. */
export const casesOf = (group: ReferenceCase['group']): ReadonlyMap<string, ReferenceCase> =>
  new Map(reference.cases.filter((c) => c.group === group).map((c) => [c.name, c]))
