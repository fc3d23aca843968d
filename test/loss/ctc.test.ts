/** CTC against the sum over every alignment, and at its edges. */

import { describe, expect, it } from 'vitest'
import * as loss from '../../src/loss/index.ts'
import { grad, random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

/** Repetitions joined, then blanks (0) left out. */
const collapse = (path: readonly number[]): string => path.filter((c, i) => c !== 0 && c !== path[i - 1]).join()

/** −log of the probability of the labels, path by path. */
function slow(logs: Tensor, labels: readonly number[]): number {
  const [time, , classes] = logs.shape
  const p = logs.dataSync()
  let total = 0
  for (let code = 0; code < classes ** time; code++) {
    const path = Array.from({ length: time }, (_, t) => Math.floor(code / classes ** t) % classes)
    if (collapse(path) === labels.join()) total += Math.exp(path.reduce((sum, c, t) => sum + p[t * classes + c], 0))
  }
  return -Math.log(total)
}

forEachBackend(() => {
  const logs = (time: number, n: number, seed = 1): Tensor =>
    random.normal([time, n, 3], { dtype: 'float64', key: random.key(seed) }).logSoftmax(-1)
  const labels = (rows: readonly (readonly number[])[]): Tensor => tensor(rows, { dtype: 'int32' })

  it.each([[[1]], [[1, 2]], [[1, 1]], [[2, 1, 2]], [[1, 1, 1]]])('is the sum over all alignments of %j', (target) => {
    const p = logs(5, 1)
    const found = loss.ctc(p, labels([target]), { reduction: 'sum' }).itemSync()
    expect(found).toBeCloseTo(slow(p, target), 11)
  })
  it('knows lengths of inputs and of labels, an empty label too', () => {
    const p = logs(5, 3)
    const found = loss.ctc(
      p,
      labels([
        [1, 2],
        [2, 1],
        [1, 1],
      ]),
      {
        inputLengths: [5, 3, 4],
        targetLengths: [2, 1, 0],
        reduction: 'none',
      },
    )
    const part = (i: number, time: number): Tensor => p.slice([0, time], [i, i + 1])
    const expected = [slow(part(0, 5), [1, 2]), slow(part(1, 3), [2]), slow(part(2, 4), [])]
    ;[...found.dataSync()].forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 11)
    })
    expect(loss.ctc(p, labels([[], [], []])).itemSync()).toBeCloseTo(
      -p.slice(null, null, [0, 1]).sum().itemSync() / 3,
      11,
    )
  })
  it('is infinite where no alignment exists, and its gradient 0', () => {
    const p = logs(2, 1)
    const impossible = labels([[1, 1]])
    expect(loss.ctc(p, impossible).itemSync()).toBe(Infinity)
    expect(loss.ctc(p, impossible, { zeroInfinity: true }).itemSync()).toBe(0)
    expect(grad(loss.ctc(p, impossible), p).abs().max().itemSync()).toBe(0)
  })
  it('stays finite, with its gradient, for scores of ±1e4 in float32', () => {
    const scores = tensor([[[1e4, -1e4, 0]], [[-1e4, 1e4, 0]], [[0, 1e4, -1e4]]])
    const value = loss.ctc(scores.logSoftmax(-1), labels([[2]]))
    expect(Number.isFinite(value.itemSync())).toBe(true)
    expect(grad(value, scores).isFinite().all().itemSync()).toBe(1)
  })

  describe('refuses', () => {
    const p = logs(4, 2)
    it.each([
      [() => loss.ctc(p, labels([[1]])), 'ctc: log-probabilities [4, 2, 3] and labels [1, 1]'],
      [() => loss.ctc(p, tensor([[1], [2]])), 'ctc: labels are float32: they must be int32'],
      [() => loss.ctc(p, labels([[1], [2]]), { blank: 3 }), 'ctc: the blank is 3, it must be one of the classes 0 … 2'],
      [
        () => loss.ctc(p, labels([[1], [2]]), { inputLengths: [4, 5] }),
        'ctc: inputLengths are [4, 5]: expected 2 whole numbers from 0 to 4',
      ],
      [() => loss.ctc(p, labels([[1], [2]]), { targetLengths: [1] }), 'ctc: targetLengths are [1]: expected 2'],
    ])('%s', (f, message) => {
      expect(f).toThrow(message)
    })
  })
})
