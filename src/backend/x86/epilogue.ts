// Pointwise work on a finished tile of a product, and the stores of its results.

import { dtypes } from '../../graph/dtype.ts'
import type { Epilogue } from '../../kernel/contract.ts'
import { expand } from '../../scalar/functions.ts'
import { sharer } from '../../scalar/share.ts'
import { ExprCode } from '../wasm/emit-expr.ts'
import type { Demand } from '../wasm/emit-instructions.ts'
import { whileLess } from '../wasm/emit-walk.ts'
import type { Assembler, Label } from './assembler.ts'
import { NativeFunction } from './builder.ts'
import { environment } from './loop.ts'
import { gather, loadNeighbours, loadSpread, scatter, storeNeighbours } from './memory.ts'
import { NativeTable, pushFirst, type Standing } from './tables.ts'
import type { VectorTarget } from './target.ts'

/**
 * Emits a function (args, batch, m0, m1, n0, n1, tile, tileStride) that applies the epilogue to rows m0 … m1 − 1, columns n0 … n1 − 1;
 * element (m0, n0) is at `tile`.
 */
export function emitEpilogue(
  a: Assembler,
  target: VectorTarget,
  epilogue: Epilogue,
  standing: readonly Standing[],
): Label {
  const f = new NativeFunction(a, target, 8)
  new EpilogueCode(f, epilogue, standing).emit()
  return f.finish()
}

const [m0, m1, n0, n1, tile, tileStride] = [2, 3, 4, 5, 6, 7] as const

class EpilogueCode {
  private readonly f: NativeFunction
  private readonly epilogue: Epilogue
  private readonly demands: readonly Demand[]
  private readonly code: ExprCode<NativeFunction>
  private readonly tables: readonly NativeTable[]
  /** Those whose columns differ. */
  private readonly moving: readonly NativeTable[]
  /** How the load of an access is computed at the place where code is being emitted. */
  private load: (access: number) => void = () => {}
  /** Address of the element of the tile in work. */
  private readonly at: number

  constructor(f: NativeFunction, epilogue: Epilogue, standing: readonly Standing[]) {
    this.f = f
    this.epilogue = epilogue
    const [share, expanded] = [sharer(), new Map()]
    this.demands = epilogue.stores.map((s) => ({ e: share(expand(s.value, expanded)), width: 4 }))
    this.code = new ExprCode(f, environment(true), {
      varies: (e) => e.op !== 'const',
      leaf: (e) => ({
        operands: [],
        code: () => {
          if (e.op === 'accumulator') f.get(this.at).memory('v128.load', f.target.bytes * this.code.copy)
          else this.load(e.value)
        },
      }),
    })
    this.tables = epilogue.accesses.map((access, i) => new NativeTable(this.code, i, access.dtype, standing[i]))
    this.moving = this.tables.filter((table) => !table.standing.inner)
    this.at = f.local('i32')
  }

  emit(): void {
    const { f } = this
    const regular = (): void => this.eachRow((rows) => this.regularRow(rows))
    if (this.moving.every(({ standing }) => standing.innerRun)) regular()
    else {
      this.pushRegular()
      f.if(regular, () => this.groups())
    }
    this.code.prologue.finish()
  }

  /** For each row, with the addresses of its first elements but for the columns' offsets, and `tile` at the row. */
  private eachRow(body: (rows: readonly number[]) => void): void {
    const { f } = this
    const [m, row] = [f.local('i32'), f.local('i32')]
    f.get(m0).set(m).get(tile).set(row)
    whileLess(f, m, m1, () => {
      const rows = this.tables.map((table) => {
        const start = f.local('i32')
        table.entry(table.outer, m)
        f.get(table.base).op('i32.add').set(start)
        return start
      })
      f.get(row).set(this.at)
      body(rows)
      f.get(row).get(tileStride).op('i32.add').set(row)
      f.get(m).i32(1).op('i32.add').set(m)
    })
  }

  /** Pushes 1 if every access has its columns side by side, each vector continuing the one before. */
  private pushRegular(): void {
    const { f, code } = this
    const [result, n, count] = [f.local('i32'), f.local('i32'), f.local('i32')]
    const mask = f.local('v128')
    f.i32(1).set(result).get(n0).set(n)
    whileLess(f, n, n1, () => {
      f.get(n1).get(n).op('i32.sub').set(count)
      pushFirst(code, count)
      f.set(mask)
      for (const table of this.moving) {
        f.get(result)
        table.pushNeighbours(table.inner, n, mask)
        f.op('i32.and')
        table.entry(table.inner, n)
        table.entry(table.inner, n0)
        f.op('i32.sub').get(n).get(n0).op('i32.sub').i32(dtypes[table.dtype].bytes).op('i32.mul')
        f.op('i32.eq').op('i32.and').set(result)
      }
      f.get(n).i32(f.lanes).op('i32.add').set(n)
    })
    f.get(result)
  }

  /** A row all of whose columns are side by side: two vectors at a time, then one, of which the last may be partial. */
  private regularRow(rows: readonly number[]): void {
    const { f, code } = this
    const [n, left, end] = [f.local('i32'), f.local('i32'), f.local('i32')]
    const pointers = this.tables.map((table, i) => {
      const pointer = f.local('i32')
      table.entry(table.inner, n0)
      f.get(rows[i]).op('i32.add').set(pointer)
      return pointer
    })
    const step = (vectors: number): void => {
      this.tables.forEach(({ dtype, standing }, i) => {
        if (standing.inner) return
        f.get(pointers[i])
          .i32(vectors * f.lanes * dtypes[dtype].bytes)
          .op('i32.add')
          .set(pointers[i])
      })
      f.get(this.at)
        .i32(f.target.bytes * vectors)
        .op('i32.add')
        .set(this.at)
      f.get(n)
        .i32(vectors * f.lanes)
        .op('i32.add')
        .set(n)
    }
    const vectors = (mask: number | undefined, copies: number): void => {
      this.load = (access) => {
        const { dtype, standing } = this.tables[access]
        f.get(pointers[access])
        if (standing.inner) loadSpread(f, dtype)
        else loadNeighbours(f, dtype, f.lanes * dtypes[dtype].bytes * code.copy, mask, 0)
      }
      const values = this.evaluate(copies)
      for (let copy = 0; copy < copies; copy++) {
        this.epilogue.stores.forEach(({ access, mode }, i) => {
          const { dtype } = this.tables[access]
          const at = copy * f.lanes * dtypes[dtype].bytes
          storeNeighbours(f, mode, dtype, pointers[access], at, values[copy][i], mask)
        })
      }
      step(copies)
    }
    const two = 2 * f.lanes
    f.get(n0)
      .set(n)
      .get(n1)
      .i32(two - 1)
      .op('i32.sub')
      .set(end)
    whileLess(f, n, end, () => vectors(undefined, 2))
    whileLess(f, n, n1, () => {
      f.get(n1).get(n).op('i32.sub').set(left)
      const mask = f.local('v128')
      pushFirst(code, left)
      f.set(mask)
      vectors(mask, 1)
    })
  }

  /** Columns that lie anywhere: a vector at a time down all rows, as runs of memory where they are. */
  private groups(): void {
    const { f, code } = this
    const [n, left, column] = [f.local('i32'), f.local('i32'), f.local('i32')]
    const mask = f.local('v128')
    f.get(n0).set(n).i32(0).set(column)
    whileLess(f, n, n1, () => {
      f.get(n1).get(n).op('i32.sub').set(left)
      pushFirst(code, left)
      f.set(mask).i32(1)
      for (const table of this.moving) {
        table.pushNeighbours(table.inner, n, mask)
        f.op('i32.and')
      }
      f.if(
        () => this.run(n, column, mask),
        () => this.scattered(n, column, mask),
      )
      f.get(column).i32(f.target.bytes).op('i32.add').set(column)
      f.get(n).i32(f.lanes).op('i32.add').set(n)
    })
  }

  private run(n: number, column: number, mask: number): void {
    const { f } = this
    const starts = this.tables.map((table) => {
      const start = f.local('i32')
      table.entry(table.inner, n)
      f.set(start)
      return start
    })
    this.eachRow((rows) => {
      f.get(this.at).get(column).op('i32.add').set(this.at)
      const pointers = rows.map((row, i) => {
        const pointer = f.local('i32')
        f.get(row).get(starts[i]).op('i32.add').set(pointer)
        return pointer
      })
      this.load = (access) => {
        const { dtype, standing } = this.tables[access]
        f.get(pointers[access])
        if (standing.inner) loadSpread(f, dtype)
        else loadNeighbours(f, dtype, 0, mask, 0)
      }
      const [values] = this.evaluate(1)
      this.epilogue.stores.forEach(({ access, mode }, i) => {
        storeNeighbours(f, mode, this.tables[access].dtype, pointers[access], 0, values[i], mask)
      })
    })
  }

  private scattered(n: number, column: number, mask: number): void {
    const { f } = this
    const offsets = this.tables.map((table) => {
      const local = f.local('v128')
      table.entries(table.inner, n, mask)
      f.set(local)
      return local
    })
    this.eachRow((rows) => {
      f.get(this.at).get(column).op('i32.add').set(this.at)
      this.load = (access) => {
        f.get(rows[access]).get(offsets[access])
        gather(f, this.tables[access].dtype, mask, 0)
      }
      const [values] = this.evaluate(1)
      this.epilogue.stores.forEach(({ access, mode }, i) => {
        const { dtype } = this.tables[access]
        f.get(rows[access]).get(offsets[access])
        scatter(f, mode, dtype, values[i], mask)
      })
    })
  }

  /** The values of all stores in locals, by vector: all of them before the first store. */
  private evaluate(copies: number): number[][] {
    const { f, code } = this
    const values: number[][] = Array.from({ length: copies }, () => [])
    const consume = (): void => {
      const local = f.local('v128')
      f.set(local)
      values[code.copy].push(local)
    }
    if (copies === 1) code.emit(this.demands, consume)
    else code.emitCopies(this.demands, copies, consume)
    return values
  }
}
