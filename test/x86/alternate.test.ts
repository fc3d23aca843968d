// Every second element of memory, as windows of two read and write them: loads and stores of all lengths equal the interpreter, bit for bit.

import { expect, test } from 'vitest'
import type { LoopKernel, LoopLaunch } from '../../src/kernel/loop.ts'
import * as s from '../../src/scalar/expr.ts'
import { interpretLoop } from '../kernel/interpreter.ts'
import { missing, nativeRunner, targets } from './native.ts'

const kernel: LoopKernel = {
  kind: 'loop',
  parallel: 2,
  reduce: 0,
  vector: 1,
  accesses: [
    { dtype: 'float32', strides: ['any', 'any'], bounded: [false, false], fill: 0 },
    { dtype: 'int32', strides: ['any', 'any'], bounded: [false, false], fill: 0 },
    { dtype: 'float32', strides: ['any', 'any'], bounded: [false, false], fill: 0 },
    { dtype: 'int32', strides: ['any', 'any'], bounded: [false, false], fill: 0 },
  ],
  stages: [
    {
      loop: false,
      reductions: [],
      stores: [
        { access: 2, value: s.load('f32', 0), mode: 'set' },
        { access: 3, value: s.load('i32', 1), mode: 'set' },
      ],
    },
  ],
}

/** `rows` rows of `length` elements `step` apart, from element 3 on; what lies between and around them is to stay. */
function launched(rows: number, length: number, step: number): LoopLaunch {
  const pitch = Math.abs(step) * length + 5
  const offset = step < 0 ? pitch : 3
  const none = { low: [0, 0], high: [0, 0], indirectStride: 0, indirectExtent: 0 }
  const accesses = [0, 1, 2, 3].map((buffer) => ({ ...none, buffer, offset, strides: [pitch, step] }))
  return { kind: 'loop', kernel: 0, extents: [rows, length], accesses, total: rows, grain: 1 }
}

test.skipIf(missing !== undefined)('loads and stores of every second element', () => {
  for (const length of [1, 8, 12, 17, 33, 49, 131]) {
    for (const step of length === 17 ? [2, -2, 1, 3] : [2]) {
      const launch = launched(2, length, step)
      const size = 2 * (Math.abs(step) * length + 5) + 8
      const floats = Float32Array.from({ length: size }, (_, i) => Math.sin(i))
      const whole = Int32Array.from({ length: size }, (_, i) => i * 7919)
      const buffers = [floats, whole, new Float32Array(size).fill(-1), new Int32Array(size).fill(-1)]
      const want = buffers.map((b) => b.slice())
      interpretLoop(kernel, launch, want)
      for (const target of targets) {
        expect(nativeRunner(target, kernel, launch, buffers)([]), `${target.title}, ${length}, ${step}`).toEqual(want)
      }
    }
  }
})
