// Positions as rotations of pairs.

import { checkFinite, checkPositive } from '../../graph/check.ts'
import { misfit } from '../../graph/refuse.ts'
import { show } from '../../graph/shape.ts'
import { concat, split, type Tensor, tensor, withBroadcasting } from '../../tensor/index.ts'

/**
 * Rotary positions (Su et al. 2021): turns the pairs (xᵢ, xᵢ₊d/₂) of x [..., time, d] by (offset + time)·base^(−2i/d), so that
 * products of two rows depend on their distance alone. Throws when d is odd.
 */
export function rotary(
  x: Tensor,
  options: { readonly base?: number; readonly offset?: number | undefined } = {},
): Tensor {
  const { base = 10_000, offset = 0 } = options
  checkPositive('rotary', { base })
  checkFinite('rotary', { offset })
  const [time, width] = x.shape.slice(-2)
  if (x.rank < 2 || width % 2 !== 0)
    throw misfit(`rotary: input ${show(x.shape)}: expected [..., time, d] with an even d`)
  const half = width / 2
  const turns = Float64Array.from({ length: time * half }, (_, k) => {
    const [t, i] = [Math.floor(k / half), k % half]
    return (offset + t) * base ** (-i / half)
  })
  const table = (f: (angle: number) => number): Tensor => tensor(turns.map(f), { shape: [time, half] }).cast(x.dtype)
  const [a, b] = split(x, half, -1)
  const [cosine, sine] = [table(Math.cos), table(Math.sin)]
  return withBroadcasting('numpy', () => concat([a.mul(cosine).sub(b.mul(sine)), a.mul(sine).add(b.mul(cosine))], -1))
}
