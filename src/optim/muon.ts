// Muon: momentum whose matrices are made orthogonal before the step.

import { checkRange, checkWhole } from '../graph/check.ts'
import { sizeOf } from '../graph/shape.ts'
import { norm, type Tensor } from '../tensor/index.ts'
import { type Optimizer, optimizer } from './optimizer.ts'
import { type Rate, rateAt } from './schedule.ts'

export interface MuonOptions {
  /** 0.02 unless told. */
  readonly learningRate?: Rate
  /** 0.95 unless told. */
  readonly momentum?: number
  /** Looks ahead along the momentum; true unless told. */
  readonly nesterov?: boolean
  /** Iterations of Newton and Schulz; 5 unless told. */
  readonly iterations?: number
  /** The parameter shrinks by it times the rate. */
  readonly weightDecay?: number
  /** The rate of parameters with fewer than two axes, which Adam updates, as a part of `learningRate`; 0.015 unless told. */
  readonly adamRate?: number
}

/**
 * For parameters of two axes or more, seen as [rows, rest], the momentum's nearest orthogonal matrix times √max(1, rows/rest)
 * is the step (Jordan et al. 2024); vectors and scalars are updated by Adam. Embeddings and output layers do better
 * with an optimizer of their own: see `grouped`.
 */
export function muon(options: MuonOptions = {}): Optimizer {
  const { learningRate = 0.02, momentum = 0.95, nesterov = true, iterations = 5 } = options
  const { weightDecay = 0, adamRate = 0.015 } = options
  checkRange('muon', { momentum }, 1)
  checkRange('muon', { weightDecay, adamRate })
  checkWhole('muon', { iterations }, 0)
  const [beta1, beta2] = [0.9, 0.95]
  return optimizer(
    {
      kind: 'muon',
      slots: ['momentum', 'second'],
      hyper: {
        rate: learningRate,
        keep: (step) => 1 - rateAt(learningRate, step) * weightDecay,
        size: (step) => (adamRate * rateAt(learningRate, step)) / (1 - beta1 ** (step + 1)),
        root: (step) => 1 / Math.sqrt(1 - beta2 ** (step + 1)),
      },
      update: (p, g, slots, { rate, keep, size, root }) => {
        const shrunk = weightDecay === 0 ? p : p.mul(keep)
        if (p.rank < 2) {
          const first = slots.momentum.mul(beta1).add(g.mul(1 - beta1))
          const second = slots.second.mul(beta2).add(g.square().mul(1 - beta2))
          const parameter = shrunk.sub(first.mul(size).div(second.sqrt().mul(root).add(1e-8)))
          return { parameter, slots: { momentum: first, second } }
        }
        const velocity = slots.momentum.mul(momentum).add(g.mul(1 - momentum))
        const direction = nesterov ? g.mul(1 - momentum).add(velocity.mul(momentum)) : velocity
        const [rows, rest] = [p.shape[0], sizeOf(p.shape.slice(1))]
        const step = orthogonalized(direction.reshape([rows, rest]), iterations).mul(
          Math.sqrt(Math.max(1, rows / rest)),
        )
        return {
          parameter: shrunk.sub(step.reshape(p.shape).mul(rate)),
          slots: { momentum: velocity, second: slots.second },
        }
      },
    },
    learningRate,
  )
}

/** A matrix with the singular vectors of x and singular values near 1: an odd polynomial, iterated, whose slope at 0 is large. */
function orthogonalized(x: Tensor, iterations: number): Tensor {
  const [a, b, c] = [3.4445, -4.775, 2.0315]
  const isWide = x.shape[0] <= x.shape[1]
  let y = isWide ? x : x.transpose()
  y = y.div(norm(y).add(1e-7))
  for (let i = 0; i < iterations; i++) {
    const gram = y.matmul(y.transpose())
    y = y.mul(a).add(gram.mul(b).add(gram.matmul(gram).mul(c)).matmul(y))
  }
  return isWide ? y : y.transpose()
}
