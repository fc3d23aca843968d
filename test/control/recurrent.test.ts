/** Recurrent networks as scans against PyTorch's numbers, values and gradients. */

import { expect, it } from 'vitest'
import { compile, scan, type Tensor, vjp } from '../../src/tensor/index.ts'
import { toTensor } from '../conformance/fixture.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose, tolerances } from '../support/close.ts'
import { casesOf } from '../support/reference.ts'

type Network = (inputs: readonly Tensor[]) => Tensor[]

/** The columns of z that belong to each of `count` gates. */
const gates = (z: Tensor, count: number): Tensor[] => {
  const size = (z.shape.at(-1) as number) / count
  return Array.from({ length: count }, (_, k) => z.slice(null, [k * size, (k + 1) * size]))
}

const networks: { readonly [name: string]: Network } = {
  rnn_tanh: ([x, h0, w, u, bw, bu]) => {
    const [h, ys] = scan(
      (h: Tensor, v: Tensor) => {
        const next = v.matmul(w.transpose()).add(bw).add(h.matmul(u.transpose())).add(bu).tanh()
        return [next, next]
      },
      h0.at(0),
      x,
    )
    return [ys, h.unsqueeze(0)]
  },
  gru: ([x, h0, w, u, bw, bu]) => {
    const [h, ys] = scan(
      (h: Tensor, v: Tensor) => {
        const [r, z, n] = gates(v.matmul(w.transpose()).add(bw), 3)
        const [hr, hz, hn] = gates(h.matmul(u.transpose()).add(bu), 3)
        const update = z.add(hz).sigmoid()
        const fresh = n.add(r.add(hr).sigmoid().mul(hn)).tanh()
        const next = fresh.add(update.mul(h.sub(fresh)))
        return [next, next]
      },
      h0.at(0),
      x,
    )
    return [ys, h.unsqueeze(0)]
  },
  lstm: ([x, h0, c0, w, u, bw, bu]) => {
    const [{ h, c }, ys] = scan(
      ({ h, c }: { h: Tensor; c: Tensor }, v: Tensor) => {
        const [i, f, g, o] = gates(v.matmul(w.transpose()).add(bw).add(h.matmul(u.transpose())).add(bu), 4)
        const cell = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
        const next = o.sigmoid().mul(cell.tanh())
        return [{ h: next, c: cell }, next]
      },
      { h: h0.at(0), c: c0.at(0) },
      x,
    )
    return [ys, h.unsqueeze(0), c.unsqueeze(0)]
  },
}

const cases = casesOf('module')

forEachBackend(() => {
  it.each(Object.keys(networks))('%s', (name) => {
    const wanted = cases.get(name)
    if (!wanted) throw new Error(`the fixture has no ${name}`)
    for (const dtype of ['float64', 'float32'] as const) {
      const inputs = wanted.inputs.map((x) => toTensor(x, dtype))
      const cotangents = (wanted.cotangents ?? []).map((x) => toTensor(x, dtype))
      const f = compile((...given: Tensor[]) => {
        const outputs = networks[name](given)
        return [outputs, vjp(outputs, cotangents, given)]
      })
      const [outputs, gradients] = f(...inputs)
      expect(outputs.length).toBe(wanted.outputs.length)
      outputs.forEach((y, i) => {
        expectClose(y, wanted.outputs[i], tolerances[dtype], `${dtype} output ${i}`)
      })
      wanted.diff.forEach((input, i) => {
        expectClose(gradients[input], (wanted.grads ?? [])[i], tolerances[dtype], `${dtype} gradient ${input}`)
      })
    }
  })
})
