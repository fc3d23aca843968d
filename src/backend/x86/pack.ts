// Packing an operand of a product into panels, its pointwise prologue applied.

import type { Operand } from '../../kernel/contract.ts'
import { type Expr, topological } from '../../scalar/expr.ts'
import { expand } from '../../scalar/functions.ts'
import { sharer } from '../../scalar/share.ts'
import { ExprCode } from '../wasm/emit-expr.ts'
import { whileLess } from '../wasm/emit-walk.ts'
import type { Assembler, Label } from './assembler.ts'
import { lanes, NativeFunction } from './builder.ts'
import { reg } from './instruction.ts'
import { environment } from './loop.ts'
import { gather, loadNeighbours } from './memory.ts'
import { NativeTable, pushFirst, pushSmaller } from './tables.ts'
import { transpose } from './transpose.ts'

/** Expressions of more parts than this are not evaluated sixteen times over. */
const smallExpression = 12

/**
 * Emits a function (args, batch, o0, o1, k0, k1, destination) that writes elements o in [o0, o1), k in [k0, k1) of one batch
 * element into panels of `width` outer elements, one after the other, each laid out [k][lane]. The rows of a panel of 32 are 32 or, if
 * no more than 16 elements are left, 16 long; those of a narrower one as long as it has elements.
 */
export function emitPack(a: Assembler, operand: Operand, width: number): Label {
  const f = new NativeFunction(a, 7)
  new PackCode(f, operand, width).emit()
  return f.finish()
}

const [o0, o1, k0, k1, destination] = [2, 3, 4, 5, 6] as const

class PackCode {
  private readonly f: NativeFunction
  private readonly width: number
  private readonly value: Expr
  private readonly code: ExprCode<NativeFunction>
  private readonly tables: readonly NativeTable[]
  private readonly alongK: boolean
  /** How the load of an access is computed at the place where code is being emitted. */
  private load: (access: number) => void = () => {}
  private readonly k: number
  /** Address in the panel where row k goes, and bytes from row to row. */
  private readonly at: number
  private readonly rowBytes: number
  /** Elements of the panel, and the mask of those of the chunk of sixteen in work. */
  private readonly count: number
  private readonly mask: number
  private readonly first: number

  constructor(f: NativeFunction, operand: Operand, width: number) {
    this.f = f
    this.width = width
    this.value = sharer()(expand(operand.value))
    this.code = new ExprCode(f, environment(true), {
      varies: (e) => e.op !== 'const',
      leaf: (e) => ({ operands: [], code: () => this.load(e.value) }),
    })
    this.tables = operand.accesses.map((access, i) => new NativeTable(this.code, i, access.dtype))
    this.alongK = operand.lane === 'inner' && topological([this.value]).length <= smallExpression
    const [k, at, rowBytes, count, first] = Array.from({ length: 5 }, () => f.local('i32'))
    this.k = k
    this.at = at
    this.rowBytes = rowBytes
    this.count = count
    this.first = first
    this.mask = f.local('v128')
  }

  emit(): void {
    const { f, code, width } = this
    const left = f.local('i32')
    whileLess(f, o0, o1, () => {
      f.get(o1).get(o0).op('i32.sub').set(left)
      const whole = f.local('i32')
      f.i32(width).set(whole)
      pushSmaller(f, left, whole)
      f.set(this.count)
      if (width > lanes) {
        f.i32(4 * width)
          .i32(4 * lanes)
          .get(left)
          .i32(lanes)
          .op('i32.gt_s')
          .op('select')
      } else f.get(this.count).i32(2).op('i32.shl')
      f.set(this.rowBytes)
      f.get(o0).set(this.first).get(destination).set(this.at)
      this.chunk(left)
      if (width > lanes) {
        f.get(left).i32(lanes).op('i32.gt_s')
        f.if(() => {
          f.get(left).i32(lanes).op('i32.sub').set(left)
          f.get(o0).i32(lanes).op('i32.add').set(this.first)
          f.get(destination)
            .i32(4 * lanes)
            .op('i32.add')
            .set(this.at)
          this.chunk(left)
        })
      }
      f.get(k1).get(k0).op('i32.sub').get(this.rowBytes).op('i32.mul')
      f.get(destination).op('i32.add').set(destination)
      f.get(o0).i32(width).op('i32.add').set(o0)
    })
    code.prologue.finish()
  }

  /** Up to sixteen outer elements, of which `left` and those that follow exist. */
  private chunk(left: number): void {
    const { f } = this
    pushFirst(this.code, this.width > lanes ? left : this.count)
    f.set(this.mask).get(k0).set(this.k)
    if (!this.alongK) {
      this.rows(k1)
      return
    }
    const [end, whole] = [f.local('i32'), f.local('i32')]
    const all = f.local('v128')
    f.iota(0).iota(0).op('i32x4.eq').set(all)
    whileLess(f, this.k, k1, () => {
      f.get(this.k).i32(lanes).op('i32.add').set(whole)
      f.get(whole).get(k1).op('i32.le_s')
      for (const table of this.tables) {
        table.pushNeighbours(table.inner, this.k, all)
        f.op('i32.and')
      }
      f.if(
        () => this.square(),
        () => {
          pushSmaller(f, whole, k1)
          f.set(end)
          this.rows(end)
        },
      )
    })
  }

  /** Rows of the panel up to k = end, each a vector that is loaded as a run of memory or gathered. */
  private rows(end: number): void {
    const { f } = this
    const offsets = this.tables.map((table) => {
      const local = f.local('v128')
      table.entries(table.outer, this.first, this.mask)
      f.set(local)
      return local
    })
    this.tables.forEach((table, i) => {
      table.pushNeighbours(table.outer, this.first, this.mask)
      if (i > 0) f.op('i32.and')
    })
    if (this.tables.length === 0) f.i32(1)
    f.if(
      () => {
        const starts = this.tables.map((table) => {
          const start = f.local('i32')
          table.entry(table.outer, this.first)
          f.get(table.base).op('i32.add').set(start)
          return start
        })
        this.eachRow(end, (access, place) => {
          f.get(place).get(starts[access]).op('i32.add')
          loadNeighbours(f, this.tables[access].dtype, 0, this.mask, 0)
        })
      },
      () =>
        this.eachRow(end, (access, place) => {
          f.get(place).get(this.tables[access].base).op('i32.add').get(offsets[access])
          gather(f, this.tables[access].dtype, this.mask, 0)
        }),
    )
  }

  private eachRow(end: number, load: (access: number, place: number) => void): void {
    const { f } = this
    whileLess(f, this.k, end, () => {
      const places = this.tables.map((table) => {
        const place = f.local('i32')
        table.entry(table.inner, this.k)
        f.set(place)
        return place
      })
      this.load = (access) => load(access, places[access])
      const value = f.local('v128')
      this.evaluate()
      f.set(value)
      this.store(value)
      f.get(this.k).i32(1).op('i32.add').set(this.k)
    })
  }

  /** Sixteen k of each outer element, which are runs of memory, turned around in registers. */
  private square(): void {
    const { f } = this
    const last = f.local('i32')
    f.get(o1).i32(1).op('i32.sub').set(last)
    const inner = this.tables.map((table) => {
      const local = f.local('i32')
      table.entry(table.inner, this.k)
      f.get(table.base).op('i32.add').set(local)
      return local
    })
    const rows = Array.from({ length: Math.min(lanes, this.width) }, (_, r) => {
      // Where there are fewer, the last one again
      const [next, number] = [f.local('i32'), f.local('i32')]
      f.get(this.first).i32(r).op('i32.add').set(next)
      pushSmaller(f, next, last)
      f.set(number)
      this.load = (access) => {
        const table = this.tables[access]
        table.entry(table.outer, number)
        f.get(inner[access]).op('i32.add')
        loadNeighbours(f, table.dtype, 0, undefined, 0)
      }
      const row = f.local('v128')
      this.evaluate()
      return f.set(row).get(row).popVector()
    })
    while (rows.length < lanes) rows.push(rows[rows.length - 1])
    for (const column of transpose(f, rows)) {
      const value = f.local('v128')
      f.put({ is: 'register', register: column })
      f.set(value)
      this.store(value)
    }
    f.get(this.k).i32(lanes).op('i32.add').set(this.k)
  }

  /** Writes a row and goes to the next. */
  private store(value: number): void {
    const { f } = this
    const v = f.get(value).popVector()
    const { from } = f.get(this.at).popAddress(0)
    if (this.width > lanes) f.get(this.at).get(value).memory('v128.store')
    else {
      const mask = f.get(this.mask).popMask()
      f.emit(-1, [from, v, mask], (a, _, [s, x, m]) => {
        a.vector('vmovupsStore', reg(x), 0, { base: 15, index: reg(s) }, { mask: reg(m) })
      })
    }
    f.get(this.at).get(this.rowBytes).op('i32.add').set(this.at)
  }

  private evaluate(): void {
    this.code.emit([{ e: this.value, width: 4 }], () => {})
  }
}
