// Optimizers: the public names of `optim`.

export { type AdamOptions, adam, adamW } from './adam.ts'
export {
  type AdadeltaOptions,
  type AdagradOptions,
  adadelta,
  adagrad,
  type RmsPropOptions,
  type RpropOptions,
  rmsProp,
  rprop,
} from './adaptive.ts'
export { movingAverage, type ParameterAverage } from './average.ts'
export { clipGlobalNorm, clipValue, globalNorm } from './clip.ts'
export { grouped, type ParameterGroup } from './grouped.ts'
export { type Lbfgs, type LbfgsOptions, lbfgs } from './lbfgs.ts'
export { type MaxNormOptions, maxNorm } from './max-norm.ts'
export {
  type AveragedOptions,
  adamax,
  averagedSgd,
  lamb,
  lion,
  type MomentOptions,
  type NadamOptions,
  nadam,
  radam,
} from './moments.ts'
export { type MuonOptions, muon } from './muon.ts'
export { type NamedVariables, type Optimizer, type OptimizerState, optimizer } from './optimizer.ts'
export { type Plateau, type PlateauOptions, reduceOnPlateau } from './plateau.ts'
export type { Hyper, Rule, Slots, StepNumber } from './rule.ts'
export {
  type CosineOptions,
  type CyclicOptions,
  constant,
  cosine,
  cosineRestarts,
  cyclic,
  type DecayOptions,
  decay,
  type OneCycleOptions,
  oneCycle,
  type PolynomialOptions,
  piecewise,
  polynomial,
  type Rate,
  type RestartOptions,
  type Schedule,
  type WarmupOptions,
  warmup,
} from './schedule.ts'
export { type SgdOptions, sgd } from './sgd.ts'
