// Packing an operand of a product into panels, its pointwise prologue applied.

import { dtypes } from '../../graph/dtype.ts'
import type { Operand } from '../../kernel/contract.ts'
import { type Expr, topological } from '../../scalar/expr.ts'
import { expand } from '../../scalar/functions.ts'
import { sharer } from '../../scalar/share.ts'
import { ExprCode } from '../wasm/emit-expr.ts'
import { whileLess } from '../wasm/emit-walk.ts'
import type { Assembler, Label } from './assembler.ts'
import { NativeFunction } from './builder.ts'
import { linear } from './convention.ts'
import { reg } from './instruction.ts'
import { environment } from './loop.ts'
import { gather, loadNeighbours, loadSpread } from './memory.ts'
import { NativeTable, pushFirst, pushRuns, pushSmaller, type Runs, type Standing } from './tables.ts'
import type { VectorTarget } from './target.ts'
import { transpose } from './transpose.ts'

/** Expressions of more parts than this are not evaluated for every row of a square. */
const smallExpression = 12

/**
 * Emits a function (args, batch, o0, o1, k0, k1, destination) that writes elements o in [o0, o1), k in [k0, k1) of one batch
 * element into panels of `width` outer elements, one after the other, each laid out [k][lane]. The rows of a panel of two vectors are as long or, if
 * no more elements than one has are left, one vector; those of a narrower one as long as it has elements.
 */
export function emitPack(
  a: Assembler,
  target: VectorTarget,
  operand: Operand,
  width: number,
  standing: readonly Standing[],
): Label {
  const f = new NativeFunction(a, target, 7)
  new PackCode(f, operand, width, standing).emit()
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
  /** Elements of the panel, and the mask of those of the chunk in work, which is at most a vector. */
  private readonly count: number
  private readonly mask: number
  private readonly first: number

  constructor(f: NativeFunction, operand: Operand, width: number, standing: readonly Standing[]) {
    this.f = f
    this.width = width
    this.value = sharer()(expand(operand.value))
    this.code = new ExprCode(f, environment(true), {
      varies: (e) => e.op !== 'const',
      leaf: (e) => ({ operands: [], code: () => this.load(e.value) }),
    })
    this.tables = operand.accesses.map((access, i) => new NativeTable(this.code, i, access.dtype, standing[i]))
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
      if (width > f.lanes) {
        f.i32(4 * width)
          .i32(4 * f.lanes)
          .get(left)
          .i32(f.lanes)
          .op('i32.gt_s')
          .op('select')
      } else f.get(this.count).i32(2).op('i32.shl')
      f.set(this.rowBytes)
      f.get(o0).set(this.first).get(destination).set(this.at)
      if (width <= f.lanes) this.chunk(left)
      else if (this.alongK) this.chunks(left)
      else {
        if (this.isRun('outer')) f.get(left).i32(width).op('i32.ge_s')
        else this.pushWhole(left)
        f.if(
          () => this.wholeRows(),
          () => this.chunks(left),
        )
      }
      f.get(k1).get(k0).op('i32.sub').get(this.rowBytes).op('i32.mul')
      f.get(destination).op('i32.add').set(destination)
      f.get(o0).i32(width).op('i32.add').set(o0)
    })
    code.prologue.finish()
  }

  /** Whether all accesses that move along an axis have one run of memory there. */
  private isRun(axis: 'outer' | 'inner'): boolean {
    return this.tables.every(({ standing }) => standing[axis] || standing[`${axis}Run`])
  }

  /** A panel of two chunks, one after the other: one piece of code, for half of what there would be to emit. */
  private chunks(left: number): void {
    const { f } = this
    f.block(() => {
      f.loop(() => {
        this.chunk(left)
        f.get(this.first).get(o0).op('i32.ne').brIf(1)
        f.get(left).i32(f.lanes).op('i32.sub').set(left)
        f.get(left).i32(0).op('i32.le_s').brIf(1)
        f.get(o0).i32(f.lanes).op('i32.add').set(this.first)
        f.get(destination)
          .i32(4 * f.lanes)
          .op('i32.add')
          .set(this.at)
        f.br(0)
      })
    })
  }

  /** Pushes 1 if the panel is full and each of its rows one run of memory. */
  private pushWhole(left: number): void {
    const { f, width } = this
    const [number, all] = [f.local('i32'), f.local('v128')]
    f.iota(0).iota(0).op('i32x4.eq').set(all)
    f.get(left).i32(width).op('i32.ge_s')
    f.if(
      () => {
        f.i32(1)
        for (const table of this.tables.filter(({ standing }) => !standing.outer)) {
          table.pushNeighbours(table.outer, o0, all)
          f.op('i32.and').get(o0).i32(f.lanes).op('i32.add').set(number)
          table.pushNeighbours(table.outer, number, all)
          f.op('i32.and')
          table.entry(table.outer, number)
          table.entry(table.outer, o0)
          f.op('i32.sub')
            .i32(f.lanes * dtypes[table.dtype].bytes)
            .op('i32.eq')
            .op('i32.and')
        }
      },
      () => f.i32(0),
      'i32',
    )
  }

  /** All rows of a full panel, two vectors each; two rows in a turn, for they come from far apart. */
  private wholeRows(): void {
    const { f } = this
    const starts = this.tables.map((table) => {
      const start = f.local('i32')
      table.entry(table.outer, o0)
      f.get(table.base).op('i32.add').set(start)
      return start
    })
    const rows = (count: number): void => {
      const places = Array.from({ length: count }, (_, row) =>
        this.tables.map((table, i) => {
          const place = f.local('i32')
          f.get(table.inner)
            .get(this.k)
            .i32(2)
            .op('i32.shl')
            .op('i32.add')
            .memory('i32.load', 4 * row)
          f.get(starts[i]).op('i32.add').set(place)
          return place
        }),
      )
      const values = places.flatMap((place) =>
        [0, 1].map((half) => {
          this.load = (access) => {
            const { dtype, standing } = this.tables[access]
            f.get(place[access])
            if (standing.outer) loadSpread(f, dtype)
            else loadNeighbours(f, dtype, half * f.lanes * dtypes[dtype].bytes, undefined, 0)
          }
          const value = f.local('v128')
          this.evaluate()
          f.set(value)
          return value
        }),
      )
      values.forEach((value, i) => {
        f.get(this.at)
          .get(value)
          .memory('v128.store', f.target.bytes * i)
      })
      f.get(this.at)
        .i32(2 * f.target.bytes * count)
        .op('i32.add')
        .set(this.at)
      f.get(this.k).i32(count).op('i32.add').set(this.k)
    }
    const end = f.local('i32')
    f.get(k0).set(this.k).get(k1).i32(1).op('i32.sub').set(end)
    whileLess(f, this.k, end, () => rows(2))
    whileLess(f, this.k, k1, () => rows(1))
  }

  /** Up to a vector of outer elements, of which `left` and those that follow exist. */
  private chunk(left: number): void {
    const { f } = this
    pushFirst(this.code, this.width > f.lanes ? left : this.count)
    f.set(this.mask).get(k0).set(this.k)
    if (!this.alongK) {
      this.rows(k1)
      return
    }
    const [end, whole, size] = [f.local('i32'), f.local('i32'), f.local('i32')]
    const all = f.local('v128')
    f.iota(0).iota(0).op('i32x4.eq').set(all).i32(f.lanes).set(size)
    const rest = (): void => {
      pushSmaller(f, whole, k1)
      f.set(end)
      this.rows(end)
    }
    whileLess(f, this.k, k1, () => {
      f.get(this.k).i32(f.lanes).op('i32.add').set(whole)
      f.get(whole).get(k1).op('i32.le_s')
      if (this.isRun('inner')) {
        f.if(() => this.square([]), rest)
        return
      }
      f.if(() => {
        f.i32(1)
        const runs = this.tables.map((table) => {
          if (table.standing.inner) return undefined
          const found = pushRuns(f, table, table.inner, this.k, size, all)
          f.op('i32.and')
          return found
        })
        f.if(() => this.square(runs), rest)
      }, rest)
    })
  }

  /** Rows of the panel up to k = end, each a vector that is loaded as one run of memory or two, or gathered. */
  private rows(end: number): void {
    const { f } = this
    const [most, count] = [f.local('i32'), f.local('i32')]
    f.i32(f.lanes).set(most).get(o1).get(this.first).op('i32.sub').set(count)
    pushSmaller(f, count, most)
    f.set(count)
    const starts = this.tables.map((table) => {
      const start = f.local('i32')
      table.entry(table.outer, this.first)
      f.get(table.base).op('i32.add').set(start)
      return start
    })
    const spread = (access: number, place: number): boolean => {
      if (!this.tables[access].standing.outer) return false
      f.get(place).get(starts[access]).op('i32.add')
      loadSpread(f, this.tables[access].dtype)
      return true
    }
    const one = (access: number, place: number): void => {
      if (spread(access, place)) return
      f.get(place).get(starts[access]).op('i32.add')
      loadNeighbours(f, this.tables[access].dtype, 0, this.mask, 0)
    }
    if (this.isRun('outer')) {
      this.eachRow(end, one)
      return
    }
    const offsets = this.tables.map((table) => {
      const local = f.local('v128')
      table.entries(table.outer, this.first, this.mask)
      f.set(local)
      return local
    })
    const any = (access: number, place: number): void => {
      if (spread(access, place)) return
      f.get(place).get(this.tables[access].base).op('i32.add').get(offsets[access])
      gather(f, this.tables[access].dtype, this.mask, 0)
    }
    if (this.alongK && this.isRun('inner')) {
      // Only for the last few k, and rows of a matrix are seldom neighbours
      this.eachRow(end, any)
      return
    }
    const inRuns = f.local('i32')
    f.i32(1).set(inRuns)
    const runs = this.tables.map((table) => {
      if (table.standing.outer) return undefined
      f.get(inRuns)
      const found = pushRuns(f, table, table.outer, this.first, count, this.mask)
      f.op('i32.and').set(inRuns)
      return found
    })
    const seconds = this.tables.map((table, i) => {
      const found = runs[i]
      if (!found) return starts[i]
      const second = f.local('i32')
      f.get(found.second).get(table.base).op('i32.add').set(second)
      return second
    })
    const two = (access: number, place: number): void => {
      const found = runs[access]
      if (spread(access, place) || !found) return
      f.get(place).get(starts[access]).op('i32.add')
      loadNeighbours(f, this.tables[access].dtype, 0, found.inFirst, 0)
      f.get(place).get(seconds[access]).op('i32.add')
      loadNeighbours(f, this.tables[access].dtype, 0, found.inSecond, 0)
      f.op('v128.or')
    }
    f.get(inRuns).if(
      () => {
        f.i32(1)
        starts.forEach((start, i) => {
          f.get(start).get(seconds[i]).op('i32.eq').op('i32.and')
        })
        f.if(
          () => this.eachRow(end, one),
          () => this.eachRow(end, two),
        )
      },
      () => this.eachRow(end, any),
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

  /** A vector of k of each outer element, which are a run of memory or two, turned around in registers. */
  private square(runs: readonly (Runs | undefined)[]): void {
    const { f } = this
    const rows = Array.from({ length: Math.min(f.lanes, this.width) }, () => f.local('v128'))
    const starts = this.tables.map((table, i) => {
      const start = f.local('i32')
      const found = runs[i]
      if (found) f.get(found.first)
      else table.entry(table.inner, this.k)
      f.get(table.base).op('i32.add').set(start)
      return start
    })
    if (runs.some((found) => found)) {
      f.i32(1)
      for (const found of runs) if (found) f.get(found.first).get(found.second).op('i32.eq').op('i32.and')
      f.if(
        () => this.squareRows(rows, starts, []),
        () => this.squareRows(rows, starts, runs),
      )
    } else this.squareRows(rows, starts, [])
    const registers = rows.map((row) => f.get(row).popVector())
    while (registers.length < f.lanes) registers.push(registers[registers.length - 1])
    for (const column of transpose(f, registers)) {
      const value = f.local('v128')
      f.put({ is: 'register', register: column })
      f.set(value)
      this.store(value)
    }
    f.get(this.k).i32(f.lanes).op('i32.add').set(this.k)
  }

  /** Loads the rows of a square, of which each is a run of memory from the start of its access, or, where `runs` has them, two. */
  private squareRows(rows: readonly number[], starts: readonly number[], runs: readonly (Runs | undefined)[]): void {
    const { f } = this
    const last = f.local('i32')
    f.get(o1).i32(1).op('i32.sub').set(last)
    const seconds = this.tables.map((table, i) => {
      const found = runs[i]
      if (!found) return starts[i]
      const second = f.local('i32')
      f.get(found.second).get(table.base).op('i32.add').set(second)
      return second
    })
    // Where in its table each access has the offset of the first row, and of the last there is
    const entries = this.tables.map((table) => {
      const place = (number: number): number => {
        const at = f.local('i32')
        f.get(table.outer).get(number).i32(2).op('i32.shl').op('i32.add').set(at)
        return at
      }
      return { first: place(this.first), last: place(last) }
    })
    rows.forEach((row, r) => {
      const offsets = entries.map(({ first, last }) => {
        // Where there are fewer, the last one again
        const [entry, offset] = [f.local('i32'), f.local('i32')]
        f.get(first)
          .i32(4 * r)
          .op('i32.add')
          .set(entry)
        pushSmaller(f, entry, last)
        f.memory('i32.load').set(offset)
        return offset
      })
      this.load = (access) => {
        const { dtype, standing } = this.tables[access]
        const found = runs[access]
        const at = (start: number): void => void f.get(offsets[access]).get(start).op('i32.add')
        at(starts[access])
        if (standing.inner) loadSpread(f, dtype)
        else if (!found) loadNeighbours(f, dtype, 0, undefined, 0)
        else {
          loadNeighbours(f, dtype, 0, found.inFirst, 0)
          at(seconds[access])
          loadNeighbours(f, dtype, 0, found.inSecond, 0)
          f.op('v128.or')
        }
      }
      this.evaluate()
      f.set(row)
    })
  }

  /** Writes a row and goes to the next. */
  private store(value: number): void {
    const { f } = this
    const v = f.get(value).popVector()
    const { from } = f.get(this.at).popAddress(0)
    if (this.width > f.lanes) f.get(this.at).get(value).memory('v128.store')
    else {
      const mask = f.get(this.mask).popMask()
      f.emit(-1, [from, v, mask], (a, _, s, x, m) => {
        f.target.storeMasked(a, 'f32', reg(x), linear(s, 0), reg(m))
      })
    }
    f.get(this.at).get(this.rowBytes).op('i32.add').set(this.at)
  }

  private evaluate(): void {
    this.code.emit([{ e: this.value, width: 4 }], () => {})
  }
}
