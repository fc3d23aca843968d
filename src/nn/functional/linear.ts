// The affine map of the last axis.

import { misfit } from '../../graph/refuse.ts'
import { show } from '../../graph/shape.ts'
import { type Tensor, withBroadcasting } from '../../tensor/index.ts'

/** x [..., in] times weight [out, in] transposed, plus bias [out]. Throws when the last axis is not `in`. */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  const inputs = weight.shape[1]
  if (x.rank === 0 || x.shape[x.rank - 1] !== inputs) {
    throw misfit(
      `linear: input ${show(x.shape)} for weight ${show(weight.shape)}: expected last axis ${inputs}, found ${x.shape.at(-1) ?? 'none'}`,
    )
  }
  const y = x.matmul(weight.transpose())
  return bias ? withBroadcasting('numpy', () => y.add(bias)) : y
}
