/** sweep: one training run after the other over a grid of settings, in a table. */
import { DivergenceError } from './divergence.ts'

/** A value that a setting can take. */
export type SettingValue = number | string | boolean

export type Setting = Readonly<Record<string, SettingValue>>

/** For each setting the values to try; every combination is a trial, the last setting changing fastest. */
export type Grid<S extends Setting> = { readonly [K in keyof S]: readonly S[K][] }

export interface Trial<S extends Setting = Setting> {
  readonly setting: S
  /** What the trial gave, by name; empty where it diverged. */
  readonly values: Readonly<Record<string, number>>
  readonly seconds: number
  /** Why there are no values: training diverged. */
  readonly diverged?: string
}

export interface SweepOptions<S extends Setting> {
  /** After each trial, with how many of all are done. */
  readonly onTrial?: (trial: Trial<S>, done: number, all: number) => void | Promise<void>
  /** No trial begins after it was aborted; the trial itself is given it too. */
  readonly signal?: AbortSignal
}

/**
 * Makes a trial for each combination of settings, in order, and gives all of them. A `DivergenceError` of a trial is part of the
 * table; what else it throws ends the sweep. Throws on a grid with nothing to try. A trial that gives `fit` a run folder and
 * `resume` goes on where a killed sweep ended.
 *
 *     const trials = await sweep({ learningRate: [3e-2, 3e-3, 3e-4], seed: [0, 1] }, async ({ learningRate, seed }) => {
 *       const run = await fit(build(), train, { loss, optimizer: optim.adam({ learningRate }), epochs: 2, seed, validation: test })
 *       return { loss: run.history[1].validation.loss }
 *     })
 */
export async function sweep<const S extends Setting>(
  grid: Grid<S>,
  trial: (setting: S, signal?: AbortSignal) => Promise<Readonly<Record<string, number>>>,
  { onTrial, signal }: SweepOptions<S> = {},
): Promise<Trial<S>[]> {
  const settings = combinations(grid)
  const trials: Trial<S>[] = []
  for (const setting of settings) {
    if (signal?.aborted) break
    const began = performance.now()
    const outcome = await trial(setting, signal).then(
      (values) => ({ values }),
      (error: unknown) => {
        if (error instanceof DivergenceError) return { values: {}, diverged: error.message }
        throw error
      },
    )
    if (signal?.aborted) break
    trials.push({ setting, ...outcome, seconds: (performance.now() - began) / 1000 })
    await onTrial?.(trials[trials.length - 1], trials.length, settings.length)
  }
  return trials
}

/** All combinations of a grid. */
function combinations<S extends Setting>(grid: Grid<S>): S[] {
  const axes: [string, readonly SettingValue[]][] = Object.entries(grid)
  if (axes.length === 0) throw new RangeError('sweep: the grid has no settings')
  for (const [name, values] of axes)
    if (values.length === 0) throw new RangeError(`sweep: there are no values to try of '${name}'`)
  return axes.reduce<Record<string, SettingValue>[]>(
    (rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))),
    [{}],
  ) as S[]
}
