// Who can run which workload, and how each is started: Tenon's backends, peers from npm, and peers in a Python that the user names.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { hasFeatures, unforced } from './machine.ts'

export interface Peer {
  /** As the table shows it. */
  readonly name: string
  /** What a user may call it: its own name and its family's. */
  readonly calls: readonly string[]
  readonly isTenon: boolean
  readonly command: (workload: string, threads: number) => readonly string[]
  /** Of its process, beside what all get. */
  readonly env?: { readonly [name: string]: string }
  readonly workloads: readonly string[]
  /** Workloads that take minutes: measured only where the peer is asked for by name. */
  readonly slow?: readonly string[]
  /** Workloads of which it does something near, but not the same mathematics. */
  readonly near?: readonly string[]
}

const training = ['xor', 'mlp', 'cnn', 'gpt']
const others = ['lstm', 'resnet', 'experts', 'penalty']
const products = [256, 512, 1024, 2048].map((n) => `gemm-${n}`)
const maps = ['elementwise', 'scale-add']
const forwards = ['mlp-forward', 'cnn-forward']

/** In the order in which they are measured and shown. */
export const workloadNames: readonly string[] = [
  'xor',
  'xor-scan',
  ...training.slice(1),
  ...others,
  ...forwards,
  ...products,
  ...maps,
]

/** What a user may write for several workloads at once. */
export const groups: { readonly [name: string]: readonly string[] } = {
  training,
  others,
  gemm: products,
  forward: forwards,
}

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** One of Tenon's backends; a scale makes batches so many times as large. */
export const tenon = (backend: string, scale = 1): Peer => ({
  name: `tenon ${backend}${scale === 1 ? '' : `, batch × ${scale}`}`,
  calls: ['tenon', backend],
  isTenon: true,
  workloads: workloadNames,
  // A larger batch has another loss.
  ...(scale === 1 ? {} : { near: workloadNames }),
  command: (workload, threads) => [
    process.execPath,
    // As the first line of the command has it
    '--v8-pool-size=1',
    path('../../dist/cli/main.js'),
    ...['bench', workload, '--serve', '--backend', backend, '--threads', String(threads), '--scale', String(scale)],
  ],
})

/** The backends that this machine has. */
export function tenonBackends(): readonly string[] {
  const info = spawnSync(process.execPath, [path('../../dist/cli/main.js'), ...x86Probe], {
    encoding: 'utf8',
    input: '',
  })
  return info.status === 0 ? ['x86', 'wasm'] : ['wasm']
}
const x86Probe = ['bench', 'xor', '--serve', '--backend', 'x86', '--threads', '1']

const fromNpm = (name: string, folder: string, workloads: readonly string[], more: Partial<Peer> = {}): Peer[] =>
  existsSync(path(`../node_modules/${folder}`)) ? [script(name, workloads, more)] : []

const script = (name: string, workloads: readonly string[], more: Partial<Peer> = {}): Peer => ({
  name,
  calls: [name],
  isTenon: false,
  workloads,
  command: (workload, threads) => [
    process.execPath,
    ...['--import', 'tsx', path('../peers/main.mjs'), name, String(threads), workload],
  ],
  ...more,
})

/** The peers that `npm run bench:install` brought. */
export const npmPeers = (): readonly Peer[] => [
  script('copy', ['scale-add'], { near: ['scale-add'] }),
  ...fromNpm('jax-js', '@jax-js/jax', [...training, ...products, ...maps, ...forwards], {
    slow: ['cnn', 'cnn-forward'],
  }),
  ...fromNpm('tfjs', '@tensorflow/tfjs-backend-wasm', [...training, ...products, ...maps, ...forwards]),
  ...fromNpm('brain.js', 'brain.js', ['xor', 'mlp'], { slow: ['mlp'], near: ['xor', 'mlp'] }),
  ...fromNpm('onnxruntime', 'onnxruntime-node', forwards),
]

interface PythonPeer {
  readonly name: string
  readonly module: string
  readonly file: string
  readonly mode: string
  readonly workloads: readonly string[]
  /** The first main version that has it. */
  readonly since?: number
}

const everything = [...training, ...others, ...forwards, ...products, ...maps]
const pythonPeers: readonly PythonPeer[] = [
  { name: 'torch', module: 'torch', file: 'pytorch.py', mode: 'eager', workloads: everything },
  { name: 'torch-passive', module: 'torch', file: 'pytorch.py', mode: 'passive', workloads: everything },
  {
    name: 'torch-channels-last',
    module: 'torch',
    file: 'pytorch.py',
    mode: 'channels-last',
    workloads: ['cnn', 'resnet', 'cnn-forward'],
  },
  {
    name: 'torch-compiled',
    module: 'torch',
    file: 'pytorch.py',
    mode: 'compile',
    workloads: ['mlp', 'gpt', 'elementwise'],
    since: 2,
  },
  { name: 'numpy', module: 'numpy', file: 'numpy_peer.py', mode: 'openblas', workloads: products },
  {
    name: 'jax',
    module: 'jax',
    file: 'jax_peer.py',
    mode: 'nhwc',
    workloads: ['xor', 'xor-scan', 'mlp', 'cnn', 'gpt', ...products, ...maps, ...forwards],
  },
  {
    name: 'tensorflow',
    module: 'tensorflow',
    file: 'tensorflow_peer.py',
    mode: 'function',
    workloads: ['mlp', 'cnn', 'gpt'],
  },
  {
    name: 'tensorflow-xla',
    module: 'tensorflow',
    file: 'tensorflow_peer.py',
    mode: 'xla',
    workloads: ['mlp', 'cnn', 'gpt'],
  },
]

/** What a Python says of itself: the version of each module it has, and whose kernels its OpenBLAS takes by itself. */
interface PythonHas {
  readonly versions: { readonly [module: string]: string | null }
  readonly openblas: string | null
}

const probe = (modules: readonly string[]): string => `
import ctypes, json
from importlib import metadata, util
installed = {x.metadata['Name'] for x in metadata.distributions()}
versions = {m: util.find_spec(m) and next((metadata.version(d) for d in (m, m + '-cpu') if d in installed), '1') for m in ${JSON.stringify(modules)}}
openblas = None
try:
    import numpy, numpy.linalg
    for path in {line.split()[-1] for line in open('/proc/self/maps') if 'openblas' in line}:
        for symbol in ('openblas_get_corename', 'scipy_openblas_get_corename64_', 'openblas_get_corename64_'):
            name = getattr(ctypes.CDLL(path), symbol, None)
            if name and not openblas:
                name.restype = ctypes.c_char_p
                openblas = name().decode()
except (ImportError, OSError): pass
print(json.dumps({'versions': versions, 'openblas': openblas}))`

/** A peer whose OpenBLAS is older than the processor takes the oldest kernels there are: it is told of the best that run here. */
function openblasOf({ openblas }: PythonHas): { readonly [name: string]: string } {
  if (openblas === null) return {}
  const wide = ['SkylakeX', 'Cooperlake', 'SapphireRapids']
  if (hasFeatures('avx512f', 'avx512bw', 'avx512dq', 'avx512vl'))
    return wide.includes(openblas) ? {} : { OPENBLAS_CORETYPE: 'SkylakeX' }
  return hasFeatures('avx2', 'fma') && !['Haswell', 'Zen'].includes(openblas) ? { OPENBLAS_CORETYPE: 'Haswell' } : {}
}

/** What one Python has of PyTorch, NumPy, JAX and TensorFlow. Throws when it is no Python. */
export function peersOfPython(python: string, tag: string): readonly Peer[] {
  const asked = spawnSync(python, ['-c', probe([...new Set(pythonPeers.map(({ module }) => module))])], {
    encoding: 'utf8',
    env: unforced(),
  })
  if (asked.status !== 0)
    throw new Error(`--python ${python}: ${asked.error?.message ?? asked.stderr.trim().split('\n').at(-1)}`)
  const has = JSON.parse(asked.stdout) as PythonHas
  const env = openblasOf(has)
  if (env.OPENBLAS_CORETYPE)
    process.stdout.write(
      `${python}: OpenBLAS takes ${env.OPENBLAS_CORETYPE}'s kernels, by itself it would take ${has.openblas}'s here\n`,
    )
  return pythonPeers
    .filter(({ module, since = 0 }) => Number.parseInt(has.versions[module] ?? '-1', 10) >= since)
    .map(({ name, module, file, mode, workloads }) => ({
      name: name + tag,
      calls: [name, module],
      isTenon: false,
      workloads,
      env,
      command: (workload, threads) => [python, path(`../peers/${file}`), String(threads), workload, mode],
    }))
}
