// Options of a configuration: their names say their types, so that a kind of module is read by one row.

import { mistake } from '../graph/refuse.ts'
import type { Json, Module, ModuleConfig, Modules } from './module.ts'
import type { Join } from './parallel.ts'

/** Builds a module from its options and, where its kind does not make them itself, its children. */
export type FromConfig = (options: ModuleConfig, children: () => Modules) => Module

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
  readonly interaction: 'full' | 'diagonal' | 'lowRank'
  readonly interpolation: 'nearest' | 'linear'
  readonly bag: 'sum' | 'mean' | 'max'
  readonly choice: 'batch' | 'example'
  readonly list: readonly number[]
  readonly join: Join
}

/** What an option's name says of its type, where that is no number. */
const typeOf = {
  dtype: 'dtype',
  bias: 'boolean',
  affine: 'boolean',
  causal: 'boolean',
  rotary: 'boolean',
  norm: 'boolean',
  normFirst: 'boolean',
  bidirectional: 'boolean',
  batchFirst: 'boolean',
  ceil: 'boolean',
  countPadding: 'boolean',
  alignCorners: 'boolean',
  headBias: 'boolean',
  mirrored: 'boolean',
  dense: 'boolean',
  kernel: 'extents',
  stride: 'extents',
  dilation: 'extents',
  padding: 'extents',
  outputPadding: 'extents',
  output: 'extents',
  shape: 'extents',
  extents: 'list',
  cutoffs: 'list',
  nonlinearity: 'nonlinearity',
  activation: 'activation',
  join: 'join',
  each: 'choice',
} as const satisfies { readonly [option: string]: keyof Values }

/** Options by name, apart by spaces: of another type than the name says as `name:type`. */
type Words<S extends string> = S extends `${infer Word} ${infer Rest}`
  ? [Word, ...Words<Rest>]
  : S extends ''
    ? []
    : [S]
type Named<Word> = Word extends `${infer Name}:${string}` ? Name : Word
type Value<Word> = Word extends `${string}:${infer Type extends keyof Values}`
  ? Values[Type]
  : Word extends keyof typeof typeOf
    ? Values[(typeof typeOf)[Word]]
    : number
type Each<List extends readonly string[]> = { readonly [I in keyof List]: Value<List[I]> }
type Perhaps<List extends readonly string[]> = { readonly [I in keyof List]?: Value<List[I]> }
type Some<List extends readonly string[]> = { readonly [Word in List[number] as Named<Word>]?: Value<Word> }

/** Options in their order, and then a record of those that are there. */
type Taken<Ordered extends string, Others extends string> = [...Each<Words<Ordered>>, Some<Words<Others>>]

/** A kind whose constructor takes nothing else. */
export const kind =
  <const Ordered extends string = '', const Others extends string = ''>(
    make: (...options: Taken<Ordered, Others>) => Module,
    ordered?: Ordered,
    others?: Others,
  ): FromConfig =>
  (options) =>
    make(...taken<Ordered, Others>(options, ordered, others))

/** A kind that is made of modules, which its constructor gets last. */
export const withChildren =
  <const Ordered extends string = '', const Others extends string = ''>(
    make: (...options: [...Taken<Ordered, Others>, Modules]) => Module,
    ordered?: Ordered,
    others?: Others,
  ): FromConfig =>
  (options, children) =>
    make(...taken<Ordered, Others>(options, ordered, others), children())

/** A kind whose constructor takes numbers that may be left out. */
export const optional =
  <const Ordered extends string>(make: (...options: Perhaps<Words<Ordered>>) => Module, ordered: Ordered): FromConfig =>
  (options) =>
    make(...(wordsOf(ordered).map((word) => optionOf(options, word)) as Perhaps<Words<Ordered>>))

const isExtents = (v: Json): boolean =>
  typeof v === 'number' || (Array.isArray(v) && v.every((n) => typeof n === 'number'))

interface Type {
  readonly test: (v: Json) => boolean
  readonly name: string
}

const oneOf = (...values: readonly string[]): Type => ({
  test: (v) => values.includes(v as string),
  name: values.map((v) => `'${v}'`).join(' or '),
})

const types: { readonly [T in keyof Values]: Type } = {
  number: { test: (v) => typeof v === 'number', name: 'a number' },
  boolean: { test: (v) => typeof v === 'boolean', name: 'true or false' },
  extents: { test: isExtents, name: 'a number or a list of numbers' },
  list: { test: (v) => typeof v !== 'number' && isExtents(v), name: 'a list of numbers' },
  padding: {
    test: (v) => v === 'same' || v === 'valid' || isExtents(v),
    name: "a number, a list of numbers, 'same' or 'valid'",
  },
  dtype: oneOf('float32', 'float64'),
  gelu: oneOf('none', 'tanh'),
  nonlinearity: oneOf('tanh', 'relu'),
  activation: oneOf('relu', 'gelu'),
  interaction: oneOf('full', 'diagonal', 'lowRank'),
  interpolation: oneOf('nearest', 'linear'),
  bag: oneOf('sum', 'mean', 'max'),
  choice: oneOf('batch', 'example'),
  join: oneOf('concat', 'sum', 'product'),
}

const wordsOf = (text = ''): readonly string[] => text.split(' ').filter((word) => word !== '')

/** An option of the type that its word says; undefined where a missing one may be. */
function optionOf(options: ModuleConfig, word: string, isNeeded = false): Json | undefined {
  const [name, own] = word.split(':') as [string, (keyof Values)?]
  const value = options[name]
  const type = types[own ?? (Object.hasOwn(typeOf, name) ? typeOf[name as keyof typeof typeOf] : 'number')]
  if (value === undefined ? isNeeded : !type.test(value)) {
    const found = value === undefined ? 'missing' : JSON.stringify(value)
    throw mistake(`fromConfig: ${options.kind}: option '${name}' is ${found}, expected ${type.name}`)
  }
  return value
}

function taken<Ordered extends string, Others extends string>(
  options: ModuleConfig,
  ordered?: Ordered,
  others?: Others,
): Taken<Ordered, Others> {
  const inOrder = wordsOf(ordered).map((word) => optionOf(options, word, true))
  const found = wordsOf(others).map((word) => [word.split(':')[0], optionOf(options, word)] as const)
  const all: unknown[] = [...inOrder, Object.fromEntries(found.filter(([, value]) => value !== undefined))]
  return all as Taken<Ordered, Others>
}
