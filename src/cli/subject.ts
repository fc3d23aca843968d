// A run of the command line as its reporters see it: what is known before it begins, and what comes out.
import type { BackendName } from '../engine/engine.ts'
import type { Module } from '../nn/index.ts'
import type { Callbacks, Run } from '../train/index.ts'
import type { Recipe, RecipeData } from './recipes.ts'

/** Everything that decides a run, kept in its configuration. */
export interface Settings {
  readonly recipe: string
  readonly model: string
  readonly data: string | null
  readonly epochs: number
  readonly batch: number
  readonly lr: number
  readonly seed: number
  /** Whether training images are changed at random; absent in runs of old. */
  readonly augment?: boolean
  readonly backend: BackendName
}

/** Everything about a run that is known before it begins. */
export interface RunSubject {
  readonly settings: Settings
  readonly recipe: Recipe
  readonly net: Module
  readonly data: RecipeData
  readonly folder: string
  readonly threads: number
}

/** The network at the end, on the test set or, where there is none, on the training set. */
export interface Result {
  readonly loss: number
  readonly accuracy: number
  /** [truth][guess]. */
  readonly confusion: readonly (readonly number[])[]
}

export interface Reporter {
  readonly callbacks: Callbacks
  /** After an interruption. */
  stopped(run: Run): void
  /** `guesses`: the class that each image was taken for; empty where examples are no images. */
  done(run: Run, result: Result, guesses: ArrayLike<number>): void
}
