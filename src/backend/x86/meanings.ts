// What each instruction of the emitters becomes.

import type { Plain } from '../wasm/opcodes.ts'
import { reg } from './instruction.ts'
import { numberMeanings } from './number-meanings.ts'
import { compare, type Entry, inverse, type Meaning, operandsOf } from './stack.ts'
import { vectorMeanings } from './vector-meanings.ts'

/** A choice by a condition: the first where it holds, else the second. */
const choose: Meaning = (f) => {
  const condition = f.take()
  const b = f.value(f.take())
  const a = f.value(f.take())
  if (f.kindOf(a) !== 'general') {
    const c = f.value(condition)
    const [kind, float] = f.isDouble(a) ? (['double', 'f64'] as const) : (['vector', 'f32'] as const)
    f.push(kind, [a, b, c], (asm, to, x, y, z) => f.target.selectScalar(asm, float, to, reg(x), reg(y), reg(z)))
    return
  }
  const c: Extract<Entry, { is: 'comparison' }> =
    condition.is === 'comparison'
      ? condition
      : { is: 'comparison', condition: 'notEqual', a: f.value(condition), b: { value: 0 } }
  f.push('general', [a, b, ...operandsOf(c.a, c.b)], (asm, to, x, y, first, second) => {
    compare(asm, first, second, c.b)
    if (to === x) asm.moveIf(inverse[c.condition], to, reg(y))
    else {
      if (to !== y) asm.move(to, reg(y))
      asm.moveIf(c.condition, to, reg(x))
    }
  })
}

export const meanings: { readonly [N in Plain]?: Meaning } = Object.fromEntries<Meaning>([
  ...numberMeanings(),
  ...vectorMeanings(),
  ['drop', (f) => void f.take()],
  ['return', (f) => void f.leave()],
  ['select', choose],
])
