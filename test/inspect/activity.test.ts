/** R17, R28, R48: what flows through a network, how much of it is saturated, which units are dead. */

import { expect, it } from 'vitest'
import { activity } from '../../src/inspect/index.ts'
import * as loss from '../../src/loss/index.ts'
import * as nn from '../../src/nn/index.ts'
import { random, type Tensor, tensor } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'

const drawn = (seed: number, ...shape: number[]): Tensor => random.normal(shape, { key: random.key(seed) })
const rowsOf = async (...args: Parameters<typeof activity>) => (await activity(...args)).rows

forEachEngine(() => {
  it('R48: finds exactly the units whose bias is −1e3, over several batches, of images by channel', async () => {
    const biases = Array.from({ length: 12 }, (_, i) => (i % 5 === 2 ? -1e3 : 0.1))
    const net = nn.sequential(nn.linear(4, 12, { biasInit: nn.init.values(biases) }), nn.relu(), nn.linear(12, 2))
    const rows = await rowsOf(net, [drawn(1, 64, 4), drawn(2, 64, 4)])
    expect(rows.map((row) => row.path)).toEqual(['0', '1', '2'])
    expect([rows[1].dead, rows[1].units]).toEqual([[2, 7], 12])
    expect(rows[0].dead).toBeUndefined()
    // A unit that fires in the second batch alone is alive.
    const one = nn.sequential(nn.relu())
    const [first, second] = [tensor([[-1, -1]]), tensor([[-1, 1]])]
    expect((await rowsOf(one, first))[0].dead).toEqual([0, 1])
    expect((await rowsOf(one, [first, second]))[0].dead).toEqual([0])
    const images = nn.sequential(nn.conv2d(1, 3, 3, { biasInit: nn.init.values([0, -1e3, 0]) }), nn.relu())
    expect((await rowsOf(images, drawn(3, 2, 1, 8, 8)))[1].dead).toEqual([1])
  })

  it('R17: the share of saturated units, and gradients by depth below 4⁻¹⁰ of the last', async () => {
    const x = tensor([
      [-20, -1, 0, 1],
      [2, 3, 20, 40],
    ])
    // σ′(x) < 1e-3 beyond |x| = 6.9.
    expect((await rowsOf(nn.sigmoid(), x))[0].saturated).toBe(3 / 8)
    expect((await rowsOf(nn.sigmoid(), x, { threshold: 0.15 }))[0].saturated).toBe(5 / 8)
    const deep = nn.sequential(...Array.from({ length: 11 }, () => nn.sigmoid() as nn.Module))
    const rows = await rowsOf(deep, drawn(1, 5, 3), { loss: (y) => y.sum() })
    expect(rows[10].gradient).toBe(1)
    const first = rows[0].gradient ?? 1
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(9.54e-7)
    rows.slice(1).forEach((row, i) => {
      expect(row.gradient).toBeGreaterThan(3.9 * (rows[i].gradient ?? 1))
    })
  })

  it('R28: entropy and largest probability of a softmax: from ln k and 1/k to 0 and 1', async () => {
    const flat = (await rowsOf(nn.softmax(), tensor([[3, 3, 3, 3]])))[0]
    expect(flat.entropy).toBeCloseTo(Math.log(4), 6)
    expect(flat.largest).toBeCloseTo(1 / 4, 6)
    const vertex = (await rowsOf(nn.softmax(), tensor([[1e4, 0, -1e4]])))[0]
    expect([vertex.entropy, vertex.largest]).toEqual([-0, 1].map((v) => v + 0))
  })

  it('means, spreads and gradients are those of the values themselves', async () => {
    const x = drawn(1, 16, 3)
    const net = nn.sequential({
      first: nn.linear(3, 5),
      bent: nn.tanh(),
      dropped: nn.dropout(0.5),
      last: nn.linear(5, 2),
    })
    const target = drawn(2, 16, 2)
    const report = await activity(net, x, { loss: (y) => loss.mse(y, target) })
    const y = (net.children.first as nn.Module)(x)
    expect(report.rows[0].mean).toBeCloseTo(y.mean().itemSync(), 5)
    expect(report.rows[0].deviation).toBeCloseTo(y.std(undefined, { correction: 0 }).itemSync(), 5)
    const slope = net(x).sub(target).div(16)
    expect(report.rows[3].gradient).toBeCloseTo(slope.square().mean().sqrt().itemSync(), 5)
    const text = String(report)
    expect(text.split('\n')).toHaveLength(5)
    expect(text).toMatch(/^module +kind +mean +deviation +saturated +dead +gradient\n/)
    expect(text).toContain('0 of 5')
  })

  it('passes over what runs in branches and loops, and refuses what is no network', async () => {
    const net = nn.sequential(
      nn.conditional(nn.sequential(nn.flatten(), nn.linear(6, 1)), nn.relu(), nn.tanh()) as nn.Module,
      nn.relu() as nn.Module,
    )
    const rows = await rowsOf(net, drawn(1, 1, 6))
    expect(rows.map((row) => row.path)).toEqual(['0.predicate.0', '0.predicate.1', '1'])
    await expect(activity(net, [])).rejects.toThrow(/at least one batch/)
    await expect(activity(3 as never, drawn(1, 1))).rejects.toThrow(/must be a module/)
    await expect(activity(net, drawn(1, 1, 6), { threshold: -1 })).rejects.toThrow(/threshold is -1/)
  })
})
