// Kills a training run with SIGKILL at random moments, resumes it each time, and compares it with a run that was left alone.
// Run: node scripts/kill-test.mjs [kills] (after npm run build or npm start)
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const kills = Number(process.argv[2] ?? 50)
const tenon = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tenon-kill-'))
const [straight, killed] = ['straight', 'killed'].map((name) => join(folder, name))
const recipe = ['train', 'spiral', '--json', '--epochs']
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

// So many epochs that the run lasts longer than the kills: a life gains two seconds at most.
const trial = await start([...recipe, '200', '--out', join(folder, 'trial')])
if (!trial.isDone) fail(`the trial ended with ${trial.how}: ${trial.errors}`)
const { seconds } = JSON.parse(trial.output.trimEnd().split('\n').at(-1))
const epochs = String(Math.ceil((200 / seconds) * kills * 3))

console.log(`${epochs} epochs of the spiral, left alone`)
const alone = await start([...recipe, epochs, '--out', straight])
if (!alone.isDone) fail(`it ended with ${alone.how}: ${alone.errors}`)

let done = 0
let isDone = false
while (!isDone) {
  const hasBegun = existsSync(join(killed, 'config.json'))
  const life = await start(
    [...recipe, epochs, '--out', killed, ...(hasBegun ? ['--resume'] : [])],
    done < kills ? 200 + Math.random() * 2500 : undefined,
  )
  if (life.how === 'SIGKILL') {
    done++
    process.stdout.write(`\rkilled ${done} times, last in epoch ${epochOf(killed)} `)
  } else if (life.isDone) isDone = true
  else fail(`it ended with ${life.how}: ${life.errors}`)
}
console.log('\nresumed to the end')

if (done < kills) fail(`the run was done after ${done} kills of ${kills}`)
const [expected, found] = [straight, killed].map(recordsOf)
const differing = expected.findIndex((line, i) => line !== found[i])
if (differing >= 0 || expected.length !== found.length) fail(`record ${differing} differs`)
const [a, b] = [straight, killed].map((run) => readFileSync(join(run, 'model.safetensors')))
if (!a.equals(b)) fail('the networks differ')
console.log(`${expected.length} records of losses and the network are equal, bit for bit`)

function start(args, killAfter) {
  const child = spawn(process.execPath, [tenon, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
  let [output, errors] = ['', '']
  child.stdout.on('data', (text) => {
    output = (output + text).slice(-4096)
  })
  child.stderr.on('data', (text) => {
    errors += text
  })
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ isDone: code === 0, how: signal ?? code, output, errors })
    })
  })
}

/** What was recorded, without times. */
function recordsOf(run) {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.stringify({ ...JSON.parse(line), seconds: 0 }))
}

function epochOf(run) {
  const file = join(run, 'metrics.jsonl')
  const found = existsSync(file) ? readFileSync(file, 'utf8').match(/"epoch":\d+/g) : null
  return found ? found.at(-1).slice(8) : 1
}

function fail(message) {
  console.error(`\n${message}`)
  process.exit(1)
}
