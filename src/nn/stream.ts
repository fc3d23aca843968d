// Random numbers of the host for initial values: a pure function of seed and ordinal (Threefry-2x32, Salmon et al. 2011).

import { threefry } from '../scalar/threefry.ts'
import { runtime } from '../tensor/index.ts'

/** A sequence of random numbers. */
export interface RandomStream {
  /** In [0, 1), with 32 random bits. */
  uniform(): number
  /** Normal with mean 0 and standard deviation 1. */
  normal(): number
}

/** Sets these streams apart from others with the same seed. */
const domain = 0x70617261

/** The next stream of the runtime's seed: the same seed and order of construction give the same numbers. */
export const nextStream = (): RandomStream => randomStream(runtime.random.seed, runtime.random.parameters++)

/** The stream of a seed and an ordinal. */
export function randomStream(seed: number, ordinal: number): RandomStream {
  const words = new Int32Array(2)
  threefry(Math.floor(seed / 2 ** 32) | 0, seed | 0, ordinal | 0, domain, words)
  const [high, low] = words
  let counter = 0
  let left = 0
  const uniform = (): number => {
    if (left === 0) {
      threefry(high, low, counter++, 0, words)
      left = 2
    }
    return (words[--left] >>> 0) / 2 ** 32
  }
  // Box–Muller; 1 − u lies in (0, 1], so that the logarithm is finite.
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return { uniform, normal }
}
