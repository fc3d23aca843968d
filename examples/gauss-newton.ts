// Fitting a curve by Gauss–Newton: products with J and Jᵀ alone, from forward and reverse mode; no matrix is made.
// Run: npx tsx --conditions=tenon-source examples/gauss-newton.ts
import { compile, jvp, linspace, type Tensor, tensor, vjp } from 'tenon'

// A damped wave, whose height, damping, frequency and phase are to be found.
const x = linspace(0, 4, 60, 'float64')
const curve = (w: Tensor) =>
  x
    .mul(w.at(2))
    .add(w.at(3))
    .cos()
    .mul(x.mul(w.at(1)).neg().exp())
    .mul(w.at(0))
const truth = tensor([1.5, 0.4, 3, 0.5], { dtype: 'float64' })
const residuals = (w: Tensor) => curve(w).sub(curve(truth))

/** Solves (JᵀJ + λ) δ = −Jᵀr by conjugate gradients, and gives w + δ and the error at w. */
const step = compile((w: Tensor, lambda: Tensor) => {
  const r = residuals(w)
  const pull = (u: Tensor) => vjp([r], [u], [w])[0]
  const push = (v: Tensor) => jvp(residuals, [w], [v])[1]
  let delta = w.mul(0)
  let rest = pull(r).neg()
  let direction = rest
  for (let i = 0; i < 4; i++) {
    const product = pull(push(direction)).add(direction.mul(lambda))
    const length = rest.dot(rest).div(direction.dot(product))
    const next = rest.sub(product.mul(length))
    delta = delta.add(direction.mul(length))
    direction = next.add(direction.mul(next.dot(next).div(rest.dot(rest))))
    rest = next
  }
  return [w.add(delta), r.square().sum()] as const
})

let w: Tensor = tensor([1, 0.2, 2.7, 0.3], { dtype: 'float64' })
for (let i = 0; i < 8; i++) {
  const [next, error] = step(w, tensor(0.1 ** i, { dtype: 'float64' }))
  console.log(`step ${i}: squared error ${(await error.item()).toExponential(2)}`)
  w = next
}
console.log(`found ${[...(await w.data())].map((v) => v.toFixed(6)).join(', ')}`)
