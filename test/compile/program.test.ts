/** The compiler on its own: programs interpreted word by word agree with the reference, and are made of the kernels they should be. */

import { describe, expect, it } from 'vitest'
import { build } from '../../src/graph/build.ts'
import { type Launch, launchesOf, type Program } from '../../src/kernel/program.ts'
import {
  compile,
  concat,
  configure,
  grad,
  iota,
  oneHot,
  runtime,
  Tensor,
  tensor,
  variable,
} from '../../src/tensor/index.ts'
import { interpreterBackend } from './interpreter.ts'

/** The same numbers on every run. */
function numbers(seed: number): (shape: readonly number[]) => Tensor {
  let state = seed
  return (shape) => {
    const data = new Float32Array(shape.reduce((n, d) => n * d, 1))
    for (let i = 0; i < data.length; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      data[i] = (state / 2 ** 32) * 2 - 1
    }
    return tensor(data, { shape })
  }
}

type Case = (random: (shape: readonly number[]) => Tensor) => Tensor[]

/** Evaluates on the reference and by interpreting the compiled programs; gives the largest of these. */
function check(make: Case): Program {
  configure({ backend: 'reference', seed: 1 })
  const expected = make(numbers(1)).map((t) => t.dataSync())
  const programs: Program[] = []
  configure({ backend: 'wasm', seed: 1 })
  runtime.backend = interpreterBackend((p) => programs.push(p))
  try {
    const found = make(numbers(1)).map((t) => t.dataSync())
    expected.forEach((values, i) => {
      expect(found[i].length).toBe(values.length)
      for (let k = 0; k < values.length; k++) {
        const allowed = 2e-5 * Math.max(1, Math.abs(values[k]))
        expect(
          Math.abs(found[i][k] - values[k]),
          `output ${i} element ${k}: ${found[i][k]} instead of ${values[k]}`,
        ).toBeLessThanOrEqual(allowed)
      }
    })
  } finally {
    runtime.backend = undefined
    runtime.executables = new Map()
  }
  return programs.reduce((a, b) => (launches(b) > launches(a) ? b : a))
}

const launches = (p: Program): number => launchesOf(p.steps).length
const lastLaunches = (p: Program): readonly Launch[] => {
  const last = p.steps.at(-1)
  return last?.kind === 'phase' ? last.launches : []
}
const conv = (x: Tensor, w: Tensor, stride = 1): Tensor =>
  new Tensor(build.node('conv', [x.node, w.node], { strides: [stride, stride], dilation: [1, 1], groups: 1 }))
const pool = (x: Tensor, size: number, stride: number): Tensor => {
  const windows = build.node('windows', [x.node], { size: [size, size], stride: [stride, stride], dilation: [1, 1] })
  return new Tensor(build.node('max', [windows], { axes: [4, 5], ties: 'first' }))
}
const layerNorm = (x: Tensor, scale: Tensor, shift: Tensor): Tensor => {
  const centred = x.sub(x.mean(-1, true))
  return centred.mul(centred.square().mean(-1, true).add(1e-5).rsqrt()).mul(scale).add(shift)
}

describe('programs agree with the reference', () => {
  it('fuses pointwise work into one map', () => {
    expect(
      launches(
        check((r) => [
          r([5, 7])
            .add(r([5, 7]))
            .mul(r([7]))
            .exp()
            .sub(1),
        ]),
      ),
    ).toBe(1)
  })

  it('reads through transposes, slices, flips and pads without moving anything', () => {
    expect(
      launches(
        check((r) => [
          r([5, 7])
            .transpose()
            .add(r([7, 5])),
        ]),
      ),
    ).toBe(1)
    expect(launches(check((r) => [r([5, 7]).slice([1, 4], [null, null, -2]).mul(2)]))).toBe(1)
    expect(
      launches(
        check((r) => [
          r([5, 7])
            .pad(
              [
                [1, 2],
                [0, 3],
              ],
              2,
            )
            .add(1),
        ]),
      ),
    ).toBe(1)
  })

  it('keeps a softmax and its gradient in one row kernel each', () => {
    expect(launches(check((r) => [r([6, 9]).softmax(-1)]))).toBe(1)
    const p = check((r) => {
      const [x, g] = [r([6, 9]), r([6, 9])]
      return [grad(x.softmax(-1).mul(g).sum(), x)]
    })
    expect(launches(p)).toBe(1)
  })

  it('keeps a layer normalisation in one row kernel', () => {
    expect(launches(check((r) => [layerNorm(r([6, 8]), r([8]), r([8]))]))).toBe(1)
    check((r) => {
      const [x, scale, shift, g] = [r([6, 8]), r([8]), r([8]), r([6, 8])]
      return grad(layerNorm(x, scale, shift).mul(g).sum(), [x, scale, shift])
    })
  })

  it('puts bias, activation and residual into the epilogue of a product', () => {
    const p = check((r) => [
      r([48, 64])
        .matmul(r([64, 32]))
        .add(r([32]))
        .relu()
        .add(r([48, 32])),
    ])
    expect(launchesOf(p.steps).map((l) => l.kind)).toEqual(['contract'])
  })

  it('pads once for a convolution and the gradient of its weight, which is summed in parts', () => {
    const program = check((r) => {
      const [x, w] = [r([8, 3, 32, 32]), r([4, 3, 3, 3])]
      const y = conv(
        x.pad([
          [0, 0],
          [0, 0],
          [1, 1],
          [1, 1],
        ]),
        w,
      )
      return [grad(y.square().sum(), [w])[0]]
    })
    const padded = launchesOf(program.steps).filter((launch) => launch.kind === 'loop' && launch.extents.includes(34))
    expect(padded).toHaveLength(1)
    expect(launchesOf(program.steps).flatMap((launch) => (launch.kind === 'contract' ? launch.batch : []))).toEqual([
      1, 8,
    ])
  })

  it('runs convolution forward and both gradients as contractions', () => {
    for (const wanted of [0, 1]) {
      const p = check((r) => {
        const both = [r([2, 3, 12, 12]), r([8, 3, 3, 3])]
        return [grad(conv(both[0], both[1]).square().sum(), both[wanted])]
      })
      expect(launchesOf(p.steps).filter((l) => l.kind === 'contract').length).toBe(2)
    }
    check((r) => {
      const [x, w] = [r([2, 3, 11, 11]), r([8, 3, 3, 3])]
      return grad(conv(x, w, 2).square().sum(), [x, w])
    })
  })

  it('pools without copying windows, overlapping or not', () => {
    expect(launches(check((r) => [pool(r([2, 3, 12, 12]), 2, 2)]))).toBe(1)
    for (const [size, stride] of [
      [2, 2],
      [3, 2],
      [2, 3],
    ]) {
      check((r) => {
        const x = r([2, 3, 12, 12])
        return [grad(pool(x, size, stride).square().sum(), x)]
      })
    }
  })

  it('turns the gradient of a split into a concat', () => {
    check((r) => {
      const x = r([5, 6])
      const [a, b, c] = [0, 2, 4].map((i) => x.slice(null, [i, i + 2]))
      return [grad(a.mul(b).add(c).sum(), x)]
    })
    check((r) => [concat([r([5, 7]), r([5, 7]).exp(), r([5, 2])], 1)])
  })

  it('looks up rows and adds them back', () => {
    check((r) => {
      const [x, g] = [r([5, 7]), r([5, 7])]
      const rows = tensor(new Int32Array([0, 3, 2, 2, -1]))
      return [x.take(rows, 0).mul(g), grad(x.take(rows, 0).mul(g).sum(), x), grad(x.take(rows, 1).square().sum(), x)]
    })
  })

  it('cuts a reduction to few cells into parts', () => {
    const p = check((r) => [r([1 << 15]).sum()])
    expect(launches(p)).toBe(2)
  })

  it('joins forward, backward and update of an attention block', () => {
    check((r) => {
      const [x, w] = [r([2, 8, 16]), r([16, 48])]
      const parts = x.matmul(w).reshape([2, 8, 3, 2, 8]).permute([2, 0, 3, 1, 4])
      const [q, k, v] = [0, 1, 2].map((i) => parts.at(i))
      const later = iota([8, 8], 0).less(iota([8, 8], 1))
      const p = later.where(Number.NEGATIVE_INFINITY, q.mul(0.35).matmul(k.transpose())).softmax(-1)
      const y = p.matmul(v).permute([0, 2, 1, 3]).reshape([2, 8, 16])
      return [y, ...grad(y.square().sum(), [x, w])]
    })
  })

  it('fuses Adam into the products that make the gradients, and updates in place', () => {
    const p = check((r) => {
      const [x, t] = [r([16, 20]), tensor(new Int32Array(16).map((_, i) => i % 10))]
      const parameters = [[20, 32], [32], [32, 10], [10]].map((shape) => variable(r(shape)))
      const [first, second] = [0, 1].map(() => parameters.map((v) => variable(v.mul(0))))
      const step = compile(() => {
        const h = x.matmul(parameters[0]).add(parameters[1]).relu()
        const logits = h.matmul(parameters[2]).add(parameters[3])
        const loss = logits.logSoftmax(-1).mul(oneHot(t, 10)).sum(-1).mean().neg()
        grad(loss, parameters).forEach((g, i) => {
          const m = first[i].mul(0.9).add(g.mul(0.1))
          const v = second[i].mul(0.999).add(g.square().mul(0.001))
          first[i].assign(m)
          second[i].assign(v)
          parameters[i].assign(parameters[i].sub(m.div(v.sqrt().add(1e-3)).mul(0.01)))
        })
        return loss
      })
      const losses = [1, 2, 3, 4, 5].map(() => step())
      return [...losses, ...parameters, ...first, ...second]
    })
    // No copies: every updated tensor is written where it lies.
    expect(lastLaunches(p).some((l) => l.kind === 'loop' && l.accesses.length === 2)).toBe(false)
  })

  it('overwrites a variable only after its last reader, and copies where two exchange values', () => {
    check((r) => {
      const [a, b] = [variable(r([4, 4])), variable(r([4, 4]))]
      const step = compile(() => {
        const product = a.matmul(b)
        const [old, other] = [a.mul(1), b.transpose().mul(1)]
        a.assign(other)
        b.assign(old)
        return product
      })
      return [step(), step(), step(), a, b]
    })
  })
})
