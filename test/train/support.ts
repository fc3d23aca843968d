// What several tests of the train and cli floors share: a temporary folder, and programs in processes of their own.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { afterAll, onTestFinished } from 'vitest'

/** A new folder that goes when the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-train-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Bundles a program from source and gives the path of what Node can run; it goes when the tests of the file are done. */
export async function bundled(source: URL): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-bundle-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const bundle = await rolldown({
    input: fileURLToPath(source),
    platform: 'node',
    resolve: { conditionNames: ['tenon-source', 'node', 'import', 'default'] },
    logLevel: 'silent',
  })
  await bundle.write({ dir: folder, format: 'esm', entryFileNames: 'main.mjs', chunkFileNames: '[name]-[hash].mjs' })
  await bundle.close()
  return join(folder, 'main.mjs')
}
