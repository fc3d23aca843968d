// Code for what surrounds the micro-kernel of a contraction: packing operands into panels.

import type { Operand } from '../../kernel/contract.ts'
import { type Expr, topological } from '../../scalar/expr.ts'
import { expand } from '../../scalar/functions.ts'
import { sharer } from '../../scalar/share.ts'
import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import { ExprCode } from './emit-expr.ts'
import { hasVectorForm } from './emit-instructions.ts'
import { TableCode } from './emit-table.ts'
import { whileLess } from './emit-walk.ts'
import { type EmitEnvironment, packParams } from './layout.ts'

export { emitEpilogue } from './emit-epilogue.ts'

/**
 * Adds a function with the parameters of `packParams` that writes an operand, its pointwise prologue applied, into panels
 * of `width` outer elements.
 */
export function emitPack(
  module: ModuleBuilder,
  operand: Operand,
  width: number,
  env: EmitEnvironment,
): FunctionBuilder {
  const f = module.function(undefined, packParams)
  new PackCode(f, operand, width, env).emit()
  return f
}

const [o0, o1, k0, k1, destination] = [2, 3, 4, 5, 6] as const

/** Up to four neighbouring lanes of a panel. */
interface Part {
  readonly first: number
  readonly size: number
  /** Local: all ones in lanes that are inside the operand. */
  readonly mask: number
  /** Locals, per access: the address of each lane's element at offset 0 of k; and, read along lanes, 1 where they are neighbours. */
  readonly rows: readonly (readonly number[])[]
  readonly runs: readonly (number | undefined)[]
}

class PackCode {
  private readonly f: FunctionBuilder
  private readonly operand: Operand
  private readonly width: number
  private readonly value: Expr
  private readonly code: ExprCode
  private readonly tables: readonly TableCode[]
  /** How the load of an access is computed at the place where code is being emitted. */
  private load: (access: number) => void = () => {}
  private readonly k: number
  /** Address in the panel where row k goes. */
  private readonly at: number

  constructor(f: FunctionBuilder, operand: Operand, width: number, env: EmitEnvironment) {
    this.f = f
    this.operand = operand
    this.width = width
    this.value = sharer()(expand(operand.value))
    this.code = new ExprCode(f, env, {
      varies: (e) => e.op !== 'const',
      leaf: (e) => ({ operands: [], code: () => this.load(e.value) }),
    })
    this.tables = operand.accesses.map((a, i) => new TableCode(this.code, i, a.dtype))
    this.k = f.local('i32')
    this.at = f.local('i32')
  }

  emit(): void {
    const { f, code, width } = this
    const lanes = topological([this.value]).every((e) => hasVectorForm(e, (c) => c.op === 'const'))
    // o0 itself runs over the panels
    whileLess(f, o0, o1, () => {
      if (!lanes) this.plainPanel()
      else if (this.operand.lane === 'outer' && width % 4 === 0) {
        this.pushWholePanels(1)
        f.if(
          () => {
            // Two narrow panels at a time use the whole of a cache line
            if (width < 16) {
              this.pushWholePanels(2)
              f.if(
                () => {
                  this.wholePanels(2)
                  this.nextPanel()
                },
                () => this.wholePanels(1),
              )
            } else this.wholePanels(1)
          },
          () => this.groups(),
        )
      } else this.groups()
      this.nextPanel()
    })
    code.prologue.finish()
  }

  private nextPanel(): void {
    const { f } = this
    f.get(destination).get(this.panelBytes()).op('i32.add').set(destination)
    f.get(o0).i32(this.width).op('i32.add').set(o0)
  }

  private panelBytes(): number {
    const { f } = this
    return this.code.prologue.define('panel', 'i32', () =>
      f
        .get(k1)
        .get(k0)
        .op('i32.sub')
        .i32(4 * this.width)
        .op('i32.mul'),
    )
  }

  // ---- Panels all of whose rows of `width` elements are runs of memory

  private pushWholePanels(panels: number): void {
    const { f, code } = this
    const width = panels * this.width
    const number = code.locals.take('i32')
    f.get(o0).i32(width).op('i32.add').get(o1).op('i32.le_s')
    f.if(
      () => {
        const tests = this.tables.flatMap((t) =>
          Array.from({ length: width / 4 }, (_, quad) => () => this.pushRun(t, quad, number)),
        )
        tests.forEach((test, i) => {
          test()
          if (i > 0) f.op('i32.and')
        })
        if (tests.length === 0) f.i32(1)
      },
      () => f.i32(0),
      'i32',
    )
    code.locals.give(number)
  }

  /** 1 if quad number `quad` of the panel is a run that continues the one before. */
  private pushRun(table: TableCode, quad: number, number: number): void {
    const { f } = this
    f.get(o0)
      .i32(4 * quad)
      .op('i32.add')
      .set(number)
    table.pushNeighbours(table.outer, number)
    if (quad === 0) return
    table.entry(table.outer, () => f.get(number))
    table.entry(table.outer, () => f.get(o0))
    f.op('i32.sub')
      .i32(4 * quad * table.bytes)
      .op('i32.eq')
      .op('i32.and')
  }

  private wholePanels(panels: number): void {
    const { f, code, width } = this
    const starts = this.tables.map((t) => this.address(t, () => f.get(o0)))
    const second = code.locals.take('i32')
    this.eachK(1, () => {
      const places = this.tables.map((t, i) => this.sumOf(starts[i], t))
      if (panels > 1) f.get(this.at).get(this.panelBytes()).op('i32.add').set(second)
      for (let n = 0; n < panels * width; n += 4) {
        this.load = (access) => {
          f.get(places[access])
          this.tables[access].loadVector(n * this.tables[access].bytes)
        }
        f.get(n < width ? this.at : second)
        this.evaluate()
        f.memory('v128.store', 4 * (n % width))
      }
      this.give(places)
    })
    code.locals.give(second)
    this.give(starts)
  }

  // ---- Panels in groups of up to eight outer elements, each of parts of up to four

  private groups(): void {
    for (let first = 0; first < this.width; first += 8) this.group(first, Math.min(8, this.width - first))
  }

  private group(first: number, size: number): void {
    const { f, code } = this
    const count = code.locals.take('i32')
    const iota = code.prologue.define('iota', 'v128', () => f.v128(new Int32Array([0, 1, 2, 3])))
    const parts = Array.from({ length: Math.ceil(size / 4) }, (_, i): Part => {
      const from = first + 4 * i
      const mask = code.locals.take('v128')
      f.get(o1).get(o0).op('i32.sub').i32(from).op('i32.sub').set(count)
      f.get(iota).get(count).op('i32x4.splat').op('i32x4.lt_s').set(mask)
      const lanes = Array.from({ length: Math.min(4, first + size - from) }, (_, lane) => from + lane)
      // Addresses of the part's elements; past the last one, of the last
      const rows = this.tables.map((t) => lanes.map((lane) => this.address(t, () => this.pushOuter(lane))))
      const runs = this.tables.map((t, i) => (this.operand.lane === 'outer' ? this.runFlag(t, rows[i]) : undefined))
      return { first: from, size: lanes.length, mask, rows, runs }
    })
    if (this.operand.lane === 'inner') this.eachK(4, () => this.fourK(parts))
    this.eachK(1, () => this.oneK(parts), this.operand.lane === 'inner')
    for (const { mask, rows, runs } of parts) {
      for (const list of rows) this.give(list)
      this.give(runs.filter((run) => run !== undefined))
      code.locals.give(mask)
    }
    code.locals.give(count)
  }

  /** The smaller of o0 + n and the last outer element. */
  private pushOuter(n: number): void {
    const { f } = this
    const last = this.code.prologue.define('last', 'i32', () => f.get(o1).i32(1).op('i32.sub'))
    f.get(o0).i32(n).op('i32.add').get(last)
    f.get(o0).i32(n).op('i32.add').get(last).op('i32.lt_s').op('select')
  }

  /** A local that is 1 if the rows are neighbouring elements. */
  private runFlag(table: TableCode, rows: readonly number[]): number {
    const { f } = this
    const flag = this.code.locals.take('i32')
    f.i32(1).set(flag)
    rows.slice(1).forEach((row, i) => {
      f.get(row)
        .get(rows[0])
        .op('i32.sub')
        .i32((i + 1) * table.bytes)
        .op('i32.eq')
        .get(flag)
        .op('i32.and')
        .set(flag)
    })
    return flag
  }

  /** The elements of a group at one k, stored side by side. */
  private oneK(parts: readonly Part[]): void {
    const { f, code } = this
    const offsets = this.tables.map((t) => this.offset(t))
    for (const { first, size, mask, rows, runs } of parts) {
      this.load = (access) => {
        const table = this.tables[access]
        const address = (n: number): void =>
          void f
            .get(rows[access][Math.min(n, size - 1)])
            .get(offsets[access])
            .op('i32.add')
        const run = runs[access]
        if (run === undefined) {
          table.gather(address)
          return
        }
        f.get(run).if(
          () => {
            address(0)
            table.loadVector()
          },
          () => table.gather(address),
          'v128',
        )
      }
      const value = code.locals.take('v128')
      this.evaluate()
      f.get(mask).op('v128.and').set(value)
      this.storePart(4 * first, size, value)
      code.locals.give(value)
    }
    this.give(offsets)
  }

  /** The elements of a group at four k, read along k and transposed. */
  private fourK(parts: readonly Part[]): void {
    const { f, code } = this
    const flags = this.tables.map((t) => {
      const flag = code.locals.take('i32')
      t.pushNeighbours(t.inner, this.k)
      f.set(flag)
      return flag
    })
    const offsets = this.tables.map((t) => this.offset(t))
    for (const { first, size, mask, rows } of parts) {
      const values = Array.from({ length: size }, (_, lane) => {
        this.load = (access) => {
          const table = this.tables[access]
          const row = rows[access][lane]
          f.get(flags[access]).if(
            () => {
              f.get(row).get(offsets[access]).op('i32.add')
              table.loadVector()
            },
            () =>
              table.gather((n) => {
                table.entry(table.inner, () => f.get(this.k).i32(n).op('i32.add'))
                f.get(row).op('i32.add')
              }),
            'v128',
          )
        }
        const value = code.locals.take('v128')
        this.evaluate()
        f.set(value)
        return value
      })
      this.transpose(values, (n, pushColumn) => {
        const column = code.locals.take('v128')
        pushColumn()
        f.get(mask).op('v128.and').set(column)
        this.storePart(4 * (n * this.width + first), size, column)
        code.locals.give(column)
      })
      this.give(values)
    }
    this.give(offsets)
    this.give(flags)
  }

  /** Hands on, for each n, code that pushes lane n of up to four vectors as one vector. */
  private transpose(values: readonly number[], put: (n: number, push: () => void) => void): void {
    const { f } = this
    const lanes = [0, 1, 2, 3]
    const [a, b, c, d] = lanes.map((i) => values[Math.min(i, values.length - 1)])
    if (values.length === 1) {
      for (const n of lanes)
        put(n, () =>
          f
            .get(a)
            .get(a)
            .shuffle(bytesOf([n, n, n, n])),
        )
      return
    }
    const pairs = [this.shuffled(a, b, [0, 4, 1, 5]), this.shuffled(a, b, [2, 6, 3, 7])]
    const others = values.length === 2 ? pairs : [this.shuffled(c, d, [0, 4, 1, 5]), this.shuffled(c, d, [2, 6, 3, 7])]
    for (const n of lanes) {
      const half = n >> 1
      put(n, () =>
        f
          .get(pairs[half])
          .get(others[half])
          .shuffle(bytesOf(n % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7])),
      )
    }
    this.give(pairs)
    if (others !== pairs) this.give(others)
  }

  private shuffled(a: number, b: number, lanes: readonly number[]): number {
    const result = this.code.locals.take('v128')
    this.f.get(a).get(b).shuffle(bytesOf(lanes)).set(result)
    return result
  }

  /** Stores the first `size` lanes of a vector at `at` + offset. */
  private storePart(offset: number, size: number, value: number): void {
    const { f, at } = this
    if (size === 4) f.get(at).get(value).memory('v128.store', offset)
    if (size === 2 || size === 3) f.get(at).get(value).laneMemory('v128.store64_lane', 0, offset)
    if (size % 2 === 1)
      f.get(at)
        .get(value)
        .laneMemory('v128.store32_lane', size - 1, offset + 4 * (size - 1))
  }

  // ---- One element at a time, for prologues that lanes can't compute

  private plainPanel(): void {
    const { f } = this
    this.eachK(1, () => {
      for (let lane = 0; lane < this.width; lane++) {
        this.load = (access) => {
          const table = this.tables[access]
          table.entry(table.outer, () => this.pushOuter(lane))
          table.entry(table.inner, () => f.get(this.k))
          f.op('i32.add').get(table.base).op('i32.add')
          table.loadElement()
        }
        f.get(this.at)
        f.get(o0).i32(lane).op('i32.add').get(o1).op('i32.lt_s')
        f.if(
          () => this.code.emit([{ e: this.value, width: 1 }], () => {}),
          () => f.f32(0),
          'f32',
        )
        f.memory('f32.store', 4 * lane)
      }
    })
  }

  // ---- Small parts

  private evaluate(): void {
    this.code.emit([{ e: this.value, width: 4 }], () => {})
  }

  /** A local with base + outer[n], n being pushed by `push`. */
  private address(table: TableCode, push: () => void): number {
    const local = this.code.locals.take('i32')
    table.entry(table.outer, push)
    this.f.get(table.base).op('i32.add').set(local)
    return local
  }

  /** A local with inner[k]. */
  private offset(table: TableCode): number {
    const local = this.code.locals.take('i32')
    table.entry(table.inner, () => this.f.get(this.k))
    this.f.set(local)
    return local
  }

  /** A local with start + inner[k]. */
  private sumOf(start: number, table: TableCode): number {
    const local = this.code.locals.take('i32')
    table.entry(table.inner, () => this.f.get(this.k))
    this.f.get(start).op('i32.add').set(local)
    return local
  }

  /** Runs `body` for k0 ≤ k ≤ k1 − step, with `at` in the panel; `on` goes on where the loop before stopped. */
  private eachK(step: number, body: () => void, on = false): void {
    const { f, code } = this
    if (!on) f.get(k0).set(this.k).get(destination).set(this.at)
    const end = code.locals.take('i32')
    f.get(k1)
      .i32(step - 1)
      .op('i32.sub')
      .set(end)
    whileLess(f, this.k, end, () => {
      body()
      f.get(this.k).i32(step).op('i32.add').set(this.k)
      f.get(this.at)
        .i32(4 * this.width * step)
        .op('i32.add')
        .set(this.at)
    })
    code.locals.give(end)
  }

  private give(locals: readonly number[]): void {
    for (const local of locals) this.code.locals.give(local)
  }
}

const bytesOf = (lanes: readonly number[]): number[] => lanes.flatMap((lane) => [0, 1, 2, 3].map((b) => 4 * lane + b))
