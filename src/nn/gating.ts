// Gates: blocks that weigh what passes by what they see of it.

import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { glu as gluOf, silu, type Tensor, withBroadcasting } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import { constant } from './init.ts'
import { linear } from './linear.ts'
import type { Module } from './module.ts'
import { checkFinite, checkInteger, checkWhole, given, type ParameterOptions } from './parameter.ts'

type Same<Size extends number, Kind extends string> = Module<['...', Size], ['...', Size], Kind>

export interface HighwayOptions extends Omit<ParameterOptions, 'biasInit'> {
  /** The bias that the gate begins with; −1 unless told: the less, the more passes as it is. */
  readonly gateBias?: number
}

/** y = T ⊙ H + (1 − T) ⊙ x with H = relu(W x + b) and T = sigmoid(V x + c) (Srivastava et al. 2015). */
export function highway<const Size extends number>(size: Size, options: HighwayOptions = {}): Same<Size, 'highway'> {
  checkWhole('highway', { size })
  const { gateBias = -1, dtype = 'float32' } = options
  checkFinite('highway', { gateBias })
  return defineModule({
    kind: 'highway',
    label: `${size}`,
    options: { size, ...given({ gateBias, dtype }, { gateBias: -1, dtype: 'float32' }) },
    shapes: { in: ['...', size], out: ['...', size] },
    children: {
      transform: linear(size, size, options) as Module,
      gate: linear(size, size, { ...options, biasInit: constant(gateBias) }) as Module,
    },
    forward: (x, _, { transform, gate }) => x.add(gate(x).sigmoid().mul(transform(x).relu().sub(x))),
  })
}

/** The first half of an axis, the last unless told, times the sigmoid of the second (Dauphin et al. 2017); as PyTorch's `GLU`. */
export const glu = (axis = -1): Module => {
  checkInteger('glu', { axis })
  return defineModule({ kind: 'glu', options: given({ axis }, { axis: -1 }), forward: (x) => gluOf(x, axis) })
}

export interface SwiGluOptions extends ParameterOptions {
  /** false unless told. */
  readonly bias?: boolean
}

/** down(silu(gate(x)) ⊙ up(x)) with `hidden` units between (Shazeer 2020): the feed-forward part of many transformers. */
export function swiGlu<const Size extends number>(
  size: Size,
  hidden: number,
  options: SwiGluOptions = {},
): Same<Size, 'swiGlu'> {
  checkWhole('swiGlu', { size, hidden })
  const { bias = false, dtype = 'float32' } = options
  const each = { ...options, bias }
  return defineModule({
    kind: 'swiGlu',
    label: `${size}, ${hidden}`,
    options: { size, hidden, ...given({ bias, dtype }, { bias: false, dtype: 'float32' }) },
    shapes: { in: ['...', size], out: ['...', size] },
    children: {
      gate: linear(size, hidden, each) as Module,
      up: linear(size, hidden, each) as Module,
      down: linear(hidden, size, each) as Module,
    },
    forward: (x, _, { gate, up, down }) => down(silu(gate(x)).mul(up(x))),
  })
}

/** Scales each channel of x [n, channels, ...spatial] by a gate that sees the means of all (Hu et al. 2018). Throws when `reduction` leaves no unit. */
export function squeezeExcite<const C extends number>(
  channels: C,
  reduction = 16,
  options: ParameterOptions = {},
): Module<['n', C, '...'], ['n', C, '...'], 'squeezeExcite'> {
  checkWhole('squeezeExcite', { channels, reduction })
  const hidden = Math.floor(channels / reduction)
  if (hidden < 1)
    throw misfit(
      `squeezeExcite: ${channels} channels over a reduction of ${reduction} leave no unit: choose a smaller reduction`,
    )
  const { dtype = 'float32' } = options
  return defineModule({
    kind: 'squeezeExcite',
    label: `${channels}, ${hidden}`,
    options: { channels, reduction, ...given({ dtype }, { dtype: 'float32' }) },
    shapes: { in: ['n', channels, '...'], out: ['n', channels, '...'] },
    children: {
      squeeze: linear(channels, hidden, options) as Module,
      excite: linear(hidden, channels, options) as Module,
    },
    forward: (x, _, { squeeze, excite }) => {
      if (x.rank < 3 || x.shape[1] !== channels)
        throw misfit(`squeezeExcite: input ${show(x.shape)}: expected [n, ${channels}, ...spatial]`)
      const gate: Tensor = excite(squeeze(functional.globalAveragePool(x)).relu()).sigmoid()
      const apart = gate.reshape([...gate.shape, ...new Array<number>(x.rank - 2).fill(1)])
      return withBroadcasting('numpy', () => x.mul(apart))
    },
  })
}
