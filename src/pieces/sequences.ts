// Layers of sequences: embeddings, attention, recurrent networks and transformers.

import type { Piece } from './piece.ts'

export const sequences: { readonly [name: string]: Piece } = {
  embedding: {
    about: 'A learned vector for each index.',
    output: 'y = weight[x]',
    adjust: 'dweight[x] += dy; indices have no gradient',
    shapes: 'int32 [...] → [..., size]; weight [count, size]',
    watch: 'Indices beyond the table are moved to its ends; the row of paddingIndex stays 0 and is not trained.',
    source: 'Bengio et al. 2003',
    example: {
      code: "nn.embedding(10, 3)(tensor([[1, 2]], { dtype: 'int32' })).add(x)",
      shape: [1, 2, 3],
      gives: [1, 2, 3],
    },
  },
  embeddingBag: {
    about: 'The sum, mean or maximum of the learned vectors of several indices.',
    output: 'y = mean over i of weight[xᵢ]',
    adjust: 'dweight[xᵢ] += dy/n; for the maximum only where it came from',
    shapes: 'int32 [bags, length] → [bags, size]; run takes bags of different lengths with their offsets',
    defaults: "mode 'mean'",
    watch: 'The order of the indices is lost.',
    source: 'Joulin et al. 2017',
    example: {
      code: "nn.embeddingBag(10, 3)(tensor([[1, 2]], { dtype: 'int32' })).add(x)",
      shape: [1, 3],
      gives: [1, 3],
    },
  },
  positional: {
    about: 'Adds a learned vector for each position.',
    output: 'y[t] = x[t] + weight[t]',
    adjust: 'dx = dy; dweight = Σ dy over examples',
    shapes: '[..., time, size] → the same; time ≤ length',
    source: 'Gehring et al. 2017',
    example: { code: 'nn.positional(5, 3)(x)', shape: [2, 4, 3], gives: [2, 4, 3] },
  },
  attention: {
    about:
      'Each position takes a mean of all values, weighted by how well its query fits their keys; in several heads.',
    output: 'y = softmax(q kᵀ/√d) v Wₒ, with q, k, v linear in the input, head by head',
    adjust: 'dv = Pᵀdy; dP = dy vᵀ; dS = P ⊙ (dP − Σ P·dP); dq = dS k/√d; dk = dSᵀ q/√d',
    shapes: '[..., time, size] → the same; heads divide size; run takes other keys, masks and a cache',
    defaults: 'not causal; keyHeads = heads, rotary false, dropout 0',
    watch:
      'Memory grows with time². A query that may see nothing gives 0. Without positions it does not know the order.',
    source: 'Vaswani et al. 2017; Shazeer 2019; Su et al. 2021',
    example: { code: 'nn.attention(8, { heads: 2, causal: true })(x)', shape: [2, 5, 8], gives: [2, 5, 8] },
  },
  rnn: {
    also: ['rnnCell'],
    about: 'A state that every step mixes with the next input.',
    output: 'h ← tanh(W x + b + U h + c), or with relu',
    adjust: 'backwards in time: da = dh·(1 − h²), dx = Wᵀda, dh₋₁ = Uᵀda + what that step itself gets',
    shapes:
      '[time, n, inputs] → [time, n, hidden·directions]; run gives the last state, too. rnnCell: one step, [n, inputs] → [n, hidden]',
    watch: 'Gradients shrink or grow by U in each step: clip them (clipGlobalNorm), or take lstm.',
    source: 'Elman 1990',
    example: { code: 'nn.rnn(3, 4)(x)', shape: [5, 2, 3], gives: [5, 2, 4] },
  },
  gru: {
    also: ['gruCell'],
    about: 'An rnn with gates that say what to forget and what to renew.',
    output: 'h ← (1 − z)·n + z·h with gates r, z = σ(…) and n = tanh(W x + r·(U h + c))',
    adjust: 'backwards in time; dh₋₁ has a straight way z·dh, so that gradients last',
    shapes: '[time, n, inputs] → [time, n, hidden·directions]',
    source: 'Cho et al. 2014',
    example: { code: 'nn.gru(3, 4)(x)', shape: [5, 2, 3], gives: [5, 2, 4] },
  },
  lstm: {
    also: ['lstmCell'],
    about: 'An rnn with a cell that gates write, keep and read.',
    output: 'c ← f·c + i·g; h ← o·tanh(c), with gates i, f, o = σ(…) and g = tanh(…)',
    adjust: 'backwards in time; dc₋₁ = f·dc: what is kept keeps its gradient',
    shapes: '[time, n, inputs] → [time, n, hidden·directions]; run takes and gives h and c',
    watch: 'Begin with a forget bias of 1 for long memories.',
    source: 'Hochreiter & Schmidhuber 1997; Gers et al. 2000',
    example: { code: 'nn.lstm(3, 4)(x)', shape: [5, 2, 3], gives: [5, 2, 4] },
  },
  transformerEncoderLayer: {
    also: ['transformerEncoder'],
    about: 'Attention within a sequence, then two linear maps, each beside a way past it and normalised.',
    output: 'x ← norm(x + attention(x)); y = norm(x + W₂ act(W₁ x)); with normFirst the norm comes inside',
    adjust: 'dx = dy along the way past, plus what comes back through attention and feed-forward',
    shapes: '[..., time, size] → the same; transformerEncoder is a stack of `layers`',
    defaults: 'feed 2048, relu, normFirst false, dropout 0; as PyTorch',
    watch: 'Without normFirst deep stacks need a warm-up.',
    source: 'Vaswani et al. 2017; Xiong et al. 2020',
    example: { code: 'nn.transformerEncoderLayer(8, { heads: 2, feed: 16 })(x)', shape: [2, 3, 8], gives: [2, 3, 8] },
  },
  transformerDecoderLayer: {
    also: ['transformerDecoder'],
    about: 'An encoder layer that also attends to a memory, and only sees what came before.',
    output: 'x ← norm(x + attention(x)); x ← norm(x + attention(x, memory)); y = norm(x + W₂ act(W₁ x))',
    adjust: 'dx along the way past and through all three; dmemory through keys and values',
    shapes: 'run(x [..., time, size], memory [..., keys, size]) → the shape of x',
    source: 'Vaswani et al. 2017',
    example: {
      code: 'nn.transformerDecoderLayer(8, { heads: 2, feed: 16 }).run(x, ones([2, 5, 8]))',
      shape: [2, 3, 8],
      gives: [2, 3, 8],
    },
  },
}
