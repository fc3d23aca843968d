// What lies in linear memory for the engine: the control block threads meet at, and the words a program consists of.

/** Byte offsets in the control block; words that different threads write often lie on cache lines of their own. */
export const control = {
  /** i64: the job's sequence number high, the number of its chunks not yet claimed low. */
  ticket: 0,
  /** Chunks of the job that have ended. */
  done: 128,
  /** Workers asleep at the ticket. */
  parked: 256,
  /** 1 while the caller sleeps at `done`. */
  waiting: 384,
  /** Address of the phase that the job runs. */
  job: 388,
  /** Nanoseconds of work that sleeping workers have missed. */
  missed: 392,
  /** Number of kernel modules published so far, and the address of the first one's record. */
  generation: 512,
  modules: 516,
  /** 1 asks the workers to end. */
  stop: 520,
  /** Workers that take part. */
  online: 524,
  /** 1 after a kernel trapped on a worker. */
  failed: 528,
  /** Pieces of work that a measuring engine has timed since the count was last set to 0. */
  timed: 532,
  bytes: 640,
} as const

/** Byte offsets in the record of a kernel module, which its bytes follow. `next` is 0 in the last one. */
export const moduleRecord = { next: 0, length: 4, base: 8, functions: 12, bytes: 16 } as const

/** A program: the number of its phases, and from `bytes` on the phases themselves. */
export const programRecord = { phases: 0, bytes: 16 } as const

/**
 * A phase: its launches, the number of their chunks, which is 0 when the calling thread shall run them alone, and its
 * work in nanoseconds, estimated.
 */
export const phaseRecord = { launches: 0, first: 4, chunks: 8, work: 12, bytes: 16 } as const

/** A launch: a function of the table, its args block, and `chunks` pieces of `grain` iterations, `total` in all. */
export const launchRecord = { function: 0, args: 4, grain: 8, total: 12, chunks: 16, bytes: 20 } as const

/**
 * The args block of the contract driver. A row stride of 0 says that the left operand is packed; else it is read where it
 * lies, `leftRow` bytes from row to row and 4 from k to k. A `rightStep` of 0 says that the right operand is packed; else
 * `rightStep` is the distance from k to k. `pack…` and `epilogue` are functions of the table, `…Args` their args blocks.
 */
export const contractRecord = {
  m: 0,
  n: 4,
  k: 8,
  mc: 12,
  nc: 16,
  kc: 20,
  mBlocks: 24,
  nBlocks: 28,
  packLeft: 32,
  leftArgs: 36,
  leftRow: 40,
  packRight: 44,
  rightArgs: 48,
  rightStep: 52,
  epilogue: 56,
  epilogueArgs: 60,
  /** Byte offsets in scratch of the packed right block and of the tile; the packed left block is at 0. */
  rightAt: 64,
  tileAt: 68,
  bytes: 72,
} as const

/**
 * What a measuring engine notes of a piece of work: its launch, the scratch region of the thread that ran it, the range of
 * iterations, and when it began and ended, in milliseconds. The first `capacity` pieces after each reset are kept.
 */
export const timeRecord = {
  launch: 0,
  scratch: 4,
  begin: 8,
  end: 12,
  start: 16,
  stop: 24,
  bytes: 32,
  capacity: 32768,
} as const
