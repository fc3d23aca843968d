/** What goes wrong easily: one clear message each, with the remedy. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  compile,
  concat,
  configure,
  einsum,
  ones,
  stack,
  type Tensor,
  tensor,
  variable,
  withBroadcasting,
  zeros,
} from '../../src/tensor/index.ts'

/** A tensor of whose shape the compiler knows nothing. */
const unknown = (shape: readonly number[]): Tensor => ones(shape)
/** What untyped code does with a tensor. */
const untyped = (x: Tensor): number => x as unknown as number

interface Case {
  readonly what: string
  readonly run: () => unknown
  readonly message: string | RegExp
}

const cases: readonly Case[] = [
  {
    what: 'a value of another shape for a variable',
    run: () => variable(zeros([2, 3]), { name: 'w' }).assign(unknown([3, 2])),
    message: "variable 'w': the variable is [2, 3], the value [3, 2]: they must be equal",
  },
  {
    what: 'a value of another dtype for a variable',
    run: () => variable(zeros([2]), { name: 'w' }).assign(zeros([2], 'int32')),
    message: "variable 'w': the variable is float32, the value int32: cast it with cast('float32')",
  },
  {
    what: 'too few numbers for a variable',
    run: () => variable(zeros([2, 3]), { name: 'w' }).assign(new Float32Array(5)),
    message: "variable 'w' [2, 3]: cannot assign 5 elements",
  },
  {
    what: 'reading a value inside a compiled function',
    run: () => compile((x: Tensor) => x.mul(x.sum().itemSync()))(ones([2])),
    message: 'Return the tensor and read it outside',
  },
  {
    what: 'reading an argument inside a compiled function',
    run: () => compile((x: Tensor) => x.mul(x.itemSync()))(ones([])),
    message: 'reading a value inside a compiled function',
  },
  {
    what: 'an async compiled function',
    run: () => compile(async (x: Tensor) => x)(ones([2])),
    message: 'the function is async: only synchronous functions of tensors can be traced',
  },
  {
    what: 'an async compiled function that reads a value',
    run: () => compile(async (x: Tensor) => x.mul(await x.sum().item()))(ones([2])),
    message: 'the function is async: only synchronous functions of tensors can be traced',
  },
  {
    what: 'a value of another shape for a variable without a name',
    run: () => variable(zeros([2, 3])).assign(unknown([3, 2])),
    message: 'assign: the variable is [2, 3], the value [3, 2]: they must be equal',
  },
  {
    what: 'comparing tensors with >',
    run: () => untyped(ones([2])) > 0,
    message:
      'a tensor is no number, so operators such as x > 0, x + 1 and x == 1 do not work on float32 [2]: use methods',
  },
  { what: 'adding with +', run: () => untyped(ones([])) + 1, message: 'x.greater(0), x.add(1), x.equal(1)' },
  { what: 'minus', run: () => -untyped(ones([])), message: 'to branch on a value read it first, (await x.item()) > 0' },
  {
    what: 'branching on a comparison inside a compiled function',
    run: () => compile((x: Tensor) => (untyped(x.sum()) > 0 ? x : x.neg()))(ones([2])),
    message: 'to branch on a value read it first',
  },
  {
    what: 'a column less a row, in a loss',
    run: () => lossOf([4, 1], [4]),
    message: 'mse: predictions [4, 1] and targets [4] differ',
  },
]

const lossOf = async (predictions: readonly number[], targets: readonly number[]): Promise<unknown> => {
  const { mse } = await import('../../src/loss/index.ts')
  return mse(unknown(predictions), unknown(targets))
}

describe('refused', () => {
  it.each(cases)('$what', async ({ run, message }) => {
    await expect(async () => run()).rejects.toThrow(message)
  })
})

it('a tensor in text is what it prints', () => {
  expect(`${tensor([1, 2])}`).toBe(String(tensor([1, 2])))
  expect(`${tensor([1, 2])}`).toContain('1. 2.')
})

it('a step whose shapes change every call says so once', () => {
  const warn = vi.spyOn(console, 'warn').mockReturnValue()
  try {
    const step = compile((x: Tensor) => x.sum())
    for (let n = 1; n <= 10; n++) step(unknown([n]))
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0]?.[0]).toMatch(
      /was traced 8 times, last for arguments \[float32\[\d+\]\]: pad batches to one shape, or pass changing numbers as tensors/,
    )
  } finally {
    warn.mockRestore()
  }
})

describe('strict broadcasting', () => {
  beforeEach(() => configure({ broadcasting: 'strict' }))
  afterEach(() => configure({ broadcasting: 'numpy' }))

  it.each([
    ['sub', () => unknown([4, 1]).sub(unknown([4])), 'sub: [4, 1] with [4] would become [4, 4]'],
    ['mul', () => unknown([4, 1]).mul(unknown([1, 4])), 'mul: [4, 1] with [1, 4] would become [4, 4]'],
    ['add', () => unknown([2, 3]).add(unknown([3])), 'add: [2, 3] with [3] would become [2, 3]'],
    ['greater', () => unknown([2, 3]).greater(unknown([3])), 'greater: [2, 3] with [3] would become'],
    [
      'where',
      () =>
        unknown([2, 3])
          .less(0)
          .where(unknown([3]), 0),
      'where: [2, 3] with [3] would become',
    ],
    ['floorDivide', () => unknown([2, 3]).floorDivide(unknown([3])), 'floorDivide: [2, 3] with [3] would become'],
  ])('refuses what is nearly always a mistake: %s', (_, f, message) => {
    expect(f).toThrow(message)
    expect(f).toThrow(
      /which strict broadcasting refuses: give both one rank with unsqueeze or reshape, stretch with broadcastTo, or mean it with withBroadcasting\('numpy', …\)/,
    )
    expect(withBroadcasting('numpy', f)).toBeDefined()
  })
  it('takes numbers, scalars, equal shapes and one operand that is stretched', () => {
    const x = unknown([2, 3])
    for (const y of [x.add(1), x.mul(unknown([])), x.sub(x), x.div(unknown([2, 1])), unknown([1, 3]).add(x)])
      expect(y.shape).toEqual([2, 3])
    expect(x.softmax().add(x.mean(0, true)).shape).toEqual([2, 3])
  })
  it('is off outside, and what does not broadcast at all says so as ever', () => {
    expect(() => unknown([2, 3]).add(unknown([2]))).toThrow('add: cannot broadcast [2, 3] with [2]')
    configure({ broadcasting: 'numpy' })
    expect(unknown([4, 1]).sub(unknown([4])).shape).toEqual([4, 4])
    expect(() => configure({ broadcasting: 'loose' as 'numpy' })).toThrow("unknown broadcasting 'loose'")
  })
})

describe('names of axes', () => {
  const x = unknown([64, 784]).named(['batch', 784])
  it('are checked against the shape', () => {
    expect(() => unknown([64, 784]).named(['batch', 783])).toThrow('named: [64, 784] is not [batch, 783]')
    expect(() => unknown([64, 784]).named(['batch'])).toThrow('named: [64, 784] is not [batch]')
    expect(x.named(['n', 'd']).shape).toEqual([64, 784])
  })
  it.each<[string, () => Tensor, string]>([
    [
      'pointwise operations',
      () =>
        x
          .exp()
          .mul(2)
          .add(unknown([784])),
      '[batch=64, 784]',
    ],
    ['broadcasting', () => unknown([784]).add(x), '[batch=64, 784]'],
    ['an operand with other names', () => unknown([64, 784]).add(x), '[batch=64, 784]'],
    ['matrix products', () => x.matmul(unknown([784, 10]).named([784, 'class'])), '[batch=64, class=10]'],
    [
      'batched products',
      () =>
        unknown([2, 3, 4])
          .named(['n', 't', 4])
          .matmul(unknown([4, 5])),
      '[n=2, t=3, 5]',
    ],
    ['transposes', () => x.transpose(), '[784, batch=64]'],
    ['reductions', () => x.sum(1), '[batch=64]'],
    ['reductions that keep axes', () => x.mean(1, true), '[batch=64, 1]'],
    ['unsqueeze', () => x.unsqueeze(0), '[1, batch=64, 784]'],
    ['squeeze', () => x.unsqueeze(1).squeeze(1), '[batch=64, 784]'],
  ])('stay with %s', (_, f, shown) => {
    expect(() => f().named([])).toThrow(`named: ${shown} is not []`)
  })
  it('reach compiled functions, change no value and cost no copy of a gradient', () => {
    const values = tensor([1, 2, 3])
    const double = compile((v: Tensor<['n']>) => v.mul(2))
    expect(double(values.named(['n'])).arraySync()).toEqual([2, 4, 6])
    const bad = compile((v: Tensor) => v.add(unknown([2])))
    expect(() => bad(values.named(['n']))).toThrow('add: cannot broadcast [n=3] with [2]: 3 is not 2')
  })
})

it('an error says where in the user’s program it was asked for', () => {
  const asked: readonly (() => unknown)[] = [
    () => unknown([2, 3]).matmul(unknown([2, 3])),
    () => concat([unknown([2]), unknown([2, 2])]),
    () => stack([unknown([2]), unknown([3])]),
    () => einsum('ij,jk->ik', unknown([2, 3]), unknown([2, 3])),
  ]
  for (const f of asked) expect(f).toThrow(/ \(at bad-input\.test\.ts:\d+\)$/)
})
