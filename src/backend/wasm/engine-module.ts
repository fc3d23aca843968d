// The engine's own WebAssembly module: the run loop, and the contract driver with its micro-kernel.

import { ModuleBuilder } from './assembler.ts'
import { emitContractDriver } from './contract-driver.ts'
import { maximumPages } from './memory.ts'
import { emitMicroKernel, type Tile } from './micro-kernel.ts'
import { emitPackDriver } from './pack-driver.ts'
import { emitRepeat } from './repeat.ts'
import { emitScheduler, type SchedulerOptions } from './scheduler.ts'

export interface EngineModuleOptions extends Omit<SchedulerOptions, 'measure'> {
  readonly tile: Tile
  readonly relaxedMadd: boolean
  readonly shared: boolean
  /** Where an engine that measures notes times; such a one imports a clock. */
  readonly timeRecords?: number
}

/** Index of the contract driver in the function table. */
export const contractDriverIndex = 0
/** Index of the pack driver. */
export const packDriverIndex = 1

/** The module's bytes. It exports `run`, `work` and the micro-kernel and puts the contract driver into the table. */
export function engineModule(options: EngineModuleOptions): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const base = importEngine(module, options.shared)
  const { timeRecords } = options
  const measure =
    timeRecords === undefined
      ? {}
      : { measure: { clock: module.importFunction('e', 'clock', [], ['f64']), records: timeRecords } }
  emitScheduler(module, { ...options, ...measure })
  emitRepeat(module)
  const microKernel = emitMicroKernel(module, options.tile, options.relaxedMadd)
  module.element(base, [emitContractDriver(module, options.tile, microKernel), emitPackDriver(module)])
  return module.build()
}

/** Imports what every module of the engine has: memory, table and the global that says where its functions go in the table. */
export function importEngine(module: ModuleBuilder, shared: boolean): number {
  module.importMemory('e', 'm', maximumPages, shared)
  module.importTable('e', 't', 1)
  return module.importGlobal('e', 'base')
}
