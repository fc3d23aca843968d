// Metrics against counts made by hand, and in batches of any size the same as in one.
import { describe, expect, test } from 'vitest'
import { dataset } from '../../src/data/index.ts'
import * as nn from '../../src/nn/index.ts'
import { tensor } from '../../src/tensor/index.ts'
import {
  accuracy,
  confusionMatrix,
  evaluate,
  type Metric,
  meanAbsoluteError,
  meanLoss,
  topK,
} from '../../src/train/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { softmaxCrossEntropy } from './networks.ts'

const logits = [
  [2, 1, 0],
  [0, 1, 2],
  [1, 5, 3],
  [4, 0, 3],
  [-1, -2, -3],
]
const labels = [0, 1, 2, 2, 2]

forEachEngine(() => {
  const value = <V>(metric: Metric<V>, outputs: number[][], targets: number[]): V => {
    const counts = metric.count(tensor(outputs), tensor(Int32Array.from(targets)))
    return metric.value(Float64Array.from(counts.dataSync()), targets.length)
  }

  test('accuracy, the share among the k largest, and the confusion matrix', () => {
    expect(value(accuracy, logits, labels)).toBe(1 / 5)
    expect([1, 2, 3].map((k) => value(topK(k), logits, labels))).toEqual([1 / 5, 4 / 5, 1])
    expect(value(confusionMatrix(3), logits, labels)).toEqual([
      [1, 0, 0],
      [0, 0, 1],
      [2, 1, 0],
    ])
    expect(() => topK(0)).toThrow('topK: k is 0')
  })

  test('one logit is a decision by its sign', () => {
    expect(value(accuracy, [[3], [-1], [0.5], [-2]], [1, 1, 0, 0])).toBe(0.5)
  })

  test('a network that gives NaN is never right', () => {
    const broken = [[Number.NaN, Number.NaN, Number.NaN]]
    expect(value(topK(2), broken, [1])).toBe(0)
    expect(value(topK(2), [[0, Number.NaN, 1]], [1])).toBe(0)
    expect(value(topK(2), [[0, Number.NaN, 1]], [0])).toBe(0)
  })

  describe('over a data set', () => {
    const identity = nn.sequential(
      nn.linear(3, 3, {
        bias: false,
        init: (shape) => Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1).subarray(0, shape[0] * shape[1]),
      }),
    )
    const data = dataset({ name: 'logits', inputs: logits.flat(), inputShape: [3], targets: labels, classes: 3 })
    const metrics = {
      loss: meanLoss(softmaxCrossEntropy),
      accuracy,
      confusion: confusionMatrix(3),
    }

    test.each([1, 2, 3, 5, 100])('batches of %i', async (batchSize) => {
      const { loss, accuracy: share, confusion } = await evaluate(identity, data, metrics, { batchSize })
      const expected = logits.map((row, i) => Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0)) - row[labels[i]])
      expect(loss).toBeCloseTo(expected.reduce((a, b) => a + b) / 5, 5)
      expect(share).toBe(1 / 5)
      expect(confusion[2]).toEqual([2, 1, 0])
    })

    test('real targets', async () => {
      const real = dataset({
        inputs: logits.flat(),
        inputShape: [3],
        targets: logits.flat().map((z) => z + 0.5),
        targetShape: [3],
      })
      const { error } = await evaluate(identity, real, { error: meanAbsoluteError }, { batchSize: 2 })
      expect(error).toBeCloseTo(0.5, 6)
    })

    test('an abort signal ends it', async () => {
      const signal = AbortSignal.abort(new Error('enough'))
      await expect(evaluate(identity, data, metrics, { signal })).rejects.toThrow('enough')
    })
  })
})
