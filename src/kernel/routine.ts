// Routine kernels: an algorithm in plain TypeScript that runs on whole buffers, on the calling thread.

import type { DType } from '../graph/dtype.ts'
import type { Routine } from '../graph/node.ts'
import type { Dims } from '../graph/shape.ts'

export interface RoutineKernel {
  readonly kind: 'routine'
  readonly routine: Routine
  readonly parameters: readonly number[]
  readonly inputs: readonly DType[]
  readonly result: DType
}

/** A whole buffer, row-major. */
export interface BufferArgument {
  readonly buffer: number
  readonly shape: Dims
}

/** The inputs' buffers, then the result's. */
export interface RoutineLaunch {
  readonly kind: 'routine'
  readonly kernel: number
  readonly arguments: readonly BufferArgument[]
}
