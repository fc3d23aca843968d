/** Compiled functions: they compute what the plain function computes, whatever goes in, out and through their variables. */

import { describe, expect, it, vi } from 'vitest'
import {
  arange,
  compile,
  configure,
  customGradient,
  full,
  grad,
  noGrad,
  ones,
  random,
  runtime,
  type Tensor,
  tensor,
  variable,
  withTraining,
  write,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'
import { expectClose } from '../support/close.ts'

forEachBackend((on) => {
  const values = (x: Tensor): number[] => [...x.dataSync()]

  it('gives what the plain function gives, call after call', () => {
    const f = (x: Tensor, w: Tensor): Tensor => x.matmul(w).tanh().add(1).log().sum(1)
    const compiled = compile(f)
    for (const shift of [0, 1, 2]) {
      const [x, w] = [arange(6).reshape([2, 3]).mul(0.1).add(shift), arange(12).reshape([3, 4]).mul(0.05)]
      expectClose(compiled(x, w), f(x, w), 1e-6)
    }
  })

  it('a training step: forward, backward and update, the loss from before the update', () => {
    const w = variable(tensor([4]))
    const step = compile((target: Tensor) => {
      const loss = w.sub(target).square().sum()
      w.assign(w.sub(grad(loss, w).mul(0.25)))
      return loss
    })
    const target = tensor([2])
    expect([1, 2, 3].map(() => step(target).itemSync())).toEqual([4, 1, 0.25])
    expect(w.itemSync()).toBe(2.25)
  })

  describe('variables', () => {
    it('change when the call ends; what is read after an assignment sees the new value', () => {
      const v = variable(tensor([1, 2]))
      const [before, after] = compile(() => {
        const old = v.mul(1)
        v.assign(v.add(10))
        return [old, v.mul(1)] as const
      })()
      expect([values(before), values(after), values(v)]).toEqual([
        [1, 2],
        [11, 12],
        [11, 12],
      ])
    })

    it('assigned twice keep the last value; assigned to each other they swap', () => {
      const [a, b] = [variable(tensor([1, 2])), variable(tensor([3, 4]))]
      const swap = compile(() => {
        const [x, y] = [a.mul(1), b.mul(1)]
        a.assign(y)
        b.assign(x)
      })
      swap()
      expect([values(a), values(b)]).toEqual([
        [3, 4],
        [1, 2],
      ])
      swap()
      expect([values(a), values(b)]).toEqual([
        [1, 2],
        [3, 4],
      ])
      compile(() => {
        a.assign(zeros([2]))
        a.assign(b)
      })()
      expect(values(a)).toEqual([3, 4])
    })

    it('swap without any arithmetic', () => {
      const [a, b] = [variable(tensor([1, 2])), variable(tensor([3, 4]))]
      compile(() => {
        const old = a.add(0).reshape([2])
        a.assign(b)
        b.assign(old)
      })()
      expect([values(a), values(b)]).toEqual([
        [3, 4],
        [1, 2],
      ])
    })

    it('take a permutation of their own elements', () => {
      const v = variable(arange(6).cast('float32').reshape([2, 3]))
      const turn = compile(() => {
        v.assign(v.flip().transpose().reshape([2, 3]))
      })
      turn()
      expect(values(v)).toEqual([5, 2, 4, 1, 3, 0])
    })

    it('are not changed by a function that throws', () => {
      const v = variable(tensor([1]))
      const bad = compile(() => {
        v.assign(v.add(1))
        throw new Error('halfway')
      })
      expect(() => bad()).toThrow('halfway')
      expect(values(v)).toEqual([1])
      expect(compile(() => v.add(1))().itemSync()).toBe(2)
    })

    it('given as an argument and assigned in the same call', () => {
      const v = variable(tensor([1, 2, 3]))
      const step = compile((x: Tensor) => {
        v.assign(v.add(1))
        return x.flip()
      })
      expect(values(step(v))).toEqual([3, 2, 1])
      expect(values(v)).toEqual([2, 3, 4])
    })

    it('assigned between calls are seen by the next one', () => {
      const v = variable(tensor([1]))
      const read = compile(() => v.mul(10))
      expect(read().itemSync()).toBe(10)
      v.assign(tensor([2]))
      expect(read().itemSync()).toBe(20)
    })

    it('have custom gradients that keep the old value', () => {
      const w = variable(tensor([3]))
      const square = customGradient(
        (x) => x.square(),
        (g, [x]) => [g.mul(x).mul(2)],
      )
      const gradient = compile(() => {
        const input = ones([1])
        const y = square(w.mul(input)).sum()
        w.assign(w.add(100))
        return grad(y, input)
      })()
      expect(values(gradient)).toEqual([18])
    })
  })

  describe('what goes in and out', () => {
    it('trees of tensors, and other values beside them', () => {
      const f = compile(({ x, scale }: { x: Tensor; scale: number }, list: readonly Tensor[], flag: boolean) => ({
        sum: list.reduce((a, b) => a.add(b)).mul(scale),
        nested: [{ x: flag ? x : x.neg() }],
        text: 'as is',
        nothing: null,
      }))
      const first = f({ x: tensor([1]), scale: 2 }, [tensor([1]), tensor([2])], true)
      expect([values(first.sum), values(first.nested[0].x), first.text, first.nothing]).toEqual([
        [6],
        [1],
        'as is',
        null,
      ])
      const second = f({ x: tensor([1]), scale: 3 }, [tensor([1]), tensor([2]), tensor([3])], false)
      expect([values(second.sum), values(second.nested[0].x)]).toEqual([[18], [-1]])
    })

    it('an argument itself, a constant, the same tensor twice, a captured tensor, a variable', () => {
      const captured = tensor([7])
      const v = variable(tensor([8]))
      const f = compile((x: Tensor) => {
        const y = x.add(1)
        return [x, full([2], 5), y, y, captured, v, zeros([0, 3])]
      })
      expect(f(tensor([1])).map(values)).toEqual([[1], [5, 5], [2], [2], [7], [8], []])
      expect(f(tensor([2])).map(values)).toEqual([[2], [5, 5], [3], [3], [7], [8], []])
    })

    it('results stay what they were when the function is called again', () => {
      const f = compile((x: Tensor) => x.mul(2))
      for (const size of [2, 3000]) {
        const results = [1, 2, 3].map((v) => f(full([size], v)))
        expect(results.map((r) => r.sum().itemSync())).toEqual([2 * size, 4 * size, 6 * size])
      }
    })

    it('the result of one call is the argument of the next', () => {
      const f = compile((x: Tensor) => x.mul(2))
      let x: Tensor = full([500], 1)
      for (let i = 0; i < 5; i++) x = f(x)
      expect(x.at(0).itemSync()).toBe(32)
      let y: Tensor = full([3], 1)
      for (let i = 0; i < 5; i++) y = f(y)
      expect(values(y)).toEqual([32, 32, 32])
    })

    it('captured tensors: data that is overwritten, values computed outside', () => {
      const data = tensor([1, 2])
      const derived = data.mul(10)
      const f = compile((x: Tensor) => x.add(data).add(derived))
      expect(values(f(zeros([2])))).toEqual([11, 22])
      write(data, [5, 6])
      expect(values(f(zeros([2])))).toEqual([15, 26])
    })

    it('arguments of every dtype', () => {
      const f = compile((a: Tensor, b: Tensor, c: Tensor, d: Tensor) => [a.not(), b.add(1), c.mul(2), d.div(2)])
      const out = f(
        tensor([true, false]),
        tensor(new Uint8Array([255])),
        tensor(new Int32Array([3])),
        tensor(new Float64Array([1])),
      )
      expect(out.map((x) => x.dtype)).toEqual(['bool', 'uint8', 'int32', 'float64'])
      expect(out.map(values)).toEqual([[0, 1], [0], [6], [0.5]])
    })

    it('no tensors at all', () => {
      expect(compile(() => 3)()).toBe(3)
      expect(values(compile(() => arange(3).cast('float32'))())).toEqual([0, 1, 2])
    })
  })

  describe('traced again', () => {
    it('for other shapes, dtypes, numbers, training and structure, and not otherwise', () => {
      const f = vi.fn((x: Tensor, n: number) => x.mul(n))
      const compiled = compile(f)
      const traces = (): number => f.mock.calls.length
      compiled(ones([2]), 3)
      compiled(ones([2]), 3)
      expect(traces()).toBe(1)
      compiled(ones([3]), 3)
      compiled(ones([2], 'float64'), 3)
      compiled(ones([2]), 4)
      expect(traces()).toBe(4)
      withTraining(true, () => compiled(ones([2]), 3))
      expect(traces()).toBe(5)
      compiled(ones([2]), 3)
      expect(traces()).toBe(5)
      runtime.structure++
      compiled(ones([2]), 3)
      expect(traces()).toBe(6)
    })

    it('300 batch sizes', () => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
      const w = variable(arange(6).reshape([3, 2]).cast('float32'))
      const f = compile((x: Tensor) => x.matmul(w).relu().sum())
      for (let n = 1; n <= 300; n++) expect(f(ones([n, 3])).itemSync()).toBe(15 * n)
      expect(warn).toHaveBeenCalledOnce()
      expect(warn.mock.calls[0][0]).toContain('was traced 8 times')
      warn.mockRestore()
    })

    it('inside another compiled function it is part of it', () => {
      const inner = compile((x: Tensor) => x.square())
      const outer = compile((x: Tensor) => grad(inner(x).sum(), x))
      expect(values(outer(tensor([1, 2])))).toEqual([2, 4])
    })

    it('under noGrad, without making later gradients vanish', () => {
      const f = compile((x: Tensor) => grad(x.square().sum(), x))
      const x = tensor([3])
      expect(values(noGrad(() => f(x)))).toEqual([6])
      expect(values(f(x))).toEqual([6])
    })
  })

  describe('repeat', () => {
    it('equals as many calls', () => {
      const start = (): ReturnType<typeof variable> => variable(tensor([1, -2, 0.5]))
      const stepOf = (v: ReturnType<typeof variable>) =>
        compile((x: Tensor) => {
          v.assign(v.mul(0.9).add(x))
          return v.sum()
        })
      const [a, b] = [start(), start()]
      const [one, many] = [stepOf(a), stepOf(b)]
      const x = tensor([0.1, 0.2, 0.3])
      let last = one(x)
      for (let i = 1; i < 7; i++) last = one(x)
      expect(values(many.repeat(7, x))).toEqual(values(last))
      expect(values(b)).toEqual(values(a))
    })
    it('draws other random numbers each time, the same as separate calls', () => {
      const drawn = (times: 'once' | 'each'): number[] => {
        configure({ seed: 5 })
        const sum = variable(zeros([4]))
        const step = compile(() => {
          sum.assign(sum.add(random.uniform([4])))
        })
        if (times === 'once') step.repeat(3)
        else for (let i = 0; i < 3; i++) step()
        return values(sum)
      }
      expect(drawn('once')).toEqual(drawn('each'))
    })
    it('no times: refused', () => {
      const f = compile(() => ones([1]))
      expect(() => f.repeat(0)).toThrow('repeat: 0 times: it must be a positive integer')
      expect(() => f.repeat(1.5)).toThrow('repeat: 1.5 times')
    })
  })

  describe('random numbers', () => {
    const draw = (seed: number, calls: number): number[][] => {
      configure({ seed })
      const f = compile((x: Tensor) =>
        random
          .uniform([3])
          .add(x)
          .add(random.uniform([3])),
      )
      return Array.from({ length: calls }, () => values(f(zeros([3]))))
    }
    it('differ from call to call and repeat for the same seed', () => {
      const first = draw(7, 3)
      expect(new Set(first.flat()).size).toBe(9)
      expect(draw(7, 3)).toEqual(first)
      expect(draw(8, 3)).not.toEqual(first)
      expect(draw(7 + 2 ** 32, 3)).not.toEqual(first)
    })
    it('two draws of one call differ', () => {
      const [a, b] = compile(() => [random.uniform([5]), random.uniform([5])])()
      expect(values(a)).not.toEqual(values(b))
    })
  })

  describe('refused', () => {
    it('reading a value while tracing', () => {
      const f = compile((x: Tensor) => {
        if (x.sum().itemSync() > 0) return x
        return x.neg()
      })
      expect(() => f(ones([2]))).toThrow('reading a value inside a compiled function')
      // Nothing is left behind.
      expect(ones([2]).sum().itemSync()).toBe(2)
    })
    it('async functions', () => {
      const f = compile(async (x: Tensor) => x)
      expect(() => f(ones([1]))).toThrow('compile: the function is async: only synchronous functions')
    })
    it('arguments that are neither tensors nor plain values', () => {
      const f = compile((x: { size: number }) => ones([x.size]))
      expect(() => f(new Map())).toThrow('compile: arguments may be tensors, numbers')
    })
    it('a tensor that escaped from inside', () => {
      let escaped: Tensor | undefined
      compile((x: Tensor) => {
        escaped = x.add(1)
        return x
      })(ones([1]))
      expect(() => escaped?.itemSync()).toThrow('used outside of it: return it from the function instead')
    })
  })

  it(`runs on ${on.backend}`, () => {
    expect(runtime.backendName).toBe(on.backend)
  })
})
