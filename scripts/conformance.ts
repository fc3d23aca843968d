/** Holds the library against a file of numbers by PyTorch: a line for each case that fails, then how many passed. */

import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createX86Backend } from '#x86'
import { configure } from '../src/tensor/index.ts'
import { type Check, checksOf } from '../test/conformance/checks.ts'
import { difference } from '../test/conformance/difference.ts'
import { parseReference } from '../test/conformance/fixture.ts'

const usage = `npm run conformance -- FILE [--backend reference|wasm|x86] [--dtype float64|float32]

FILE is a gzipped fixture, as test/fixtures/torch-reference.json.gz. Without --backend every backend of this machine is
checked; without --dtype the reference in float64 to 1e-9, the others in float32 to 2e-5 (second order 2e-4).`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { backend: { type: 'string' }, dtype: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
})

const backends = ['reference', 'wasm', 'x86'] as const
const dtypes = ['float64', 'float32'] as const

function chosen<T extends string>(option: string, value: string | undefined, from: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const found = from.find((name) => name === value)
  if (!found) stop(`--${option} ${value}: it must be one of ${from.join(', ')}`)
  return found
}

function stop(message: string): never {
  console.error(message)
  process.exit(2)
}

/** undefined, or what is wrong. */
async function failureOf(check: Check, dtype: (typeof dtypes)[number]): Promise<string | undefined> {
  try {
    for (const comparison of await check.compare(dtype)) {
      const wrong = difference(comparison)
      if (wrong) return wrong
    }
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const [file] = positionals
if (values.help || positionals.length !== 1) stop(usage)
const backend = chosen('backend', values.backend, backends)
const dtype = chosen('dtype', values.dtype, dtypes)
const machineCode = createX86Backend({ threads: 1 })
if (backend === 'x86' && typeof machineCode === 'string') stop(`--backend x86: ${machineCode}`)

let packed: Uint8Array<ArrayBuffer>
try {
  packed = new Uint8Array(readFileSync(file))
} catch (error) {
  stop(`${file}: cannot be read: ${error instanceof Error ? error.message : error}`)
}
const checks = checksOf(await parseReference(packed, file))
const present = backends.filter((name) => name !== 'x86' || typeof machineCode !== 'string')

let [passed, failed] = [0, 0]
for (const name of backend ? [backend] : present) {
  configure({ backend: name, threads: 1, seed: 0 })
  for (const type of dtype ? [dtype] : [name === 'reference' ? dtypes[0] : dtypes[1]]) {
    for (const check of checks) {
      const wrong = await failureOf(check, type)
      if (wrong === undefined) passed++
      else {
        failed++
        console.log(`failed: ${name} ${type} ${check.group} ${check.name}: ${wrong}`)
      }
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1
