// Chains: launches that run piece by piece are those whose pieces need no others, and give what they give one after the other.

import { describe, expect, it } from 'vitest'
import { compileGraph } from '../../src/compile/index.ts'
import { build } from '../../src/graph/build.ts'
import type { Node } from '../../src/graph/node.ts'
import { scaledDotProductAttention } from '../../src/nn/functional/attention.ts'
import { compile, concat, grad, random, type Tensor } from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

const [batch, n] = [6, 16]
const [x, y] = [0, 1].map(() => build.leaf({}, [batch, n, n], 'float32')) as [Node<'leaf'>, Node<'leaf'>]
const product = (a: Node, b: Node): Node => build.node('matmul', [a, b], {})
const softmax = (a: Node, axis: number): Node => {
  const e = build.unary('exp', a)
  const sums = build.node('sum', [e], { axes: [axis] })
  const kept = a.shape.map((d, i) => (i === axis ? 1 : d))
  return build.binary('div', e, build.broadcast(build.reshape(sums, kept), a.shape))
}

/** The chains of a program, as how many launches in how many pieces, and how many values its arena holds. */
function chains(outputs: readonly Node[], limits = {}): { readonly chains: readonly string[]; readonly arena: number } {
  const chaining = { leastBytes: 0, mostBytesOfPiece: 2 ** 20, fewestPieces: 2, claim: 0, ...limits }
  const program = compileGraph({ leaves: [x, y], outputs, aliases: outputs.map(() => -1) }, { chaining })
  const found = program.steps.flatMap((step) => (step.kind === 'phase' ? (step.chains ?? []) : []))
  return {
    chains: found.map(({ length, pieces }) => `${length} in ${pieces}`),
    arena: Math.floor(program.arenaBytes / (4 * batch * n * n)),
  }
}

describe('a chain', () => {
  const attention = product(softmax(product(x, y), 2), y)

  it('is products of a batch and what goes through them batch element by batch element', () => {
    expect(chains([attention])).toEqual({ chains: ['3 in 6'], arena: 1 })
  })

  it('is none where little is passed on, pieces are few or do not stay in a cache', () => {
    expect(chains([attention], { fewestPieces: 7 }).chains).toEqual([])
    expect(chains([attention], { leastBytes: 3 * 4 * batch * n * n + 1 }).chains).toEqual([])
    expect(chains([attention], { mostBytesOfPiece: 3 * 4 * n * n - 1 }).chains).toEqual([])
  })

  it('ends where a piece needs others', () => {
    expect(chains([product(softmax(product(x, y), 0), y)]).chains).toEqual([])
    expect(chains([softmax(build.transpose(product(x, y), [1, 0, 2]), 2)]).chains).toEqual([])
  })

  it('does not take who reads other pieces, though both read the same ones of something else', () => {
    const first = product(x, y)
    const reversed = build.node('slice', [first], { starts: [batch - 1, 0, 0], sizes: first.shape, steps: [-1, 1, 1] })
    expect(chains([product(reversed, y)]).chains).toEqual([])
    const before = build.node('slice', [first], { starts: [0, 0, 0], sizes: [batch - 1, n, n], steps: [1, 1, 1] })
    const [low, none] = [
      [1, 0, 0],
      [0, 0, 0],
    ]
    const late = build.node('pad', [before], { low, high: none, interior: none, value: 0 })
    expect(chains([build.binary('add', late, y)]).chains).toEqual([])
    expect(chains([product(first, y)]).chains).toEqual(['2 in 6'])
  })

  it('waits for nothing that waits for it', () => {
    const first = product(x, y)
    const total = build.node('sum', [first], { axes: [0, 1, 2] })
    expect(chains([product(build.binary('mul', first, build.broadcast(total, first.shape)), first)]).chains).toEqual([])
  })

  it('has those, too, that read the same, before it is written over', () => {
    const weights = softmax(product(x, y), 2)
    const changed = build.binary('mul', product(y, x), weights)
    const outputs = [product(build.swap(weights), y), product(changed, x), product(build.swap(changed), x)]
    expect(chains(outputs)).toEqual({ chains: ['6 in 6'], arena: 1 })
  })
})

forEachBackend(
  () => {
    /** Attention and its gradients, of all batch elements at once, and of each by itself. */
    it.each([16, 17, 48])('gives the same, in %d pieces', (pieces) => {
      const draw = (seed: number): Tensor => random.normal([pieces, 128, 16], { key: random.key(seed) })
      const given = [1, 2, 3, 4].map(draw) as [Tensor, Tensor, Tensor, Tensor]
      const run = compile((q: Tensor, k: Tensor, v: Tensor, weight: Tensor) => {
        const seen = scaledDotProductAttention(q, k, v, { causal: true })
        return concat([seen, ...grad(seen.mul(weight).sum(), [q, k, v])], -1)
      })
      const whole = run(...given)
      for (const i of [0, 1, pieces - 1]) {
        const part = run(...(given.map((t) => t.slice([i, i + 1])) as typeof given))
        expect(
          whole
            .slice([i, i + 1])
            .sub(part)
            .abs()
            .max()
            .itemSync(),
        ).toBeLessThan(2e-5)
      }
    })
  },
  ({ backend }) => backend !== 'reference',
)
