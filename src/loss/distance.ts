// Distances and similarities of vectors.

import { checkRange } from '../graph/check.ts'
import { misfit } from '../graph/refuse.ts'
import { broadcastShapes, normalizeAxis, show } from '../graph/shape.ts'
import { norm, type Tensor, withBroadcasting } from '../tensor/index.ts'

export interface CosineOptions {
  /** The axis of the vectors; the last unless told. */
  readonly axis?: number
  /** The least length that is divided by; 1e-8 unless told. */
  readonly epsilon?: number
}

/** ⟨x, y⟩ / (‖x‖ ‖y‖) along an axis; shapes broadcast. A zero vector is similar to none. */
export function cosineSimilarity(x: Tensor, y: Tensor, options: CosineOptions = {}): Tensor {
  const { axis = -1, epsilon = 1e-8 } = options
  checkRange('cosineSimilarity', { epsilon })
  broadcastShapes(x.shape, y.shape, 'cosineSimilarity')
  const length = (v: Tensor): Tensor => norm(v, 2, axis, true).maximum(epsilon)
  return x
    .div(length(x))
    .mul(y.div(length(y)))
    .sum(axis)
}

export interface DistanceOptions {
  /** The order of the norm; 2 unless told. */
  readonly p?: number
  /** Added to each difference, so that equal vectors have a gradient; 1e-6 unless told, as PyTorch. */
  readonly epsilon?: number
}

/** ‖x − y + ε‖ₚ along the last axis; shapes broadcast. */
export function pairwiseDistance(x: Tensor, y: Tensor, options: DistanceOptions = {}): Tensor {
  const { p = 2, epsilon = 1e-6 } = options
  checkRange('pairwiseDistance', { epsilon })
  checkOrder('pairwiseDistance', p)
  broadcastShapes(x.shape, y.shape, 'pairwiseDistance')
  return norm(x.sub(y).add(epsilon), p, -1)
}

/** ‖xᵢ − yⱼ‖ₚ of all rows of x [..., m, d] and y [..., n, d]: [..., m, n]; the gradient of equal rows is 0. Throws when d differs. */
export function distances(x: Tensor, y: Tensor, p = 2): Tensor {
  checkOrder('distances', p)
  const axis = (t: Tensor): number | undefined => t.shape[normalizeAxis(-1, Math.max(1, t.rank), 'distances')]
  if (x.rank < 2 || y.rank < 2 || axis(x) !== axis(y))
    throw misfit(`distances: ${show(x.shape)} and ${show(y.shape)}: expected [..., m, d] and [..., n, d] with equal d`)
  const differences = withBroadcasting('numpy', () => x.unsqueeze(-2).sub(y.unsqueeze(-3)))
  return norm(differences, p, -1)
}

function checkOrder(name: string, p: number): void {
  if (!(p > 0)) throw misfit(`${name}: the order p is ${p}, it must be greater than 0`)
}
