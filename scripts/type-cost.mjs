// What shape types cost a user's compiler: a generated network of 200 lines against the same with tensors of no shape.
// Run: npm run bench:types (processor time and ratios); with --budget only counts are checked, which do not depend on the machine.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Instantiations and symbols that the network may cost beyond the same without shape types; symbols, members of types, take most of the time. */
const budget = { instantiations: 38_000, symbols: 38_000 }

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const onlyBudget = process.argv.includes('--budget')
const repeats = onlyBudget ? 1 : 9

/** What the program uses, as it would be declared without shapes; the package is read in both cases. */
const plain = `
export type * as tenon from '${join(root, 'dist/index.js')}'
export declare class Tensor {
  readonly shape: readonly number[]
  matmul(other: Tensor): Tensor
  add(other: Tensor | number): Tensor
  mul(other: Tensor | number): Tensor
  sub(other: Tensor | number): Tensor
  relu(): Tensor
  tanh(): Tensor
  square(): Tensor
  reshape(shape: readonly number[]): Tensor
  transpose(a?: number, b?: number): Tensor
  sum(axes?: number | readonly number[], keepAxes?: boolean): Tensor
  mean(axes?: number | readonly number[], keepAxes?: boolean): Tensor
  softmax(axis?: number): Tensor
}
export declare class Variable extends Tensor { assign(value: Tensor): this }
export declare function ones(shape: readonly number[], dtype?: 'float32' | 'int32'): Tensor
export declare function zeros(shape: readonly number[], dtype?: 'float32' | 'int32'): Tensor
export declare function variable(value: Tensor): Variable
export declare function grad(output: Tensor, wrt: readonly Tensor[]): Tensor[]
export declare function concat(tensors: readonly Tensor[], axis?: number): Tensor
interface Module { (x: Tensor): Tensor; parameters(): Variable[] }
export declare namespace nn {
  function linear(inputs: number, outputs: number): Module
  function relu(): Module
  function sequential(...modules: readonly Module[]): Module
}
export declare namespace loss {
  function mse(predictions: Tensor, targets: Tensor): Tensor
}
`

/** A step a line: layers by hand, each of other sizes, then modules, a loss and gradients. */
function program() {
  const lines = ["import { concat, grad, loss, nn, ones, variable, zeros } from 'tenon'", 'const h0 = ones([32, 100])']
  const width = (/** @type {number} */ i) => 100 + 7 * i
  for (let i = 0; i < 28; i++) {
    lines.push(`const w${i} = variable(ones([${width(i)}, ${width(i + 1)}]))`)
    lines.push(`const b${i} = variable(zeros([${width(i + 1)}]))`)
    lines.push(`const p${i} = h${i}.matmul(w${i})`)
    lines.push(`const s${i} = p${i}.add(b${i})`)
    lines.push(`const h${i + 1} = s${i}.${i % 2 ? 'relu' : 'tanh'}()`)
  }
  lines.push(`const n0 = h28.sub(h28.mean(1, true))`, 'const n1 = n0.square().sum(-1)', 'const n2 = n0.softmax()')
  for (let i = 0; i < 16; i++) {
    const [a, b] = [width(30 + i), width(31 + i)]
    lines.push(`const net${i} = nn.sequential(nn.linear(${a}, ${b}), nn.relu(), nn.linear(${b}, ${a}))`)
    lines.push(`const x${i} = concat([ones([${i + 1}, ${a}]), ones([3, ${a}])])`)
    lines.push(`const y${i} = net${i}(x${i}).transpose()`)
  }
  const targets = `ones([32, ${width(28)}])`
  lines.push(`const t = ${targets}`, 'const l = loss.mse(h28, t)')
  lines.push(`const gradients = grad(l, [${Array.from({ length: 28 }, (_, i) => `w${i}`).join(', ')}])`)
  while (lines.length < 199) lines.push(`const r${lines.length} = h28.reshape([32, ${width(28)}, 1])`)
  lines.push('export default gradients')
  return `${lines.join('\n')}\n`
}

/** @param {string} folder @param {string} types */
function measure(folder, types) {
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'esnext.disposable', 'dom'],
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
    paths: { tenon: [types] },
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['network.ts'] }))
  const runs = Array.from({ length: repeats }, () => {
    // The shell tells processor time, which other work on the machine does not change.
    const command = `TIMEFORMAT='%U %S'; time "$@"`
    const compiler = [process.execPath, tsc, '-p', folder, '--extendedDiagnostics', '--singleThreaded']
    const { stdout, stderr, status } = spawnSync('bash', ['-c', command, 'bash', ...compiler], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the network does not compile:\n${stdout}`)
    const seconds = stderr.trim().split(/\s+/).slice(-2).map(Number)
    return {
      instantiations: Number(/^Instantiations:\s*(\d+)/m.exec(stdout)?.[1]),
      symbols: Number(/^Symbols:\s*(\d+)/m.exec(stdout)?.[1]),
      seconds: (seconds[0] ?? 0) + (seconds[1] ?? 0),
    }
  })
  return {
    instantiations: runs[0]?.instantiations ?? 0,
    symbols: runs[0]?.symbols ?? 0,
    seconds: Math.min(...runs.map((run) => run.seconds)),
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tenon-type-cost-'))
try {
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'plain.d.ts'), plain)
  writeFileSync(join(folder, 'network.ts'), program())
  const without = measure(folder, join(folder, 'plain.d.ts'))
  const shaped = measure(folder, join(root, 'dist/index.d.ts'))
  if (!onlyBudget) {
    for (const [name, { instantiations, symbols, seconds }] of Object.entries({ without, shaped }))
      console.log(
        `${name.padEnd(8)} ${seconds.toFixed(3)} s of processor time, ${instantiations} instantiations, ${symbols} symbols`,
      )
    console.log(`ratio    ${(shaped.seconds / without.seconds).toFixed(2)} (least of ${repeats} runs each)`)
  }
  for (const count of /** @type {const} */ (['instantiations', 'symbols'])) {
    const more = shaped[count] - without[count]
    if (onlyBudget) console.log(`shape types: ${more} ${count} for a network of 200 lines, of ${budget[count]} at most`)
    if (more > budget[count]) {
      console.error(
        `type-cost: ${more} ${count} are more than the budget of ${budget[count]}: see src/tensor/shape-types.ts`,
      )
      process.exitCode = 1
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
