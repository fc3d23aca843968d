// Connectionist temporal classification: the loss of a sequence of labels whose places in time are not known.

import { misfit, mistake } from '../graph/refuse.ts'
import { sameShape, show } from '../graph/shape.ts'
import { arange, concat, full, logAddExp, scan, stack, type Tensor, tensor } from '../tensor/index.ts'
import { type LossOptions, reduce } from './reduction.ts'
import { scoped } from './scope.ts'

export interface CtcOptions extends LossOptions {
  /** The class that means "no label"; 0 unless told. */
  readonly blank?: number
  /** Steps of each example, int32 [n] or a list; all unless told. */
  readonly inputLengths?: Tensor | readonly number[]
  /** Labels of each example, int32 [n] or a list; all unless told. */
  readonly targetLengths?: Tensor | readonly number[]
  /** Gives 0 where no alignment exists, which is infinite otherwise; the gradient is 0 there in either case. */
  readonly zeroInfinity?: boolean
}

/** Stands for the logarithm of 0: sums of it overflow nothing, and gradients stay numbers. */
const never = -1e30

/**
 * −log of the probability that log-probabilities [time, n, classes] give the int32 labels [n, labels], over all alignments with
 * repetitions and blanks (Graves et al. 2006). The mean is that of each example's loss per label, as PyTorch's `ctc_loss`. Throws when
 * shapes or lengths do not fit.
 */
export function ctc(logProbabilities: Tensor, targets: Tensor, options: CtcOptions = {}): Tensor {
  return scoped('ctc', () => {
    const { blank = 0, zeroInfinity = false, reduction = 'mean' } = options
    const [time, n, classes] = logProbabilities.shape
    if (logProbabilities.rank !== 3 || targets.rank !== 2 || targets.shape[0] !== n)
      throw misfit(
        `ctc: log-probabilities ${show(logProbabilities.shape)} and labels ${show(targets.shape)}: expected [time, n, classes] and [n, labels]`,
      )
    if (targets.dtype !== 'int32') throw mistake(`ctc: labels are ${targets.dtype}: they must be int32`)
    if (!Number.isInteger(blank) || blank < 0 || blank >= classes)
      throw misfit(`ctc: the blank is ${blank}, it must be one of the classes 0 … ${classes - 1}`)
    const labels = targets.shape[1]
    const steps = lengths('inputLengths', options.inputLengths, n, time)
    const sizes = lengths('targetLengths', options.targetLengths, n, labels)

    // Blanks before, between and after the labels.
    const states = 2 * labels + 1
    const blanks = full([n, labels], blank, 'int32')
    const path = concat([stack([blanks, targets], -1).reshape([n, 2 * labels]), full([n, 1], blank, 'int32')], 1)
    const emitted = logProbabilities.takeAlong(path.unsqueeze(0).broadcastTo([time, n, states]), 2)
    const { dtype } = emitted

    // A label may follow another one directly, unless they are equal.
    const skips = path.notEqual(blank).and(path.notEqual(later(path, 2, blank)))
    const first = arange(states).less(2).broadcastTo([n, states])
    const initial = first.where(0, full([n, states], never, dtype)).cast(dtype)
    const [last] = scan(
      (alpha: Tensor, [emission, t]: readonly Tensor[]) => {
        const stayed = logAddExp(alpha, later(alpha, 1, never))
        const reached = logAddExp(stayed, skips.where(later(alpha, 2, never), never))
        // Before the first step only the first two states can be entered, which `initial` says already.
        const moved = t.equal(0).where(alpha, reached).add(emission)
        return [t.less(steps).unsqueeze(1).where(moved, alpha), undefined] as const
      },
      initial,
      [emitted, arange(time)],
    )
    const end = sizes.mul(2).unsqueeze(1)
    const inBlank = last.takeAlong(end, 1)
    const inLabel = end.greater(0).where(last.takeAlong(end.sub(1).maximum(0), 1), never)
    const total = logAddExp(inBlank, inLabel).squeeze(1)
    const isImpossible = total.less(never / 2)
    const losses = isImpossible.where(zeroInfinity ? 0 : Infinity, total.neg())
    return reduction === 'mean' ? losses.div(sizes.maximum(1).cast(dtype)).mean() : reduce(losses, reduction)
  })
}

/** Moved along the last axis by some places; `fill` comes in. */
function later(x: Tensor, by: number, fill: number): Tensor {
  const [n, states] = x.shape
  if (states <= by) return full([n, states], fill, x.dtype)
  return concat([full([n, by], fill, x.dtype), x.slice(null, [0, states - by])], 1)
}

function lengths(name: string, given: Tensor | readonly number[] | undefined, n: number, most: number): Tensor {
  if (given === undefined) return full([n], most, 'int32')
  if (isList(given)) {
    const wrong = given.find((l) => !Number.isInteger(l) || l < 0 || l > most)
    if (given.length !== n || wrong !== undefined)
      throw misfit(`ctc: ${name} are ${show(given)}: expected ${n} whole numbers from 0 to ${most}`)
    return tensor(Int32Array.from(given))
  }
  if (given.dtype !== 'int32' || !sameShape(given.shape, [n]))
    throw misfit(`ctc: ${name} are ${given.dtype} ${show(given.shape)}: expected int32 [${n}]`)
  return given
}

const isList = (given: Tensor | readonly number[]): given is readonly number[] => Array.isArray(given)
