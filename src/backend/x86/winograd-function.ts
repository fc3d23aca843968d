// Functions of machine code for Winograd's convolutions, and the args block that all of them read.

import { NativeFunction } from './builder.ts'

/**
 * The words of a convolution's args block, named as in `WinogradPlan` and `contractWords`; the last ten are those of every product. `sumStride`, `leftRow` and
 * `leftStep` are the three strides of a micro-kernel.
 */
export const winogradWords = [
  'm',
  'channels',
  'images',
  'rows',
  'columns',
  'imageStride',
  'channelStride',
  'rowStride',
  'across',
  'down',
  'unit',
  'units',
  'tileStride',
  'inPlane',
  'outPlane',
  'sumsAt',
  'tileAt',
  'resultStride',
  'sumPlane',
  'sumStride',
  'leftRow',
  'leftStep',
  'turnedAt',
  'turnedStride',
  'turnedPlane',
  'slopeImageStride',
  'slopeStride',
  'slopeRowStride',
  'rowLow',
  'rowSpan',
  'columnLow',
  'columnSpan',
  'n',
  'tileRows',
  'elements',
  'sums',
  'turned',
  'slopes',
  'weights',
  'epilogue',
  'wide',
  'wideRest',
  'narrow',
  'narrowRest',
  'leftArgs',
  'rightArgs',
  'epilogueArgs',
  'leftAhead',
  'leftPadded',
  'leftBatch',
  'rightAhead',
  'rightPadded',
  'rightBatch',
  'rightVectors',
] as const
export type WinogradWord = (typeof winogradWords)[number]

/** A function whose first parameter is the address of the args block, with what all of them need. */
export class WinogradFunction extends NativeFunction {
  /** A new local with what `push` pushes. */
  number(push: () => unknown): number {
    const l = this.local('i32')
    push()
    this.set(l)
    return l
  }
  vector(push: () => unknown): number {
    const l = this.local('v128')
    push()
    this.set(l)
    return l
  }
  pushWord(name: WinogradWord): this {
    return this.get(0).memory('i32.load', 4 * winogradWords.indexOf(name))
  }
  word(name: WinogradWord): number {
    return this.number(() => this.pushWord(name))
  }
  /** Adds a local to another one. */
  advance(l: number, by: number): this {
    return this.get(l).get(by).op('i32.add').set(l)
  }
  plus(a: number, b: number): number {
    return this.vector(() => this.get(a).get(b).op('f32x4.add'))
  }
  minus(a: number, b: number): number {
    return this.vector(() => this.get(a).get(b).op('f32x4.sub'))
  }
}
