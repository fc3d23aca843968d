// Graphs as data and as pictures: what is told of each node, and that a picture is well formed, complete and without collisions.

import { describe, expect, test } from 'vitest'
import { graphOf, graphSvg } from '../../src/inspect/index.ts'
import { layOut, type Place } from '../../src/inspect/layout.ts'
import { pictureOf } from '../../src/inspect/picture.ts'
import { wrapped } from '../../src/inspect/wrap.ts'
import { mse } from '../../src/loss/index.ts'
import {
  conv2d,
  flatten,
  layerNorm,
  linear,
  type Module,
  maxPool2d,
  relu,
  residual,
  sequential,
} from '../../src/nn/index.ts'
import { grad, noGrad, random, type Tensor, tensor, zeros } from '../../src/tensor/index.ts'

const mlp = (): Module => sequential(linear(8, 5), relu(), linear(5, 3))

/** The loss of a network and the gradients of its parameters, by name. */
function training(net: Module, shape: readonly number[]): { values: Record<string, Tensor>; x: Tensor } {
  const x = tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), { shape: [...shape] }) as Tensor
  const y = net(x) as Tensor
  const l = mse(y, zeros(y.shape) as Tensor) as Tensor
  const named = net.namedParameters()
  const gradients = grad(l, Object.values(named) as Tensor[]) as Tensor[]
  const values: Record<string, Tensor> = { loss: l }
  Object.keys(named).forEach((name, i) => {
    values[`∂ ${name}`] = gradients[i] as Tensor
  })
  return { values, x }
}

describe('graphOf', () => {
  test('tells operations with shapes, modules, names and costs', () => {
    const net = mlp()
    const { values, x } = training(net, [4, 8])
    const graph = graphOf(values, { names: { x } })
    for (const node of graph.nodes) for (const input of node.inputs) expect(input).toBeLessThan(node.id)
    expect(graph.outputs.map((id) => graph.nodes[id]?.name)).toEqual(Object.keys(values))
    expect(graph.nodes.filter((n) => n.kind === 'variable').map((n) => [n.name, n.module, n.shape])).toEqual([
      ['weight', '0', [5, 8]],
      ['bias', '0', [5]],
      ['weight', '2', [3, 5]],
      ['bias', '2', [3]],
    ])
    const products = graph.nodes.filter((n) => n.kind === 'product')
    expect(products.filter((n) => n.order === 0).map((n) => [n.module, n.moduleKind, n.flops])).toEqual([
      ['0', 'linear', 2 * 4 * 8 * 5],
      ['2', 'linear', 2 * 4 * 5 * 3],
    ])
    // Of each layer a product for the weights' gradient, and of all but the first one for its input's.
    expect(
      products
        .filter((n) => n.order === 1)
        .map((n) => n.module)
        .sort(),
    ).toEqual(['0', '2', '2'])
    const forward = graphOf(net(x) as Tensor).nodes.filter((n) => n.kind === 'product')
    expect(forward.reduce((sum, n) => sum + n.flops, 0)).toBe(net.summary([4, 8]).flops)
    expect(String(graph)).toContain("= leaf float32 [4, 8] 'x'")
    expect(String(graph)).toMatch(/= matmul\(%\d+, %\d+\) float32 \[4, 5\] {2}0 linear/)
  })

  test('one value, a list, a constant, and what is computed already', () => {
    const x = tensor([1, 2]) as Tensor
    const y = x.mul(3) as Tensor
    expect(graphOf(y).nodes.map((n) => n.op)).toEqual(['leaf', 'constant', 'mul'])
    expect(graphOf([x, y]).outputs).toHaveLength(2)
    expect(graphOf(zeros([3]) as Tensor).nodes).toMatchObject([{ op: 'constant', kind: 'constant', flops: 0 }])
    expect(graphOf(y).nodes[2]).toMatchObject({ isComputed: false })
    expect(graphOf(y).flops).toBe(2)
    y.dataSync()
    expect(graphOf(y).nodes[2]).toMatchObject({ isComputed: true })
    expect(graphOf(y).flops).toBe(0)
  })

  test('second derivatives are told from first ones', () => {
    const x = tensor([1, 2]) as Tensor
    const dx = grad(x.square().sum() as never, x as never) as unknown as Tensor
    const ddx = grad(dx.square().sum() as never, x as never) as unknown as Tensor
    expect(Math.max(...graphOf(ddx).nodes.map((n) => n.order))).toBeGreaterThanOrEqual(2)
  })
})

const networks: { readonly [name: string]: () => { values: Record<string, Tensor>; x: Tensor } } = {
  'a perceptron': () => training(mlp(), [4, 8]),
  'a convolutional network': () =>
    training(sequential(conv2d(1, 4, 3), relu(), maxPool2d(2), flatten(), linear(36, 10)), [2, 1, 8, 8]),
  'residuals and norms': () =>
    training(sequential(residual(sequential(layerNorm(6), linear(6, 6), relu())), linear(6, 2)), [3, 6]),
}

describe.each(Object.keys(networks))('a picture of %s', (name) => {
  const { values, x } = (networks[name] as () => { values: Record<string, Tensor>; x: Tensor })()

  test('shows each computation once, in frames, and nothing lies over anything', () => {
    const graph = graphOf(values, { names: { x } })
    const picture = pictureOf(graph, false)
    const { places, groups, width, height, bands, routes } = wrapped(layOut(picture), picture)
    expect(width).toBeLessThan(1700)
    const shown = new Set(picture.boxes.map((b) => b.id))
    for (const node of graph.nodes)
      if (node.kind === 'product' || node.kind === 'variable') expect(shown.has(node.id)).toBe(true)
    expect(picture.boxes.filter((b) => b.isOutput)).toHaveLength(Object.keys(values).length)
    const boxes = picture.boxes.map((b) => places.get(b.id))
    boxes.forEach((a, i) => {
      if (!a) throw new Error('a box has no place')
      expect(a.x).toBeGreaterThanOrEqual(0)
      expect(a.y).toBeGreaterThanOrEqual(0)
      expect(a.x + a.width).toBeLessThanOrEqual(width)
      expect(a.y + a.height).toBeLessThanOrEqual(height)
      for (const b of boxes.slice(i + 1)) {
        if (!b) throw new Error('a box has no place')
        const isApart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y
        expect(isApart, `${picture.boxes[i]?.title} and another box`).toBe(true)
      }
    })
    // An arrow between bands ends at its boxes and runs through no other.
    for (const [{ from, to }, corners] of routes)
      corners.slice(1).forEach(([x, y], i) => {
        const [x0, y0] = corners[i] as readonly [number, number]
        const isHit = (p: Place): boolean =>
          Math.min(x, x0) < p.x + p.width &&
          Math.max(x, x0) > p.x &&
          Math.min(y, y0) < p.y + p.height &&
          Math.max(y, y0) > p.y
        for (const [id, p] of places) if (id !== from && id !== to) expect(isHit(p), `${id} in the way`).toBe(false)
        expect(Math.min(x, y)).toBeGreaterThan(0)
        expect(x).toBeLessThan(width)
      })
    expect(groups.length).toBeGreaterThan(0)
    // In each band forward above, backward beneath.
    for (const { order, id } of picture.boxes) {
      const y = places.get(id)?.y ?? 0
      const band = bands.findLast(({ top }) => top <= y)
      expect(y > (band?.divider ?? Number.NaN)).toBe(order > 0)
    }
  })

  test('is well-formed XML that names what was asked for', () => {
    const svg = graphSvg(values, { names: { x }, title: 'a < b & "c"' })
    const open: string[] = []
    for (const [, closing, tag, single] of svg.matchAll(/<(\/?)([a-z]+)\b(?:[^<>"]|"[^"<]*")*?(\/?)>/g)) {
      if (closing) expect(open.pop()).toBe(tag)
      else if (!single) open.push(tag as string)
    }
    expect(open).toEqual([])
    expect(svg).not.toMatch(/NaN|undefined|Infinity/)
    expect(svg).toContain('a &lt; b &amp; &quot;c&quot;')
    for (const key of Object.keys(values)) expect(svg).toContain(`${key} = `)
    expect(svg).toContain('prefers-color-scheme:dark')
    expect(graphSvg(() => values, { names: { x }, everything: true }).length).toBeGreaterThan(svg.length)
  })
})

test('random numbers are one box, whatever makes them, and end where something else begins', () => {
  const titles = (y: Tensor, everything = false): readonly string[] =>
    pictureOf(graphOf({ y }), everything).boxes.map((box) => box.title)
  expect(titles(random.normal([3]))).toEqual(['y = normal'])
  expect(titles(random.uniform([3]).square().sum())).toEqual(['uniform', 'x²', 'y = sum [0]'])
  expect(titles(random.normal([3], { dtype: 'float64', mean: 2, std: 3 }).exp())).toEqual(['normal', 'y = exp'])
  expect(titles(random.integers([4], 0, 10).equal(3))).toEqual(['integers', 'y = = 3'])
  expect(titles((tensor([1, 2]) as Tensor).add(random.normal([2])))).toEqual(['data', 'normal', 'y = +'])
  expect(titles(random.normal([3]), true).length).toBeGreaterThan(10)
})

test('one value without operations is a picture too; too many are refused', () => {
  expect(graphSvg(tensor([1]) as Tensor)).toContain('data')
  expect(graphSvg(zeros([2]) as Tensor)).toContain('<svg')
  let x = tensor([1]) as Tensor
  noGrad(() => {
    for (let i = 0; i < 700; i++) x = x.add(i).sin() as Tensor
  })
  expect(() => graphSvg(x)).toThrow(/graphSvg: 1401 operations are too many for a picture \(at most 600\)/)
})

test('a loss names what it builds, and its derivative, outside a module and within one', () => {
  const x = tensor([[1, 2]])
  const l = mse(x, zeros([1, 2]))
  expect(l.node.scope).toMatchObject({ path: '', name: 'mse', order: 0 })
  expect(grad(l, x).node.scope).toMatchObject({ name: 'mse', order: 1 })
  expect(x.add(1).node.scope).toBeUndefined()
})
