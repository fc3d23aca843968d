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

/** A program: the number of its steps, and from `bytes` on the steps themselves. */
export const programRecord = { steps: 0, bytes: 16 } as const

/** What a step does besides being a phase: `loop` and `address` are byte addresses, `target` is that of the step to go on with. */
export const stepKinds = {
  phase: 0,
  /** Starts a loop; goes to `target` if it has no turns. */
  enter: 1,
  /** Ends a turn of a loop; goes to `target`, its first step, if there is another one. */
  turn: 2,
  /** Goes to `target` if the byte at `address` is 0. */
  unless: 3,
  /** Goes to `target`. */
  jump: 4,
} as const

/**
 * A step. A phase: its launches, the number of their chunks, which is 0 when the calling thread shall run them alone, and
 * its work in nanoseconds, estimated. Others: `subject`, the loop record or the address of a byte, and `target`.
 */
export const stepRecord = {
  kind: 0,
  launches: 4,
  first: 8,
  chunks: 12,
  work: 16,
  subject: 4,
  target: 8,
  bytes: 20,
} as const

/** A loop: its turns, those that are left, and where the list of the words that change from turn to turn begins and ends. */
export const loopRecord = { turns: 0, left: 4, moves: 8, movesEnd: 12, bytes: 16 } as const

/** The byte address of a word that is `base` in the first turn and grows by `step` with each further one. */
export const moveRecord = { word: 0, base: 4, step: 8, bytes: 12 } as const

/**
 * A launch: a function of the table, its args block, and `chunks` pieces of `grain` iterations, `total` in all. Where it is `followed`, whoever
 * has run a piece of it runs that piece of the next launch, too, which has as many, but no `chunks` to be claimed.
 */
export const launchRecord = { function: 0, args: 4, grain: 8, total: 12, chunks: 16, followed: 20, bytes: 24 } as const

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
  /** Addresses of operands that were packed ahead, 0 where one is not; the elements of all rows and columns, filled up to whole panels. */
  leftAhead: 72,
  rightAhead: 76,
  leftPadded: 80,
  rightPadded: 84,
  /** Runs of k are multiplied by these to get from one batch element to the next: k, or 0 where all share one. */
  leftBatch: 88,
  rightBatch: 92,
  bytes: 96,
} as const

/**
 * The args block of the pack driver: the operand's outer elements, the same filled up to whole panels, k and its runs of `kc`;
 * `units` pieces of `unit` outer elements; a function of the table, its args block, and where the panels go.
 */
export const packRecord = {
  extent: 0,
  padded: 4,
  k: 8,
  kc: 12,
  runs: 16,
  units: 20,
  unit: 24,
  pack: 28,
  operandArgs: 32,
  destination: 36,
  bytes: 40,
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
