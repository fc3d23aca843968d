// What several tests of the data floor share: a temporary folder, the shared data, and a local web server.
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished, type TestContext } from 'vitest'

/** A new folder that goes when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-data-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** The path of a file beside the repository, in ../shared/data; the test is left out where it is absent. */
export function sharedData(context: TestContext, path: string): string {
  const found = fileURLToPath(new URL(`../../../shared/data/${path}`, import.meta.url))
  if (!existsSync(found)) context.skip(`needs ../shared/data/${path} beside the repository`)
  return found
}

/** A web server that has `files` by path and counts what it is asked for; returns its URL, ending in a slash. */
export async function serve(files: Record<string, Uint8Array>): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    const body = files[path]
    if (body === undefined) response.writeHead(404).end()
    else response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests }
}
