// How layers are put together: chains, branches, gates, experts, and networks with a guarantee.

import type { Piece } from './piece.ts'

export const joints: { readonly [name: string]: Piece } = {
  sequential: {
    about: 'Layers one after the other.',
    output: 'y = fₙ(… f₂(f₁(x)))',
    adjust: 'dx goes back through the layers, last first: the chain rule',
    shapes: 'each layer takes what the one before gives; what does not fit is refused when it is built',
    example: { code: 'nn.sequential(nn.linear(3, 4), nn.relu(), nn.linear(4, 2))(x)', shape: [5, 3], gives: [5, 2] },
  },
  parallel: {
    about: 'Modules side by side: each sees the same input, and their outputs are joined.',
    output: 'y = [f₁(x), f₂(x), …] along an axis, or their sum or product',
    adjust: 'dx = Σ of what comes back through each',
    shapes: 'joined along axis 1 unless told; run(x) gives the outputs by name',
    source: 'Szegedy et al. 2015',
    example: { code: 'nn.parallel([nn.linear(3, 4), nn.linear(3, 2)])(x)', shape: [5, 3], gives: [5, 6] },
  },
  graph: {
    about: 'A network of named nodes that read inputs and other nodes: several ways, several inputs, several outputs.',
    output: 'each node: its module of what it reads, joined',
    adjust: 'a node that several read gets the sum of what comes back from them',
    shapes: 'run({ name: tensor }) gives { name: tensor }; called with one tensor, its first output',
    watch: 'A module that stands at two nodes is one module, with one set of parameters; a circle is refused.',
    example: {
      code: "nn.graph({ nodes: { a: { module: nn.linear(3, 4), from: 'x' }, b: { from: ['a', 'x'], join: 'concat' } } })(x)",
      shape: [2, 3],
      gives: [2, 7],
    },
  },
  residual: {
    about: 'A block and a way past it: the block learns what to add.',
    output: 'y = body(x) + x, or + shortcut(x)',
    adjust: 'dx = dy + what comes back through the body: gradients reach the first layers',
    shapes: 'body and shortcut give one shape',
    source: 'He et al. 2016',
    example: { code: 'nn.residual(nn.linear(3, 3))(x)', shape: [2, 3], gives: [2, 3] },
  },
  highway: {
    about: 'A gate says how much of a layer to take, and how much of its input.',
    output: 'y = T ⊙ H + (1 − T) ⊙ x, H = relu(W x + b), T = σ(V x + c)',
    adjust: 'dx = (1 − T) ⊙ dy, plus through H and T',
    shapes: '[..., size] → the same',
    watch: 'c begins negative, so that layers begin as the identity.',
    source: 'Srivastava et al. 2015',
    example: { code: 'nn.highway(3)(x)', shape: [2, 3], gives: [2, 3] },
  },
  siamese: {
    about: 'One network for both of two inputs, which are then compared.',
    output: 'y = compare(body(a), body(b)); called alone, body(x)',
    adjust: 'the body gets both ways’ gradients, added up',
    shapes: 'run(a, b), each what the body takes',
    source: 'Bromley et al. 1993',
    example: {
      code: 'nn.siamese(nn.linear(3, 2), nn.mahalanobis(2)).run(x, ones([4, 3]))',
      shape: [4, 3],
      gives: [4],
    },
  },
  mixtureOfExperts: {
    about: 'Several networks, and one that says how much to trust each of them for this example.',
    output: 'y = Σ pᵢ(x)·expertᵢ(x), p = softmax(gate(x)), kept to the `top` largest where told',
    adjust: 'expert i gets pᵢ·dy; the gate learns which expert would have helped',
    shapes: '[n, ...] → what the experts give; run gives weights and balance, too',
    defaults:
      'all experts; with `top`, experts of one architecture compute the rows alone that chose them, and none is dropped',
    watch: 'One expert may take all: add the balance that run gives to the loss.',
    source: 'Jacobs et al. 1991; Shazeer et al. 2017',
    example: {
      code: 'nn.mixtureOfExperts(nn.linear(2, 3), [0, 1, 2].map(() => nn.linear(2, 1)))(x)',
      shape: [4, 2],
      gives: [4, 1],
    },
  },
  conditional: {
    about: 'One of two networks, as a third one says: the other does not run.',
    output: 'y = whenTrue(x) where predicate(x) > 0, else whenFalse(x)',
    adjust: 'dx comes back through the branch that ran; the predicate gets no gradient',
    shapes: '[n, ...] → what both branches give',
    defaults: 'one choice for the whole batch; each example its own where told',
    watch: 'The choice is hard: train the predicate by a loss of its own, or by an estimator such as straightThrough.',
    example: {
      code: 'nn.conditional(nn.linear(3, 1), nn.linear(3, 2), nn.linear(3, 2), { each: "example" })(x)',
      shape: [4, 3],
      gives: [4, 2],
    },
  },
  deepSet: {
    about: 'A function of a set: the order of its rows does not matter.',
    output: 'y = after(Σᵢ each(xᵢ))',
    adjust: 'every row gets the same change of the sum, through `each`',
    shapes: '[..., items, size] → what `after` gives',
    source: 'Zaheer et al. 2017',
    example: { code: 'nn.deepSet(nn.linear(3, 4), nn.linear(4, 2))(x)', shape: [2, 5, 3], gives: [2, 2] },
  },
}
