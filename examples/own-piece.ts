// A piece of your own with its own gradient: softplus, whose derivative is the sigmoid, checked before it is used.
// Run: npx tsx --conditions=tenon-source examples/own-piece.ts
import { customGradient, nn, random, type Tensor } from 'tenon'
import { checkPiece } from 'tenon/inspect'

// The piece: max(x, 0) + log(1 + e^−|x|), which never overflows; backward is one sigmoid.
const softplus = customGradient(
  (x) => x.relu().add(x.abs().neg().exp().log1p()),
  (g, [x]) => [g.mul(x.sigmoid())],
)
const softplusLayer = () => nn.defineModule({ kind: 'ownSoftplus', forward: (x) => softplus(x) })

await checkPiece((x: Tensor) => softplus(x), [random.normal([4, 3])])
console.log(
  `accepted: ${nn.sequential(nn.linear(3, 8), softplusLayer(), nn.linear(8, 1)).summary([1, 3]).parameters} parameters around it`,
)

// The same written down as in a book: e^x overflows, and the gradient has lost a sign.
const naive = customGradient(
  (x) => x.exp().add(1).log(),
  (g, [x]) => [g.mul(x.sigmoid().neg())],
)
try {
  await checkPiece((x: Tensor) => naive(x), [random.normal([4, 3])])
} catch (error) {
  console.log(`refused: ${(error as Error).message}`)
}
