// A piece of your own: a layer that says only +1 or −1, whose gradient is that of a straight line (Bengio et al. 2013).
// Run: npx tsx --conditions=tenon-source examples/custom-gradient.ts
import { customGradient, fit, loss, nn, optim } from 'tenon'
import { split, toy } from 'tenon/data'
import { accuracy } from 'tenon/train'

// Forward the sign, which is flat everywhere; backward as if it were x between −1 and 1.
const sign = customGradient(
  (x) => x.greater(0).where(1, -1).cast('float32'),
  (cotangent, [x]) => [cotangent.mul(x.abs().lessEqual(1).cast('float32'))],
)
const signs = () => nn.defineModule({ kind: 'signs', forward: (x) => sign(x) })

const [train, test] = split(toy.circle({ samples: 1000, seed: 0 }), 0.8)
const net = nn.sequential(nn.linear(2, 32), signs(), nn.linear(32, 2))

const run = await fit(net, train, {
  loss: loss.softmaxCrossEntropy,
  optimizer: optim.adam({ learningRate: 0.01 }),
  epochs: 30,
  validation: test,
  metrics: { accuracy },
  earlyStopping: { patience: 10, restoreBest: true },
})
console.log(`the best epoch was ${run.best?.epoch}: a circle out of 32 straight lines`)
console.log(`accuracy ${run.history.at(-1)?.validation?.accuracy}`)
