// The data and weights of the benchmark: a generator that every peer has too, so that all begin with the same numbers.

/** `count` numbers in [−scale, scale), float32. */
export function uniform(seed: number, count: number, scale = 1): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((hash(seed, i) / 2 ** 32) * 2 - 1) * scale)
}

/** `count` integers in [0, bound). */
export function integers(seed: number, count: number, bound: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => hash(seed, i) % bound)
}

/** A weight [outputs, inputs], which is drawn as [inputs, outputs] with bound 1/√inputs unless told. */
export function denseWeight(
  seed: number,
  inputs: number,
  outputs: number,
  bound = 1 / Math.sqrt(inputs),
): Float32Array {
  const drawn = uniform(seed, inputs * outputs, bound)
  const weight = new Float32Array(drawn.length)
  for (let i = 0; i < inputs; i++) for (let o = 0; o < outputs; o++) weight[o * inputs + i] = drawn[i * outputs + o]
  return weight
}

/** 32 bits that depend on seed and index (murmur3's finaliser). */
function hash(seed: number, index: number): number {
  let x = (index + Math.imul(seed, 0x9e3779b9)) >>> 0
  x ^= x >>> 16
  x = Math.imul(x, 0x85ebca6b) >>> 0
  x ^= x >>> 13
  x = Math.imul(x, 0xc2b2ae35) >>> 0
  x ^= x >>> 16
  return x >>> 0
}
