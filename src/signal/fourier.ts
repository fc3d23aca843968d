// The discrete Fourier transform of one row, in double precision: radix 2, and Bluestein's detour for other lengths.

/** Real and imaginary parts by turns. */
export type Complex = Float64Array

/** Transforms n complex numbers, n = x.length / 2, in place: Σ xⱼ e^(∓2πijk/n), with − for direction 1 and + for −1; not scaled. */
export class Fourier {
  private readonly n: number
  private readonly table: Complex
  private readonly bluestein: Bluestein | undefined

  constructor(n: number, direction: 1 | -1) {
    this.n = n
    const isPower = (n & (n - 1)) === 0
    this.table = isPower ? roots(n, direction) : new Float64Array(0)
    this.bluestein = isPower ? undefined : new Bluestein(n, direction)
  }

  transform(x: Complex): void {
    if (this.bluestein) this.bluestein.transform(x)
    else radix2(x, this.n, this.table)
  }
}

/** e^(∓2πik/n) for k < n. */
function roots(n: number, direction: 1 | -1): Complex {
  const table = new Float64Array(2 * n)
  for (let k = 0; k < n; k++) {
    const angle = (-direction * 2 * Math.PI * k) / n
    table[2 * k] = Math.cos(angle)
    table[2 * k + 1] = Math.sin(angle)
  }
  return table
}

/** Cooley and Tukey's transform with bit reversal first. */
function radix2(x: Complex, n: number, table: Complex): void {
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    if (i < j) {
      for (let part = 0; part < 2; part++) {
        const held = x[2 * i + part]
        x[2 * i + part] = x[2 * j + part]
        x[2 * j + part] = held
      }
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    const half = size / 2
    const step = n / size
    for (let start = 0; start < n; start += size) {
      for (let k = 0; k < half; k++) {
        const [wr, wi] = [table[2 * k * step], table[2 * k * step + 1]]
        const a = 2 * (start + k)
        const b = a + size
        const re = wr * x[b] - wi * x[b + 1]
        const im = wr * x[b + 1] + wi * x[b]
        x[b] = x[a] - re
        x[b + 1] = x[a + 1] - im
        x[a] += re
        x[a + 1] += im
      }
    }
  }
}

/** A transform of any length as a convolution with a chirp, by transforms of a power of two (Bluestein 1970). */
class Bluestein {
  private readonly n: number
  private readonly size: number
  private readonly chirp: Complex
  private readonly kernel: Complex
  private readonly forward: Complex
  private readonly backward: Complex

  constructor(n: number, direction: 1 | -1) {
    this.n = n
    this.size = 2 ** Math.ceil(Math.log2(2 * n - 1))
    this.chirp = new Float64Array(2 * n)
    this.kernel = new Float64Array(2 * this.size)
    for (let k = 0; k < n; k++) {
      // k² modulo 2n, so that the angle stays exact.
      const angle = (-direction * Math.PI * ((k * k) % (2 * n))) / n
      const [re, im] = [Math.cos(angle), Math.sin(angle)]
      this.chirp.set([re, im], 2 * k)
      this.kernel.set([re, -im], 2 * k)
      if (k > 0) this.kernel.set([re, -im], 2 * (this.size - k))
    }
    this.forward = roots(this.size, 1)
    this.backward = roots(this.size, -1)
    radix2(this.kernel, this.size, this.forward)
  }

  transform(x: Complex): void {
    const { n, size, chirp, kernel } = this
    const work = new Float64Array(2 * size)
    for (let k = 0; k < n; k++) multiply(x[2 * k], x[2 * k + 1], chirp[2 * k], chirp[2 * k + 1], work, 2 * k)
    radix2(work, size, this.forward)
    for (let k = 0; k < size; k++) multiply(work[2 * k], work[2 * k + 1], kernel[2 * k], kernel[2 * k + 1], work, 2 * k)
    radix2(work, size, this.backward)
    for (let k = 0; k < n; k++)
      multiply(work[2 * k] / size, work[2 * k + 1] / size, chirp[2 * k], chirp[2 * k + 1], x, 2 * k)
  }
}

function multiply(ar: number, ai: number, br: number, bi: number, out: Complex, at: number): void {
  out[at] = ar * br - ai * bi
  out[at + 1] = ar * bi + ai * br
}
