// Code for epilogues: pointwise work on a finished tile of a contraction, and the stores of its results.

import { type DType, dtypes } from '../../graph/dtype.ts'
import type { Epilogue } from '../../kernel/contract.ts'
import type { Store } from '../../kernel/loop.ts'
import { type Expr, topological } from '../../scalar/expr.ts'
import { expand } from '../../scalar/functions.ts'
import { sharer } from '../../scalar/share.ts'
import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import { ExprCode } from './emit-expr.ts'
import { hasVectorForm, splat, valueType, type Width } from './emit-instructions.ts'
import { extractLane, storeNeighbours, storeOne } from './emit-memory.ts'
import { TableCode } from './emit-table.ts'
import { whileLess } from './emit-walk.ts'
import { type EmitEnvironment, epilogueParams } from './layout.ts'

/** Adds a function with the parameters of `epilogueParams`. */
export function emitEpilogue(module: ModuleBuilder, epilogue: Epilogue, env: EmitEnvironment): FunctionBuilder {
  const f = module.function(undefined, epilogueParams)
  new EpilogueCode(f, epilogue, env).emit()
  return f
}

const [m0, m1, n0, n1, tile, tileStride] = [2, 3, 4, 5, 6, 7] as const

/** How the elements of an access lie along all columns of the tile. */
const mixed = 0
const neighbours = 1
const equal = 2

class EpilogueCode {
  private readonly f: FunctionBuilder
  private readonly epilogue: Epilogue
  private readonly values: readonly Expr[]
  private readonly code: ExprCode
  private readonly tables: readonly TableCode[]
  private readonly width: Width
  /** The column, and the address of its element in the tile. */
  private readonly n: number
  private readonly at: number
  /** Per access, locals: the address of the row, one of the kinds above, and the row's value where it is `equal`. */
  private readonly rows: readonly number[]
  private readonly kinds: readonly number[]
  private readonly splats: (number | undefined)[]
  /** Per access: a pointer to the current column's element, in code for regular rows. */
  private places: readonly number[] | undefined

  constructor(f: FunctionBuilder, epilogue: Epilogue, env: EmitEnvironment) {
    const share = sharer()
    this.f = f
    this.epilogue = epilogue
    this.values = epilogue.stores.map((s) => share(expand(s.value)))
    this.code = new ExprCode(f, env, {
      varies: (e) => this.width === 4 && e.op !== 'const',
      leaf: (e) => ({ operands: [], code: () => this.leaf(e) }),
    })
    const nodes = topological(this.values)
    const lanes = nodes.every((e) => hasVectorForm(e, (c) => c.op === 'const'))
    this.width = lanes && epilogue.accesses.every((a) => a.dtype !== 'float64') ? 4 : 1
    this.tables = epilogue.accesses.map((a, i) => new TableCode(this.code, i, a.dtype))
    this.n = f.local('i32')
    this.at = f.local('i32')
    this.rows = this.tables.map(() => f.local('i32'))
    this.kinds = this.tables.map(() => f.local('i32'))
    const loaded = new Set(nodes.flatMap((e) => (e.op === 'load' ? [e.value] : [])))
    this.splats = this.tables.map((_, i) => (this.width === 4 && loaded.has(i) ? f.local('v128') : undefined))
  }

  emit(): void {
    const { f, code, width } = this
    const [m, regular] = [f.local('i32'), f.local('i32')]
    if (width === 4) {
      for (const [i, table] of this.tables.entries()) this.classify(table, this.kinds[i])
      this.pushRegular()
      f.set(regular)
    }
    f.range(
      m,
      () => f.get(m0),
      m1,
      1,
      () => {
        this.startRow(m)
        f.get(n0).set(this.n).get(tile).set(this.at)
        if (width === 1) this.columns(1, n1, () => this.element())
        else {
          f.get(regular).if(() => this.runs())
          this.columns(4, this.before(3), () => this.quad(undefined))
          f.get(this.n).get(n1).op('i32.lt_s')
          f.if(() => {
            const remaining = code.locals.take('i32')
            f.get(n1).get(this.n).op('i32.sub').set(remaining)
            this.quad(remaining)
            code.locals.give(remaining)
          })
        }
        f.get(tile).get(tileStride).op('i32.add').set(tile)
      },
    )
    code.prologue.finish()
  }

  /** Finds out how an access's elements lie along the columns, four columns at a time. */
  private classify(table: TableCode, kind: number): void {
    const { f, code, n } = this
    const { locals, prologue } = code
    const iota = prologue.define('iota', 'v128', () => f.v128(new Int32Array([0, 1, 2, 3])))
    const steps = prologue.define(`steps ${table.bytes}`, 'v128', () =>
      f.v128(new Int32Array([0, 1, 2, 3].map((lane) => lane * table.bytes))),
    )
    const [first, run, inRun, same, past] = [0, 0, 0, 0, 0].map(() => locals.take('v128'))
    table.entry(table.inner, () => f.get(n0))
    f.op('i32x4.splat').tee(first).get(steps).op('i32x4.add').set(run)
    f.v128(new Int32Array(4).fill(-1)).tee(inRun).set(same)
    f.get(n0).set(n)
    this.columns(4, n1, () => {
      // Lanes past the last column count as right
      f.get(iota).get(n1).get(n).op('i32.sub').op('i32x4.splat').op('i32x4.ge_s').set(past)
      const takeIn = (expected: number, all: number): void => {
        f.get(table.inner).get(n).i32(2).op('i32.shl').op('i32.add').memory('v128.load')
        f.get(expected).op('i32x4.eq').get(past).op('v128.or').get(all).op('v128.and').set(all)
      }
      takeIn(run, inRun)
      takeIn(first, same)
      f.get(run)
        .i32(4 * table.bytes)
        .op('i32x4.splat')
        .op('i32x4.add')
        .set(run)
    })
    f.get(inRun)
      .op('i32x4.all_true')
      .if(
        () => f.i32(neighbours).set(kind),
        () => {
          f.get(same)
            .op('i32x4.all_true')
            .if(
              () => f.i32(equal).set(kind),
              () => f.i32(mixed).set(kind),
            )
        },
      )
    for (const local of [first, run, inRun, same, past]) locals.give(local)
  }

  /** 1 where every load is of neighbours or of equal elements, and every store to neighbours. */
  private pushRegular(): void {
    const { f } = this
    f.i32(1)
    for (const kind of this.kinds) f.get(kind).i32(mixed).op('i32.ne').op('i32.and')
    for (const { access } of this.epilogue.stores) f.get(this.kinds[access]).i32(neighbours).op('i32.eq').op('i32.and')
  }

  /** The row's columns where the elements lie regularly, several vectors at a time, with running pointers. */
  private runs(): void {
    const { f, code } = this
    const copies = topological(this.values).length <= 100 ? 4 : 2
    this.places = this.tables.map((table, i) => {
      const place = code.locals.take('i32')
      table.entry(table.inner, () => f.get(n0))
      f.get(this.rows[i]).op('i32.add').set(place)
      return place
    })
    const places = this.places
    this.columns(4 * copies, this.before(4 * copies - 1), () => {
      this.evaluate(4, copies, (store, dtype, value) => {
        const at = 4 * code.copy * dtypes[dtype].bytes
        storeNeighbours(f, code, store.mode, dtype, places[store.access], at, value)
      })
      for (const [i, place] of places.entries()) {
        const step = 4 * copies * this.tables[i].bytes
        f.get(place).i32(step).op('i32.add').set(place)
      }
    })
    for (const place of places) code.locals.give(place)
    this.places = undefined
  }

  /** A local with n1 − margin. */
  private before(margin: number): number {
    const { f, code } = this
    return code.prologue.define(`before ${margin}`, 'i32', () => f.get(n1).i32(margin).op('i32.sub'))
  }

  private startRow(m: number): void {
    const { f } = this
    this.tables.forEach((table, i) => {
      table.entry(table.outer, () => f.get(m))
      f.get(table.base).op('i32.add').set(this.rows[i])
      const held = this.splats[i]
      if (held === undefined) return
      f.get(this.kinds[i]).i32(equal).op('i32.eq')
      f.if(() => {
        table.entry(table.inner, () => f.get(n0))
        f.get(this.rows[i]).op('i32.add')
        table.loadElement()
        splat(f, dtypes[table.dtype].scalar)
        f.set(held)
      })
    })
  }

  private columns(step: number, end: number, body: () => void): void {
    const { f } = this
    whileLess(f, this.n, end, () => {
      body()
      f.get(this.n).i32(step).op('i32.add').set(this.n)
      f.get(this.at)
        .i32(4 * step)
        .op('i32.add')
        .set(this.at)
    })
  }

  private leaf(e: Expr): void {
    const { f } = this
    if (e.op === 'accumulator') {
      f.get(this.at).memory(this.width === 4 ? 'v128.load' : 'f32.load', 16 * this.code.copy)
      return
    }
    if (e.op !== 'load') throw new Error(`wasm: an epilogue has no ${e.op}`)
    const table = this.tables[e.value]
    if (this.width === 1) {
      this.pushPlace(e.value, 0)
      table.loadElement()
      return
    }
    const held = this.splats[e.value] ?? 0
    const place = this.places?.[e.value]
    f.get(this.kinds[e.value]).i32(equal).op('i32.eq')
    f.if(
      () => f.get(held),
      () => {
        if (place !== undefined) {
          f.get(place)
          table.loadVector(4 * this.code.copy * table.bytes)
          return
        }
        this.pushRun(e.value)
        f.if(
          () => {
            this.pushPlace(e.value, 0)
            table.loadVector()
          },
          () => table.gather((lane) => this.pushPlace(e.value, lane)),
          'v128',
        )
      },
      'v128',
    )
  }

  /** 1 where the four elements from the current column on are neighbours. */
  private pushRun(access: number): void {
    const { f } = this
    const kind = this.kinds[access]
    f.get(kind).i32(mixed).op('i32.ne')
    f.if(
      () => f.get(kind).i32(neighbours).op('i32.eq'),
      () => this.tables[access].pushNeighbours(this.tables[access].inner, this.n),
      'i32',
    )
  }

  /** The address of the access's element `lane` columns on, or of the last one. */
  private pushPlace(access: number, lane: number): void {
    const { f, code } = this
    const table = this.tables[access]
    const last = code.prologue.define('last', 'i32', () => f.get(n1).i32(1).op('i32.sub'))
    table.entry(table.inner, () => {
      f.get(this.n)
      if (lane === 0) return
      f.i32(lane).op('i32.add').get(last)
      f.get(this.n).i32(lane).op('i32.add').get(last).op('i32.lt_s').op('select')
    })
    f.get(this.rows[access]).op('i32.add')
  }

  /** Four columns, or what is left of them. */
  private quad(remaining: number | undefined): void {
    this.evaluate(4, 1, (store, dtype, value) => this.storeQuad(store, dtype, value, remaining))
  }

  private element(): void {
    const { f, code } = this
    this.evaluate(1, 1, (store, dtype, value) => {
      const address = code.locals.take('i32')
      this.pushPlace(store.access, 0)
      f.set(address)
      storeOne(f, store.mode, dtype, address, 0, () => f.get(value))
      code.locals.give(address)
    })
  }

  /** All values first, then the stores, for so many vectors. */
  private evaluate(width: Width, copies: number, put: (store: Store, dtype: DType, value: number) => void): void {
    const { f, code, epilogue } = this
    const held: number[][] = Array.from({ length: copies }, () => [])
    const demands = this.values.map((e) => ({ e, width }))
    const consume = (i: number): void => {
      const local = code.locals.take(valueType(this.values[i].type, width))
      f.set(local)
      held[code.copy].push(local)
    }
    if (copies === 1) code.emit(demands, consume)
    else code.emitCopies(demands, copies, consume)
    for (code.copy = 0; code.copy < copies; code.copy++) {
      for (const [i, store] of epilogue.stores.entries()) {
        put(store, epilogue.accesses[store.access].dtype, held[code.copy][i])
      }
      for (const local of held[code.copy]) code.locals.give(local)
    }
    code.copy = 0
  }

  private storeQuad(store: Store, dtype: DType, value: number, remaining: number | undefined): void {
    const { f, code } = this
    const address = code.locals.take('i32')
    const lanes = (): void => {
      for (const lane of [0, 1, 2, 3]) {
        const one = (): void => {
          this.pushPlace(store.access, lane)
          f.set(address)
          storeOne(f, store.mode, dtype, address, 0, () => extractLane(f, dtype, value, lane))
        }
        if (remaining === undefined || lane === 0) one()
        else f.get(remaining).i32(lane).op('i32.gt_s').if(one)
      }
    }
    if (remaining !== undefined) lanes()
    else {
      this.pushRun(store.access)
      f.if(() => {
        this.pushPlace(store.access, 0)
        f.set(address)
        storeNeighbours(f, code, store.mode, dtype, address, 0, value)
      }, lanes)
    }
    code.locals.give(address)
  }
}
