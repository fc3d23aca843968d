/** Early stopping: remembers the best epoch and says when waiting for a better one has lasted long enough. */

export interface EarlyStopping {
  /** Epochs to go on without getting better; 5 unless told. */
  readonly patience?: number
  /** What counts as better: by more than this; 0 unless told. */
  readonly minDelta?: number
  /** The number to watch: `loss` or the name of a metric, of the validation set if there is one, else of training. */
  readonly monitor?: string
  /** Whether less or more is better; `min` for the loss and `max` for metrics unless told. */
  readonly mode?: 'min' | 'max'
  /** Give the network the best epoch's parameters at the end. */
  readonly restoreBest?: boolean
}

/** The best epoch so far. */
export interface Best {
  readonly epoch: number
  readonly value: number
}

/** How much better than the best a value is, above 0 if it is; a value that is not a number never is. */
export function isBetter(value: number, best: Best | undefined, options: EarlyStopping): boolean {
  if (!Number.isFinite(value)) return false
  if (best === undefined) return true
  const gain = modeOf(options) === 'min' ? best.value - value : value - best.value
  return gain > (options.minDelta ?? 0)
}

/** Whether `epoch` is the last one: `patience` epochs have gone by since the best. */
export function isOver(epoch: number, best: Best | undefined, options: EarlyStopping): boolean {
  return epoch - (best?.epoch ?? 0) >= (options.patience ?? 5)
}

/** Throws on options that make no sense. */
export function checkEarlyStopping(options: EarlyStopping, names: readonly string[]): void {
  const { patience = 5, minDelta = 0, monitor = 'loss' } = options
  if (!Number.isInteger(patience) || patience < 1)
    throw new RangeError(`fit: earlyStopping.patience is ${patience}, it must be a whole number of at least 1`)
  if (!(minDelta >= 0)) throw new RangeError(`fit: earlyStopping.minDelta is ${minDelta}, it must be at least 0`)
  if (!names.includes(monitor))
    throw new RangeError(`fit: earlyStopping watches '${monitor}', but there are only ${names.join(', ')}`)
}

const modeOf = ({ mode, monitor = 'loss' }: EarlyStopping): 'min' | 'max' =>
  mode ?? (monitor === 'loss' ? 'min' : 'max')
