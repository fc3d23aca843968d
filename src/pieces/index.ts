// The catalogue: a record for every piece, by family. Nothing that trains imports it.

import { activations } from './activations.ts'
import { augmentations } from './augmentations.ts'
import { functions } from './functions.ts'
import { layers } from './layers.ts'
import { linearAlgebra } from './linear-algebra.ts'
import { losses } from './losses.ts'
import { optimizers, schedules } from './optimizers.ts'
import type { Piece } from './piece.ts'
import { reference } from './reference.ts'
import { signals } from './signals.ts'
import { tensors } from './tensors.ts'

export { type Piece, sampled, saturation } from './piece.ts'

interface Family {
  /** The namespace of its pieces. */
  readonly prefix: string
  readonly about: string
  readonly pieces: { readonly [name: string]: Piece }
  /** Made from doc comments; the names are in full. */
  readonly isReference?: true
}

const described = (family: string, about: string): { readonly [family: string]: Family } => ({
  [family]: { prefix: '', about, pieces: reference[family] ?? {}, isReference: true },
})

/** Families in the order in which they are shown, with what is in them. */
export const families: { readonly [family: string]: Family } = {
  activations: {
    prefix: 'nn.',
    about: 'functions of each element, and distributions along an axis',
    pieces: activations,
  },
  layers: {
    prefix: 'nn.',
    about: 'maps with weights, pooling, normalisation, noise, and how they are joined',
    pieces: layers,
  },
  losses: { prefix: 'loss.', about: 'how wrong a network is; distances and similarities', pieces: losses },
  optimizers: { prefix: 'optim.', about: 'how parameters follow their gradients', pieces: optimizers },
  schedules: { prefix: 'optim.', about: 'learning rates by the step', pieces: schedules },
  augmentations: {
    prefix: 'augment.',
    about: 'random changes of training examples, as part of the step',
    pieces: augmentations,
  },
  functions: { prefix: '', about: 'functions of tensors with their derivatives', pieces: functions },
  tensors: { prefix: '', about: 'arithmetic, comparisons, and numbers moved from place to place', pieces: tensors },
  linalg: {
    prefix: 'linalg.',
    about:
      'of tenon/linalg: factorizations and systems of small matrices [..., rows, columns], in double precision inside',
    pieces: linearAlgebra,
  },
  signal: {
    prefix: 'signal.',
    about: 'of tenon/signal: Fourier transforms of any length, and what is made of them',
    pieces: signals,
  },
  ...described('tools', 'making tensors, transforming functions of them, loops and branches, running what was written'),
  ...described('random', 'draws that are functions of a key: the same seed, the same numbers'),
  ...described('init', 'of parameters, for the option `init` of a module'),
  ...described('building', 'modules, optimizers and augmentations of your own'),
  ...described('functional', 'what modules are made of, as functions'),
  ...described('training', 'of tenon/train: training, metrics, files, and finding a learning rate'),
  ...described('data', 'of tenon/data: data sets, loaders, generators, file formats'),
  ...described('inspect', 'of tenon/inspect: graphs, regions, kernels by the clock, your own pieces checked'),
}

export interface Found {
  readonly family: string
  readonly name: string
  readonly piece: Piece
}

/** Every piece, once, in order. */
export const pieces: readonly Found[] = Object.entries(families).flatMap(([family, { pieces: own }]) =>
  Object.entries(own).map(([name, piece]) => ({ family, name, piece })),
)

/** Its name as programs write it, and its other names. */
export const titleOf = ({ family, name, piece }: Found): string =>
  [name, ...(piece.also ?? [])].map((n) => `${families[family].prefix}${n}`).join(', ')

/** The piece of a name, in full or its last part, or of one of its other names; letters count, not their case. */
export function findPiece(given: string): Found | undefined {
  const last = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
  const full = ({ family, name }: Found): string => `${families[family].prefix}${name}`
  const isCalled = (wanted: string) => {
    const is = (other: string): boolean => other.toLowerCase() === wanted.toLowerCase()
    return (p: Found): boolean => is(p.name) || is(full(p)) || (p.piece.also?.some(is) ?? false)
  }
  return (
    pieces.find((p) => p.name === given || full(p) === given) ??
    pieces.find(isCalled(given)) ??
    pieces.find(isCalled(last(given))) ??
    pieces.find((p) => last(p.name).toLowerCase() === last(given).toLowerCase())
  )
}

/** The names that a misspelt one may have meant, nearest first. */
export function nearestNames(name: string, count = 3): string[] {
  const wanted = name.toLowerCase()
  const names = new Set(pieces.flatMap((p) => [p.name, ...(p.piece.also ?? [])]))
  return [...names]
    .map((n) => ({ n, far: nearness(wanted, n.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, count)
    .map(({ n }) => n)
}

/** Letters to change, but a name that contains what was written is near. */
function nearness(a: string, b: string): number {
  if (a.length > 2 && b.includes(a)) return (b.length - a.length) / 100
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]
}
