// Layers without parameters: activations, softmax and flatten.

import { gelu as geluOf, type Tensor } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional.ts'
import type { Module } from './module.ts'
import { given } from './parameter.ts'

const pointwise =
  <const Kind extends string>(kind: Kind, forward: (x: Tensor) => Tensor): (() => Module<['...'], ['...'], Kind>) =>
  () =>
    defineModule({ kind, shapes: same, forward })

const same = { in: ['...'], out: ['...'] } as const

/** max(x, 0). */
export const relu = pointwise('relu', (x) => x.relu())
/** 1 / (1 + e⁻ˣ). */
export const sigmoid = pointwise('sigmoid', (x) => x.sigmoid())
export const tanh = pointwise('tanh', (x) => x.tanh())

/** x·Φ(x), exactly ('none') or by the hyperbolic tangent ('tanh'). */
export const gelu = (form: 'none' | 'tanh' = 'none'): Module<['...'], ['...'], 'gelu'> =>
  defineModule({
    kind: 'gelu',
    shapes: same,
    ...(form === 'tanh' ? { label: form } : {}),
    options: given({ form }, { form: 'none' }),
    forward: (x) => geluOf(x, form),
  })

/** eˣ / Σ eˣ along an axis, the last unless told. For training use `loss.softmaxCrossEntropy` on what goes in here. */
export const softmax = (axis = -1): Module<['...'], ['...'], 'softmax'> =>
  defineModule({
    kind: 'softmax',
    shapes: same,
    options: given({ axis }, { axis: -1 }),
    forward: (x) => x.softmax(axis),
  })

/** Makes one axis of those from `startAxis` to `endAxis`: [n, c, h, w] to [n, c·h·w] unless told. */
export function flatten(): Module<['n', '...'], ['n', '(...)'], 'flatten'>
export function flatten(startAxis?: number, endAxis?: number): Module
export function flatten(startAxis = 1, endAxis = -1): Module {
  return defineModule({
    kind: 'flatten',
    options: given({ startAxis, endAxis }, { startAxis: 1, endAxis: -1 }),
    ...(startAxis === 1 && endAxis === -1 ? { shapes: { in: ['n', '...'], out: ['n', '(...)'] } } : {}),
    forward: (x) => functional.flatten(x, startAxis, endAxis),
  })
}
