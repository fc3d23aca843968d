/** Copies that are shared: what no strides express is moved once, whatever shapes it is read in. */

import { expect, it } from 'vitest'
import { compileGraph } from '../../src/compile/index.ts'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { launchesOf } from '../../src/kernel/program.ts'
import { compile, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const [x, tall, wide] = [
  [32, 24, 16],
  [16, 32],
  [512, 8],
].map((shape) => build.leaf({}, shape, 'float32'))
const turned = build.transpose(x, [1, 0, 2])
const product = (shape: readonly number[], weight: Node): Node =>
  build.node('matmul', [build.reshape(turned, shape), weight], {})

const launches = (...outputs: readonly Node[]): number =>
  launchesOf(compileGraph({ leaves: [x, tall, wide], outputs, aliases: outputs.map(() => -1) }).steps).length

it('copies once for all shapes of a value, and not where strides suffice', () => {
  const tallOne = product([768, 16], tall)
  const wideOne = product([24, 512], wide)
  const view = build.node('sum', [build.reshape(turned, [24, 4, 8, 16])], { axes: [2, 3] })
  expect(launches(view)).toBe(1)
  expect(launches(tallOne)).toBe(2)
  expect(launches(wideOne)).toBe(2)
  expect(launches(tallOne, wideOne)).toBe(3)
  expect(launches(tallOne, view)).toBe(3)
})

it('reads products from their copies, so that they can be written there', () => {
  const heads = build.leaf({}, [4, 32, 32], 'float32')
  const seen = build.node('matmul', [heads, heads], {})
  const turned = build.transpose(seen, [1, 0, 2])
  const joined = build.node('matmul', [build.reshape(turned, [32, 128]), build.reshape(heads, [128, 32])], {})
  const sums = build.node('sum', [build.binary('mul', turned, build.transpose(heads, [1, 0, 2]))], { axes: [2] })
  const { steps } = compileGraph({ leaves: [heads], outputs: [joined, sums], aliases: [-1, -1] })
  expect(
    launchesOf(steps)
      .map((launch) => launch.kind)
      .sort(),
  ).toEqual(['contract', 'contract', 'loop'])
})

forEachEngine(() => {
  it('are the same numbers', () => {
    const [rows, columns, inner] = [32, 24, 16]
    const given = Float32Array.from({ length: rows * columns * inner }, (_, i) => (i % 7) - 3)
    const weight = Float32Array.from({ length: inner * 32 }, (_, i) => (i % 5) - 2)
    const read = compile((v: Tensor, w: Tensor) => {
      const t = v.transpose(0, 1)
      return [t.reshape([768, 16]).matmul(w), t.reshape([24, 512]).matmul(w.reshape([512, 1])), t.reshape([-1])]
    })
    const [tallOne, wideOne, flat] = read(
      tensor(given, { shape: [rows, columns, inner] }),
      tensor(weight, { shape: [inner, 32] }),
    ).map((v) => [...v.dataSync()])
    const at = (row: number, column: number, k: number): number => given[(row * columns + column) * inner + k] as number
    const expected = Array.from({ length: columns * rows }, (_, i) => [i % rows, Math.floor(i / rows)] as const)
    expect(flat).toEqual(expected.flatMap(([r, c]) => Array.from({ length: inner }, (_, k) => at(r, c, k))))
    expect(tallOne).toEqual(
      expected.flatMap(([r, c]) =>
        Array.from({ length: 32 }, (_, j) =>
          Array.from({ length: inner }, (_, k) => at(r, c, k) * (weight[k * 32 + j] as number)).reduce((a, b) => a + b),
        ),
      ),
    )
    expect(wideOne).toEqual(
      Array.from({ length: columns }, (_, c) => {
        const line = (flat ?? []).slice(c * 512, (c + 1) * 512)
        return line.reduce((sum, v, i) => sum + v * (weight[i] as number), 0)
      }),
    )
  })
})
