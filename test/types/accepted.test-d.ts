/** What the compiler knows of shapes and dtypes. */

import {
  compile,
  concat,
  type Dim,
  einsum,
  eye,
  grad,
  loss,
  nn,
  oneHot,
  ones,
  random,
  relu6,
  type Shape,
  stack,
  type Tensor,
  tensor,
  type Variable,
  variable,
  vmap,
  zeros,
} from 'tenon'
import { describe, expectTypeOf, it } from 'vitest'

declare const unknown: Tensor
declare const images: Tensor<['batch', 784], 'float32'>
const grid = ones([2, 3])
const cube = ones([2, 3, 4])

/** The same shape, told with the tuple that the compiler shows. */
const shapeOf = <const S extends Shape>(_: Tensor<S>): S => undefined as never

describe('literals', () => {
  it('give their shape up to rank 4, and their dtype', () => {
    expectTypeOf(tensor(1)).toEqualTypeOf<Tensor<[], 'float32'>>()
    expectTypeOf(tensor([1, 2, 3])).toEqualTypeOf<Tensor<[3], 'float32'>>()
    expectTypeOf(tensor([])).toEqualTypeOf<Tensor<[0], 'float32'>>()
    // biome-ignore format: it reads as a matrix
    expectTypeOf(tensor([[1, 2], [3, 4]])).toEqualTypeOf<Tensor<[2, 2], 'float32'>>()
    expectTypeOf(tensor([[[[1], [2]]]])).toEqualTypeOf<Tensor<[1, 1, 2, 1], 'float32'>>()
    expectTypeOf(tensor([[[[[1], [2]]]]])).toEqualTypeOf<Tensor<Shape, 'float32'>>()
    expectTypeOf(tensor([true, false])).toEqualTypeOf<Tensor<[2], 'bool'>>()
    expectTypeOf(tensor([1, 2], { dtype: 'int32' })).toEqualTypeOf<Tensor<[2], 'int32'>>()
    expectTypeOf(tensor(new Float64Array(6), { shape: [2, 3] })).toEqualTypeOf<Tensor<[2, 3], 'float64'>>()
    expectTypeOf(tensor(new Int32Array(6))).toEqualTypeOf<Tensor<[number], 'int32'>>()
    expectTypeOf(tensor([] as number[][])).toEqualTypeOf<Tensor<[number, number], 'float32'>>()
  })
  it('and so do makers', () => {
    expectTypeOf(zeros([2, 3], 'bool')).toEqualTypeOf<Tensor<[2, 3], 'bool'>>()
    expectTypeOf(eye(3)).toEqualTypeOf<Tensor<[3, 3], 'float32'>>()
    expectTypeOf(shapeOf(random.normal([4, 5]))).toEqualTypeOf<[4, 5]>()
    expectTypeOf(oneHot(zeros([7], 'int32'), 10)).toEqualTypeOf<Tensor<[7, 10], 'float32'>>()
    expectTypeOf(ones(unknown.shape)).toExtend<Tensor>()
    expectTypeOf(variable(grid)).toEqualTypeOf<Variable<[2, 3], 'float32'>>()
  })
})

describe('assignment', () => {
  it('takes a number where a name is asked for, and anything where nothing is', () => {
    expectTypeOf<Tensor<[32, 784]>>().toExtend<Tensor<['batch', 784]>>()
    expectTypeOf<Tensor<['batch', 784]>>().toExtend<Tensor<[number, 784]>>()
    expectTypeOf<Tensor<['batch', 784]>>().toExtend<Tensor<[Dim, Dim]>>()
    expectTypeOf<Tensor<[32, 784], 'int32'>>().toExtend<Tensor>()
    expectTypeOf<Variable<[2, 3]>>().toExtend<Tensor<[2, 'n']>>()
  })
  it('takes nothing else', () => {
    expectTypeOf<Tensor<['batch', 784]>>().not.toExtend<Tensor<[32, 784]>>()
    expectTypeOf<Tensor<['batch', 784]>>().not.toExtend<Tensor<['time', 784]>>()
    expectTypeOf<Tensor<[number, 784]>>().not.toExtend<Tensor<['batch', 784]>>()
    expectTypeOf<Tensor<[32, 783]>>().not.toExtend<Tensor<['batch', 784]>>()
    expectTypeOf<Tensor<[784]>>().not.toExtend<Tensor<['batch', 784]>>()
    expectTypeOf<Tensor>().not.toExtend<Tensor<['batch', 784]>>()
    expectTypeOf<Tensor<[2], 'int32'>>().not.toExtend<Tensor<[2], 'float32'>>()
  })
})

describe('operations', () => {
  it('on elements broadcast', () => {
    expectTypeOf(images.add(1)).toEqualTypeOf<Tensor<['batch', 784], 'float32'>>()
    expectTypeOf(images.mul(ones([784]))).toEqualTypeOf<Tensor<['batch', 784], 'float32'>>()
    expectTypeOf(shapeOf(cube.sub(ones([3, 1])))).toEqualTypeOf<[2, 3, 4]>()
    expectTypeOf(shapeOf(ones([2, 1]).add(ones([3])))).toEqualTypeOf<[2, 3]>()
    expectTypeOf(grid.add(unknown)).toEqualTypeOf<Tensor>()
    expectTypeOf(grid.greater(0)).toEqualTypeOf<Tensor<[2, 3], 'bool'>>()
    expectTypeOf(grid.greater(0).where(grid, 0)).toEqualTypeOf<Tensor<[2, 3], 'float32'>>()
    expectTypeOf(zeros([2], 'int32').mul(zeros([2], 'float64'))).toEqualTypeOf<Tensor<[2], 'float64'>>()
    expectTypeOf(zeros([2], 'int32').exp()).toEqualTypeOf<Tensor<[2], 'float32'>>()
    expectTypeOf(relu6(images)).toEqualTypeOf<Tensor<['batch', 784], 'float32'>>()
  })
  it('reduce', () => {
    expectTypeOf(shapeOf(cube.sum())).toEqualTypeOf<[]>()
    expectTypeOf(shapeOf(cube.mean(1))).toEqualTypeOf<[2, 4]>()
    expectTypeOf(shapeOf(cube.max(-1, true))).toEqualTypeOf<[2, 3, 1]>()
    expectTypeOf(shapeOf(cube.sum([0, -1]))).toEqualTypeOf<[3]>()
    expectTypeOf(shapeOf(cube.var(0, { keepAxes: true }))).toEqualTypeOf<[1, 3, 4]>()
    expectTypeOf(images.argmax(1)).toEqualTypeOf<Tensor<['batch'], 'int32'>>()
    expectTypeOf(images.softmax()).toEqualTypeOf<Tensor<['batch', 784], 'float32'>>()
  })
  it('move', () => {
    expectTypeOf(shapeOf(cube.transpose())).toEqualTypeOf<[2, 4, 3]>()
    expectTypeOf(shapeOf(cube.permute([2, 0, -2]))).toEqualTypeOf<[4, 2, 3]>()
    expectTypeOf(shapeOf(images.reshape([-1, 28, 28]))).toEqualTypeOf<['batch', 28, 28]>()
    expectTypeOf(shapeOf(ones([64, 1, 28, 28]).reshape([64, -1]))).toEqualTypeOf<[64, 784]>()
    expectTypeOf(shapeOf(ones([4, 9, 25]).flatten())).toEqualTypeOf<[900]>()
    expectTypeOf(shapeOf(images.unsqueeze(1).flatten(1))).toEqualTypeOf<['batch', 784]>()
    expectTypeOf(shapeOf(ones([1, 2, 1]).squeeze())).toEqualTypeOf<[2]>()
    expectTypeOf(shapeOf(cube.slice(null, [0, 2]))).toEqualTypeOf<[2, number, 4]>()
    expectTypeOf(shapeOf(cube.at(0, 1))).toEqualTypeOf<[2, 4]>()
    expectTypeOf(shapeOf(cube.take(zeros([5, 6], 'int32'), 1))).toEqualTypeOf<[2, 5, 6, 4]>()
    expectTypeOf(shapeOf(concat([grid, ones([4, 3])]))).toEqualTypeOf<[6, 3]>()
    expectTypeOf(shapeOf(stack([grid, grid, grid], -1))).toEqualTypeOf<[2, 3, 3]>()
    expectTypeOf(shapeOf(unknown.named(['batch', 3]))).toEqualTypeOf<['batch', 3]>()
  })
  it('contract', () => {
    expectTypeOf(images.matmul(ones([784, 10]))).toEqualTypeOf<Tensor<['batch', 10], 'float32'>>()
    expectTypeOf(shapeOf(ones([7, 1, 2, 3]).matmul(ones([5, 3, 4])))).toEqualTypeOf<[7, 5, 2, 4]>()
    expectTypeOf(shapeOf(ones([3]).matmul(ones([3])))).toEqualTypeOf<[]>()
    expectTypeOf(shapeOf(einsum('bij,bjk->bik', cube, ones([2, 4, 5])))).toEqualTypeOf<[2, 3, 5]>()
    expectTypeOf(shapeOf(einsum('ij->', grid))).toEqualTypeOf<[]>()
  })
})

describe('functions of tensors', () => {
  it('grad gives the shapes of what it is taken by', () => {
    const w = variable(ones([784, 10]))
    const [dw, dx] = grad(images.matmul(w).sum(), [w, images])
    expectTypeOf(dw).toEqualTypeOf<Tensor<[784, 10], 'float32'>>()
    expectTypeOf(dx).toEqualTypeOf<Tensor<['batch', 784], 'float32'>>()
    expectTypeOf(grad(w.sum(), w)).toEqualTypeOf<Tensor<[784, 10], 'float32'>>()
    expectTypeOf(grad(w.sum(), [] as Tensor[])).toEqualTypeOf<Tensor[]>()
  })
  it('compile keeps the types', () => {
    const step = compile((x: Tensor<['batch', 784]>, t: Tensor<['batch'], 'int32'>) => x.sum(1).mul(t))
    expectTypeOf(step).toBeCallableWith(ones([32, 784]), zeros([32], 'int32'))
    // @ts-expect-error 783 is not 784
    step(ones([32, 783]), zeros([32], 'int32'))
    // @ts-expect-error float32 is not int32
    step(ones([32, 784]), zeros([32]))
    expectTypeOf(shapeOf(step(ones([32, 784]), zeros([32], 'int32')))).toEqualTypeOf<['batch']>()
  })
  it('vmap knows nothing of what it adds an axis to', () => {
    expectTypeOf(vmap((x: Tensor<[3]>) => x.sum())(grid)).toEqualTypeOf<Tensor>()
  })
})

describe('modules', () => {
  it('say what they take and give', () => {
    const net = nn.sequential(nn.flatten(), nn.linear(784, 256), nn.relu(), nn.linear(256, 10))
    expectTypeOf(net).toEqualTypeOf<nn.Module<['n', '...'], ['n', 10], 'sequential'>>()
    expectTypeOf(net).toExtend<nn.Module>()
    expectTypeOf(shapeOf(net(ones([32, 1, 28, 28])))).toEqualTypeOf<[32, 10]>()
    expectTypeOf(shapeOf(net(images))).toEqualTypeOf<['batch', 10]>()
    expectTypeOf(shapeOf(net(unknown))).toEqualTypeOf<[number, 10]>()
    expectTypeOf(shapeOf(nn.linear(3, 4)(ones([5, 6, 3])))).toEqualTypeOf<[5, 6, 4]>()
    expectTypeOf(shapeOf(nn.embedding(100, 8)(zeros([5, 6], 'int32')))).toEqualTypeOf<[5, 6, 8]>()
  })
  it('ask of what comes before what those after them ask for', () => {
    expectTypeOf(nn.sequential(nn.relu(), nn.linear(4, 5))).toEqualTypeOf<
      nn.Module<['...', 4], ['...', 5], 'sequential'>
    >()
    expectTypeOf(nn.sequential(nn.tanh(), nn.conv2d(4, 5, 3))).toEqualTypeOf<
      nn.Module<['n', 4, 'h', 'w'], ['n', 5, number, number], 'sequential'>
    >()
    const transformer = nn.sequential(
      nn.embedding(100, 64),
      nn.positional(10, 64),
      nn.residual(nn.sequential(nn.layerNorm(64), nn.attention(64, { heads: 4 }))),
      nn.linear(64, 100),
    )
    expectTypeOf(shapeOf(transformer(zeros([2, 7], 'int32')))).toEqualTypeOf<[2, 7, 100]>()
  })
  it('of one’s own have a rule if they state one', () => {
    const scale = nn.defineModule({
      kind: 'halve',
      shapes: { in: ['...', 8], out: ['...', 4] },
      forward: (x) => x.slice(...x.shape.map((_, a) => (a === x.rank - 1 ? ([0, 4] as const) : null))),
    })
    expectTypeOf(shapeOf(scale(ones([2, 8])))).toEqualTypeOf<[2, 4]>()
    const free = nn.defineModule({ kind: 'free', forward: (x) => x })
    expectTypeOf(shapeOf(free(grid))).toEqualTypeOf<Shape>()
    expectTypeOf(nn.sequential(free, nn.linear(3, 4))(grid)).toExtend<Tensor>()
  })
})

describe('losses', () => {
  it('are numbers unless they are told not to reduce', () => {
    const labels = zeros([2], 'int32')
    expectTypeOf(shapeOf(loss.softmaxCrossEntropy(grid, labels))).toEqualTypeOf<[]>()
    expectTypeOf(shapeOf(loss.softmaxCrossEntropy(grid, labels, { reduction: 'none' }))).toEqualTypeOf<[2]>()
    expectTypeOf(shapeOf(loss.mse(grid, unknown))).toEqualTypeOf<[]>()
    expectTypeOf(shapeOf(loss.mse(grid, grid, { reduction: 'none' }))).toEqualTypeOf<[2, 3]>()
  })
})
