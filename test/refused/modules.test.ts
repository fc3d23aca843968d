/** Every kind of module refuses numbers and shapes that do not fit, by its path, with what was given and what to do. */

import { describe, expect, it } from 'vitest'
import { kinds } from '../../src/nn/config.ts'
import * as nn from '../../src/nn/index.ts'
import { ones, type Tensor } from '../../src/tensor/index.ts'
import { applied, moduleTable } from '../support/module-table.ts'
import { outside } from '../support/outside.ts'

/** What it says, or nothing. */
function messageOf(refused: () => unknown): string {
  try {
    refused()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'nothing: it was taken'
}

const inNetwork = (module: nn.Module): nn.Module => nn.sequential({ a: module } as nn.Modules)
const isNumbers = (value: unknown): boolean =>
  typeof value === 'number' || (Array.isArray(value) && value.every((v) => typeof v === 'number'))

/** Where the user's code asked for it. */
const placed = / \(at [\w.-]+:\d+\)$/

/** What else `nn` exports: parts of modules, and makers of modules of other kinds. */
const others: { readonly [name: string]: readonly (readonly [refused: () => unknown, message: RegExp])[] } = {
  buffer: [[() => nn.buffer('mean', [-1], 0), /shape \[-1\]: extents must be integers/]],
  defineModule: [
    [
      () => nn.defineModule({ kind: 'twice', forward: (x) => x })(3 as never),
      /twice: the input is 3, it must be a tensor/,
    ],
  ],
  fromConfig: [
    [() => nn.fromConfig({ kind: 'lstn' }), /config.*'lstn'/],
    [() => nn.fromConfig([]), /not an object with a kind/],
  ],
  fold: [[() => nn.fold(0), /times is 0|0/]],
  isModule: [],
  parameter: [
    [
      () => nn.linear(40_000, 40_000),
      /weight float32 \[40000, 40000\]: 5\.96 GiB, and the engine's memory holds 4 GiB at most/,
    ],
    [() => nn.parameter('w', [2], () => Float64Array.of(1)), /w \[2\]: the initializer gave 1 values for 2 elements/],
    [() => nn.parameter('w', [2], nn.init.zeros(), 'half' as 'float32'), /w: unknown dtype 'half': use one of/],
  ],
  scaledDotProductAttention: [],
  separableConv2d: [
    [() => nn.separableConv2d(3, 4, 3, { multiplier: 0 }), /separableConv2d: multiplier is 0, it must be a whole/],
    [() => nn.separableConv2d(0, 4, 3), /separableConv2d: inputs is 0/],
    [() => nn.separableConv2d(3, 4, [3, 0]), /kernel is 0, it must be a whole number/],
    [() => nn.separableConv2d(3, 4, 3, { stride: [1, 2, 3] }), /stride \[1, 2, 3\] has 3 numbers for 2 spatial axes/],
    [() => inNetwork(nn.separableConv2d(3, 4, 5))(ones([1, 3, 4, 4])), /net\.a\.depthwise .*\[1, 3, 4, 4\]/],
  ],
  whiten: [
    [
      () => nn.whiten(nn.relu(), 'whitening' as never, ones([2, 3]) as never),
      /whiten: the layer is a relu: it takes one of nn.whitening/,
    ],
  ],
}

it('has an entry for each export that makes no kind of its own', () => {
  const isMaker = ([name, value]: readonly [string, unknown]): boolean =>
    typeof value === 'function' && /^[a-z]/.test(name)
  const makers = Object.entries(nn)
    .filter(isMaker)
    .map(([name]) => name)
  expect(makers.filter((name) => !(name in kinds)).sort()).toEqual(Object.keys(others).sort())
})

it.each(Object.entries(others))('%s', (_, refusals) => {
  for (const [refused, message] of refusals) {
    expect(messageOf(refused)).toMatch(message)
    expect(messageOf(refused)).toMatch(placed)
  }
})

it('has an entry for each kind', () => {
  expect(Object.keys(moduleTable).sort()).toEqual(Object.keys(kinds).sort())
})

describe.each(Object.entries(moduleTable))('%s', (kind, entry) => {
  const { refuses, numbers = {}, also = [] } = entry

  it('takes what it should', () => {
    const { module, x, y } = applied(entry)
    expect(module.kind === kind || kind === 'weightNorm').toBe(true)
    expect(y(x).rank).toBeGreaterThanOrEqual(0)
  })

  it('numbers', () => {
    const { kind: _, children: __, ...options } = entry.make().config
    const named = Object.keys(options).filter((name) => isNumbers(options[name]))
    expect(named.sort()).toEqual(Object.keys(numbers).sort())
    for (const [name, of] of Object.entries(numbers)) {
      const usual = options[name] as number | readonly number[]
      for (const value of outside[of]) {
        const wrong = typeof usual === 'number' ? value : [value, ...usual.slice(1)]
        const config = { kind: 'sequential', children: { a: { ...entry.make().config, [name]: wrong } } }
        const message = messageOf(() => nn.fromConfig(config as unknown as nn.Json))
        expect(message).toContain('config.a: ')
        expect(message).toContain(`${name} is ${value}, it must `)
        expect(message).toMatch(placed)
      }
    }
  })

  it('shapes', () => {
    if (refuses === 'takes any shape') return
    expect(refuses.length).toBeGreaterThan(0)
    for (const shape of refuses) {
      const { module, y } = applied(entry)
      const x: Tensor = ones(shape as readonly number[], 'float64')
      const message = messageOf(() => (entry.call ? y(x) : inNetwork(module)(x)))
      expect(message).toMatch(entry.call ? /^net[. ]/ : /^net\.a[. ]/)
      expect(message).toContain(`[${shape.join(', ')}]`)
      expect(message).toMatch(placed)
    }
  })

  it('the rest', () => {
    for (const [refused, message] of also) {
      expect(messageOf(refused)).toMatch(message)
      expect(messageOf(refused)).toMatch(placed)
    }
  })
})

it('a module in a configuration is told by its path', () => {
  const config = nn.sequential(nn.residual(nn.sequential({ last: nn.dropout(0.5) }))).config
  const wrong = JSON.parse(JSON.stringify(config).replace('0.5', '7')) as nn.Json
  expect(messageOf(() => nn.fromConfig(wrong))).toMatch(
    /^fromConfig: config.0.body.last: dropout: the probability p is 7, it must lie in \[0, 1\] \(at modules.test.ts:\d+\)$/,
  )
})
