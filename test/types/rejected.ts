// Programs that neither compile nor run, and the sentence that both the compiler and the running program say.

import { concat, einsum, loss, nn, norm, ones, stack, tensor, variable, zeros } from 'tenon'

const images = ones([64, 784]).named(['batch', 784])
const labels = zeros([64], 'int32').named(['batch'])
const grid = ones([2, 3])
const cube = ones([2, 3, 4])
const matrix = tensor([
  [1, 2],
  [3, 4],
])

export const rejected: readonly (() => unknown)[] = [
  // @ts-expect-error matmul: inner dimensions differ, [batch, 784] @ [783, 10]: 784 is not 783
  () => images.matmul(ones([783, 10])),
  // @ts-expect-error matmul: inner dimensions differ, [2, 2] @ [3]: 2 is not 3
  () => matrix.matmul(ones([3])),
  // @ts-expect-error matmul: inner dimensions differ, [5, 2, 3] @ [5, 4, 2]: 3 is not 4
  () => ones([5, 2, 3]).matmul(ones([5, 4, 2])),
  // @ts-expect-error matmul: cannot broadcast [5] with [6]: 5 is not 6, and neither is 1
  () => ones([5, 2, 3]).matmul(ones([6, 3, 2])),
  // @ts-expect-error matmul: [2, 3] @ []: scalars have no inner dimension, use mul
  () => grid.matmul(ones([])),
  // @ts-expect-error matmul: inner dimensions differ, [3] @ [4]: 3 is not 4
  () => ones([3]).dot(ones([4])),

  // @ts-expect-error add: cannot broadcast [batch, 784] with [783]: 784 is not 783, and neither is 1
  () => images.add(ones([783])),
  // @ts-expect-error sub: cannot broadcast [2, 3] with [2]: 3 is not 2, and neither is 1
  () => grid.sub(ones([2])),
  // @ts-expect-error mul: cannot broadcast [2, 3, 4] with [3, 3]: 4 is not 3, and neither is 1
  () => cube.mul(ones([3, 3])),
  // @ts-expect-error div: cannot broadcast [2, 3] with [3, 3]: 2 is not 3, and neither is 1
  () => grid.div(ones([3, 3])),
  // @ts-expect-error pow: cannot broadcast [2, 3] with [2, 4]: 3 is not 4, and neither is 1
  () => grid.pow(ones([2, 4])),
  // @ts-expect-error floorDivide: cannot broadcast [2, 3] with [2, 4]: 3 is not 4, and neither is 1
  () => grid.floorDivide(ones([2, 4])),
  // @ts-expect-error maximum: cannot broadcast [2, 3] with [2, 4]: 3 is not 4, and neither is 1
  () => grid.maximum(ones([2, 4])),
  // @ts-expect-error less: cannot broadcast [2, 3] with [2, 4]: 3 is not 4, and neither is 1
  () => grid.less(ones([2, 4])),
  // @ts-expect-error greater: cannot broadcast [2, 3] with [2, 4]: 3 is not 4, and neither is 1
  () => grid.greater(ones([2, 4])),
  // @ts-expect-error and: cannot broadcast [2, 3] with [2, 4]: 3 is not 4, and neither is 1
  () => grid.less(0).and(ones([2, 4], 'bool')),
  // @ts-expect-error where: cannot broadcast [2, 3] with [2, 4]: 3 is not 4, and neither is 1
  () => grid.less(0).where(ones([2, 4]), 0),

  // @ts-expect-error sum: axis 2 is out of range for rank 2: use an integer from -2 to 1
  () => grid.sum(2),
  // @ts-expect-error mean: axis -3 is out of range for rank 2: use an integer from -2 to 1
  () => grid.mean([0, -3]),
  // @ts-expect-error max: axis 3 is out of range for rank 3: use an integer from -3 to 2
  () => cube.max(3, true),
  // @ts-expect-error sum: axis 0 is out of range for rank 0: a scalar has no axes
  () => ones([]).sum(0),
  // @ts-expect-error argmax: axis 1 is out of range for rank 1: use an integer from -1 to 0
  () => labels.argmax(1),
  // @ts-expect-error softmax: axis 2 is out of range for rank 2: use an integer from -2 to 1
  () => grid.softmax(2),
  // @ts-expect-error var: axis 2 is out of range for rank 2: use an integer from -2 to 1
  () => grid.std(2),
  // @ts-expect-error logSumExp: axis 2 is out of range for rank 2: use an integer from -2 to 1
  () => grid.logSumExp(2),
  // @ts-expect-error norm: axis 2 is out of range for rank 2: use an integer from -2 to 1
  () => norm(grid, 2, 2),

  // @ts-expect-error transpose: axis -2 is out of range for rank 1: use an integer from -1 to 0
  () => labels.transpose(),
  // @ts-expect-error transpose: axis 3 is out of range for rank 3: use an integer from -3 to 2
  () => cube.transpose(0, 3),
  // @ts-expect-error permute: [0, 2] is not a permutation of the 3 axes of [2, 3, 4]
  () => cube.permute([0, 2]),
  // @ts-expect-error permute: [0, 1, 1] is not a permutation of the 3 axes of [2, 3, 4]
  () => cube.permute([0, 1, 1]),
  // @ts-expect-error reshape: [2, 3] with 6 elements does not fit [4, 2]
  () => grid.reshape([4, 2]),
  // @ts-expect-error reshape: [64, 784] with 50176 elements does not fit [64, 28, 27]
  () => ones([64, 784]).reshape([64, 28, 27]),
  // @ts-expect-error squeeze: axis 0 of [2, 3] has extent 2, not 1
  () => grid.squeeze(0),
  // @ts-expect-error unsqueeze: axis 4 is out of range for rank 3: use an integer from -3 to 2
  () => grid.unsqueeze(4),
  // @ts-expect-error flatten: axis 2 is out of range for rank 2: use an integer from -2 to 1
  () => grid.flatten(2),
  // @ts-expect-error broadcast: [2, 3] does not broadcast to [3, 2]
  () => grid.broadcastTo([3, 2]),
  // @ts-expect-error slice: 3 ranges for [2, 3]
  () => grid.slice([0, 1], null, null),
  // @ts-expect-error at: axis 2 is out of range for rank 2: use an integer from -2 to 1
  () => grid.at(0, 2),
  // @ts-expect-error named: [2, 3] is not [batch, 4]
  () => grid.named(['batch', 4]),

  // @ts-expect-error concat: shapes [2, 3] and [3, 2] differ outside axis 0
  () => concat([grid, ones([3, 2])]),
  // @ts-expect-error concat: needs at least one tensor
  () => concat([]),
  // @ts-expect-error stack: shapes [2, 3] and [3, 2] differ
  () => stack([grid, ones([3, 2])]),
  // @ts-expect-error einsum 'ij,jk->ik': 'j' is 4 in operand 1 [4, 5] and 3 in an earlier one
  () => einsum('ij,jk->ik', grid, ones([4, 5])),

  // @ts-expect-error linear: expected [..., 784], found [2, 3]: 3 is not 784
  () => nn.linear(784, 10)(grid),
  // @ts-expect-error linear: expected [..., 783], found [batch, 784]: 784 is not 783
  () => nn.linear(783, 10)(images),
  // @ts-expect-error conv2d: expected [n, 3, h, w], found [1, 1, 8, 8]: 1 is not 3
  () => nn.conv2d(3, 4, 3)(ones([1, 1, 8, 8])),
  // @ts-expect-error conv2d: expected [n, 1, h, w], found [2, 3]: there are too few axes
  () => nn.conv2d(1, 4, 3)(grid),
  // @ts-expect-error maxPool2d: expected [n, c, h, w], found [2, 3, 4]: there are too few axes
  () => nn.maxPool2d(2)(cube),
  // @ts-expect-error layerNorm: expected [..., 5], found [2, 3]: 3 is not 5
  () => nn.layerNorm(5)(grid),
  // @ts-expect-error batchNorm: expected [n, 5, ...], found [2, 3]: 3 is not 5
  () => nn.batchNorm(5)(grid),
  // @ts-expect-error attention: expected [..., time, 8], found [2, 3, 4]: 4 is not 8
  () => nn.attention(8, { heads: 2 })(cube),
  // @ts-expect-error positional: expected [..., time, 8], found [2, 3]: 3 is not 8
  () => nn.positional(10, 8)(grid),
  // @ts-expect-error sequential: 2 linear takes [..., 255], 1 relu gives [..., 256]: 256 is not 255
  () => nn.sequential(nn.linear(784, 256), nn.relu(), nn.linear(255, 10)),
  // @ts-expect-error sequential: 3 conv2d takes [n, 8, h, w], 2 maxPool2d gives [n, 6, ?, ?]: 6 is not 8
  () => nn.sequential(nn.conv2d(1, 6, 5), nn.relu(), nn.maxPool2d(2), nn.conv2d(8, 16, 5)),
  // @ts-expect-error sequential: 1 conv2d takes [n, 3, h, w], 0 flatten gives [n, (...)]: there are too few axes
  () => nn.sequential(nn.flatten(), nn.conv2d(3, 6, 5)),
  // @ts-expect-error sequential: 1 linear takes [..., 3], 0 sequential gives [..., 4]: 4 is not 3
  () => nn.sequential(nn.sequential(nn.tanh(), nn.linear(5, 4)), nn.linear(3, 2)),

  // @ts-expect-error softmaxCrossEntropy: scores [2, 3] with classes on axis 1 need labels [2], not [batch]
  () => loss.softmaxCrossEntropy(grid, labels),
  // @ts-expect-error softmaxCrossEntropy: logits [2, 3] need probabilities of that shape, not [2, 2]
  () => loss.softmaxCrossEntropy(grid, matrix),
  // @ts-expect-error nll: scores [2, 3] with classes on axis 1 need labels [2], not [3]
  () => loss.nll(grid, zeros([3], 'int32')),
  // @ts-expect-error mse: predictions [2, 1] and targets [2] differ: reshape one of them
  () => loss.mse(ones([2, 1]), ones([2])),
  // @ts-expect-error l1: predictions [2, 3] and targets [2, 2] differ: reshape one of them
  () => loss.l1(grid, matrix),
  // @ts-expect-error huber: predictions [2, 3] and targets [2, 2] differ: reshape one of them
  () => loss.huber(grid, matrix, { delta: 2 }),
  // @ts-expect-error sigmoidBinaryCrossEntropy: predictions [2, 1] and targets [2] differ: reshape one of them
  () => loss.sigmoidBinaryCrossEntropy(ones([2, 1]), ones([2])),

  // @ts-expect-error assign: the variable is [2, 3], the value [3, 2]: they must be equal
  () => variable(grid).assign(ones([3, 2])),
]
