// A softmax over many classes in clusters by how often they occur: the frequent ones at full width, the rare ones through narrow projections.

import { misfit } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { argsort, concat, cond, iota, type Tensor, withBroadcasting, zeros } from '../tensor/index.ts'
import { sequential } from './container.ts'
import { defineModule } from './define.ts'
import { linear } from './linear.ts'
import type { Module, Running } from './module.ts'
import { checkFinite, checkWhole, given, type ParameterOptions } from './parameter.ts'

export interface AdaptiveSoftmaxOptions extends Omit<ParameterOptions, 'biasInit'> {
  /** The i-th cluster of rare classes sees inputs / divide^i numbers; 4 unless told. */
  readonly divide?: number
  /** Whether the head has a bias; false unless told. */
  readonly headBias?: boolean
}

export interface AdaptiveSoftmaxResult {
  /** log p of each target, [n]. */
  readonly output: Tensor
  /** The mean of −log p. */
  readonly loss: Tensor
}

/**
 * log p of classes in the order of their frequency from x [n, inputs] (Grave et al. 2017), as PyTorch's
 * `AdaptiveLogSoftmaxWithLoss`: `cutoffs` are the first classes of the clusters, ascending, below `classes`. The head gives classes
 * below the first cutoff and a number for each cluster; a class of a cluster has the product of both probabilities. The
 * call gives all, [n, classes]; `run(x, targets)` those of int32 targets [n] and the loss.
 *
 *     const head = nn.adaptiveSoftmax(64, 10_000, [500, 2500])
 *     const { loss } = head.run(x, targets)
 */
export function adaptiveSoftmax<const In extends number, const K extends number>(
  inputs: In,
  classes: K,
  cutoffs: readonly number[],
  options: AdaptiveSoftmaxOptions = {},
): Module<['n', In], ['n', K], 'adaptiveSoftmax'> & Running<[x: Tensor, targets: Tensor], AdaptiveSoftmaxResult> {
  const kind = 'adaptiveSoftmax'
  const { divide = 4, headBias = false, dtype = 'float32', init } = options
  checkWhole(kind, { inputs, classes })
  checkFinite(kind, { divide })
  if (!(divide >= 1)) throw misfit(`${kind}: divide is ${divide}, it must be at least 1`)
  for (const cutoff of cutoffs) checkWhole(kind, { cutoffs: cutoff })
  const isAscending = cutoffs.every((c, i) => Number.isInteger(c) && c > (i === 0 ? 0 : cutoffs[i - 1]) && c < classes)
  if (cutoffs.length === 0 || !isAscending)
    throw misfit(
      `${kind}: cutoffs are [${cutoffs.join(', ')}]: expected at least one, ascending whole numbers between 0 and ${classes}`,
    )
  const ends = [...cutoffs.slice(1), classes]
  const count: number = classes
  const short = cutoffs[0]
  const made: ParameterOptions = { dtype, ...(init ? { init } : {}) }
  const tails = cutoffs.map((from, i) => {
    const width = Math.floor(inputs / divide ** (i + 1))
    if (width < 1)
      throw misfit(`${kind}: ${inputs} inputs divided by ${divide} leave cluster ${i + 1} none: choose fewer cutoffs`)
    const size: number = ends[i] - from
    return sequential(
      linear(inputs, width, { ...made, bias: false }) as Module,
      linear(width, size, { ...made, bias: false }) as Module,
    )
  })
  type Children = { readonly head: Module; readonly tail: Module }
  const tailsOf = ({ tail }: Children): Module[] => Object.values(tail.children)
  return defineModule({
    kind,
    label: `${inputs}→${classes}`,
    options: {
      inputs,
      classes,
      cutoffs: [...cutoffs],
      ...given({ divide, headBias, dtype }, { divide: 4, headBias: false, dtype: 'float32' }),
    },
    shapes: { in: ['n', inputs], out: ['n', classes] },
    children: {
      head: linear(inputs, short + cutoffs.length, { ...made, bias: headBias }) as Module,
      // A list of modules that is called part by part.
      tail: defineModule({
        kind: 'clusters',
        children: Object.fromEntries(tails.map((tail, i) => [`${i}`, tail as Module])),
        forward: (x) => x,
      }),
    },
    forward: (x, _, children: Children) => {
      const head = children.head(x).logSoftmax(-1)
      const parts = tailsOf(children).map((tail, i) =>
        withBroadcasting('numpy', () =>
          tail(x)
            .logSoftmax(-1)
            .add(head.slice(null, [short + i, short + i + 1])),
        ),
      )
      return concat([head.slice(null, [0, short]), ...parts], 1)
    },
    run: (_, children: Children, x: Tensor, targets: Tensor): AdaptiveSoftmaxResult => {
      if (
        targets.dtype !== 'int32' ||
        x.rank !== 2 ||
        x.shape[1] !== inputs ||
        show(targets.shape) !== show([x.shape[0]])
      )
        throw misfit(
          `${kind}: input ${show(x.shape)} with targets ${targets.dtype} ${show(targets.shape)}: expected [n, ${inputs}] and int32 [n]`,
        )
      const isIn = cutoffs.map((from, i) => targets.greaterEqual(from).and(targets.less(ends[i])))
      const cluster = isIn.reduce((at, is, i) => is.where(short + i, at), targets)
      const output = tailsOf(children).reduce(
        (sum, tail, i) => {
          const own = ofMembers(x, targets, isIn[i], (x, targets, isMember) =>
            isMember.where(logProbability(tail(x), isMember.where(targets.sub(cutoffs[i]), 0)), 0),
          )
          return sum.add(own)
        },
        logProbability(children.head(x), cluster),
      )
      const isClass = targets.greaterEqual(0).and(targets.less(count))
      const known = isClass.where(output, Number.NaN)
      return { output: known, loss: known.mean().neg() }
    },
  })
}

type OfRows = (x: Tensor, targets: Tensor, isMember: Tensor) => Tensor

/**
 * `f` of the rows, [n], where it is 0 for those that are no members: it runs for none of them where there is no member, forward and
 * backward, and for a quarter where that holds all. (A branch's backward pass runs it again, which the smaller number outweighs.)
 */
function ofMembers(x: Tensor, targets: Tensor, isMember: Tensor, f: OfRows): Tensor {
  const [n] = targets.shape as [number]
  const few = Math.ceil(n / 4)
  const none = (): Tensor => zeros([n], x.dtype)
  const all = (): Tensor => f(x, targets, isMember)
  const some = (): Tensor => {
    const order = argsort(isMember.cast('int32'), { descending: true })
    const rows = order.slice([0, few])
    const own = f(x.take(rows), targets.take(rows), isMember.take(rows))
    return concat([own, zeros([n - few], x.dtype)]).take(argsort(order))
  }
  const count = isMember.cast('int32').sum()
  return cond(count.equal(0), none, () => (few < 16 ? all() : cond(count.lessEqual(few), some, all)))
}

/** log softmax of scores [n, k] at indices [n]. */
function logProbability(scores: Tensor, indices: Tensor): Tensor {
  const isOne = iota(scores.shape, 1).equal(indices.unsqueeze(1).broadcastTo(scores.shape))
  return isOne.where(scores.logSoftmax(-1), 0).sum(1)
}
