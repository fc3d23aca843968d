// What a page and its engine say to each other; as plain data, see wire.ts.

import type { DataArray, DType } from '../../graph/dtype.ts'
import type { Graph } from '../../graph/graph.ts'

/** What the worker is to do; storages and programs are known by numbers that the page gives them. */
export type Command =
  | { readonly do: 'allocate'; readonly storage: number; readonly bytes: number }
  | { readonly do: 'release'; readonly storage: number }
  | { readonly do: 'upload'; readonly storage: number; readonly data: DataArray }
  | { readonly do: 'copy'; readonly from: number; readonly to: number }
  | { readonly do: 'prepare'; readonly program: number; readonly graph: Graph }
  | { readonly do: 'run'; readonly program: number; readonly bindings: readonly number[]; readonly times: number }
  | { readonly do: 'drop'; readonly program: number }
  | {
      readonly do: 'download'
      readonly request: number
      readonly storage: number
      readonly dtype: DType
      readonly length: number
    }
  /** The page knows of what went wrong: reads that follow may succeed again. */
  | { readonly do: 'acknowledge' }

export type Reply =
  | { readonly is: 'data'; readonly request: number; readonly data: DataArray }
  | { readonly is: 'failure'; readonly request: number; readonly message: string }
  /** The engine takes commands. */
  | { readonly is: 'up' }
  /** It has all the threads that it can get. */
  | { readonly is: 'ready'; readonly threads: number; readonly note: string | undefined }
  /** The engine could not be made. */
  | { readonly is: 'broken'; readonly reason: string }

/** The way to the worker and back. */
export interface Port {
  /** `failed`: the worker could not start, or died. Nothing is posted before it is up. */
  open(heard: (reply: Reply) => void, failed: (reason: string) => void): void
  post(commands: readonly Command[], transfer: ArrayBuffer[]): void
}
