// Clipping of gradients by their global norm.

import { misfit } from '../graph/refuse.ts'
import { full, type Tensor } from '../tensor/index.ts'

/** The Euclidean norm of all elements of all tensors, a scalar. */
export function globalNorm(tensors: readonly Tensor[]): Tensor {
  const squares = tensors.map((t) => t.square().sum())
  return squares.length === 0 ? full([], 0) : squares.reduce((a, b) => a.add(b)).sqrt()
}

/** The gradients, scaled down together where their norm exceeds `max`, as PyTorch's `clip_grad_norm_` (Pascanu et al. 2013). */
export function clipGlobalNorm(gradients: readonly Tensor[], max: number): Tensor[] {
  if (!(max > 0)) throw misfit(`clipGlobalNorm: the largest norm is ${max}, it must be greater than 0`)
  const scale = globalNorm(gradients).add(1e-6).reciprocal().mul(max).clamp(-Infinity, 1)
  return gradients.map((g) => g.mul(scale.cast(g.dtype)))
}

/** The gradients with every element brought into [−limit, limit]. */
export function clipValue(gradients: readonly Tensor[], limit: number): Tensor[] {
  if (!(limit > 0)) throw misfit(`clipValue: the limit is ${limit}, it must be greater than 0`)
  return gradients.map((g) => g.clamp(-limit, limit))
}
