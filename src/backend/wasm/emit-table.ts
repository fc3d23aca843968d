// Reads and writes of contract kernels, whose places are given by tables of byte offsets.

import { type DType, dtypes } from '../../graph/dtype.ts'
import type { FunctionBuilder } from './assembler.ts'
import type { ExprCode } from './emit-expr.ts'
import { loadElement, loadVector } from './emit-memory.ts'
import { tableAccess } from './layout.ts'

/** One access of an operand or epilogue at the current batch element. */
export class TableCode {
  readonly dtype: DType
  readonly bytes: number
  /** Local: address of the access's batch element. */
  readonly base: number
  /** Locals: addresses of the tables of the outer (m or n) and inner (k, or n of an epilogue) axis. */
  readonly outer: number
  readonly inner: number
  private readonly f: FunctionBuilder
  private readonly code: ExprCode

  /** The args block is parameter 0, the batch element's number parameter 1. */
  constructor(code: ExprCode, access: number, dtype: DType) {
    const { f, prologue } = code
    const word = (name: 'address' | 'batch' | 'outer' | 'inner'): number =>
      prologue.word(tableAccess.words * access + tableAccess[name])
    this.f = f
    this.code = code
    this.dtype = dtype
    this.bytes = dtypes[dtype].bytes
    const [address, batch] = [word('address'), word('batch')]
    this.base = prologue.define(`base ${access}`, 'i32', () => {
      f.get(batch).get(1).i32(2).op('i32.shl').op('i32.add').memory('i32.load').get(address).op('i32.add')
    })
    this.outer = word('outer')
    this.inner = word('inner')
  }

  /** Pushes the table entry whose number is pushed by `push`. */
  entry(table: number, push: () => void): void {
    this.f.get(table)
    push()
    this.f.i32(2).op('i32.shl').op('i32.add').memory('i32.load')
  }

  /** 1 if the four entries from `number` on are neighbouring elements. */
  pushNeighbours(table: number, number: number, apart = this.bytes): void {
    const { f, code } = this
    const steps = code.prologue.define(`steps ${apart}`, 'v128', () =>
      f.v128(new Int32Array([0, apart, 2 * apart, 3 * apart])),
    )
    const entries = code.locals.take('v128')
    f.get(table).get(number).i32(2).op('i32.shl').op('i32.add').memory('v128.load').tee(entries)
    f.get(entries).lane('i32x4.extract_lane', 0).op('i32x4.splat').op('i32x4.sub')
    f.get(steps).op('i32x4.eq').op('i32x4.all_true')
    code.locals.give(entries)
  }

  /** Four neighbouring elements from the address on the stack. */
  loadVector(offset = 0): void {
    loadVector(this.f, this.dtype, offset, () => this.pushZero())
  }

  loadElement(): void {
    loadElement(this.f, this.dtype)
  }

  /** Four elements, `address(lane)` pushing where each lies. */
  gather(address: (lane: number) => void): void {
    const { f, code } = this
    const result = code.locals.take('v128')
    this.pushZero()
    f.set(result)
    for (const lane of [0, 1, 2, 3]) {
      if (this.bytes === 4) {
        address(lane)
        f.get(result).laneMemory('v128.load32_lane', lane)
      } else {
        f.get(result)
        address(lane)
        f.memory('i32.load8_u').lane('i32x4.replace_lane', lane)
      }
      f.set(result)
    }
    f.get(result)
    if (this.dtype === 'bool') {
      this.pushZero()
      f.op('i32x4.ne')
    }
    code.locals.give(result)
  }

  private pushZero(): void {
    this.f.get(this.code.vectorConstant({ op: 'const', type: 'i32', args: [], value: 0 }))
  }
}
