/** The catalogue has a record for every piece and none for what is not there, and what the records say is what the library does. */

import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { UnaryName } from '../../src/graph/node.ts'
import { unaryTable } from '../../src/graph/ops/unary.ts'
import * as tenon from '../../src/index.ts'
import * as linalg from '../../src/linalg/index.ts'
import * as activation from '../../src/nn/activation.ts'
import type { Json } from '../../src/nn/module.ts'
import { families, findPiece, nearestNames, pieces, sampled, titleOf } from '../../src/pieces/index.ts'
import { written } from '../../src/pieces/operations.ts'
import * as signal from '../../src/signal/index.ts'
import { configure, grad, ones, Tensor, tensor, variable } from '../../src/tensor/index.ts'
import { namespaces, sharing } from '../support/reference-records.ts'

const { loss, nn, optim } = tenon
const namesOf = (family: string): string[] =>
  Object.entries(families[family].pieces).flatMap(([name, piece]) => [name, ...(piece.also ?? [])])
const functionsOf = (exports: object, but: readonly string[] = []): string[] =>
  Object.entries(exports).flatMap(([name, value]) => (typeof value === 'function' && !but.includes(name) ? [name] : []))

/** Code of a record, with x. */
const evaluate = (code: string, x: unknown): unknown =>
  new Function('x', ...Object.keys(names), `return ${code}`)(x, ...Object.values(names))
const names = { ...tenon, linalg, signal }
const within = (actual: number, expected: number, tolerance: number): boolean =>
  Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected))
const flat = (nested: unknown): number[] => [nested].flat(9) as number[]

it('every activation, module, loss, optimizer and schedule has one record, and no record is of nothing', () => {
  const helpers = ['defineModule', 'fromConfig', 'isModule', 'ModuleError', 'parameter', 'buffer', 'whiten']
  const modules = functionsOf(nn, [...helpers, 'scaledDotProductAttention'])
  const ownActivations = functionsOf(activation, ['flatten'])
  expect(namesOf('activations').sort()).toEqual(ownActivations.sort())
  expect(namesOf('layers').sort()).toEqual(modules.filter((name) => !ownActivations.includes(name)).sort())
  expect(namesOf('losses').sort()).toEqual(functionsOf(loss).sort())
  const steered = functionsOf(optim, ['optimizer'])
  expect([...namesOf('optimizers'), ...namesOf('schedules')].sort()).toEqual(steered.sort())
  const parts = ['augmented', 'affineMaps', 'erased', 'flipped', 'mixed', 'moved', 'warped']
  expect(namesOf('augmentations').sort()).toEqual(functionsOf(tenon.augment, parts).sort())
  const all = pieces.flatMap((found) => titleOf(found).split(', '))
  expect(new Set(all).size).toBe(all.length)
})

it('every exported function, and every method of a tensor, has a record', () => {
  const titles = new Set(pieces.flatMap((found) => titleOf(found).split(', ')))
  const last = new Set([...titles].map((title) => title.slice(title.lastIndexOf('.') + 1)))
  const isTold = (prefix: string, name: string, value: unknown): boolean =>
    titles.has(`${prefix}${name}`) || (sharing.has(prefix) && last.has(name)) || told.has(value)
  // What is exported twice is told of once.
  const told = new Set<unknown>()
  for (const { prefix, exports } of namespaces)
    for (const [name, value] of Object.entries(exports)) if (titles.has(`${prefix}${name}`)) told.add(value)
  for (const { prefix, exports } of namespaces)
    for (const [name, value] of Object.entries(exports))
      if (typeof value === 'function') expect(isTold(prefix, name, value), `${prefix}${name}`).toBe(true)
  const reading = ['dispose', 'node', 'rank', 'size', 'data', 'dataSync', 'item', 'itemSync', 'array', 'arraySync']
  for (let type = Tensor.prototype; type !== Object.prototype; type = Object.getPrototypeOf(type))
    for (const name of Object.getOwnPropertyNames(type))
      if (!['constructor', 'toString', ...reading].includes(name)) expect(last.has(name), `x.${name}`).toBe(true)
})

it('every function of the catalogue is there', () => {
  const x: Tensor = ones([1])
  const places: readonly object[] = [tenon, tenon.pointwise, nn, nn.functional, x]
  for (const name of [...namesOf('functions'), ...namesOf('tensors')]) {
    const place = places.find((p) => name in p) ?? (name in Tensor.prototype ? Tensor.prototype : undefined)
    expect(place, name).toBeDefined()
  }
})

it('every kind that a saved network may hold has a record', () => {
  const known = /known are (.*): pass/.exec(String(thrown(() => nn.fromConfig({ kind: '?' } as Json))))?.[1].split(', ')
  for (const kind of known ?? ['none']) expect(findPiece(kind), kind).toBeDefined()
})

const thrown = (f: () => unknown): unknown => {
  try {
    return f()
  } catch (error) {
    return error
  }
}

it('says each thing in full, in lines that end well', () => {
  for (const { family, name, piece } of pieces) {
    expect(piece.about, name).toMatch(/\.$/)
    if (families[family].isReference) continue
    for (const text of [piece.output ?? '', piece.adjust ?? '']) expect(text.length, name).toBeGreaterThan(2)
    expect(piece.example ?? piece.curve ?? piece.rates ?? unexampled.includes(name), name).toBeTruthy()
    if (piece.watch) expect(piece.watch, name).toMatch(/[.?]$/)
  }
})

/** What runs over several steps, or on whole numbers. */
const unexampled = ['lbfgs', 'movingAverage', 'not']

it('values and slopes of curves are those of the formulas, and flat where the record says so', () => {
  configure({ backend: 'reference' })
  for (const { name, piece } of pieces) {
    const { curve } = piece
    if (!curve) continue
    const count = 64
    const { values, slopes } = sampled(curve, count)
    for (let i = 0; i < count; i++) {
      const x = curve.from + ((curve.to - curve.from) * (i + 0.5)) / count
      expect(within(values[i], curve.value(x), 1e-7), `${name}(${x}) is ${values[i]}, not ${curve.value(x)}`).toBe(true)
      expect(within(slopes[i], curve.slope(x), 1e-7), `${name}′(${x}) is ${slopes[i]}, not ${curve.slope(x)}`).toBe(
        true,
      )
    }
    for (const [from, to] of curve.flat ?? []) {
      const [low, high] = [Math.max(from, Math.min(to, 0) - 60), Math.min(to, Math.max(from, 0) + 60)]
      for (const slope of sampled({ ...curve, from: low, to: high }, 31).slopes)
        expect(Math.abs(slope), name).toBeLessThan(1e-3)
    }
    const isFlat = (x: number): boolean => (curve.flat ?? []).some(([from, to]) => x >= from && x <= to)
    const far = sampled({ ...curve, from: -40, to: 40 }, 2).slopes
    for (const [i, x] of [-20, 20].entries())
      if (!name.match(/^(a?cosh|a?sinh|atanh|asin|acos|erfinv|logit|log|log1p|sqrt|binaryCrossEntropy|sinc)$/))
        expect(Math.abs(far[i]) > 1e-3 || isFlat(x), `${name} saturates at ${x}`).toBe(true)
  }
})

it('examples give what they say, and so do their gradients', () => {
  configure({ backend: 'reference' })
  for (const { name, piece } of pieces) {
    const { example } = piece
    if (!example || 'firstStep' in example) continue
    const x: Tensor = 'shape' in example ? ones(example.shape).mul(0.3) : tensor(example.x as number[])
    const y = evaluate(example.code, x) as Tensor
    if ('shape' in example) {
      expect(y.shape, name).toEqual(example.gives)
      const dx = grad(y.square().sum(), x)
      expect(dx.shape, name).toEqual(x.shape)
      expect([...dx.dataSync()].every(Number.isFinite), name).toBe(true)
      continue
    }
    expect(y, name).toBeInstanceOf(Tensor)
    const [value, slope] = [[...y.dataSync()], [...grad(y.sum(), x).dataSync()]]
    expect(y.shape.length, name).toBe(depth(example.gives))
    expect(value.length, name).toBe(flat(example.gives).length)
    flat(example.gives).forEach((v, i) => {
      expect(within(value[i], v, 3e-5), `${name} gives ${value}, not ${flat(example.gives)}`).toBe(true)
    })
    flat(example.adjusts).forEach((v, i) => {
      expect(within(slope[i], v, 3e-5), `${name} adjusts by ${slope}, not ${flat(example.adjusts)}`).toBe(true)
    })
  }
})

const depth = (nested: unknown): number => (Array.isArray(nested) ? 1 + depth(nested[0]) : 0)

it('optimizers take the first step that they say', () => {
  configure({ backend: 'reference' })
  for (const { name, piece } of pieces) {
    const { example } = piece
    if (!example || !('firstStep' in example)) continue
    const p = variable(tensor([1]))
    const optimizer = evaluate(example.code, undefined) as ReturnType<typeof optim.sgd>
    optimizer.step([p], [tensor([0.5])])
    const [after] = p.dataSync()
    expect(within(after, example.firstStep, 2e-6), `${name} goes to ${after}, not ${example.firstStep}`).toBe(true)
  }
})

it('schedules give the rates that they say', () => {
  for (const { name, piece } of pieces) {
    const { rates } = piece
    if (!rates) continue
    const written = evaluate(rates.code, undefined) as (step: number) => number
    for (const [step, rate] of rates.at) expect(written(step), `${name} at ${step}`).toBeCloseTo(rate, 12)
    for (let step = 0; step < rates.steps; step += 7) expect(rates.schedule(step), name).toBe(written(step))
  }
})

it('finds pieces by other names and other case, and the nearest to a misspelt one', () => {
  expect(findPiece('conv3d')?.name).toBe('conv2d')
  expect(findPiece('GELU')?.name).toBe('gelu')
  expect(findPiece('loss.mse')?.name).toBe('mse')
  expect(findPiece('nothing like it')).toBeUndefined()
  expect(nearestNames('sofmax')[0]).toBe('softmax')
  expect(nearestNames('gleu')).toContain('gelu')
  expect(nearestNames('crossentropy')).toContain('softmaxCrossEntropy')
})

it('rows that the catalogue names have tests', () => {
  const folder = new URL('../rows/', import.meta.url)
  const tests = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  for (const { name, piece } of pieces)
    for (const row of piece.source?.match(/\bR\d+/g) ?? [])
      expect(
        tests.some((text) => new RegExp(`\\b${row}\\b`).test(text)),
        `${name}: ${row}`,
      ).toBe(true)
})

it('reads the formulas of an operation off its record', () => {
  const { output, adjust, about } = written('logit')
  expect([output, adjust, about]).toEqual([
    'y = log(x) − log1p(−x)',
    'dx = dy/(x·(1 − x))',
    'logit of each element, for x between 0 and 1.',
  ])
  expect(written('sigmoid').curve?.flat).toEqual([
    [-Infinity, -7],
    [7, Infinity],
  ])
  expect(written('cos').adjust).toBe('dx = −dy·sin(x)')
  for (const op of Object.keys(unaryTable) as UnaryName[]) {
    const { curve } = written(op)
    if (!curve) continue
    const { values, slopes } = sampled(curve, 24)
    values.forEach((y, i) => {
      const x = curve.from + ((curve.to - curve.from) * (i + 0.5)) / 24
      expect(within(y, curve.value(x), 1e-9), `${op}(${x})`).toBe(true)
      expect(within(slopes[i], curve.slope(x), 1e-6), `${op}′(${x}): ${slopes[i]}, ${curve.slope(x)}`).toBe(true)
    })
  }
})
