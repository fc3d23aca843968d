// A peer from npm as a process that takes turns: node --import tsx bench/peers/main.mjs PEER THREADS WORKLOAD
import { readFileSync } from 'node:fs'
import { serve } from '../../src/cli/bench/serve.ts'

const peers = {
  'jax-js': { module: './jax-js.mjs', package: '@jax-js/jax' },
  tfjs: { module: './tfjs.mjs', package: '@tensorflow/tfjs' },
  'brain.js': { module: './brain.mjs', package: 'brain.js' },
  onnxruntime: { module: './onnxruntime.mjs', package: 'onnxruntime-node' },
  copy: { module: './copy.mjs' },
}

const [peer, threads, workload] = process.argv.slice(2)
const { module, package: name } = peers[peer]
const { taskOf } = await import(module)
const task = await taskOf(workload, Number(threads))
const version = name
  ? JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version
  : process.versions.node
await serve(task, { version, threads: task.threads ?? Number(threads) })
process.exit(0)
