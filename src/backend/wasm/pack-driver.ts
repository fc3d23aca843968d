// Packing ahead: an operand whose panels several blocks of a product read is packed once, by a launch of its own, instead of for each block.

import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import { kernelParams, packParams } from './layout.ts'
import { packRecord } from './records.ts'

/**
 * A kernel function that packs any operand: iteration number (b · runs + r) · units + u packs the outer elements of unit u in the
 * r-th run of k of batch element b. Panels of a run lie one after the other, and run after run, where the contract driver expects them.
 */
export function emitPackDriver(module: ModuleBuilder): FunctionBuilder {
  const f = module.function(undefined, kernelParams)
  const [args, iteration, end] = [0, 1, 2] as const
  const word = (name: keyof typeof packRecord): FunctionBuilder => f.get(args).memory('i32.load', packRecord[name])
  const constantWord = (name: keyof typeof packRecord): number => {
    const l = f.local('i32')
    word(name).set(l)
    return l
  }
  const [extent, padded, k, kc] = [
    constantWord('extent'),
    constantWord('padded'),
    constantWord('k'),
    constantWord('kc'),
  ]
  const [runs, units, unit] = [constantWord('runs'), constantWord('units'), constantWord('unit')]
  const [row, batch, from, to, k0, k1] = Array.from({ length: 6 }, () => f.local('i32')) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  /** result = min(a + b, limit) */
  const sumAtMost = (a: number, b: number, limit: number, result: number): void =>
    void f
      .get(a)
      .get(b)
      .op('i32.add')
      .tee(result)
      .get(limit)
      .get(result)
      .get(limit)
      .op('i32.lt_s')
      .op('select')
      .set(result)
  f.range(
    iteration,
    () => f.get(iteration),
    end,
    1,
    () => {
      f.get(iteration).get(units).op('i32.div_u').tee(row).get(runs).op('i32.div_u').set(batch)
      f.get(iteration).get(units).op('i32.rem_u').get(unit).op('i32.mul').set(from)
      f.get(row).get(runs).op('i32.rem_u').get(kc).op('i32.mul').set(k0)
      sumAtMost(from, unit, extent, to)
      sumAtMost(k0, kc, k, k1)
      word('operandArgs').get(batch).get(from).get(to).get(k0).get(k1)
      // destination + 4 · ((batch · k + k0) · padded + from · run)
      f.get(batch).get(k).op('i32.mul').get(k0).op('i32.add').get(padded).op('i32.mul')
      f.get(from).get(k1).get(k0).op('i32.sub').op('i32.mul').op('i32.add').i32(2).op('i32.shl')
      word('destination').op('i32.add')
      word('pack').callIndirect(module.type(packParams, []))
    },
  )
  return f
}
