// The locals of a function under construction: a pool for temporaries, and those set once before all else.

import type { ValueType } from './assembler.ts'
import type { Code } from './code.ts'

/** Locals that are taken and given back, so that a function needs few. */
export class Locals {
  private readonly f: Code
  private readonly free = new Map<ValueType, number[]>()
  private readonly types = new Map<number, ValueType>()

  constructor(f: Code) {
    this.f = f
  }

  take(type: ValueType): number {
    const known = this.free.get(type)?.pop()
    if (known !== undefined) return known
    const local = this.f.local(type)
    this.types.set(local, type)
    return local
  }

  give(local: number): void {
    if (this.f.freshLocals) return
    const type = this.types.get(local)
    if (type === undefined) return
    const list = this.free.get(type)
    if (list) list.push(local)
    else this.free.set(type, [local])
  }
}

/**
 * Values that a function needs in locals before its loops: constants, argument words. They are defined when first asked
 * for, and their code is put where the prologue was opened. What defines one may ask for others before it emits code.
 */
export class Prologue {
  private readonly f: Code
  private readonly start: number
  private readonly known = new Map<string, number>()
  private readonly code: unknown[] = []

  constructor(f: Code) {
    this.f = f
    this.start = f.code.length
  }

  /** The local of the value named `key`; `push` emits the value. */
  define(key: string, type: ValueType, push: () => void): number {
    const known = this.known.get(key)
    if (known !== undefined) return known
    const mark = this.f.code.length
    push()
    const local = this.f.local(type)
    this.f.set(local)
    const code = this.f.code.splice(mark)
    for (let i = 0; i < code.length; i++) this.code.push(code[i])
    this.known.set(key, local)
    return local
  }

  /** A word of the args block, whose address is parameter 0. */
  word(index: number): number {
    return this.define(`word ${index}`, 'i32', () => this.f.get(0).memory('i32.load', 4 * index))
  }

  finish(): void {
    this.f.code.splice(this.start, 0, ...this.code)
  }
}
