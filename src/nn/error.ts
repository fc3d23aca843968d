// Errors inside modules: the same error, told with the path of the module it happened in.

import { show } from '../graph/shape.ts'
import type { Tensor } from '../tensor/index.ts'
import type { Module } from './module.ts'

/** An error from inside a network. `path` leads from the network that was called to the module; `cause` is the error itself. */
export class ModuleError extends Error {
  readonly path: readonly string[]
  /** The module that the path leads to so far. */
  readonly module: Module
  private readonly what: string

  constructor(what: string, path: readonly string[], module: Module, cause: unknown) {
    super(`${['net', ...path].join('.')} ${what}`, { cause })
    this.name = 'ModuleError'
    this.what = what
    this.path = path
    this.module = module
  }

  /** The same error as a parent sees it; unchanged if the module is no child of it. */
  within(parent: Module): ModuleError {
    const name = Object.entries(parent.children).find(([, child]) => child === this.module)?.[0]
    return name === undefined ? this : new ModuleError(this.what, [name, ...this.path], parent, this.cause)
  }
}

/** What a module throws when its forward threw `error` for the inputs. */
export function locate(error: unknown, module: Module, inputs: readonly Tensor[]): unknown {
  if (error instanceof ModuleError) return error.within(module)
  if (!(error instanceof Error)) return error
  // The module's name is there already, and often the input's shape is too.
  const message = error.message.startsWith(`${module.kind}: `)
    ? error.message.slice(module.kind.length + 2)
    : error.message
  const untold = inputs.filter((x) => !message.includes(show(x.shape)))
  const input = untold.map((x) => `, input ${x.dtype} ${show(x.shape)}`).join('')
  return new ModuleError(`(${nameOf(module)})${input}: ${message}`, [], module, error)
}

/** Kind and label, as `linear 300→10`. */
export const nameOf = (module: Module): string => [module.kind, module.definition.label].filter(Boolean).join(' ')
