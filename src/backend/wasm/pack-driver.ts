// Packing ahead: an operand whose panels several blocks of a product read is packed once, by a launch of its own, instead of for each block.

import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import type { Code } from './code.ts'
import { sumAtMost } from './contract-walk.ts'
import { kernelParams, packParams } from './layout.ts'
import { packRecord } from './records.ts'

/** A kernel function that packs any operand. */
export function emitPackDriver(module: ModuleBuilder): FunctionBuilder {
  const f = module.function(undefined, kernelParams)
  eachUnit(f, f.range.bind(f), (word, parameters) => {
    for (const push of parameters) push()
    word('pack')
    f.callIndirect(module.type(packParams, []))
  })
  return f
}

/** Pushes a word of the record. */
type PushWord = (name: keyof typeof packRecord) => void

/**
 * The body of a kernel function whose iteration number (b · runs + r) · units + u packs the outer elements of unit u in the
 * r-th run of k of batch element b. Panels of a run lie one after the other, and run after run, where the contract driver expects them.
 */
export function eachUnit(
  f: Code,
  range: (...given: Parameters<FunctionBuilder['range']>) => unknown,
  pack: (word: PushWord, parameters: readonly (() => void)[]) => void,
): void {
  const [args, iteration, end] = [0, 1, 2] as const
  const local = (): number => f.local('i32')
  const word: PushWord = (name) => void f.get(args).memory('i32.load', packRecord[name])
  const constantWord: (name: keyof typeof packRecord) => number = (name) => {
    const l = local()
    word(name)
    f.set(l)
    return l
  }
  const [extent, padded, k, kc] = (['extent', 'padded', 'k', 'kc'] as const).map(constantWord)
  const [runs, units, unit] = (['runs', 'units', 'unit'] as const).map(constantWord)
  const [operand, destination] = (['operandArgs', 'destination'] as const).map(constantWord)
  const [row, batch, from, to, k0, k1, at] = [local(), local(), local(), local(), local(), local(), local()]
  range(
    iteration,
    () => f.get(iteration),
    end,
    1,
    () => {
      f.get(iteration).get(units).op('i32.div_u').set(row)
      f.get(row).get(runs).op('i32.div_u').set(batch)
      f.get(iteration).get(units).op('i32.rem_u').get(unit).op('i32.mul').set(from)
      f.get(row).get(runs).op('i32.rem_u').get(kc).op('i32.mul').set(k0)
      sumAtMost(f, from, unit, extent, to)
      sumAtMost(f, k0, kc, k, k1)
      // destination + 4 · ((batch · k + k0) · padded + from · run)
      f.get(batch).get(k).op('i32.mul').get(k0).op('i32.add').get(padded).op('i32.mul')
      f.get(from).get(k1).get(k0).op('i32.sub').op('i32.mul').op('i32.add').i32(2).op('i32.shl')
      f.get(destination).op('i32.add').set(at)
      pack(
        word,
        [operand, batch, from, to, k0, k1, at].map((l) => () => void f.get(l)),
      )
    },
  )
}
