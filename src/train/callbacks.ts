/** What a training run tells its callbacks, and what it leaves behind. */
import type { Module } from '../nn/index.ts'
import type { Best } from './early-stopping.ts'

/** Values of metrics by name. */
export type MetricValues = Readonly<Record<string, number>>

/** One update of the network. */
export interface StepRecord {
  /** Updates made so far in the run. */
  readonly step: number
  /** The epoch that it is part of, from 1. */
  readonly epoch: number
  /** Batches of the epoch done, and how many it has. */
  readonly batch: number
  readonly batches: number
  /** The mean loss of the update's examples, before it. */
  readonly loss: number
  /** Mean loss and metrics over the epoch so far. */
  readonly running: MetricValues
}

/** One pass over the training data. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number
  /** Updates made so far in the run. */
  readonly step: number
  /** Time trained so far in the run, validation included. */
  readonly seconds: number
  /** Mean loss and metrics over the epoch's examples, each as the network was when it came. */
  readonly train: MetricValues & { readonly loss: number }
  /** The same over the validation set after the epoch. */
  readonly validation?: MetricValues & { readonly loss: number }
}

/** A point of the loss curve: the mean loss of the last few updates up to `step`. */
export interface LossPoint {
  readonly step: number
  readonly loss: number
}

/** The run in progress, as callbacks see it. */
export interface Training {
  readonly net: Module
  readonly epochs: number
  readonly stepsPerEpoch: number
  /** Epochs and updates done when the run began: above 0 if it was resumed. */
  readonly from: { readonly epoch: number; readonly step: number }
  /** Ends the run after the running update, as an abort signal does. */
  stop(): void
}

/** What happens where in a run; a promise is awaited. Order: start, then for each epoch its steps and the epoch, then end. */
export interface Callbacks {
  readonly onStart?: (training: Training) => void | Promise<void>
  readonly onStep?: (record: StepRecord, training: Training) => void | Promise<void>
  readonly onEpoch?: (record: EpochRecord, training: Training) => void | Promise<void>
  readonly onEnd?: (run: Run, training: Training) => void | Promise<void>
}

/** How a run ended: all epochs done, stopped early because nothing got better, or stopped by a signal or a callback. */
export type Ending = 'done' | 'early' | 'stopped'

/** What a run leaves behind; after a resumed one, everything since its first start. */
export interface Run {
  readonly ending: Ending
  /** Epochs done. */
  readonly epochs: number
  /** Updates made. */
  readonly steps: number
  /** Time spent, validation included. */
  readonly seconds: number
  readonly history: readonly EpochRecord[]
  readonly losses: readonly LossPoint[]
  /** The best epoch by what early stopping watches: the validation loss, else the training loss, unless told. */
  readonly best?: Best
  /** Where configuration, records, checkpoints and the network are. */
  readonly folder?: string
  /** What a reader should know: another engine than the one that the run began with, say. */
  readonly notes: readonly string[]
}
