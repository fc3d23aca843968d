// From configuration to module: builds an architecture again from its JSON.

import { flatten, gelu, relu, sigmoid, softmax, tanh } from './activation.ts'
import { attention } from './attention.ts'
import { residual, sequential } from './container.ts'
import { conv2d } from './convolution.ts'
import { dropout } from './dropout.ts'
import { embedding, positional } from './embedding.ts'
import { linear } from './linear.ts'
import type { Json, Module, ModuleConfig, Modules } from './module.ts'
import { batchNorm, layerNorm } from './norm.ts'
import { averagePool2d, maxPool2d } from './pool.ts'
import { gru, gruCell, lstm, lstmCell, rnn, rnnCell } from './recurrent.ts'
import {
  type StackOptions,
  type TransformerOptions,
  transformerDecoder,
  transformerDecoderLayer,
  transformerEncoder,
  transformerEncoderLayer,
} from './transformer.ts'

/** Builds a module from its options and, where its kind does not make them itself, its children. */
export type FromConfig = (options: ModuleConfig, children: () => Modules) => Module

/** Options are checked by the types below, then by the modules themselves. */
const layer =
  (build: (read: Reader) => Module): FromConfig =>
  (options) =>
    build(new Reader(options))

const cellOptions = { bias: 'boolean', dtype: 'dtype' } as const
const attentionOptions = {
  ...cellOptions,
  keyHeads: 'number',
  causal: 'boolean',
  rotary: 'boolean',
  dropout: 'number',
} as const
const transformerOptions = (o: Reader): TransformerOptions => ({
  heads: o.number('heads'),
  ...o.pick({
    ...attentionOptions,
    feed: 'number',
    activation: 'activation',
    normFirst: 'boolean',
    epsilon: 'number',
  }),
})
const stackOptions = (o: Reader): StackOptions => ({
  layers: o.number('layers'),
  ...o.pick({ norm: 'boolean' }),
  ...transformerOptions(o),
})
const recurrentOptions = {
  ...cellOptions,
  layers: 'number',
  bidirectional: 'boolean',
  batchFirst: 'boolean',
  dropout: 'number',
} as const

const kinds: { readonly [kind: string]: FromConfig } = {
  linear: layer((o) => linear(o.number('inputs'), o.number('outputs'), o.pick({ bias: 'boolean', dtype: 'dtype' }))),
  conv2d: layer((o) =>
    conv2d(o.number('inputs'), o.number('outputs'), o.extents('kernel'), {
      ...o.pick({ stride: 'extents', dilation: 'extents', groups: 'number', bias: 'boolean', dtype: 'dtype' }),
      ...o.pick({ padding: 'padding' }),
    }),
  ),
  maxPool2d: layer((o) => maxPool2d(o.extents('kernel'), o.pick({ stride: 'extents', padding: 'extents' }))),
  averagePool2d: layer((o) =>
    averagePool2d(o.extents('kernel'), o.pick({ stride: 'extents', padding: 'extents', countPadding: 'boolean' })),
  ),
  relu,
  sigmoid,
  tanh,
  gelu: layer((o) => gelu(o.pick({ form: 'gelu' }).form)),
  softmax: layer((o) => softmax(o.pick({ axis: 'number' }).axis)),
  flatten: layer((o) => {
    const { startAxis, endAxis } = o.pick({ startAxis: 'number', endAxis: 'number' })
    return flatten(startAxis, endAxis)
  }),
  dropout: layer((o) => dropout(o.number('p'))),
  layerNorm: layer((o) =>
    layerNorm(o.extents('shape'), o.pick({ epsilon: 'number', affine: 'boolean', dtype: 'dtype' })),
  ),
  batchNorm: layer((o) =>
    batchNorm(
      o.number('channels'),
      o.pick({ epsilon: 'number', momentum: 'number', affine: 'boolean', dtype: 'dtype' }),
    ),
  ),
  embedding: layer((o) =>
    embedding(o.number('count'), o.number('size'), o.pick({ paddingIndex: 'number', dtype: 'dtype' })),
  ),
  positional: layer((o) => positional(o.number('length'), o.number('size'), o.pick({ dtype: 'dtype' }))),
  attention: layer((o) =>
    attention(o.number('size'), {
      heads: o.number('heads'),
      ...o.pick(attentionOptions),
    }),
  ),
  rnn: layer((o) =>
    rnn(o.number('inputs'), o.number('hidden'), o.pick({ ...recurrentOptions, nonlinearity: 'nonlinearity' })),
  ),
  gru: layer((o) => gru(o.number('inputs'), o.number('hidden'), o.pick(recurrentOptions))),
  lstm: layer((o) =>
    lstm(o.number('inputs'), o.number('hidden'), o.pick({ ...recurrentOptions, projection: 'number' })),
  ),
  rnnCell: layer((o) =>
    rnnCell(o.number('inputs'), o.number('hidden'), o.pick({ ...cellOptions, nonlinearity: 'nonlinearity' })),
  ),
  gruCell: layer((o) => gruCell(o.number('inputs'), o.number('hidden'), o.pick(cellOptions))),
  lstmCell: layer((o) => lstmCell(o.number('inputs'), o.number('hidden'), o.pick(cellOptions))),
  transformerEncoderLayer: layer((o) => transformerEncoderLayer(o.number('size'), transformerOptions(o))),
  transformerDecoderLayer: layer((o) => transformerDecoderLayer(o.number('size'), transformerOptions(o))),
  transformerEncoder: layer((o) => transformerEncoder(o.number('size'), stackOptions(o))),
  transformerDecoder: layer((o) => transformerDecoder(o.number('size'), stackOptions(o))),
  sequential: (_, children) => sequential(children()),
  residual: (_, children) => {
    const { body, shortcut } = children()
    return residual(body, shortcut)
  },
}

/**
 * Rebuilds the architecture that `module.config` describes; its parameters are drawn anew. `more` adds kinds of your own.
 * Throws when a kind is unknown, or an option missing or of the wrong type.
 */
export function fromConfig(config: Json, more: { readonly [kind: string]: FromConfig } = {}): Module {
  const module = build(config, { ...kinds, ...more }, 'config')
  const ties = isRecord(config) && isRecord(config.ties) ? config.ties : {}
  const state = module.state()
  const tied = Object.entries(ties).map(([name, first]) => {
    const variable = typeof first === 'string' ? state[first] : undefined
    if (!variable || !state[name])
      throw new RangeError(`fromConfig: the tie of '${name}' to '${String(first)}' names no parameters of the network`)
    return [name, variable] as const
  })
  return tied.length > 0 ? module.with(Object.fromEntries(tied)) : module
}

function build(config: Json, table: { readonly [kind: string]: FromConfig }, where: string): Module {
  if (!isRecord(config) || typeof config.kind !== 'string')
    throw new TypeError(`fromConfig: ${where} is not an object with a kind`)
  const make = Object.hasOwn(table, config.kind) ? table[config.kind] : undefined
  if (!make) {
    throw new RangeError(
      `fromConfig: ${where} is of unknown kind '${config.kind}'; known are ${Object.keys(table).join(', ')}: pass others as second argument`,
    )
  }
  const children = isRecord(config.children) ? config.children : {}
  return make(config as ModuleConfig, () =>
    Object.fromEntries(
      Object.entries(children).map(([name, child]) => [name, build(child, table, `${where}.${name}`)]),
    ),
  )
}

const isRecord = (value: Json | undefined): value is Extract<Json, { readonly [key: string]: Json }> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The types that options have. */
interface Values {
  readonly number: number
  readonly boolean: boolean
  readonly extents: number | readonly number[]
  readonly padding: number | readonly number[] | 'same' | 'valid'
  readonly dtype: 'float32' | 'float64'
  readonly gelu: 'none' | 'tanh'
  readonly nonlinearity: 'tanh' | 'relu'
  readonly activation: 'relu' | 'gelu'
}

const isExtents = (v: Json): boolean =>
  typeof v === 'number' || (Array.isArray(v) && v.every((n) => typeof n === 'number'))

const types: { readonly [T in keyof Values]: { readonly test: (v: Json) => boolean; readonly name: string } } = {
  number: { test: (v) => typeof v === 'number', name: 'a number' },
  boolean: { test: (v) => typeof v === 'boolean', name: 'true or false' },
  extents: { test: isExtents, name: 'a number or a list of numbers' },
  padding: {
    test: (v) => v === 'same' || v === 'valid' || isExtents(v),
    name: "a number, a list of numbers, 'same' or 'valid'",
  },
  dtype: { test: (v) => v === 'float32' || v === 'float64', name: "'float32' or 'float64'" },
  gelu: { test: (v) => v === 'none' || v === 'tanh', name: "'none' or 'tanh'" },
  nonlinearity: { test: (v) => v === 'tanh' || v === 'relu', name: "'tanh' or 'relu'" },
  activation: { test: (v) => v === 'relu' || v === 'gelu', name: "'relu' or 'gelu'" },
}

/** Reads options with their types checked. */
class Reader {
  private readonly config: ModuleConfig
  constructor(config: ModuleConfig) {
    this.config = config
  }
  private read<T extends keyof Values>(name: string, type: T): Values[T] {
    const value = this.config[name]
    if (value === undefined || !types[type].test(value)) {
      throw new TypeError(
        `fromConfig: ${this.config.kind}: option '${name}' is ${value === undefined ? 'missing' : JSON.stringify(value)}, expected ${types[type].name}`,
      )
    }
    return value as Values[T]
  }
  number(name: string): number {
    return this.read(name, 'number')
  }
  extents(name: string): number | readonly number[] {
    return this.read(name, 'extents')
  }
  /** Those of the named options that are there. */
  pick<N extends { readonly [name: string]: keyof Values }>(names: N): { readonly [K in keyof N]?: Values[N[K]] } {
    const found = Object.entries(names).filter(([name]) => this.config[name] !== undefined)
    return Object.fromEntries(found.map(([name, type]) => [name, this.read(name, type)])) as {
      readonly [K in keyof N]?: Values[N[K]]
    }
  }
}
