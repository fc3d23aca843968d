// Optimizers: the public names of `optim`.

export { type AdamOptions, adam, adamW } from './adam.ts'
export { clipGlobalNorm, globalNorm } from './clip.ts'
export { type NamedVariables, type Optimizer, type OptimizerState, optimizer } from './optimizer.ts'
export type { Hyper, Rule, Slots, StepNumber } from './rule.ts'
export {
  type CosineOptions,
  constant,
  cosine,
  type DecayOptions,
  decay,
  type OneCycleOptions,
  oneCycle,
  type Rate,
  type Schedule,
  type WarmupOptions,
  warmup,
} from './schedule.ts'
export { type SgdOptions, sgd } from './sgd.ts'
