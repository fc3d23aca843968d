/** Forward mode: the Jacobian-vector product of every operation, and what it refuses. */

import { describe, expect, it } from 'vitest'
import type { Node } from '../../src/graph/node.ts'
import { configure, customGradient, jvp, Tensor, tensor, vjp } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose, tolerances } from '../support/close.ts'
import { checkForward, type Smooth } from '../support/derivative.ts'
import { normals, randomOf, seedOf } from '../support/random.ts'
import { evaluateByRecords } from '../support/records.ts'
import { asSmooth, domainOf, leavesOf, makeOf, names, sizeOf } from '../support/samples.ts'

const smooth = names.filter((name) => domainOf(name).derivative === 'smooth')

describe('every differentiable operation: differences, and ⟨g, J v⟩ = ⟨Jᵀ g, v⟩', () => {
  it.each(smooth)('%s', (name) => {
    configure({ backend: 'reference' })
    domainOf(name).samples.forEach((sample, i) => {
      const random = randomOf(seedOf(`${name} forward ${i}`))
      const { f, at } = asSmooth(name, sample, random)
      if (at.length === 0 || !at.every(({ data }) => data.every(Number.isFinite))) return
      checkForward(f, at, random)
      // The derivative of the tangent, backwards: J v as a function of the point and of v.
      const tangentOf: Smooth = (all) => {
        const [primals, tangents] = [all.slice(0, at.length), all.slice(at.length)]
        return jvp((...xs: Tensor[]) => f(xs), primals, tangents)[1]
      }
      const directions = at.map(({ shape, data }) => ({ shape, data: normals(random, data.length) }))
      if (i < 2) checkForward(tangentOf, [...at, ...directions], random)
    })
  })
})

describe('float32, compiled: as the records give it', () => {
  it.each(smooth)('%s', (name) => {
    configure({ backend: 'wasm', threads: 1 })
    const { samples, dtypes } = domainOf(name)
    if (!dtypes.includes('float32')) return
    samples.forEach((sample, i) => {
      const draw = randomOf(seedOf(`${name} compiled ${i}`))
      const values = sample.inputs.map((x) => x.values(draw, sizeOf(x.shape)))
      if (!values.every((list) => list.every(Number.isFinite))) return
      const inputs = leavesOf(sample, values, 'float32')
      const directions = inputs.map((x) =>
        x.dtype === 'float32' ? tensor(normals(draw, x.size), { shape: x.shape }) : null,
      )
      const f = (...xs: Tensor[]): Tensor => new Tensor(makeOf(name, sample, nodes(xs), 'float32'))
      const [, tangent] = jvp(f, inputs, directions)
      if (tangent.dtype !== 'float32') return
      expectClose(tangent.dataSync(), evaluateByRecords(tangent.node), tolerances.float32, `${name} sample ${i}`)
    })
  })
})

const nodes = (tensors: readonly Tensor[]): Node[] => tensors.map((x) => x.node)

forEachBackend(() => {
  const f64 = (...values: number[]): Tensor => tensor(new Float64Array(values))
  const x = () => f64(0.4, -1.3, 2)
  const v = () => f64(1, 0.5, -2)

  it('gives the value and, along a tangent, its change', () => {
    const [y, dy] = jvp((a: Tensor) => a.square(), [x()], [v()])
    expectClose(y, [0.16, 1.69, 4], 1e-12)
    expectClose(dy, [0.8, -1.3, -8], 1e-12)
  })

  it('takes trees, and null for what does not change; results that do not depend on it have tangent 0', () => {
    const f = ({ w, b }: { w: Tensor; b: Tensor }, [z]: Tensor[]) => ({ y: w.mul(z).add(b), other: z.exp(), n: 3 })
    const primals: Parameters<typeof f> = [{ w: x(), b: v() }, [x()]]
    const [value, tangent] = jvp(f, primals, [{ w: v(), b: null }, null])
    expect(value.n).toBe(3)
    expectClose(tangent.y, v().mul(x()), 1e-12)
    expect([...tangent.other.dataSync()]).toEqual([0, 0, 0])
  })

  it('tells arguments apart that are the same tensor, and from what the function closes over', () => {
    const a = x()
    const product = (p: Tensor, q: Tensor): Tensor => p.mul(q).mul(a)
    expectClose(jvp(product, [a, a], [v(), null])[1], v().mul(a).mul(a), 1e-12)
  })

  it('is differentiated again, forward and backward', () => {
    const slope = (a: Tensor): Tensor => jvp((b: Tensor) => b.pow(3), [a], [a.mul(0).add(1)])[1]
    expectClose(slope(x()), x().square().mul(3), 1e-12)
    expectClose(jvp(slope, [x()], [v()])[1], x().mul(6).mul(v()), 1e-12)
    const a = x()
    expectClose(vjp([slope(a)], [v()], [a])[0], x().mul(6).mul(v()), 1e-12)
  })

  it('follows a custom gradient, transposed, and stops where gradients stop', () => {
    const straight = customGradient(
      (a) => a.round(),
      (g) => [g],
    )
    expectClose(jvp((a: Tensor) => straight(a).mul(2), [x()], [v()])[1], v().mul(2), 1e-12)
    expectClose(jvp((a: Tensor) => a.softmax().mul(a.detach()), [x()], [v()])[1], softmaxTangent(x(), v()), 1e-12)
  })

  const softmaxTangent = (a: Tensor, t: Tensor): Tensor => {
    const y = a.softmax()
    return y.mul(t.sub(y.mul(t).sum())).mul(a)
  }

  it.each<[string, (g: Tensor) => Tensor]>([
    ['clips', (g) => g.clamp(-1, 1)],
    ['squares', (g) => g.square()],
    ['takes the sign', (g) => g.sign().mul(g)],
  ])('refuses a custom gradient that %s its cotangent', (_, bend) => {
    const bent = customGradient(
      (a) => a.mul(2),
      (g) => [bend(g)],
      { nonLinear: true },
    )
    expect(() => jvp((a: Tensor) => bent(a), [x()], [v()])).toThrow(
      'jvp: a custom gradient of float64 [3] is not linear in its cotangent',
    )
  })

  it('refuses tangents that do not fit', () => {
    const id = (a: Tensor): Tensor => a
    expect(() => jvp(id, [x()], [f64(1)])).toThrow('jvp: primal 0 is float64 [3], its tangent float64 [1]')
    expect(() => jvp(id, [x()], [tensor([1, 2, 3])])).toThrow('its tangent float32 [3]: they must be equal')
    expect(() => jvp(id, [tensor([1], { dtype: 'int32' })], [tensor([1], { dtype: 'int32' })])).toThrow(
      'jvp: cannot differentiate with respect to int32 [1]: cast it to float32 first',
    )
  })
})
