// What instructions on whole numbers become, in general registers.

import { type Condition, type Memory, register } from './assembler.ts'
import { frame } from './convention.ts'
import { reg } from './instruction.ts'
import type { Meaning } from './stack.ts'

export const numberMeanings = (): [string, Meaning][] => [
  ['i32.add', arithmetic('add', (a, b) => a + b)],
  ['i32.sub', arithmetic('sub', (a, b) => a - b)],
  ['i32.and', arithmetic('and', (a, b) => a & b)],
  ['i32.or', arithmetic('or', (a, b) => a | b)],
  ['i32.xor', arithmetic('xor', (a, b) => a ^ b)],
  [
    'i32.mul',
    (f) => {
      const b = f.popGeneral()
      const a = f.popGeneral()
      f.push('general', [a, b], (asm, to, x, y) => {
        if (to === y) asm.multiply(to, reg(x))
        else {
          if (to !== x) asm.move(to, reg(x))
          asm.multiply(to, reg(y))
        }
      })
    },
  ],
  ['i32.shl', shift('shl')],
  ['i32.shr_u', shift('shr')],
  ['i32.shr_s', shift('sar')],
  ['i32.div_s', division(true, false)],
  ['i32.div_u', division(false, false)],
  ['i32.rem_u', division(false, true)],
  ['i32.eqz', (f) => comparison('equal', 'equal')(f.i32(0))],
  ['i32.eq', comparison('equal', 'equal')],
  ['i32.ne', comparison('notEqual', 'notEqual')],
  ['i32.lt_s', comparison('less', 'greater')],
  ['i32.lt_u', comparison('below', 'above')],
  ['i32.gt_s', comparison('greater', 'less')],
  ['i32.gt_u', comparison('above', 'below')],
  ['i32.le_s', comparison('lessOrEqual', 'greaterOrEqual')],
  ['i32.le_u', comparison('belowOrEqual', 'aboveOrEqual')],
  ['i32.ge_s', comparison('greaterOrEqual', 'lessOrEqual')],
  ['i32.ge_u', comparison('aboveOrEqual', 'belowOrEqual')],
]

const arithmetic =
  (name: 'add' | 'or' | 'and' | 'sub' | 'xor', value: (a: number, b: number) => number): Meaning =>
  (f) => {
    const [b, a] = [f.take(), f.take()]
    if (a.is === 'number' && b.is === 'number') {
      f.put({ is: 'number', value: value(a.value, b.value) | 0 })
      return
    }
    if (name === 'add' || name === 'sub') {
      const [base, plus] = a.is === 'number' && name === 'add' ? [b, a] : [a, b]
      if (plus.is === 'number') {
        const amount = name === 'add' ? plus.value : -plus.value | 0
        if (base.is === 'sum') f.put({ is: 'sum', register: base.register, value: (base.value + amount) | 0 })
        else f.put({ is: 'sum', register: f.value(base), value: amount })
        return
      }
    }
    if (b.is === 'number') {
      const { value: number } = b
      f.push('general', [f.value(a)], (asm, to, s) => {
        if (to !== s) asm.move(to, reg(s))
        asm.arithmeticImmediate(name, to, number)
      })
      return
    }
    const [x, y] = [f.value(a), f.value(b)]
    f.push('general', [x, y], (asm, to, s, t) => {
      const [first, second] = [reg(s), reg(t)]
      if (to === first) asm.arithmetic(name, to, second)
      else if (name === 'add') asm.lea(to, { base: first, index: second })
      else if (to !== second) asm.move(to, first).arithmetic(name, to, second)
      else if (name === 'sub') asm.negate(to).arithmetic('add', to, first)
      else asm.arithmetic(name, to, first)
    })
  }

const comparison =
  (condition: Condition, flipped: Condition): Meaning =>
  (f) => {
    const [b, a] = [f.take(), f.take()]
    if (b.is === 'number') f.put({ is: 'comparison', condition, a: f.value(a), b: { value: b.value } })
    else if (a.is === 'number') f.put({ is: 'comparison', condition: flipped, a: f.value(b), b: { value: a.value } })
    else {
      const [x, y] = [f.value(a), f.value(b)]
      f.put({ is: 'comparison', condition, a: x, b: y })
    }
  }

const shift =
  (kind: 'shl' | 'shr' | 'sar'): Meaning =>
  (f) => {
    const [b, a] = [f.take(), f.take()]
    if (b.is === 'number') {
      const count = b.value & 31
      f.push('general', [f.value(a)], (asm, to, s) => {
        if (to !== s) asm.move(to, reg(s))
        asm.shift(kind, to, count)
      })
      return
    }
    const [x, y] = [f.value(a), f.value(b)]
    f.push('general', [x, y], (asm, to, s, t) => asm.shiftBy(kind, to, reg(s), reg(t)))
  }

/** Division is rare: its fixed registers are saved around it. */
const division =
  (signed: boolean, rest: boolean): Meaning =>
  (f) => {
    const b = f.popGeneral()
    const a = f.popGeneral()
    f.push('general', [a, b], (asm, to, s, t) => {
      const { rsp, rax, rdx } = register
      const slot = (n: number): Memory => ({ base: rsp, displacement: frame.division + 8 * n })
      asm.store(slot(0), rax, true).store(slot(1), rdx, true).store(slot(2), reg(t), true).move(rax, reg(s))
      if (signed) asm.cdq()
      else asm.arithmetic('xor', rdx, rdx)
      asm.divide(signed, slot(2)).store(slot(3), rest ? rdx : rax, true)
      asm.move(rax, slot(0), true).move(rdx, slot(1), true).move(to, slot(3), true)
    })
  }
