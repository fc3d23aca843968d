/** Modules as data: names, state, other tensors in slots, freezing, configuration, summary, errors. */

import { beforeAll, describe, expect, it } from 'vitest'
import * as nn from '../../src/nn/index.ts'
import { compile, configure, grad, ones, random, type Tensor, tensor, variable, zeros } from '../../src/tensor/index.ts'
import { forEachEngine } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

beforeAll(() => configure({ backend: 'reference' }))

const mlp = (): nn.Module => nn.sequential(nn.linear(3, 4), nn.tanh(), nn.linear(4, 2))
const input = (...shape: readonly number[]): Tensor => random.normal(shape, { key: random.key(7) })
const messageOf = (f: () => unknown): string => {
  try {
    f()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

const lenet = (): nn.Module =>
  nn.sequential(
    nn.conv2d(1, 6, 5, { padding: 2 }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(6, 16, 5),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(400, 120),
    nn.relu(),
    nn.linear(120, 84),
    nn.relu(),
    nn.linear(84, 10),
  )

/** One of every kind, with options away from their defaults. */
const zoo = (): nn.Module =>
  nn.sequential({
    picture: nn.sequential(
      nn.conv2d(2, 4, [3, 2], { stride: [1, 2], padding: 'valid', groups: 2, bias: false }),
      nn.batchNorm(4, { momentum: 0.2, epsilon: 1e-3 }),
      nn.gelu('tanh'),
      nn.maxPool2d(2, { stride: 1, padding: 1 }),
      nn.averagePool2d([2, 2], { countPadding: false }),
      nn.dropout(0.3),
      nn.flatten(),
      nn.sigmoid(),
    ),
    text: nn.sequential(
      nn.embedding(11, 8, { paddingIndex: 2 }),
      nn.positional(6, 8),
      nn.residual(
        nn.sequential(nn.layerNorm([8], { affine: false }), nn.attention(8, { heads: 2, causal: true, bias: false })),
      ),
      nn.residual(nn.linear(8, 5, { dtype: 'float64' }), nn.linear(8, 5)),
      nn.softmax(1),
      nn.tanh(),
      nn.gelu(),
      nn.relu(),
    ),
  })

describe('names', () => {
  it('are PyTorch’s, in its order, with its layouts', () => {
    const net = nn.sequential(nn.conv2d(3, 4, 5, { groups: 1 }), nn.batchNorm(4), nn.flatten(), nn.linear(16, 2))
    const shapes = Object.fromEntries(Object.entries(net.state()).map(([name, v]) => [name, v.shape]))
    expect(shapes).toEqual({
      '0.weight': [4, 3, 5, 5],
      '0.bias': [4],
      '1.weight': [4],
      '1.bias': [4],
      '1.running_mean': [4],
      '1.running_var': [4],
      '3.weight': [2, 16],
      '3.bias': [2],
    })
    expect(Object.keys(shapes).slice(2, 6)).toEqual(['1.weight', '1.bias', '1.running_mean', '1.running_var'])
    expect(Object.keys(net.namedParameters())).toEqual([
      '0.weight',
      '0.bias',
      '1.weight',
      '1.bias',
      '3.weight',
      '3.bias',
    ])
    expect(Object.keys(net.namedBuffers())).toEqual(['1.running_mean', '1.running_var'])
    expect(net.buffers().map((v) => [...v.dataSync()])).toEqual([
      [0, 0, 0, 0],
      [1, 1, 1, 1],
    ])
    expect(Object.keys(nn.attention(4, { heads: 2 }).state())).toEqual([
      'in_proj_weight',
      'in_proj_bias',
      'out_proj.weight',
      'out_proj.bias',
    ])
  })

  it('come in order of definition also past ten', () => {
    const net = nn.sequential(...Array.from({ length: 12 }, () => nn.linear(1, 1, { bias: false })))
    expect(Object.keys(net.namedParameters())).toEqual(Array.from({ length: 12 }, (_, i) => `${i}.weight`))
  })

  it('name a variable that is used twice once', () => {
    const shared = nn.linear(2, 2)
    const net = nn.sequential({ left: shared, between: nn.relu(), right: shared })
    expect(net.parameters()).toHaveLength(2)
    expect(Object.keys(net.state())).toEqual(['left.weight', 'left.bias'])
  })

  it('lead to submodules', () => {
    const net = nn.sequential({ encoder: mlp() })
    expect(net.children.encoder.children[2].kind).toBe('linear')
    expect(String(net)).toBe(
      'sequential(\n  encoder: sequential(\n    0: linear 3→4\n    1: tanh\n    2: linear 4→2\n  )\n)',
    )
  })
})

forEachEngine(() => {
  describe('state', () => {
    it('goes from one network to another, as tensors or arrays', () => {
      const [from, x] = [mlp(), input(5, 3)]
      const arrays = Object.fromEntries(
        Object.entries(from.state()).map(([name, v]) => [name, { dtype: v.dtype, shape: v.shape, data: v.dataSync() }]),
      )
      for (const state of [from.state(), arrays]) {
        const to = mlp()
        expect([...to(x).dataSync()]).not.toEqual([...from(x).dataSync()])
        to.loadState(state)
        expect([...to(x).dataSync()]).toEqual([...from(x).dataSync()])
      }
    })

    it('is refused whole, with everything that differs, when one entry does not fit', () => {
      const net = mlp()
      const before = net.parameters().map((v) => [...v.dataSync()])
      const { '0.weight': _, ...rest } = net.state()
      const bad = { ...rest, '2.weight': zeros([2, 5]), '2.bias': zeros([2], 'float64'), '4.weight': zeros([1]) }
      const message = messageOf(() => net.loadState(bad))
      expect(message).toBe(
        "loadState: the state does not fit the network, nothing was loaded: 0.weight is missing; 2.weight is float32 [2, 5], the network's is float32 [2, 4]; " +
          "2.bias is float64 [2], the network's is float32 [2]; 4.weight is not in the network",
      )
      const short = { dtype: 'float32', shape: [2], data: new Float32Array(1) } as const
      expect(() => net.loadState({ ...net.state(), '2.bias': short })).toThrow(
        /2.bias is float32 \[2\], but its data is Float32Array of 1/,
      )
      expect(net.parameters().map((v) => [...v.dataSync()])).toEqual(before)
    })

    it('is taken whole before the first value is replaced', () => {
      const net = nn.sequential(nn.linear(2, 2, { bias: false }), nn.linear(2, 2, { bias: false }))
      const [first, second] = net.parameters()
      const before = [first, second].map((v) => [...v.dataSync()])
      net.loadState({ '0.weight': second, '1.weight': first })
      expect([first, second].map((v) => [...v.dataSync()])).toEqual([before[1], before[0]])
      net.loadState({ '0.weight': second.add(0), '1.weight': first.add(second).sub(second) })
      expectClose(second, before[1], 1e-6)
      expectClose(first, before[0], 0)
    })

    it('passes over the batch counter of PyTorch, and knows both names of a shared variable', () => {
      const norm = nn.sequential(nn.batchNorm(2))
      norm.loadState({ ...norm.state(), '0.num_batches_tracked': tensor([3]) })
      const shared = nn.linear(1, 1, { bias: false })
      const net = nn.sequential(shared, shared)
      net.loadState({ '0.weight': tensor([[2]]), '1.weight': tensor([[2]]) })
      expect(net(tensor([[1]])).itemSync()).toBe(4)
      expect(() => net.loadState({ '0.weight': tensor([[2]]), '1.weight': tensor([[3]]) })).toThrow(
        /are one variable in the network, but differ/,
      )
    })
  })

  describe('with', () => {
    it('puts tensors in slots by name or in order, and gradients flow to them', () => {
      const [net, x] = [mlp(), input(5, 3)]
      const others = mlp()
        .parameters()
        .map((v) => v.add(0))
      const names = Object.keys(net.namedParameters())
      const byName = net.with(Object.fromEntries(names.map((name, i) => [name, others[i]])))
      const inOrder = net.with(others)
      expect([...byName(x).dataSync()]).toEqual([...inOrder(x).dataSync()])
      expect([...byName(x).dataSync()]).not.toEqual([...net(x).dataSync()])
      const gradients = grad(inOrder(x).square().sum(), others)
      expect(gradients.every((g) => g.dataSync().some((v) => v !== 0))).toBe(true)
      // The network itself is as it was.
      expect(net.parameters()).toHaveLength(4)
      expect(inOrder.parameters()).toHaveLength(0)
    })

    it('lets one network write the weights of another', () => {
      const hyper = nn.linear(2, 3, { bias: false })
      const z = tensor([[1, 2]])
      const target = nn.linear(3, 1, { bias: false })
      const y = target.with({ weight: hyper(z) })(tensor([[1, 10, 100]]))
      const [dw] = grad(y.sum(), hyper.parameters())
      expect(dw.arraySync()).toEqual([
        [1, 2],
        [10, 20],
        [100, 200],
      ])
    })

    it('ties variables, which configuration remembers', () => {
      const net = nn.sequential(nn.embedding(5, 3), nn.relu(), nn.linear(3, 5, { bias: false }))
      const tied = net.with({ '2.weight': net.state()['0.weight'] })
      expect(tied.parameters()).toHaveLength(1)
      const again = nn.fromConfig(JSON.parse(JSON.stringify(tied.config)))
      expect(again.parameters()).toHaveLength(1)
      again.loadState(tied.state())
      const x = tensor(new Int32Array([0, 4]))
      expect([...again(x).dataSync()]).toEqual([...tied(x).dataSync()])
    })

    it('refuses names, counts and shapes that do not fit', () => {
      const net = mlp()
      expect(() => net.with({ '1.weight': zeros([1]) })).toThrow(
        /no slot '1.weight'; it has 0.weight, 0.bias, 2.weight, 2.bias/,
      )
      expect(() => net.with([zeros([1])])).toThrow(/1 tensors for 4 trainable parameters/)
      expect(() => net.with({ '0.weight': zeros([3, 4]) })).toThrow(
        /slot '0.weight' has shape \[4, 3\], the tensor for it \[3, 4\]/,
      )
    })
  })

  it('freezing takes parameters out of training, and compiled functions notice', () => {
    const net = mlp()
    const count = compile((x: Tensor) => x.add(net.parameters().length))
    expect(count(tensor([0])).itemSync()).toBe(4)
    expect(net.children[0].freeze()).toBe(net.children[0])
    expect(Object.keys(net.namedParameters())).toEqual(['2.weight', '2.bias'])
    expect(Object.keys(net.state())).toHaveLength(4)
    expect(count(tensor([0])).itemSync()).toBe(2)
    net.unfreeze()
    expect(count(tensor([0])).itemSync()).toBe(4)
    const norm = nn.batchNorm(2)
    norm.freeze().unfreeze()
    expect(norm.parameters()).toHaveLength(2)
  })

  it('a module of your own takes part in everything', () => {
    const scale = (size: number): nn.Module =>
      nn.defineModule({
        kind: 'scale',
        label: `${size}`,
        options: { size },
        parameters: { weight: variable(ones([size])) },
        forward: (x, { weight }) => x.mul(weight),
      })
    const net = nn.sequential(scale(2), nn.linear(2, 1))
    expect(Object.keys(net.state())).toEqual(['0.weight', '1.weight', '1.bias'])
    expect(() => nn.fromConfig(net.config)).toThrow(/config.0 is of unknown kind 'scale'/)
    const again = nn.fromConfig(net.config, { scale: ({ size }) => scale(Number(size)) })
    again.loadState(net.state())
    expectClose(again(tensor([[1, 2]])), net(tensor([[1, 2]])), 0)
  })
})

describe('configuration', () => {
  it('rebuilds every kind through JSON, options included', () => {
    for (const make of [lenet, zoo]) {
      const net = make()
      const again = nn.fromConfig(JSON.parse(JSON.stringify(net.config)))
      expect(again.config).toEqual(net.config)
      expect(String(again)).toBe(String(net))
      again.loadState(net.state())
    }
    expect(zoo().config.children).toMatchObject({
      picture: { children: { 0: { padding: 'valid', stride: [1, 2], groups: 2, bias: false } } },
    })
  })

  it('leaves defaults out', () => {
    expect(nn.linear(2, 3).config).toEqual({ kind: 'linear', inputs: 2, outputs: 3 })
    expect(nn.maxPool2d(2, { stride: 2 }).config).toEqual({ kind: 'maxPool2d', kernel: 2 })
  })

  it('is refused where it is wrong', () => {
    const cases: readonly (readonly [nn.Json, RegExp])[] = [
      [{ inputs: 2 }, /config is not an object with a kind/],
      [{ kind: 'toString' }, /unknown kind 'toString'; known are linear, conv1d/],
      [{ kind: 'linear', inputs: 2 }, /linear: option 'outputs' is missing, expected a number/],
      [{ kind: 'linear', inputs: 2, outputs: 'x' }, /option 'outputs' is "x", expected a number/],
      [{ kind: 'linear', inputs: 2, outputs: -1 }, /outputs is -1, it must be a whole number/],
      [
        { kind: 'sequential', children: { 0: { kind: 'gelu', form: 'erf' } } },
        /gelu: option 'form' is "erf", expected 'none' or 'tanh'/,
      ],
      [{ kind: 'sequential', children: { a: { kind: 'relu' }, b: 3 } }, /config.b is not an object with a kind/],
      [
        { kind: 'linear', inputs: 1, outputs: 1, ties: { bias: 'wait' } },
        /the tie of 'bias' to 'wait' names no parameters/,
      ],
    ]
    for (const [config, message] of cases) expect(() => nn.fromConfig(config)).toThrow(message)
  })
})

describe('summary', () => {
  it.each([
    [[784, 10], 7850],
    [[784, 300, 10], 238510],
    [[784, 300, 100, 10], 266610],
  ])('counts the parameters of %j', (sizes, parameters) => {
    const layers = sizes.slice(1).map((size, i) => nn.linear(sizes[i], size))
    const summary = nn.sequential(...layers).summary([32, 784])
    expect(summary.parameters).toBe(parameters)
    expect(summary.flops).toBe(layers.reduce((n, _, i) => n + 2 * 32 * sizes[i] * sizes[i + 1], 0))
    expect(summary.rows.map((r) => r.outputShape)).toEqual([[32, 10], ...sizes.slice(1).map((size) => [32, size])])
  })

  it('of LeNet shows shapes, parameters and FLOPs of each layer', () => {
    const summary = lenet().summary([1, 1, 28, 28])
    expect(summary.parameters).toBe(61706)
    expect(summary.rows.filter((r) => r.parameters > 0).map((r) => [r.path, r.parameters, r.flops])).toEqual([
      ['0', 156, 2 * 28 * 28 * 6 * 25],
      ['3', 2416, 2 * 10 * 10 * 16 * 150],
      ['7', 48120, 2 * 400 * 120],
      ['9', 10164, 2 * 120 * 84],
      ['11', 850, 2 * 84 * 10],
    ])
    const lines = String(summary).split('\n')
    expect(lines.at(3)).toMatch(/^net +sequential +\[1, 10\] +– +–$/)
    expect(lines.at(4)).toMatch(/^0 +conv2d 1→6 5×5 +\[1, 6, 28, 28\] +156 +235,200$/)
    expect(lines.at(-1)).toMatch(/^total +61,706 +833,040$/)
    expect(new Set(lines.slice(3, -2).map((l) => l.length)).size).toBe(1)
  })

  it('counts shared and frozen parameters once, int32 inputs, attention’s products, and leaves statistics alone', () => {
    const shared = nn.linear(4, 4)
    const net = nn.sequential(nn.embedding(9, 4), nn.attention(4, { heads: 2 }), shared, shared)
    shared.freeze()
    const summary = net.summary([2, 3], { dtype: 'int32' })
    expect(summary.parameters).toBe(9 * 4 + (4 * 12 + 12) + (16 + 4) + (16 + 4))
    expect(summary.trainable).toBe(summary.parameters - 20)
    expect(summary.rows.map((r) => [r.path, r.flops])).toEqual([
      ['', 0],
      ['0', 0],
      ['1', 2 * 6 * 4 * 12 + 2 * (2 * 2 * 2 * 3 * 3 * 2)],
      ['1.out_proj', 2 * 6 * 16],
      ['2', 192],
      ['2', 192],
    ])
    const norm = nn.batchNorm(3)
    norm.summary([5, 3])
    expect([...norm.buffers()[0].dataSync()]).toEqual([0, 0, 0])
  })

  it('reports a wrong input shape with the module’s path', () => {
    expect(() => lenet().summary([1, 3, 28, 28])).toThrow(/net.0 \(conv2d 1→6 5×5\): /)
  })
})

describe('errors', () => {
  // Of a shape that the compiler does not know.
  const unknown = (shape: readonly number[]): Tensor => zeros(shape)

  it('name the module, three levels deep, and both shapes, and keep the cause', () => {
    const net = nn.sequential({
      encoder: nn.sequential(nn.relu(), nn.residual(nn.sequential(nn.tanh(), nn.relu(), nn.linear(300, 10)))),
    })
    expect.assertions(4)
    try {
      net(zeros([128, 299]))
    } catch (error) {
      expect(error).toBeInstanceOf(nn.ModuleError)
      const { message, path, cause } = error as nn.ModuleError
      expect(message).toMatch(
        /^net\.encoder\.1\.body\.2 \(linear 300→10\): expected \[\.\.\., 300\], found \[128, 299\]: 299 is not 300 \(at module\.test\.ts:\d+\)$/,
      )
      expect(path).toEqual(['encoder', '1', 'body', '2'])
      expect(cause).toBeInstanceOf(RangeError)
    }
  })

  it.each<readonly [string, () => unknown, RegExp]>([
    [
      'a convolution',
      () => nn.conv2d(3, 4, 3)(unknown([1, 1, 8, 8])),
      /net \(conv2d 3→4 3×3\): expected \[n, 3, h, w\], found \[1, 1, 8, 8\]: 1 is not 3/,
    ],
    [
      'a kernel larger than the image',
      () => nn.sequential(nn.conv2d(1, 1, 5))(zeros([1, 1, 4, 4])),
      /net.0 .*\[1, 1, 4, 4\].*reaches over 5 elements/,
    ],
    [
      'a window larger than the image',
      () => nn.maxPool2d(5)(zeros([1, 1, 4, 4])),
      /net \(maxPool2d 5×5\).*does not fit/,
    ],
    [
      'too much padding',
      () => nn.maxPool2d(2, { padding: 2 })(zeros([1, 1, 4, 4])),
      /padding \[2, 2\] is more than half the kernel \[2, 2\]/,
    ],
    ['a layer norm', () => nn.layerNorm(5)(unknown([2, 4])), /expected \[\.\.\., 5\], found \[2, 4\]: 4 is not 5/],
    ['a batch norm', () => nn.batchNorm(5)(unknown([2, 4])), /expected \[n, 5, \.\.\.\], found \[2, 4\]: 4 is not 5/],
    [
      'an embedding of floats',
      () => nn.embedding(3, 2)(zeros([2])),
      /net \(embedding 3→2\).*indices are float32: they must be int32/,
    ],
    [
      'a sequence that is too long',
      () => nn.positional(3, 2)(zeros([4, 2])),
      /\[4, 2\]: expected \[..., time, 2\] with time at most 3/,
    ],
    [
      'attention',
      () => nn.attention(4, { heads: 2 })(unknown([3, 5])),
      /expected \[\.\.\., time, 4\], found \[3, 5\]: 5 is not 4/,
    ],
    [
      'a residual',
      () => nn.residual(nn.linear(2, 3))(zeros([1, 2])),
      /the body gives \[1, 3\], beside it stands \[1, 2\]/,
    ],
    ['no tensor', () => nn.relu()(3 as unknown as Tensor), /relu: the input is 3, it must be a tensor/],
    ['no module', () => nn.sequential(3 as unknown as nn.Module), /sequential: 0 is 3, it must be a module/],
    ['heads', () => nn.attention(5, { heads: 2 }), /size 5 does not divide into 2 heads/],
    ['groups', () => nn.conv2d(3, 4, 1, { groups: 2 }), /3 inputs and 4 outputs don't divide into 2 groups/],
    [
      'same padding with a stride',
      () => nn.conv2d(1, 1, 3, { padding: 'same', stride: 2 })(zeros([1, 1, 4, 4])),
      /'same' needs stride 1/,
    ],
    ['a probability', () => nn.dropout(1.5), /the probability p is 1.5/],
  ])('say what is wrong with %s', (_, f, message) => {
    expect(messageOf(f)).toMatch(message)
  })
})
