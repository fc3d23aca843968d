// Arithmetic, comparisons, reductions without a gradient, and glue: what moves numbers and changes none.

import type { Piece } from './piece.ts'

const none = 'no gradient passes'
const moved = 'dx is dy, moved back'

export const tensors: { readonly [name: string]: Piece } = {
  add: {
    also: ['sub'],
    about: 'The sum, element by element; sub the difference.',
    output: 'y = a + b',
    adjust: 'da = dy; db = dy (−dy of sub); summed over the axes along which one was repeated',
    watch: '[n, 1] and [n] are refused unless broadcasting is asked for, as they make [n, n].',
    example: { code: 'x.add(x.sub(1))', x: [2, 3], gives: [3, 5], adjusts: [2, 2] },
  },
  mul: {
    about: 'The product, element by element.',
    output: 'y = a·b',
    adjust: 'da = dy·b; db = dy·a',
    example: { code: 'x.mul(tensor([3, -1]))', x: [2, 3], gives: [6, -3], adjusts: [3, -1] },
  },
  div: {
    about: 'The quotient, element by element.',
    output: 'y = a/b',
    adjust: 'da = dy/b; db = −dy·a/b²',
    watch: 'Division by 0 gives ±∞ or NaN, and so does its gradient: guard the divisor, not the quotient.',
    example: { code: 'tensor([6, 6]).div(x)', x: [2, 3], gives: [3, 2], adjusts: [-1.5, -0.666667] },
  },
  remainder: {
    also: ['floorDivide'],
    about: 'What a division by b leaves, with the sign of b; floorDivide the whole number of times.',
    output: 'y = a − b·⌊a/b⌋',
    adjust: 'da = dy; db = −dy·⌊a/b⌋; of floorDivide nothing',
    example: { code: 'x.remainder(3)', x: [5, -1], gives: [2, 2], adjusts: [1, 1] },
  },
  square: {
    about: 'The square.',
    output: 'y = x²',
    adjust: 'dx = 2x·dy',
    curve: { of: (x) => x.square(), value: (x) => x * x, slope: (x) => 2 * x, from: -3, to: 3 },
  },
  reciprocal: {
    about: 'One by x.',
    output: 'y = 1/x',
    adjust: 'dx = −dy/x²',
    watch: 'Infinite at 0.',
    example: { code: 'x.reciprocal()', x: [2, -4], gives: [0.5, -0.25], adjusts: [-0.25, -0.0625] },
  },
  rsqrt: {
    about: 'One by the square root.',
    output: 'y = 1/√x',
    adjust: 'dx = −dy·y³/2',
    watch: 'Infinite at 0: add a small number before.',
    example: { code: 'x.rsqrt()', x: [4, 1], gives: [0.5, 1], adjusts: [-0.0625, -0.5] },
  },
  log2: {
    about: 'The logarithm to base 2.',
    output: 'y = log x / log 2',
    adjust: 'dx = dy/(x·log 2)',
    example: { code: 'x.log2()', x: [8, 1], gives: [3, 0], adjusts: [0.180337, Math.LOG2E] },
  },
  atan2: {
    about: 'The angle of the point (b, a), from −π to π.',
    output: 'y = atan2(a, b)',
    adjust: 'da = dy·b/(a² + b²); db = −dy·a/(a² + b²); 0 at the origin',
    example: { code: 'x.atan2(tensor([1, -1]))', x: [1, 0], gives: [Math.PI / 4, Math.PI], adjusts: [0.5, -1] },
  },
  equal: {
    also: ['notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual', 'isNaN', 'isFinite'],
    about: 'Comparisons, element by element; isNaN and isFinite ask each alone.',
    output: 'y = true where it holds',
    adjust: none,
    shapes: '[...] and [...] → [...] of bool',
    example: { code: "x.greater(1).cast('float64').mul(x)", x: [0, 2], gives: [0, 2], adjusts: [0, 1] },
  },
  and: {
    also: ['or', 'xor'],
    about: 'Both, at least one, or exactly one; of whole numbers bit by bit.',
    output: 'y = a and b',
    adjust: none,
    shapes: 'of bool or whole numbers',
    example: { code: 'x.greater(0).and(x.less(1)).where(x, x.mul(0))', x: [0.5, 2], gives: [0.5, 0], adjusts: [1, 0] },
  },
  any: {
    also: ['all'],
    about: 'Whether any, or all, along axes.',
    output: 'y = x₁ or x₂ or …',
    adjust: none,
    example: { code: 'x.greater(0).any(0).where(x, x.mul(2))', x: [-1, 3], gives: [-1, 3], adjusts: [1, 1] },
  },
  amax: {
    also: ['amin'],
    about: 'The largest over axes; equal ones share the gradient. With max it goes to the first.',
    output: 'y = max x',
    adjust: 'dx = dy/m at each of the m largest, 0 elsewhere',
    example: { code: 'x.amax(0)', x: [2, 5, 5], gives: 5, adjusts: [0, 0.5, 0.5] },
  },
  argmax: {
    also: ['argmin', 'argsort'],
    about: 'Where the largest is, the first of equals; argsort the places of all in order.',
    output: 'y = the place, int32',
    adjust: `${none}: the choice is not learned; softmax weights are`,
    example: { code: 'x.take(x.argmax(0).reshape([1]), 0)', x: [2, 5, 4], gives: [5], adjusts: [0, 1, 0] },
  },
  cummax: {
    also: ['cummin'],
    about: 'The largest so far along an axis.',
    output: 'yᵢ = max(x₀, …, xᵢ)',
    adjust: 'dxⱼ = Σ dyᵢ over the i whose largest so far is xⱼ',
    example: { code: 'cummax(x).values', x: [2, 1, 3], gives: [2, 2, 3], adjusts: [2, 0, 1] },
  },
  dot: {
    also: ['outer'],
    about: 'The inner product of two vectors; outer all products of two.',
    output: 'y = Σ aᵢ bᵢ; outer: yᵢⱼ = aᵢ bⱼ',
    adjust: 'da = dy·b; db = dy·a',
    example: { code: 'x.dot(tensor([3, 4]))', x: [1, 2], gives: 11, adjusts: [3, 4] },
  },
  cast: {
    about: 'The same numbers in another type.',
    output: 'y = x, rounded; towards 0 for whole numbers',
    adjust: 'dx = dy between floats; none from or to whole numbers',
    example: { code: "x.cast('float64')", x: [1.5], gives: [1.5], adjusts: [1] },
  },
  stopGradient: {
    also: ['detach'],
    about: 'The same value, as a constant: no gradient goes past it.',
    output: 'y = x',
    adjust: 'dx = 0',
    example: { code: 'x.mul(x.stopGradient())', x: [3], gives: [9], adjusts: [3] },
  },
  reshape: {
    also: ['squeeze', 'unsqueeze', 'named'],
    about:
      'The same elements in another shape; squeeze and unsqueeze drop and add axes of 1, named checks a shape and names its axes.',
    output: 'y = x, row by row',
    adjust: 'dx = dy, in the shape of x',
    shapes: 'one extent may be −1: what is left',
    example: { code: 'x.reshape([3, -1])', shape: [2, 3], gives: [3, 2] },
  },
  transpose: {
    also: ['permute', 'flip'],
    about: 'Axes in another order: the last two swapped, or as permute says; flip reverses axes.',
    output: 'y[j, i] = x[i, j]',
    adjust: moved,
    example: { code: 'x.transpose()', shape: [2, 3], gives: [3, 2] },
  },
  broadcastTo: {
    also: ['tile'],
    about: 'Repeated along new axes or those of 1; tile the whole, so many times.',
    output: 'y[i, j] = x[j]',
    adjust: 'dx = Σ dy over what was repeated',
    example: {
      code: 'x.broadcastTo([2, 2])',
      x: [1, 2],
      gives: [
        [1, 2],
        [1, 2],
      ],
      adjusts: [2, 2],
    },
  },
  slice: {
    also: ['at', 'split'],
    about: 'Ranges of axes, as Python’s; at one index, split all parts.',
    output: 'y[i] = x[start + i·step]',
    adjust: 'dx = dy there, 0 elsewhere',
    example: { code: 'x.slice([1, null])', x: [1, 2, 3], gives: [2, 3], adjusts: [0, 1, 1] },
  },
  pad: {
    also: ['padWith'],
    about: 'A border of one number; padWith reflects, repeats or wraps around.',
    output: 'y = x inside, the number outside',
    adjust: 'dx = dy inside; of padWith the sum of dy over all places of an element',
    example: { code: "padWith(x, [[1, 1]], 'reflect')", x: [1, 2, 3], gives: [2, 1, 2, 3, 2], adjusts: [1, 3, 1] },
  },
  concat: {
    also: ['stack'],
    about: 'One after the other along an axis; stack along a new one.',
    output: 'y = [a, b]',
    adjust: 'da and db are the parts of dy',
    example: { code: 'concat([x, x.mul(2)])', x: [1, 2], gives: [1, 2, 2, 4], adjusts: [3, 3] },
  },
  roll: {
    about: 'Shifted along axes; what leaves at one end comes in at the other.',
    output: 'y[i + shift] = x[i]',
    adjust: moved,
    example: { code: 'roll(x, 1).mul(tensor([1, 2, 3]))', x: [1, 2, 3], gives: [3, 2, 6], adjusts: [2, 3, 1] },
  },
  take: {
    about: 'Elements, rows or slices by their numbers: what an embedding does.',
    output: 'y[i] = x[index[i]]',
    adjust: 'dx[index[i]] += dy[i]: those that were taken twice get both',
    watch: 'Negative numbers count from the end; others outside are clamped.',
    example: {
      code: 'x.take(tensor(new Int32Array([2, 0, 2])), 0)',
      x: [1, 2, 3],
      gives: [3, 1, 3],
      adjusts: [1, 0, 2],
    },
  },
  takeAlong: {
    about: 'For each place one element along an axis: PyTorch’s gather.',
    output: 'y[i, j] = x[i, index[i, j]]',
    adjust: 'dx[i, index[i, j]] += dy[i, j]',
    example: {
      code: 'x.takeAlong(tensor(new Int32Array([1, 0]), { shape: [2, 1] }), 1)',
      x: [
        [1, 2],
        [3, 4],
      ],
      gives: [[2], [3]],
      adjusts: [
        [0, 1],
        [1, 0],
      ],
    },
  },
  indexAdd: {
    also: ['scatterAdd'],
    about: 'Adds rows at places; scatterAdd one element each.',
    output: 'y = x, y[index[i]] += update[i]',
    adjust: 'dx = dy; dupdate[i] = dy[index[i]]',
    example: {
      code: 'zeros([2], "float64").indexAdd(tensor(new Int32Array([1, 1])), x, 0)',
      x: [3, 4],
      gives: [0, 7],
      adjusts: [1, 1],
    },
  },
  maskedFill: {
    about: 'A number where a mask is true.',
    output: 'y = value where the mask holds, else x',
    adjust: 'dx = dy where it does not, else 0',
    example: { code: 'x.maskedFill(x.less(0), 9)', x: [-1, 2], gives: [9, 2], adjusts: [0, 1] },
  },
  diag: {
    also: ['diagonal', 'trace'],
    about: 'A matrix with x on its diagonal; diagonal reads it, trace adds it up.',
    output: 'y[i, i] = x[i]',
    adjust: 'dx = the diagonal of dy',
    example: {
      code: 'diag(x)',
      x: [1, 2],
      gives: [
        [1, 0],
        [0, 2],
      ],
      adjusts: [1, 1],
    },
  },
  tril: {
    also: ['triu'],
    about: 'What lies on and below the diagonal; triu on and above.',
    output: 'y[i, j] = x[i, j] for j ≤ i, else 0',
    adjust: 'dx = tril(dy)',
    example: {
      code: 'tril(x)',
      x: [
        [1, 2],
        [3, 4],
      ],
      gives: [
        [1, 0],
        [3, 4],
      ],
      adjusts: [
        [1, 0],
        [1, 1],
      ],
    },
  },
}
