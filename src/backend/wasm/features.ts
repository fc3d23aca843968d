// What the host's WebAssembly compiler can do, asked with small probes: its version is not ours to know, its flags not ours to set.

import { ModuleBuilder } from './assembler.ts'
import type { Tile } from './micro-kernel.ts'

export interface Features {
  /** `f32x4.relaxed_madd`, which is one instruction where the processor has one. */
  readonly relaxedMadd: boolean
  /** The register tile that this compiler keeps in registers. */
  readonly tile: Tile
}

/**
 * The 2×16 tile is good everywhere, with mul and add or madd alike. V8 before version 13 spills the 6×8 one; later it
 * is 10 to 15 % faster with madd. 64-bit memory came with that version and tells the two apart.
 */
export function hostFeatures(): Features {
  const relaxedMadd = hasRelaxedMadd()
  const tile = relaxedMadd && hasMemory64() ? { rows: 6, columns: 8 } : { rows: 2, columns: 16 }
  return { relaxedMadd, tile }
}

function hasRelaxedMadd(): boolean {
  const module = new ModuleBuilder()
  const f = module.function(undefined, ['v128'], ['v128'])
  f.get(0).get(0).get(0).op('f32x4.relaxed_madd')
  return WebAssembly.validate(module.build())
}

function hasMemory64(): boolean {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  const oneMemory = [5, 3, 1, 4, 1]
  return WebAssembly.validate(new Uint8Array([...header, ...oneMemory]))
}
