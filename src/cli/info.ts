// `tenon info`: what the engine has on this machine, what is missing, and what that costs.
import { existsSync, readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import picocolors from 'picocolors'
import { createX86Backend, x86Vectors } from '#x86'
import { hostFeatures } from '../backend/wasm/features.ts'
import { createWasmBackend } from '../backend/wasm/index.ts'
import { maximumPages, pageBytes } from '../backend/wasm/memory.ts'
import { type BackendName, backendNames } from '../engine/engine.ts'
import { usualBackend } from '../engine/usual-backend.ts'
import { version } from '../train/index.ts'
import { wantsRelaxedSimd } from './engine.ts'

export interface InfoOptions {
  readonly threads?: number
  readonly json?: boolean
}

interface Info {
  readonly event: 'info'
  readonly version: string
  readonly node: string
  readonly platform: string
  readonly cpu: string
  readonly cores: number
  /** Vector extensions, where the system tells. */
  readonly features: readonly string[]
  /** What computes unless told. */
  readonly backend: BackendName
  /** Whether `--backend x86` works here. */
  readonly x86: boolean
  /** The vector instructions that its machine code is made of. */
  readonly x86Vectors?: string
  readonly threads: number
  readonly simd: boolean
  readonly relaxedSimd: boolean
  readonly sharedMemory: boolean
  /** Bytes that all tensors together may take. */
  readonly memoryLimit: number
  readonly machineMemory: number
  /** What is not there, and what that costs. */
  readonly missing: readonly string[]
}

/** Prints it as a table, or as one JSON object. */
export async function info({ threads, json = false }: InfoOptions): Promise<void> {
  const isOnAnyway = hostFeatures().relaxedMadd
  const engine = createWasmBackend({
    ...(threads === undefined ? {} : { threads }),
    relaxedSimd: wantsRelaxedSimd(),
    warn: () => {},
  })
  await engine.ready()
  const { threadNote, relaxedMadd } = engine
  engine.terminate()
  const cores = cpus().length
  const features = vectorFeatures()
  const machineCode = whyNoMachineCode()
  const vectors = machineCode === undefined ? x86Vectors() : undefined
  const found: Info = {
    event: 'info',
    version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores,
    features,
    backend: usualBackend(),
    x86: machineCode === undefined,
    ...(vectors === undefined ? {} : { x86Vectors: vectors }),
    threads: threadNote === undefined ? engine.threads : 1,
    simd: true,
    relaxedSimd: relaxedMadd,
    sharedMemory: typeof SharedArrayBuffer === 'function',
    memoryLimit: maximumPages * pageBytes,
    machineMemory: totalmem(),
    missing: [
      ...wideVectors(features, machineCode),
      ...(relaxedMadd
        ? []
        : [
            'relaxed SIMD: products use a multiplication and an addition instead of one instruction, at three quarters of the speed on Intel processors and up to all of it on AMD ones. TENON_RELAXED_SIMD=0 forbids it, or this host lacks it',
          ]),
      ...(threadNote === undefined ? [] : [`${threadNote}: large products take up to ${engine.threads} times as long`]),
      ...(engine.threads < cores
        ? [`${cores - engine.threads} of ${cores} cores are not used: --threads ${cores} uses them all`]
        : []),
    ],
  }
  process.stdout.write(json ? `${JSON.stringify(found)}\n` : `${table(found, isOnAnyway)}\n`)
}

function table(found: Info, isOnAnyway: boolean): string {
  const rows = {
    Tenon: found.version,
    Node: `${found.node}, ${found.platform}`,
    CPU: `${found.cpu}, ${found.cores} ${found.cores === 1 ? 'core' : 'cores'}${found.features.length > 0 ? `, ${found.features.join(', ')}` : ''}`,
    Engine: engines(found),
    SIMD: `WebAssembly has 128 bits${found.relaxedSimd ? `, relaxed (one instruction for a·b + c)${isOnAnyway ? '' : howToSwitchOn}` : ''}`,
    Threads: `${found.threads}${found.sharedMemory ? ', over shared memory' : ''}`,
    Memory: `${gibibytes(found.memoryLimit)} for tensors at most; the machine has ${gibibytes(found.machineMemory)}`,
    Missing: found.missing.length === 0 ? 'nothing' : found.missing,
  }
  const width = 10
  return Object.entries(rows)
    .map(([name, value]) => `${picocolors.bold(name.padEnd(width))}${[value].flat().join(`\n${' '.repeat(width)}`)}`)
    .join('\n')
}

/** Said where the command line switched it on, which the library does not do by itself. */
const howToSwitchOn = '; your own programs switch it on by configure({ relaxedSimd: true }) or TENON_RELAXED_SIMD=1'

const namesOfFlags: Readonly<Record<string, string>> = {
  fma: 'FMA',
  avx2: 'AVX2',
  avx512f: 'AVX-512',
  avx512_bf16: 'AVX-512 BF16',
  amx_tile: 'AMX',
  asimd: 'NEON',
  sve: 'SVE',
}

/** Vector extensions of the CPU; only Linux tells without asking the CPU itself. */
function vectorFeatures(): string[] {
  const file = '/proc/cpuinfo'
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1].trim().split(/\s+/) ?? [])
  return Object.keys(namesOfFlags)
    .filter((flag) => flags.has(flag))
    .map((flag) => namesOfFlags[flag])
}

/** The one that computes unless told, then what else there is. */
function engines({ backend, x86, x86Vectors }: Info): string[] {
  const known: { readonly [N in BackendName]: string } = {
    wasm: 'wasm: WebAssembly compiled for each program',
    x86: `x86: ${x86Vectors} machine code`,
    reference: 'reference: one operation after the other, slow and obvious',
  }
  const others = backendNames.filter((name) => name !== backend && (name !== 'x86' || x86))
  return [
    known[backend],
    `others: ${others.join(', ')}; --backend chooses, in programs configure({ backend }), for both TENON_BACKEND`,
  ]
}

/** Asked of the backend itself, which is given back at once. */
function whyNoMachineCode(): string | undefined {
  const engine = createX86Backend({ threads: 1 })
  if (typeof engine === 'string') return engine
  engine.terminate()
  return undefined
}

/** WebAssembly's vectors have 128 bits; measured on Zen 5, where large products reach 53 of 200 GFLOP/s on one core. */
function wideVectors(features: readonly string[], machineCode: string | undefined): string[] {
  const widest = features.includes('AVX-512') ? ['AVX-512', 4] : features.includes('AVX2') ? ['AVX2', 2] : []
  if (widest.length === 0 || machineCode === undefined) return []
  return [
    `machine code for ${widest[0]}, which WebAssembly does not reach: ${machineCode}. Large products could be up to ${widest[1]} times as fast`,
  ]
}

const gibibytes = (bytes: number): string => `${Number((bytes / 2 ** 30).toPrecision(3))} GiB`
