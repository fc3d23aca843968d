// Memory without chores: synchronous loops stay within bounds, old values outlive assignments, and too little memory is an error that says so.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createWasmBackend, type WasmBackend } from '../../src/backend/wasm/index.ts'
import { LinearMemory } from '../../src/backend/wasm/memory.ts'
import { softmaxCrossEntropy } from '../../src/loss/index.ts'
import { linear, relu, sequential } from '../../src/nn/index.ts'
import { adam } from '../../src/optim/index.ts'
import {
  backend,
  compile,
  configure,
  grad,
  memoryReport,
  noGrad,
  runtime,
  type Tensor,
  tensor,
  variable,
  zeros,
} from '../../src/tensor/index.ts'
import { forEachBackend } from '../support/backends.ts'

const mebi = 2 ** 20
const used = (): number => (backend() as WasmBackend).usedBytes
const wave = (...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1)
  return tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(0.37 * i)),
    { shape },
  )
}

function training(): () => Tensor {
  const net = sequential(linear(20, 40), relu(), linear(40, 5))
  const optimizer = adam({ learningRate: 1e-2 })
  return () => {
    const l = softmaxCrossEntropy(net(wave(8, 20)), tensor(Int32Array.from({ length: 8 }, (_, i) => i % 5)))
    optimizer.step(net.parameters(), grad(l, net.parameters()))
    return l
  }
}

describe('one synchronous job', () => {
  beforeEach(() => {
    configure({ backend: 'reference' })
    configure({ backend: 'wasm', threads: 1, seed: 5 })
    runtime.residents.limit = mebi / 4
  })
  afterEach(() => {
    runtime.residents.limit = 64 * mebi
  })

  for (const [name, read] of [
    ['nothing read until the end', false],
    ['each loss read', true],
  ] as const) {
    it(`an eager training loop does not grow: ${name}`, () => {
      const step = training()
      let last = step()
      last.itemSync()
      const sizes: number[] = []
      for (let i = 0; i < 300; i++) {
        last = step()
        if (read) last.itemSync()
        sizes.push(used())
      }
      const [early, late] = [Math.max(...sizes.slice(50, 150)), Math.max(...sizes.slice(150))]
      expect(late).toBeLessThanOrEqual(1.1 * early)
      expect(memoryReport().bytes).toBeLessThanOrEqual(mebi / 4)
      const bounded = last.itemSync()

      // The same numbers where nothing had to leave the memory.
      configure({ seed: 5 })
      runtime.residents.limit = 64 * mebi
      const free = training()
      free()
      let other = free()
      for (let i = 1; i < 300; i++) other = free()
      expect(other.itemSync()).toBe(bounded)
    })
  }

  it('values that are needed again make room for themselves', () => {
    const data = Array.from({ length: 20 }, () => wave(100, 100))
    const sums = data.map((x) => x.sum().itemSync())
    for (let round = 0; round < 3; round++) expect(data.map((x) => x.sum().itemSync())).toEqual(sums)
    expect(runtime.residents.limit).toBeGreaterThan(20 * 40_000)
    const before = [...runtime.residents.values]
    expect(data.map((x) => x.sum().itemSync())).toEqual(sums)
    for (const value of before.filter((v) => v.bytes === 40_000)) expect(runtime.residents.values.has(value)).toBe(true)
  })

  it('results that were put out are still there', () => {
    const results = Array.from({ length: 30 }, (_, i) => wave(100, 100).mul(i))
    for (const r of results) r.dataSync()
    expect(memoryReport().bytes).toBeLessThanOrEqual(mebi / 4)
    const first = wave(100, 100).dataSync()
    results.forEach((r, i) => {
      expect(r.add(0).dataSync()[1]).toBe(Math.fround(i * (first[1] as number)))
    })
  })

  it('cached programs are bounded, and compiled again when they are needed', () => {
    const sums = Array.from({ length: 300 }, (_, i) =>
      wave(i + 1)
        .sum()
        .itemSync(),
    )
    expect(runtime.executables.size).toBeLessThanOrEqual(256)
    const [first] = [wave(1).sum().itemSync()]
    expect(first).toBe(sums[0])
  })

  it('a history that is not needed is not kept', () => {
    let x = tensor([1, 2])
    noGrad(() => {
      for (let i = 0; i < 200; i++) {
        x = x.mul(1.01)
        x.dataSync()
      }
    })
    expect(x.node.depth).toBe(0)
    let y = tensor([1, 2])
    for (let i = 0; i < 200; i++) {
      y = y.mul(1.01).detach()
      y.dataSync()
    }
    expect(y.node.depth).toBe(0)
    expect(y.dataSync()).toEqual(x.dataSync())
  })

  it('a history of 10,000 operations is warned of, once', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    runtime.warnedOfHistory = false
    try {
      let x = tensor([1])
      for (let i = 0; i < 10_100; i++) {
        x = x.add(1)
        if (i % 50 === 0) x.dataSync()
      }
      expect(x.itemSync()).toBe(10_101)
      expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
        expect.stringMatching(/^tenon: a value is the last of 100\d\d operations in a row.* detach\(\)/),
      ])
    } finally {
      warn.mockRestore()
    }
  })
})

forEachBackend(() => {
  describe('values and assignments', () => {
    it('what was read from a variable keeps its value through later assignments and compiled steps', () => {
      const w = variable(tensor([1, 2]), { name: 'w' })
      const pending = [w.mul(10)]
      const bump = compile(() => w.assign(w.add(1)))
      for (let i = 0; i < 4; i++) {
        if (i % 2 === 0) w.assign(w.add(1))
        else bump()
        pending.push(w.mul(10))
      }
      bump()
      expect(pending.map((t) => [...t.dataSync()])).toEqual([
        [10, 20],
        [20, 30],
        [30, 40],
        [40, 50],
        [50, 60],
      ])
      expect([...w.dataSync()]).toEqual([6, 7])
    })

    it('a tensor that was assigned keeps its value, and so do two variables that were assigned the same', () => {
      const [v, w] = [variable(zeros([2])), variable(zeros([2]))]
      const x = tensor([1, 2]).mul(3)
      v.assign(x)
      w.assign(x)
      const bump = compile(() => v.assign(v.mul(2)))
      bump()
      v.assign(v.add(1))
      expect([x, v, w].map((t) => [...t.dataSync()])).toEqual([
        [3, 6],
        [7, 13],
        [3, 6],
      ])
    })

    it('dispose gives a value back; a variable keeps its own', () => {
      const x = tensor([1, 2]).mul(3)
      x.dataSync()
      const y = x.add(1)
      x.dispose()
      expect(() => x.dataSync()).toThrow('this value (mul float32 [2]) was disposed')
      expect(() => y.dataSync()).toThrow('was disposed')
      const w = variable(zeros([2]))
      const z = tensor([1, 2]).mul(3)
      w.assign(z)
      z.dispose()
      w.dispose()
      expect([...w.add(1).dataSync()]).toEqual([4, 7])
      const pending = tensor([1]).add(1)
      pending[Symbol.dispose]()
      expect(pending.itemSync()).toBe(2)
    })
  })
})

it('values move to another backend when they are used there', () => {
  configure({ backend: 'wasm', threads: 1 })
  const w = variable(tensor([1, 2]))
  w.assign(w.add(1))
  const x = w.mul(2)
  x.dataSync()
  configure({ backend: 'reference' })
  expect([...w.add(x).dataSync()]).toEqual([6, 9])
  configure({ backend: 'wasm' })
  expect([...w.add(x).dataSync()]).toEqual([6, 9])
})

describe('the report', () => {
  it('names what lies in memory, largest first, by the place in the code where places are tracked', () => {
    configure({ backend: 'reference' })
    configure({ backend: 'wasm', threads: 1, trackMemory: true })
    try {
      const large = wave(300, 100).mul(2)
      const w = variable(wave(10), { name: 'w' })
      w.add(large.sum()).dataSync()
      large.dataSync()
      const { rows, bytes, programs } = memoryReport()
      expect(rows.map((r) => r.bytes)).toEqual([...rows.map((r) => r.bytes)].sort((a, b) => b - a))
      expect(rows.reduce((sum, r) => sum + r.bytes, 0)).toBe(bytes)
      expect(rows.find((r) => r.what === 'mul float32 [300, 100]')).toMatchObject({
        count: 1,
        bytes: 120_000,
        place: expect.stringMatching(/memory\.test\.ts:\d+:\d+$/),
      })
      expect(rows.some((r) => r.what === "variable 'w' float32 [10]")).toBe(true)
      expect(programs.count).toBeGreaterThan(0)
      expect(String(memoryReport())).toMatch(/117\.2 KiB +1× +mul float32 \[300, 100\] +.*memory\.test\.ts/)
    } finally {
      configure({ trackMemory: false })
    }
  })
})

describe('too little memory', () => {
  let small: WasmBackend
  beforeEach(() => {
    configure({ backend: 'reference' })
    configure({ backend: 'wasm', threads: 1 })
    small = createWasmBackend({ threads: 1, memory: new LinearMemory(256) })
    runtime.backend = small
  })
  afterEach(() => {
    small.terminate()
    configure({ backend: 'reference' })
    configure({ backend: 'wasm' })
  })

  it('idle values make room: more than fits can be alive', () => {
    const values = Array.from({ length: 12 }, (_, i) => wave(2 ** 19).add(i))
    for (const v of values) v.sum().itemSync()
    for (const v of values) v.dataSync()
    values.forEach((v, i) => {
      expect(v.at(0).itemSync()).toBe(i)
    })
  })

  it('a value too large is refused with sizes and the largest holders', () => {
    const kept = wave(2 ** 18)
    kept.sum().itemSync()
    expect(() =>
      zeros([2 ** 23])
        .add(kept.sum())
        .dataSync(),
    ).toThrow(
      /add float32 \[8388608\].*: wasm: out of memory: 32\.0 MiB asked for, .* of at most 16\.0 MiB in use.*smaller batch/s,
    )
    // And what there is still works.
    expect(kept.mul(2).at(0).itemSync()).toBe(0)
  })

  it('values beyond 4 GiB are refused by their sizes, and what needs none is not', () => {
    expect(() => zeros([40000, 40000]).dataSync()).toThrow(/float32 \[40000, 40000\]: wasm: out of memory: 5\.96 GiB/)
    const x = zeros([40000, 8]).add(1)
    expect(() => x.matmul(x.transpose()).softmax(-1).sum().itemSync()).toThrow(
      /the program was not run: its intermediate values need 5\.96 GiB at once, the largest of them 5\.96 GiB/,
    )
    expect(
      zeros([2 ** 30, 2 ** 30])
        .sum()
        .itemSync(),
    ).toBe(0)
  })

  it('a program larger than memory is refused before it runs', () => {
    const w = variable(zeros([4]))
    const step = compile(function tooLarge() {
      const x = zeros([3000, 3000]).add(w.sum())
      const y = x.matmul(x)
      w.assign(w.add(y.matmul(y).sum()))
    })
    expect(step).toThrow(/^tooLarge: the program was not run: its intermediate values need 0\.\d\d GiB at once/)
    expect([...w.dataSync()]).toEqual([0, 0, 0, 0])
  })
})
