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
 * of `width` (2, 4, 6, 8, …) outer elements.
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
    const panelBytes = code.prologue.define('panel', 'i32', () =>
      f
        .get(k1)
        .get(k0)
        .op('i32.sub')
        .i32(4 * width)
        .op('i32.mul'),
    )
    // o0 itself runs over the panels
    whileLess(f, o0, o1, () => {
      if (!lanes) this.plainPanel()
      else if (this.operand.lane === 'outer' && width % 4 === 0) {
        this.pushWholePanel()
        f.if(
          () => this.wholePanel(),
          () => this.groups(),
        )
      } else this.groups()
      f.get(destination).get(panelBytes).op('i32.add').set(destination)
      f.get(o0).i32(width).op('i32.add').set(o0)
    })
    code.prologue.finish()
  }

  // ---- A panel all of whose rows of `width` elements are runs of memory

  private pushWholePanel(): void {
    const { f, code, width } = this
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

  private wholePanel(): void {
    const { f, width } = this
    const starts = this.tables.map((t) => this.address(t, () => f.get(o0)))
    this.eachK(1, () => {
      const places = this.tables.map((t, i) => this.sumOf(starts[i], t))
      for (let quad = 0; quad < width / 4; quad++) {
        this.load = (access) => {
          f.get(places[access])
          this.tables[access].loadVector(4 * quad * this.tables[access].bytes)
        }
        f.get(this.at)
        this.evaluate()
        f.memory('v128.store', 16 * quad)
      }
      this.give(places)
    })
    this.give(starts)
  }

  // ---- Panels in groups of up to four outer elements

  private groups(): void {
    for (let first = 0; first < this.width; first += 4) this.group(first, Math.min(4, this.width - first))
  }

  private group(first: number, size: number): void {
    const { f, code } = this
    const count = code.locals.take('i32')
    f.get(o1).get(o0).op('i32.sub').i32(first).op('i32.sub').set(count)
    const mask = code.locals.take('v128')
    const iota = code.prologue.define('iota', 'v128', () => f.v128(new Int32Array([0, 1, 2, 3])))
    f.get(iota).get(count).op('i32x4.splat').op('i32x4.lt_s').set(mask)
    // Addresses of the group's elements; past the last one, of the last
    const rows = this.tables.map((t) =>
      Array.from({ length: size }, (_, lane) => this.address(t, () => this.pushOuter(first + lane))),
    )
    if (this.operand.lane === 'outer') {
      const runs = this.tables.map((t, i) => this.runFlag(t, rows[i]))
      this.eachK(1, () => this.oneK(rows, runs, mask, first, size))
      this.give(runs)
    } else {
      this.eachK(4, () => this.fourK(rows, mask, first, size))
      this.eachK(
        1,
        () =>
          this.oneK(
            rows,
            this.tables.map(() => undefined),
            mask,
            first,
            size,
          ),
        true,
      )
    }
    for (const list of rows) this.give(list)
    code.locals.give(mask)
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
  private oneK(
    rows: readonly (readonly number[])[],
    runs: readonly (number | undefined)[],
    mask: number,
    first: number,
    size: number,
  ): void {
    const { f, code } = this
    const offset = code.locals.take('i32')
    this.load = (access) => {
      const table = this.tables[access]
      const lane = (n: number): number => rows[access][Math.min(n, size - 1)]
      table.entry(table.inner, () => f.get(this.k))
      f.set(offset)
      const apart = (): void => table.gather((n) => f.get(lane(n)).get(offset).op('i32.add'))
      const run = runs[access]
      if (run === undefined) {
        apart()
        return
      }
      f.get(run).if(
        () => {
          f.get(lane(0)).get(offset).op('i32.add')
          table.loadVector()
        },
        apart,
        'v128',
      )
    }
    f.get(this.at)
    this.evaluate()
    f.get(mask).op('v128.and')
    this.storeGroup(first, size)
    code.locals.give(offset)
  }

  /** The elements of a group at four k, read along k and transposed. */
  private fourK(rows: readonly (readonly number[])[], mask: number, first: number, size: number): void {
    const { f, code, width } = this
    const runs = this.tables.map((t) => {
      const flag = code.locals.take('i32')
      t.pushNeighbours(t.inner, this.k)
      f.set(flag)
      return flag
    })
    const values = Array.from({ length: size }, (_, lane) => {
      this.load = (access) => {
        const table = this.tables[access]
        const row = rows[access][lane]
        f.get(runs[access]).if(
          () => {
            table.entry(table.inner, () => f.get(this.k))
            f.get(row).op('i32.add')
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
      f.get(mask).lane('i32x4.extract_lane', lane).op('i32x4.splat').op('v128.and').set(value)
      return value
    })
    const step = 4 * width
    if (size === 4) {
      const pairs = [
        this.shuffled(values[0], values[1], [0, 4, 1, 5]),
        this.shuffled(values[2], values[3], [0, 4, 1, 5]),
        this.shuffled(values[0], values[1], [2, 6, 3, 7]),
        this.shuffled(values[2], values[3], [2, 6, 3, 7]),
      ]
      for (let n = 0; n < 4; n++) {
        const [low, high] = n < 2 ? [pairs[0], pairs[1]] : [pairs[2], pairs[3]]
        f.get(this.at).get(low).get(high)
        f.shuffle(bytesOf(n % 2 === 0 ? [0, 1, 4, 5] : [2, 3, 6, 7]))
        f.memory('v128.store', n * step + 4 * first)
      }
      this.give(pairs)
    } else {
      const pairs = [
        this.shuffled(values[0], values[1], [0, 4, 1, 5]),
        this.shuffled(values[0], values[1], [2, 6, 3, 7]),
      ]
      pairs.forEach((pair, half) => {
        if (width === 2)
          f.get(this.at)
            .get(pair)
            .memory('v128.store', 2 * half * step)
        else {
          f.get(this.at)
            .get(pair)
            .laneMemory('v128.store64_lane', 0, 2 * half * step + 4 * first)
          f.get(this.at)
            .get(pair)
            .laneMemory('v128.store64_lane', 1, (2 * half + 1) * step + 4 * first)
        }
      })
      this.give(pairs)
    }
    this.give(values)
    this.give(runs)
  }

  private shuffled(a: number, b: number, lanes: readonly number[]): number {
    const result = this.code.locals.take('v128')
    this.f.get(a).get(b).shuffle(bytesOf(lanes)).set(result)
    return result
  }

  /** Stores the vector on the stack, above its address. */
  private storeGroup(first: number, size: number): void {
    if (size === 4) this.f.memory('v128.store', 4 * first)
    else this.f.laneMemory('v128.store64_lane', 0, 4 * first)
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
