// The pages that machine code lies in: written first, then made executable, never both; and the way in from JavaScript.

import type { NativeForWorkers, NativeHost } from '../../platform/platform.ts'
import { Assembler, type Label, register } from './assembler.ts'
import { parameterRegisters } from './convention.ts'
import { emitEntry } from './entry.ts'
import type { VectorTarget } from './target.ts'

/** Addresses set aside for code; kernels take a few KiB each. */
const reservedBytes = 256 * 2 ** 20
const pageBytes = 4096
/** What functions begin at multiples of. */
const lineBytes = 64

export class CodeMemory {
  /** Calls the function at a distance from the start of the code: (distance, args, begin, end, scratch). */
  readonly call: (...values: number[]) => void
  readonly forWorkers: NativeForWorkers
  readonly target: VectorTarget
  private readonly host: NativeHost
  private readonly start: number
  private used = 0
  /** From where on nothing is executable yet, and what is to be there. */
  private published = 0
  private readonly waiting: { readonly at: number; readonly code: Uint8Array }[] = []

  /** Throws where the system forbids executable pages. `base` is the address of the linear memory. */
  constructor(host: NativeHost, base: bigint, target: VectorTarget) {
    this.host = host
    this.target = target
    this.start = host.reserve(reservedBytes)
    const entry = this.start + this.install((a) => [this.entry(a, base)])[0]
    this.publish()
    this.call = host.callable(entry, 5)
    this.forWorkers = host.forWorkers(entry, 5)
  }

  /**
   * Finds a place for functions, of vectors of the target unless others are named, where they can be called after `publish`; returns how far from
   * the start of all code each of them is.
   */
  install(emit: (a: Assembler) => readonly Label[], target = this.target): number[] {
    const a = new Assembler(target)
    const labels = emit(a)
    const code = a.finish()
    const at = this.used
    if (at + code.length > reservedBytes) throw new RangeError('x86: no room is left for code')
    this.waiting.push({ at, code })
    this.used += Math.ceil(code.length / lineBytes) * lineBytes
    return labels.map((label) => at + a.placeOf(label))
  }

  /** Makes executable what was installed since the last time: all of a program at once, for the system takes its time. */
  publish(): void {
    if (this.waiting.length === 0) return
    const code = new Uint8Array(this.used - this.published)
    for (const part of this.waiting) code.set(part.code, part.at - this.published)
    if (!this.host.install(this.start + this.published, code)) {
      throw new Error('x86: the system allows no executable pages')
    }
    this.waiting.length = 0
    this.used = Math.ceil(this.used / pageBytes) * pageBytes
    this.published = this.used
  }

  /** The address of what was installed at a distance. */
  addressOf(distance: number): bigint {
    return BigInt(this.start + distance)
  }

  /** Gives the pages back; no thread may run code in them any more. */
  release(): void {
    this.host.release(this.start, reservedBytes)
  }

  /** Jumps to the function that the first parameter names, with those after it. */
  private entry(a: Assembler, base: bigint): Label {
    const jump = a.label()
    const { rax, r15 } = register
    const [distance, ...others] = parameterRegisters.slice(0, 5)
    a.bind(jump).address(rax, BigInt(this.start)).arithmetic('add', rax, distance, true)
    others.forEach((from, i) => {
      a.move(parameterRegisters[i], from, true)
    })
    a.address(r15, base).jumpRegister(rax)
    return emitEntry(a, this.host.convention, jump)
  }
}
