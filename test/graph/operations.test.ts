/** Every operation on every backend: its value, its derivatives of first and second order, and its edges. */

import { describe, expect, it } from 'vitest'
import type { DType } from '../../src/graph/dtype.ts'
import type { Node, OpName } from '../../src/graph/node.ts'
import { ops } from '../../src/graph/ops/index.ts'
import { Tensor, tensor, vjp } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose, tolerances } from '../support/close.ts'
import { checkFirstOrder, checkSecondOrder } from '../support/derivative.ts'
import { randomOf, seedOf } from '../support/random.ts'
import { evaluateByRecords } from '../support/records.ts'
import { type Attributes, asSmooth, domainOf, leavesOf, makeOf, names, sizeOf } from '../support/samples.ts'
import type { Extreme, Sample } from './domains.ts'

it('every operation has a domain', () => {
  expect([...names].sort()).toEqual(Object.keys(ops).sort())
})

it('a domain says of the derivative what the record says', () => {
  for (const name of names) {
    expect([name, domainOf(name).derivative === 'none']).toEqual([name, ops[name].vjp === 'none'])
  }
})

forEachBackend(() => {
  describe('value', () => {
    it.each(names)('%s', (name) => {
      const { dtypes, samples } = domainOf(name)
      for (const dtype of dtypes) {
        samples.forEach((sample, i) => {
          const random = randomOf(seedOf(`${name} ${dtype} ${i}`))
          const inputs = sample.inputs.map((x) => x.values(random, sizeOf(x.shape)))
          expectAsDefined(make(name, sample, inputs, dtype), `${name} ${dtype} sample ${i}`)
        })
      }
    })
  })

  describe('value at the edges', () => {
    it.each(names.filter((name) => domainOf(name).extremes?.length))('%s', (name) => {
      for (const dtype of ['float32', 'float64'] as const) {
        for (const point of domainOf(name).extremes ?? []) {
          expectAsDefined(atPoint(name, point, dtype), `${name} ${dtype} at ${point.join()}`)
        }
      }
    })
  })

  const smooth = names.filter((name) => domainOf(name).derivative === 'smooth')
  describe.each([
    ['first', checkFirstOrder],
    ['second', checkSecondOrder],
  ] as const)('derivatives of %s order', (_, check) => {
    it.each(smooth)('%s', (name) => {
      domainOf(name).samples.forEach((sample, i) => {
        const random = randomOf(seedOf(`${name} derivative ${i}`))
        const { f, at } = asSmooth(name, sample, random)
        const hasNumbers = at.every(({ data }) => data.every(Number.isFinite))
        if (at.length > 0 && hasNumbers) check(f, at, random)
      })
    })
  })

  it.each(names.filter((name) => domainOf(name).derivative === 'stops'))('%s gives no gradient', (name) => {
    domainOf(name).samples.forEach((sample, i) => {
      const random = randomOf(i)
      const inputs = sample.inputs.map((x) => x.values(random, sizeOf(x.shape)))
      const leaves = leavesOf(sample, inputs, 'float64').filter((x) => x.dtype === 'float64')
      const y = new Tensor(
        makeOf(
          name,
          sample,
          leaves.map((x) => x.node),
          'float64',
        ),
      )
      if (y.dtype !== 'float64') return
      for (const gradient of vjp([y], [tensor(new Float64Array(y.size).fill(1), { shape: y.shape })], leaves)) {
        expect([...gradient.dataSync()]).toEqual(new Array<number>(gradient.size).fill(0))
      }
    })
  })

  describe('finite gradients at the edges', () => {
    it.each(names.filter((name) => domainOf(name).finiteGradient))('%s', (name) => {
      for (const dtype of ['float32', 'float64'] as const) {
        for (const point of domainOf(name).finiteGradient ?? []) {
          const inputs = point.map((v) => tensor([v], { dtype }))
          const y = new Tensor(applied(name, inputs))
          const gradients = vjp([y], [tensor([1], { dtype })], inputs)
          gradients.forEach((gradient, i) => {
            expect(gradient.itemSync(), `${dtype}, input ${i} at ${point.join()}`).toSatisfy(Number.isFinite)
          })
        }
      }
    })
  })
})

/** The backend's value equals what the records say, evaluated node by node. */
function expectAsDefined(node: Node, what: string): void {
  const expected = evaluateByRecords(node)
  const actual = new Tensor(node).dataSync()
  expect(actual.constructor, `${what}: type of the array`).toBe(expected.constructor)
  const tolerance = node.dtype === 'float64' ? 1e-12 : tolerances[node.dtype]
  expectClose(actual, expected, tolerance, what)
}

function make(name: OpName, sample: Sample<Attributes>, inputs: readonly (readonly number[])[], dtype: DType): Node {
  return makeOf(
    name,
    sample,
    leavesOf(sample, inputs, dtype).map((x) => x.node),
    dtype,
  )
}

function applied(name: OpName, inputs: readonly Tensor[]): Node {
  return makeOf(
    name,
    { attributes: {} },
    inputs.map((x) => x.node),
    'float64',
  )
}

const atPoint = (name: OpName, point: Extreme, dtype: DType): Node =>
  applied(
    name,
    point.map((v) => tensor([v], { dtype })),
  )
