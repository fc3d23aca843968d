// Transformer blocks (Vaswani et al. 2017) by PyTorch's names: encoder and decoder layers, and stacks of them.

import { misfit } from '../graph/refuse.ts'
import type { Tensor } from '../tensor/index.ts'
import { gelu, relu } from './activation.ts'
import { type AttentionInputs, type AttentionOptions, attention } from './attention.ts'
import { defineModule } from './define.ts'
import { dropout as dropoutLayer } from './dropout.ts'
import { linear } from './linear.ts'
import type { Module, Running } from './module.ts'
import { layerNorm } from './norm.ts'
import { checkPositive, checkProbability, checkWhole, given } from './parameter.ts'

export interface TransformerOptions extends Omit<AttentionOptions, 'init' | 'biasInit'> {
  /** Hidden units of the linear maps after attention; 4·size unless told. */
  readonly feed?: number
  /** 'relu' unless told. */
  readonly activation?: 'relu' | 'gelu'
  /** Whether to normalize before each part rather than after it. */
  readonly normFirst?: boolean
  /** Added to variances; 1e-5 unless told. */
  readonly epsilon?: number
}

export interface StackOptions extends TransformerOptions {
  readonly layers: number
  /** Whether a last normalisation follows; that of `normFirst` unless told. */
  readonly norm?: boolean
}

export type Masks = Pick<AttentionInputs, 'mask' | 'present'>

export interface DecoderMasks extends Masks {
  readonly memoryMask?: Tensor | undefined
  readonly memoryPresent?: Tensor | undefined
}

type Same<Size extends number, Kind extends string> = Module<['...', 'time', Size], ['...', 'time', Size], Kind>
type Encoder<Size extends number, Kind extends string> = Same<Size, Kind> & Running<[x: Tensor, masks?: Masks], Tensor>
type Decoder<Size extends number, Kind extends string> = Same<Size, Kind> &
  Running<[x: Tensor, memory: Tensor, masks?: DecoderMasks], Tensor>

/**
 * Self-attention and two linear maps, each with a way past it and layer normalisation: x [..., time, size] to the same
 * shape. Names of parameters as in PyTorch's `TransformerEncoderLayer`; dropout is 0 unless told.
 *
 *     nn.transformerEncoderLayer(64, { heads: 4, activation: 'gelu', normFirst: true, causal: true })
 */
export function transformerEncoderLayer<const Size extends number>(
  size: Size,
  options: TransformerOptions,
): Encoder<Size, 'transformerEncoderLayer'> {
  const kind = 'transformerEncoderLayer'
  const part = partsOf(kind, size, options)
  const children = {
    self_attn: part.attention(options.causal),
    ...part.feed(),
    norm1: part.norm(),
    norm2: part.norm(),
    ...part.dropout,
  }
  type Children = typeof children
  const run = (_: object, own: Children, x: Tensor, masks: Masks = {}): Tensor => {
    const y = part.around(x, own.norm1, own, (z) => own.self_attn.run(z, masks).output)
    return part.around(y, own.norm2, own, (z) => part.fed(z, own))
  }
  return defineModule({
    kind,
    ...part.data,
    children,
    forward: (x, own, modules) => run(own, modules, x),
    run,
  })
}

/**
 * Self-attention, attention to a memory [..., keys, size], and two linear maps, as `transformerEncoderLayer`; as PyTorch's
 * `TransformerDecoderLayer`. Self-attention is causal unless told. The call takes its input as the memory as well.
 *
 *     const y = nn.transformerDecoderLayer(64, { heads: 4 }).run(x, encoded)
 */
export function transformerDecoderLayer<const Size extends number>(
  size: Size,
  options: TransformerOptions,
): Decoder<Size, 'transformerDecoderLayer'> {
  const kind = 'transformerDecoderLayer'
  const { causal = true } = options
  const part = partsOf(kind, size, { ...options, causal })
  const children = {
    self_attn: part.attention(causal),
    multihead_attn: part.attention(false),
    ...part.feed(),
    norm1: part.norm(),
    norm2: part.norm(),
    norm3: part.norm(),
    ...part.dropout,
  }
  type Children = typeof children
  const run = (_: object, own: Children, x: Tensor, memory: Tensor, masks: DecoderMasks = {}): Tensor => {
    const { memoryMask, memoryPresent, ...rest } = masks
    const looking = { key: memory, mask: memoryMask, present: memoryPresent }
    const y = part.around(x, own.norm1, own, (z) => own.self_attn.run(z, rest).output)
    const z = part.around(y, own.norm2, own, (query) => own.multihead_attn.run(query, looking).output)
    return part.around(z, own.norm3, own, (input) => part.fed(input, own))
  }
  return defineModule({
    kind,
    ...part.data,
    children,
    forward: (x, own, modules) => run(own, modules, x, x),
    run,
  })
}

/** `layers` encoder layers, named layers.0, layers.1, …, and a last normalisation; as PyTorch's `TransformerEncoder`. */
export const transformerEncoder = <const Size extends number>(
  size: Size,
  options: StackOptions,
): Encoder<Size, 'transformerEncoder'> => stacked('transformerEncoder', transformerEncoderLayer, size, options)

/** The same of decoder layers, all with one memory; as PyTorch's `TransformerDecoder`. */
export const transformerDecoder = <const Size extends number>(
  size: Size,
  options: StackOptions,
): Decoder<Size, 'transformerDecoder'> => stacked('transformerDecoder', transformerDecoderLayer, size, options)

const defaults = { activation: 'relu', normFirst: false, dropout: 0, epsilon: 1e-5, bias: true, dtype: 'float32' }

/** What both kinds of layers are made of. */
function partsOf(kind: string, size: number, options: TransformerOptions) {
  const { heads, keyHeads = heads, feed = 4 * size, activation = 'relu', normFirst = false } = options
  const { dropout = 0, epsilon = 1e-5, bias = true, dtype = 'float32', rotary = false, causal } = options
  checkWhole(kind, { size, heads, keyHeads, feed })
  checkPositive(kind, { epsilon })
  checkProbability(kind, dropout, 'dropout')
  if (activation !== 'relu' && activation !== 'gelu')
    throw misfit(`${kind}: unknown activation '${String(activation)}': use 'relu' or 'gelu'`)
  type Feed = { readonly linear1: Module; readonly linear2: Module; readonly activation: Module }
  type Dropout = { readonly dropout?: Module }
  const dropped = (x: Tensor, own: Dropout): Tensor => (own.dropout ? own.dropout(x) : x)
  const kept = { keyHeads, feed, activation, normFirst, dropout, epsilon, bias, dtype, rotary, causal }
  return {
    data: {
      label: `${size}, ${heads} heads`,
      shapes: { in: ['...', 'time', size], out: ['...', 'time', size] },
      options: {
        size,
        heads,
        ...given(kept, { ...defaults, keyHeads: heads, feed: 4 * size, rotary: false }),
      },
    },
    attention: (isCausal = false) =>
      attention(size as number, { heads, keyHeads, causal: isCausal, rotary, dropout, bias, dtype }),
    feed: (): Feed => ({
      linear1: linear(size, feed, { bias, dtype }),
      linear2: linear(feed, size, { bias, dtype }),
      activation: activation === 'gelu' ? gelu() : relu(),
    }),
    norm: (): Module => layerNorm(size, { epsilon, dtype }),
    dropout: (dropout > 0 ? { dropout: dropoutLayer(dropout) } : {}) as Dropout,
    fed: (x: Tensor, own: Feed & Dropout): Tensor => own.linear2(dropped(own.activation(own.linear1(x)), own)),
    around: (x: Tensor, norm: Module, own: Dropout, body: (x: Tensor) => Tensor): Tensor =>
      normFirst ? x.add(dropped(body(norm(x)), own)) : norm(x.add(dropped(body(x), own))),
  } as const
}

/** A stack of layers that all get the further inputs of its run. */
function stacked<const Size extends number, const Kind extends string, More extends readonly unknown[]>(
  kind: Kind,
  layer: (size: Size, options: TransformerOptions) => Module & Running<[x: Tensor, ...more: More], Tensor>,
  size: Size,
  options: StackOptions,
): Same<Size, Kind> & Running<[x: Tensor, ...more: More], Tensor> {
  const { layers, norm = options.normFirst ?? false, ...each } = options
  checkWhole(kind, { layers })
  const made = Array.from({ length: layers }, () => layer(size, each))
  type Layer = (typeof made)[number]
  const children = {
    layers: defineModule({
      kind: 'layers',
      children: Object.fromEntries(made.map((m, i): [string, Layer] => [String(i), m])),
      forward: (x, _, inner) => Object.values(inner).reduce((y, m) => m(y), x),
      run: (_, inner, x: Tensor, ...more: More): Tensor => Object.values(inner).reduce((y, m) => m.run(y, ...more), x),
    }),
    ...(norm
      ? { norm: layerNorm(size, { epsilon: each.epsilon ?? 1e-5, dtype: each.dtype ?? 'float32' }) as Module }
      : {}),
  }
  type Children = typeof children
  const last = (y: Tensor, modules: Children): Tensor => ('norm' in modules && modules.norm ? modules.norm(y) : y)
  const { size: _, ...kept } = made[0].definition.options ?? {}
  return defineModule({
    kind,
    label: `${layers} × ${size}, ${options.heads} heads`,
    shapes: { in: ['...', 'time', size], out: ['...', 'time', size] },
    options: { size, layers, norm, ...kept },
    children,
    forward: (x, __, modules) => last(modules.layers(x), modules),
    run: (__, modules, x: Tensor, ...more: More): Tensor => last(modules.layers.run(x, ...more), modules),
  })
}
