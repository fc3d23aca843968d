// What loads and stores become.

import type { MemoryOp } from '../wasm/opcodes.ts'
import type { Assembler, Memory } from './assembler.ts'
import { linear } from './convention.ts'
import { type Kind, reg, type ValueKind } from './instruction.ts'
import type { StackMachine } from './stack.ts'

const loads =
  (kind: ValueKind, emit: (a: Assembler, to: number, place: Memory) => void) =>
  (f: StackMachine, offset: number): void => {
    const { from, displacement } = f.popAddress(offset)
    f.push(kind, [from], (a, to, s) => emit(a, to, linear(s, displacement)))
  }
const stores =
  (kind: Kind, emit: (a: Assembler, value: number, place: Memory) => void) =>
  (f: StackMachine, offset: number): void => {
    const value = f.pop(kind)
    const { from, displacement } = f.popAddress(offset)
    f.emit(-1, [from, value], (a, _, s, v) => emit(a, reg(v), linear(s, displacement)))
  }

export const memoryMeanings: { readonly [N in MemoryOp]?: (f: StackMachine, offset: number) => void } = {
  'f32.load': loads('vector', (a, to, place) => a.vector('vmovss', to, 0, place, { bytes: 16 })),
  'f64.load': loads('double', (a, to, place) => a.vector('vmovsd', to, 0, place, { bytes: 16 })),
  'i32.load': loads('general', (a, to, place) => a.move(to, place)),
  'i32.load8_u': loads('general', (a, to, place) => a.loadByte(to, place)),
  'v128.load': loads('vector', (a, to, place) => a.vector('vmovups', to, 0, place)),
  'f32.store': stores('vector', (a, value, place) => a.vector('vmovssStore', value, 0, place, { bytes: 16 })),
  'f64.store': stores('vector', (a, value, place) => a.vector('vmovsdStore', value, 0, place, { bytes: 16 })),
  'i32.store': stores('general', (a, value, place) => a.store(place, value)),
  'i32.store8': stores('general', (a, value, place) => a.storeByte(place, value)),
  'v128.store': stores('vector', (a, value, place) => a.vector('vmovupsStore', value, 0, place)),
}
