/** Random programs: graphs of every kind of operation, whose values stay moderate. */

import fc from 'fast-check'
import { build } from '../../src/graph/build.ts'
import type { DType } from '../../src/graph/dtype.ts'
import { concat, einsum, gelu, grad, roll, Tensor, tensor } from '../../src/tensor/index.ts'
import { normals, randomOf } from './random.ts'

/** Makes a tensor of two others; `n` chooses among variants. Null where the shapes don't allow it. */
export type Step = (x: Tensor, y: Tensor, n: number) => Tensor | null

const axisOf = (x: Tensor, n: number): number => n % x.rank
const hasAxis = (x: Tensor): boolean => x.rank > 0 && x.size > 0
const broadcasts = (x: Tensor, y: Tensor): boolean =>
  [1, 2, 3, 4].every((i) => {
    const [a, b] = [x.shape.at(-i) ?? 1, y.shape.at(-i) ?? 1]
    return i > Math.max(x.rank, y.rank) || a === b || a === 1 || b === 1
  })
const pair =
  (f: (x: Tensor, y: Tensor, n: number) => Tensor): Step =>
  (x, y, n) =>
    broadcasts(x, y) && Math.max(x.rank, y.rank) <= 4 ? f(x, y, n) : null
const along =
  (f: (x: Tensor, axis: number, n: number) => Tensor): Step =>
  (x, _, n) =>
    hasAxis(x) ? f(x, axisOf(x, n), n) : null

// Every step keeps numbers moderate, so that differences stay rounding errors.
export const steps: { readonly [name: string]: Step } = {
  add: pair((x, y) => x.add(y).mul(0.5)),
  sub: pair((x, y) => x.sub(y).mul(0.5)),
  mul: pair((x, y) => x.tanh().mul(y)),
  div: pair((x, y) => x.div(y.square().add(1))),
  maximum: pair((x, y) => x.maximum(y)),
  where: pair((x, y, n) =>
    x
      .detach()
      .mul(0)
      .add(n % 2)
      .greater(0.5)
      .where(x, y),
  ),
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  exp: (x) => x.tanh().exp(),
  log: (x) => x.square().add(0.5).log(),
  gelu: (x) => gelu(x),
  abs: (x) => x.abs(),
  relu: (x) => x.relu(),
  square: (x) => x.tanh().square(),
  sum: along((x, axis, n) => x.sum(axis, n % 2 === 0).div(x.shape[axis])),
  mean: (x, _, n) => (n % 3 === 0 ? x.mean() : null),
  max: along((x, axis, n) => x.max(axis, n % 2 === 0)),
  amin: (x) => (x.size > 0 && x.rank > 1 ? x.amin([0, x.rank - 1], true) : null),
  prod: along((x, axis) => x.tanh().add(1).prod(axis)),
  softmax: along((x, axis) => x.softmax(axis)),
  logSumExp: along((x, axis) => x.logSumExp(axis)),
  std: along((x, axis, n) => x.var(axis, { correction: 0, keepAxes: n % 2 === 0 })),
  norm: along((x, axis) =>
    x.sub(x.mean(axis, true)).div(x.var(axis, { correction: 0, keepAxes: true }).add(0.1).sqrt()),
  ),
  transpose: (x, _, n) => (x.rank > 1 ? x.transpose(axisOf(x, n), -1) : null),
  flatten: (x) => (x.rank > 1 ? x.flatten() : null),
  split: (x) => (x.size % 2 === 0 && x.size > 0 ? x.reshape([2, -1]) : null),
  slice: along((x, axis, n) =>
    x.slice(...x.shape.map((d, a) => (a === axis ? ([n % d, null, 1 + (n % 2)] as const) : null))),
  ),
  flip: along((x, axis) => x.flip(axis)),
  roll: along((x, axis, n) => roll(x, n, axis)),
  pad: (x, _, n) =>
    x.rank > 0
      ? x.pad(
          x.shape.map((_, a) => [(n + a) % 2, a % 2] as const),
          n % 2,
        )
      : null,
  unsqueeze: (x, _, n) => (x.rank < 3 ? x.unsqueeze(n % (x.rank + 1)) : null),
  broadcast: (x, _, n) => (x.rank < 3 && x.size < 50 ? x.broadcastTo([1 + (n % 3), ...x.shape]) : null),
  concat: along((x, axis) => concat([x, x.mul(-0.5)], axis)),
  take: along((x, axis, n) => x.take(tensor(new Int32Array([0, n % x.shape[axis], -1])), axis)),
  windows: (x, _, n) => {
    const last = x.shape.at(-1) ?? 0
    if (x.rank === 0 || x.rank > 2 || last < 3) return null
    return new Tensor(build.node('windows', [x.node], { size: [2], stride: [1 + (n % 2)], dilation: [1] }))
  },
  matmul: (x, y) => (x.rank === 2 && y.rank === 2 && x.shape[1] === y.shape[0] ? x.matmul(y).mul(0.3) : null),
  gram: (x) => (x.rank >= 2 && x.size > 0 ? x.matmul(x.transpose()).mul(0.2).tanh() : null),
  outer: (x, y) => (x.rank === 1 && y.rank === 1 && x.size * y.size < 200 ? einsum('i,j->ij', x, y) : null),
  linear: along((x, axis, n) => x.transpose(axis, -1).matmul(weights(x.shape[axis], 1 + (n % 5), x.dtype))),
  detach: (x) => x.detach().add(x),
}
const names = Object.keys(steps)

const weights = (rows: number, columns: number, dtype: DType): Tensor =>
  tensor(
    normals(randomOf(rows * 31 + columns), rows * columns).map((v) => v * 0.4),
    { shape: [rows, columns], dtype },
  )

const shapes = [[2, 3], [3], [3, 4], [2, 1, 3], [], [17], [5, 4]]

export function inputsOf(dtype: DType): Tensor[] {
  const draw = randomOf(3)
  return shapes.map((shape) =>
    tensor(
      normals(
        draw,
        shape.reduce((n, d) => n * d, 1),
      ),
      { shape, dtype },
    ),
  )
}

interface Instruction {
  readonly step: string
  readonly x: number
  readonly y: number
  readonly n: number
}

/** Runs the instructions on a growing pool of values; operands count from its end. Gives the last values made. */
export function run(program: readonly Instruction[], inputs: readonly Tensor[]): Tensor[] {
  const pool = [...inputs]
  for (const { step, x, y, n } of program) {
    const made = steps[step](pool[pool.length - 1 - (x % pool.length)], pool[pool.length - 1 - (y % pool.length)], n)
    if (made && made.size < 2000) pool.push(made)
  }
  return pool.slice(inputs.length).slice(-3)
}

const instruction = fc.record({ step: fc.constantFrom(...names), x: fc.nat(9), y: fc.nat(9), n: fc.nat(11) })
export const programs = fc.array(instruction, { minLength: 2, maxLength: 16 })

/** The values that a program makes, and the gradients of the sum of their squares by its inputs. */
export function withGradients(program: readonly Instruction[], inputs: readonly Tensor[]): Tensor[] {
  const outputs = run(program, inputs)
  if (outputs.length === 0) return []
  const total = outputs.map((y) => y.mul(y).sum().mul(0.1)).reduce((a, b) => a.add(b))
  return [...outputs, ...grad(total, inputs)]
}
