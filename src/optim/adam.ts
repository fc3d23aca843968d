// Adam and AdamW: steps scaled by running means of the gradient and of its square.

import { checkRange } from '../graph/check.ts'
import { type Optimizer, optimizer } from './optimizer.ts'
import { type Rule, withDecay } from './rule.ts'
import { type Rate, rateAt } from './schedule.ts'

export interface AdamOptions {
  /** 0.001 unless told. */
  readonly learningRate?: Rate
  /** How slowly the means of gradient and square forget; [0.9, 0.999] unless told. */
  readonly betas?: readonly [number, number]
  /** Added to the root of the mean square; 1e-8 unless told. */
  readonly epsilon?: number
  /** `adam`: times the parameter, added to the gradient (0 unless told). `adamW`: the parameter shrinks by it times the rate (0.01). */
  readonly weightDecay?: number
  /** Divide by the largest mean square so far (Reddi et al. 2018). */
  readonly amsgrad?: boolean
}

/** p ← p − rate · m̂ / (√v̂ + ε) with bias-corrected means m̂ and v̂, as PyTorch's `Adam` (Kingma & Ba 2015). */
export const adam = (options: AdamOptions = {}): Optimizer =>
  optimizer(adamRule('adam', options), options.learningRate ?? defaultRate)

/** Adam with weight decay apart from the gradient, as PyTorch's `AdamW` (Loshchilov & Hutter 2019). */
export const adamW = (options: AdamOptions = {}): Optimizer =>
  optimizer(adamRule('adamW', { weightDecay: 0.01, ...options }), options.learningRate ?? defaultRate)

const defaultRate = 1e-3

type Moments = 'first' | 'second' | 'largest'

function adamRule(kind: 'adam' | 'adamW', options: AdamOptions): Rule<Moments, 'size' | 'root' | 'keep'> {
  const { learningRate = defaultRate, betas = [0.9, 0.999], epsilon = 1e-8, weightDecay = 0, amsgrad = false } = options
  const [beta1, beta2] = betas
  checkRange(kind, { beta1, beta2 }, 1)
  checkRange(kind, { epsilon, weightDecay })
  const decoupled = kind === 'adamW' && weightDecay !== 0
  const keepAt = (step: number): number => 1 - rateAt(learningRate, step) * weightDecay
  return {
    kind,
    slots: amsgrad ? ['first', 'second', 'largest'] : ['first', 'second'],
    hyper: {
      size: (step) => rateAt(learningRate, step) / (1 - beta1 ** (step + 1)),
      root: (step) => 1 / Math.sqrt(1 - beta2 ** (step + 1)),
      keep: typeof learningRate === 'number' ? keepAt(0) : keepAt,
    },
    update: (p, gradient, slots, { size, root, keep }) => {
      const g = kind === 'adam' ? withDecay(gradient, p, weightDecay) : gradient
      const first = slots.first.mul(beta1).add(g.mul(1 - beta1))
      const second = slots.second.mul(beta2).add(g.mul(g).mul(1 - beta2))
      const largest = amsgrad ? slots.largest.maximum(second) : second
      const shrunk = decoupled ? p.mul(keep) : p
      const parameter = shrunk.sub(first.mul(size).div(largest.sqrt().mul(root).add(epsilon)))
      return { parameter, slots: { first, second, largest } }
    },
  }
}
