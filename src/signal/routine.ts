// The Fourier transform as a routine on [..., n, 2].

import { isFloat } from '../graph/dtype.ts'
import { misfit, mistake } from '../graph/refuse.ts'
import { routine } from '../graph/routine.ts'
import { show } from '../graph/shape.ts'
import { Fourier } from './fourier.ts'

/** Parameter 1: forward; −1: backward; neither is scaled, so that each is the other's adjoint. */
export const fourierRoutine = routine({
  name: 'fourier',
  infer: ([x]) => {
    const { shape, dtype } = x
    if (!isFloat(dtype)) throw mistake(`fft: takes float32 or float64, not ${dtype}: cast it first`)
    if (shape.length < 2 || shape[shape.length - 1] !== 2)
      throw misfit(`fft: complex numbers are [..., n, 2], real and imaginary parts; this is ${show(shape)}`)
    return { shape, dtype }
  },
  run: ([x], { shape, data }, [direction]) => {
    const n = shape[shape.length - 2]
    if (n === 0) return
    const fourier = new Fourier(n, direction === 1 ? 1 : -1)
    const row = new Float64Array(2 * n)
    for (let at = 0; at < data.length; at += 2 * n) {
      row.set(x.data.subarray(at, at + 2 * n))
      fourier.transform(row)
      data.set(row, at)
    }
  },
  vjp: (b, node, g) => {
    const { routine: self, parameters } = node.attributes
    return [b.node('routine', [g], { routine: self, parameters: [-parameters[0]] })]
  },
})
