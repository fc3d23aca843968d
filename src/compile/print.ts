// Printing what the compiler made: the graph, the kernels phase by phase, and the memory plan.

import { isControl, type Node } from '../graph/node.ts'
import { subgraphsOf } from '../graph/ops/control.ts'
import { show } from '../graph/shape.ts'
import { topologicalOrder } from '../graph/walk.ts'
import type { ContractLaunch } from '../kernel/contract.ts'
import type { LoopKernel, LoopLaunch } from '../kernel/loop.ts'
import { type Launch, launchesOf, type Program, type Step } from '../kernel/program.ts'
import type { RoutineKernel, RoutineLaunch } from '../kernel/routine.ts'
import { nameOf, workOf } from '../kernel/work.ts'
import { type Expr, topological } from '../scalar/expr.ts'

/** One line per node: `%3 = add(%1, %2) float32 [4, 8]`; subgraphs are indented below the operations that hold them. */
export function describeGraph(outputs: readonly Node[], parameters: readonly Node[] = []): string {
  const ends = new Set(parameters)
  const order = topologicalOrder(outputs, (node) => ends.has(node))
  const number = new Map(order.map((node, i) => [node, i] as const))
  const attributes = (node: Node): string =>
    Object.entries(node.attributes)
      .filter(([, value]) => typeof value !== 'object' || Array.isArray(value))
      .map(
        ([name, value]) => ` ${name}=${Array.isArray(value) ? show(value) : typeof value === 'function' ? 'ƒ' : value}`,
      )
      .join('')
  const lines = order.flatMap((node, i) => {
    const type = `${node.dtype} ${show(node.shape)}`
    if (ends.has(node)) return `%${i} = parameter ${parameters.indexOf(node)} ${type}`
    const inputs = node.inputs.map((x) => `%${number.get(x)}`).join(', ')
    const inside = isControl(node) ? subgraphsOf(node) : []
    const text = inside.flatMap((g) =>
      describeGraph(g.outputs, g.parameters)
        .split('\n')
        .map((line) => `  ${line}`),
    )
    return [`%${i} = ${node.op}(${inputs})${attributes(node)} ${type}`, ...text]
  })
  return [...lines, `outputs ${outputs.map((o) => `%${number.get(o)}`).join(' ')}`].join('\n')
}

/** One line per launch, grouped by phases: what runs over which extents, in how many chunks, and what it reads and writes. */
export function describeKernels(program: Program): string {
  let phases = 0
  const place = (buffer: number): string => placeText(program, buffer)
  const lines = (steps: readonly Step[], depth: number): string[] => {
    const inside = '  '.repeat(depth)
    return steps.flatMap((step): string[] => {
      if (step.kind === 'branch') {
        const [yes, no] = [lines(step.whenTrue, depth + 1), lines(step.whenFalse, depth + 1)]
        return [`${inside}    if ${place(step.flag)}`, ...yes, `${inside}    else`, ...no]
      }
      if (step.kind === 'loop') {
        const { test, turns } = step
        const head = test ? `while ${place(test.flag)}, ${turns} turns at most` : `${turns} turns`
        const asked = test ? [...lines(test.steps, depth + 1), `${inside}    do`] : []
        return [`${inside}    ${head}`, ...asked, ...lines(step.steps, depth + 1)]
      }
      const phase = phases++
      return step.launches.map((launch, i) => {
        const text =
          launch.kind === 'loop'
            ? loopLine(program, launch)
            : launch.kind === 'contract'
              ? contractLine(program, launch)
              : routineLine(program, launch)
        const { flops, bytes } = workOf(program, launch)
        const chain = step.chains?.find(({ first }) => first === i)
        const together = chain ? `; in ${chain.pieces} pieces, each with the next ${chain.length - 1}` : ''
        return `${inside}${String(phase).padStart(3)} k${launch.kernel} ${nameOf(program, launch)}: ${text}; ${flops} FLOPs, ${bytes} bytes${together}`
      })
    })
  }
  const text = lines(program.steps, 0)
  const launches = launchesOf(program.steps).length
  return [`${program.kernels.length} kernels, ${launches} launches in ${phases} phases`, ...text].join('\n')
}

/** Where each value lies in the arena, and in which phases it is used. */
export function describeMemory(program: Program): string {
  const used = program.buffers.map(() => ({ first: Number.POSITIVE_INFINITY, last: -1 }))
  const touch = (buffer: number, step: number): void => {
    const [life, place] = [used[buffer], program.buffers[buffer]]
    life.first = Math.min(life.first, step)
    life.last = step
    if (place.kind === 'moving') touch(place.buffer, step)
  }
  program.steps.forEach((step, i) => {
    for (const launch of launchesOf([step])) {
      for (const buffer of buffersOf(launch)) touch(buffer, i)
    }
  })
  const rows = program.buffers.flatMap((place, i) => (place.kind === 'arena' ? [{ ...place, ...used[i] }] : []))
  const total = rows.reduce((sum, r) => sum + r.bytes, 0)
  return [
    `arena ${program.arenaBytes} bytes for ${rows.length} values of ${total} bytes`,
    ...rows
      .sort((a, b) => a.offset - b.offset || a.first - b.first)
      .map((r) => `${String(r.offset).padStart(12)} ${String(r.bytes).padStart(10)} bytes, steps ${r.first}–${r.last}`),
  ].join('\n')
}

function buffersOf(launch: Launch): number[] {
  if (launch.kind === 'routine') return launch.arguments.map((a) => a.buffer)
  const touched = launch.kind === 'loop' ? launch.accesses : [...launch.left, ...launch.right, ...launch.epilogue]
  return touched.map((a) => a.buffer)
}

function placeText(program: Program, buffer: number): string {
  const place = program.buffers[buffer]
  if (place.kind === 'moving') return `${placeText(program, place.buffer)}[t]`
  return place.kind === 'arena' ? `@${place.offset}` : `$${place.slot}`
}

function loopLine(program: Program, launch: LoopLaunch): string {
  const kernel = program.kernels[launch.kernel] as LoopKernel
  const name = kernel.reduce > 0 ? 'reduce' : 'map'
  const parallel = launch.extents.slice(0, kernel.parallel).join('×')
  const reduce = launch.extents.slice(kernel.parallel).join('×')
  const stored = new Set(kernel.stages.flatMap((s) => s.stores.map((t) => t.access)))
  const text = (keep: boolean): string =>
    launch.accesses.flatMap((a, i) => (stored.has(i) === keep ? [placeText(program, a.buffer)] : [])).join(' ')
  const roots = kernel.stages.flatMap((s) => [...s.reductions.map((r) => r.value), ...s.stores.map((t) => t.value)])
  const operations = topological(roots).filter((e: Expr) => e.args.length > 0).length
  const chunks = Math.ceil(launch.total / launch.grain)
  return `${name} ${parallel}${reduce ? ` over ${reduce}` : ''}, ${operations} operations, ${chunks} chunks: ${text(true)} ← ${text(false)}`
}

function contractLine(program: Program, launch: ContractLaunch): string {
  const kernel = program.kernels[launch.kernel]
  const stored = new Set(kernel.kind === 'contract' ? kernel.epilogue.stores.map((s) => s.access) : [])
  const place = (buffer: number): string => placeText(program, buffer)
  const epilogue = (keep: boolean): string =>
    launch.epilogue.flatMap((e, i) => (stored.has(i) === keep ? [place(e.buffer)] : [])).join(' ')
  const sides = [...launch.left, ...launch.right].map((t) => place(t.buffer)).join(' · ')
  return `contract ${launch.batch > 1 ? `${launch.batch}× ` : ''}[${launch.m}, ${launch.k}] @ [${launch.k}, ${launch.n}]: ${epilogue(true)} ← ${sides}, ${epilogue(false)}`
}

function routineLine(program: Program, launch: RoutineLaunch): string {
  const { routine, parameters } = program.kernels[launch.kernel] as RoutineKernel
  const operands = launch.arguments.map(({ buffer, shape }) => `${placeText(program, buffer)} ${show(shape)}`)
  return `routine ${routine}(${parameters}): ${operands.at(-1)} ← ${operands.slice(0, -1).join(', ')}`
}
