// What the host's WebAssembly compiler can do, asked with small probes: its version is not ours to know.

import { ModuleBuilder } from './assembler.ts'
import type { Tile } from './micro-kernel.ts'

export interface Features {
  /** `f32x4.relaxed_madd`, which is one instruction where the processor has one. */
  readonly relaxedMadd: boolean
  /** The register tile that this compiler keeps in registers. */
  readonly tile: Tile
}

/**
 * The tile by V8's ways. Before version 13 it does all loads of a loop's turn first, so every row that is loaded by itself
 * holds a register; shuffles stay where they are used, and with them ten sums fit: madd takes four cycles, two run at a time, and
 * eight sums would leave no slack. From 13 on 6×8 fits as it is. Multiplication and
 * addition are held up by neither: 2×16 loads least.
 *
 * Relaxed SIMD is left alone where `relaxedSimd` is false; where it is true, `enable` is called if it is missing.
 */
export function hostFeatures(relaxedSimd?: boolean, enable?: () => void): Features {
  if (relaxedSimd && !hasRelaxedMadd()) enable?.()
  const relaxedMadd = relaxedSimd !== false && hasRelaxedMadd()
  if (!relaxedMadd) return { relaxedMadd, tile: { rows: 2, columns: 16, spread: false } }
  return { relaxedMadd, tile: isRecent() ? sixRows : fiveRows }
}

const fiveRows: Tile = { rows: 5, columns: 8, spread: true }
const sixRows: Tile = { rows: 6, columns: 8, spread: false }

function hasRelaxedMadd(): boolean {
  const module = new ModuleBuilder()
  const f = module.function(undefined, ['v128'], ['v128'])
  f.get(0).get(0).get(0).op('f32x4.relaxed_madd')
  return WebAssembly.validate(module.build())
}

/** V8 from 13 on, told by what came with it; 64-bit memory validates in late builds of 12 already, which spill. */
const isRecent = (): boolean => 'Float16Array' in globalThis
