// What drives pages in tests: a build by Vite, a server with the headers of one's choice, and a Chromium.
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}

/** The headers that make a page cross-origin isolated. */
export const isolated = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/**
 * Builds a page with the configuration in its folder, of the package's sources or of its build in `dist`; gives the folder of
 * the result and what removes it. Throws if a module of Node would be in it.
 */
export async function builtPage(root: URL, of: 'source' | 'dist' = 'source') {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-page-'))
  await build({
    root: fileURLToPath(root),
    logLevel: 'warn',
    customLogger: {
      ...quiet,
      warn(message) {
        if (/externalized for browser compatibility/.test(message)) throw new Error(message)
      },
    },
    ...(of === 'source' ? { resolve: { conditions: ['tenon-source', 'browser', 'module', 'import', 'default'] } } : {}),
    build: { outDir: folder, emptyOutDir: true, minify: true },
  })
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

const quiet = {
  info() {},
  warnOnce() {},
  error: console.error,
  clearScreen() {},
  hasErrorLogged: () => false,
  hasWarned: false,
}

/** Serves a folder on this machine; each response has the headers. */
export async function served(folder: string, headers: Record<string, string> = {}) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    const path = join(folder, normalize(pathname === '/' ? '/index.html' : pathname))
    try {
      const content = await readFile(path)
      response.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream', ...headers })
      response.end(content)
    } catch {
      response.writeHead(404, headers).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close }
}
