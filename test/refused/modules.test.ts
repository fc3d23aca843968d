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
    }
  })

  it('the rest', () => {
    for (const [refused, message] of also) expect(messageOf(refused)).toMatch(message)
  })
})

it('a module in a configuration is told by its path', () => {
  const config = nn.sequential(nn.residual(nn.sequential({ last: nn.dropout(0.5) }))).config
  const wrong = JSON.parse(JSON.stringify(config).replace('0.5', '7')) as nn.Json
  expect(messageOf(() => nn.fromConfig(wrong))).toBe(
    'fromConfig: config.0.body.last: dropout: the probability p is 7, it must lie in [0, 1]',
  )
})
