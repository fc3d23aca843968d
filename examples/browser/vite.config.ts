// All that a page needs of its bundler: nothing, but headers where it should use all cores.
import { defineConfig } from 'vite'

/** With these the page is cross-origin isolated, which gives it shared memory, and so threads. Send them from your own server too. */
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  server: { headers },
  preview: { headers },
  // Vite's development server must not copy the package elsewhere: its workers are files beside it. Builds need no such line.
  optimizeDeps: { exclude: ['tenon'] },
  build: { target: 'es2022' },
})
