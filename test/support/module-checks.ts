/** Random stacks of modules in training: two steps of descent, compiled and as they are built, with what the modules remember. */

import { isFloat } from '../../src/graph/dtype.ts'
import type { Module } from '../../src/nn/index.ts'
import { compile, grad, Tensor, tensor } from '../../src/tensor/index.ts'
import { runtime, withTraining } from '../../src/tensor/runtime.ts'
import { material } from './material.ts'
import { kindOf } from './module-steps.ts'
import { moduleTable } from './module-table.ts'
import { normals, randomOf } from './random.ts'
import { objective, type RandomGraph } from './random-graph.ts'

const kindsOf = (graph: RandomGraph): string[] => graph.steps.flatMap(({ op }) => kindOf(op) ?? [])

export interface Trained {
  readonly values: readonly (readonly number[])[]
  /** Whether modules drew random numbers: what is drawn eagerly is not what a compiled step draws. */
  readonly drew: boolean
}

/** Outputs, gradients, parameters and buffers of two steps on the backend in use, all float64; draws are those of the seed. */
export function trained(graph: RandomGraph, how: 'compiled' | 'eager'): Trained {
  const random = randomOf(7)
  const layers = kindsOf(graph).map((kind) => {
    const { make, takes, input, call } = moduleTable[kind]
    const module = make()
    for (const p of module.parameters())
      p.assign(
        tensor(
          Float64Array.from(normals(random, p.size), (v) => v * 0.4),
          { shape: p.shape },
        ).cast(p.dtype),
      )
    return { module, takes, given: input?.(), call: call ?? ((m: Module, x: Tensor) => m(x)) }
  })
  const x = tensor(Float64Array.from(normals(random, 24)))
  const parameters = [...new Set(layers.flatMap(({ module }) => module.parameters()))]
  const buffers = [...new Set(layers.flatMap(({ module }) => module.buffers()))]
  const step = (): Tensor[] => {
    const outputs: Tensor[] = []
    let value: Tensor = x
    for (const { module, takes, given, call } of layers) {
      const fed =
        given && !isFloat(given.dtype) ? given : new Tensor(material(value.node, given?.shape ?? takes, 'float64'))
      const made = call(module, fed)
      outputs.push(made)
      if (isFloat(made.dtype)) value = made
    }
    const total = objective(outputs)
    const gradients = total ? grad(total, parameters) : []
    for (const [i, g] of gradients.entries()) parameters[i].assign(parameters[i].sub(g.tanh().mul(0.1)))
    return [...outputs, ...gradients]
  }
  return withTraining(true, () => {
    const run = how === 'compiled' ? compile(step) : step
    const values: number[][] = []
    const before = runtime.random.step
    for (let turn = 0; turn < 2; turn++)
      for (const t of [...run(), ...parameters, ...buffers]) values.push(Array.from(t.dataSync()))
    return { values, drew: runtime.random.step > before }
  })
}

/** The first number that differs by more than rounding and a second step make of it. */
export function trainedOtherwise({ values: actual }: Trained, { values: wanted }: Trained): string | undefined {
  for (const [i, values] of wanted.entries()) {
    const size = Math.max(1, ...values.map(Math.abs).filter(Number.isFinite))
    const at = values.findIndex((v, k) => {
      const other = actual[i][k]
      return !(Object.is(v, other) || v === other || Math.abs(v - other) <= 1e-6 * size)
    })
    if (at >= 0 || values.length !== actual[i].length)
      return `value ${i} of ${wanted.length}, element ${at}: ${actual[i][at]} instead of ${values[at]}`
  }
  return undefined
}
