// `tenon sweep`: a recipe trained with each of several learning rates and seeds, as a table; every trial is a run of its own.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import picocolors from 'picocolors'
import type { Json } from '../nn/index.ts'
import { configure } from '../tensor/index.ts'
import { fit, stopOnDivergence, sweep, type Trial } from '../train/index.ts'
import { hasRun } from '../train/run-folder.ts'
import { chooseEngine } from './engine.ts'
import { exitCodes, UsageError } from './failure.ts'
import { interruptible } from './interrupt.ts'
import { newRun } from './runs.ts'
import { checkedRecipe, chosenSettings, dataOf, fitOptionsOf, type RecipeOptions } from './settings.ts'
import { duration, percent, programName, quoted } from './wording.ts'

const { bold, cyan, dim, green, red } = picocolors

export interface SweepCommandOptions extends Omit<RecipeOptions, 'lr'> {
  readonly lr: readonly number[]
  readonly seeds?: number
  readonly out?: string
  readonly resume?: boolean
  readonly json?: boolean
}

type RateAndSeed = { readonly learningRate: number; readonly seed: number }

/** Makes all trials; gives the exit code. Throws a UsageError on arguments that don't fit together. */
export async function sweepRates(recipeName: string, options: SweepCommandOptions): Promise<number> {
  const { lr: rates, seeds: count = 1, seed: firstSeed = 0, resume = false, json = false, threads, ...rest } = options
  const recipe = checkedRecipe(recipeName, rest)
  const common = chosenSettings(recipe, recipeName, rest)
  const { model, backend } = common
  const folder = options.out ?? newRun(`sweep-${recipeName}-${model}`)
  if (!resume && existsSync(folder))
    throw new UsageError(`${folder}: is there already; go on with it (--resume) or name another one`)
  if (resume && !existsSync(folder))
    throw new UsageError(`${folder}: no sweep to resume; name the folder of one with --out`)
  const say = (line: object): boolean => json && process.stdout.write(`${JSON.stringify(line)}\n`)
  const tell = (...lines: readonly string[]): boolean => !json && process.stdout.write(`${lines.join('\n')}\n`)

  return await interruptible(async (signal) => {
    const engine = chooseEngine({ backend, ...(threads === undefined ? {} : { threads }) })
    await engine.ready()
    const data = await dataOf(recipe, common)
    const seeds = Array.from({ length: count }, (_, i) => firstSeed + i)
    const all = rates.length * count
    const from = { recipe: recipeName, model, backend, threads: engine.threads, epochs: common.epochs }
    say({ event: 'start', ...from, learningRates: rates, seeds, run: folder })
    tell('', `${bold(`${recipeName} · ${model}`)}  ${dim(`${all} trials of ${common.epochs} epochs, in ${folder}`)}`)

    const trial = async ({ learningRate, seed }: RateAndSeed): Promise<Record<string, number>> => {
      tell('', dim(titleOf({ learningRate, seed })))
      const settings = { ...common, lr: learningRate, seed }
      const run = join(folder, `rate-${learningRate}-seed-${seed}`)
      configure({ seed })
      const { history, ending } = await fit(recipe.models[model].build(), data.train, {
        ...fitOptionsOf(recipe, settings, data),
        callbacks: stopOnDivergence(),
        signal,
        run,
        resume: resume && hasRun(run),
        settings: { ...settings } satisfies { [key: string]: Json },
        progress: !json,
      })
      const last = history.at(-1)
      if (ending === 'stopped' || !last) return {}
      const { loss, accuracy } = last.validation ?? last.train
      return { loss, accuracy }
    }
    const trials = await sweep({ learningRate: rates, seed: seeds }, trial, {
      signal,
      onTrial: ({ setting, values, diverged, seconds }) => {
        const { loss = null, accuracy = null } = values
        say({ event: 'trial', ...setting, loss, accuracy, diverged: diverged !== undefined, seconds })
        if (diverged !== undefined) tell(red(diverged.replace(/: choose.*/, '')))
      },
    })
    const best = bestRate(trials)
    if (trials.length === all) {
      say({ event: 'done', ...from, learningRate: best ?? null, run: folder })
      tell('', ...table(trials, data.test !== undefined))
      return 0
    }
    const again = `${programName()} sweep ${recipeName}${argumentsOf({ ...options, out: folder })} --resume`
    const words = `Stopped after ${trials.length} of ${all} trials. Go on with  `
    if (json) process.stderr.write(`tenon: ${words}${again}\n`)
    else tell('', `${words}${cyan(again)}`)
    return exitCodes.interrupted
  })
}

const titleOf = ({ learningRate, seed }: RateAndSeed): string => `learning rate ${learningRate}, seed ${seed}`

/** The options as they are typed. */
const argumentsOf = (options: SweepCommandOptions): string =>
  (['model', 'data', 'lr', 'seeds', 'epochs', 'batch', 'seed', 'backend', 'threads', 'out'] as const)
    .flatMap((name) => (options[name] === undefined ? [] : ` --${name} ${quoted(String(options[name]))}`))
    .join('') + (options.augment ? ' --augment' : '')

/** What the trials of one rate gave. */
interface Row {
  readonly learningRate: number
  /** Shares of wrong answers, one for each seed; 1 where it diverged. */
  readonly errors: readonly number[]
  readonly losses: readonly number[]
  readonly diverged: number
  readonly seconds: number
}

function rowsOf(trials: readonly Trial<RateAndSeed>[]): Row[] {
  return [...new Set(trials.map(({ setting }) => setting.learningRate))].map((learningRate) => {
    const own = trials.filter(({ setting }) => setting.learningRate === learningRate)
    return {
      learningRate,
      errors: own.map(({ values }) => 1 - (values.accuracy ?? 0)),
      losses: own.map(({ values }) => values.loss ?? Number.POSITIVE_INFINITY),
      diverged: own.filter(({ diverged }) => diverged !== undefined).length,
      seconds: own.reduce((sum, { seconds }) => sum + seconds, 0),
    }
  })
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

/** The rate with the fewest errors in the mean over seeds; of equal ones that with the lowest loss. */
function bestRate(trials: readonly Trial<RateAndSeed>[]): number | undefined {
  const rows = rowsOf(trials).filter(({ diverged }) => diverged === 0)
  return rows.sort((a, b) => mean(a.errors) - mean(b.errors) || mean(a.losses) - mean(b.losses))[0]?.learningRate
}

function table(trials: readonly Trial<RateAndSeed>[], isHeldOut: boolean): string[] {
  const best = bestRate(trials)
  const head = ['rate', `${isHeldOut ? 'test' : 'training'} error`, 'loss', 'time']
  const rows = rowsOf(trials).map(({ learningRate, errors, losses, diverged, seconds }) => {
    const spread = errors.length > 1 ? ` (${percent(Math.min(...errors))} to ${percent(Math.max(...errors))})` : ''
    const outcome =
      diverged === 0
        ? [percent(mean(errors)) + spread, mean(losses).toPrecision(3)]
        : [diverged === errors.length ? 'diverged' : `${diverged} of ${errors.length} diverged`, '']
    return { learningRate, cells: [String(learningRate), ...outcome, duration(seconds)] }
  })
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(({ cells }) => cells[i].length)))
  const line = (cells: readonly string[]): string => cells.map((cell, i) => cell.padStart(widths[i])).join('   ')
  return [
    dim(line(head)),
    ...rows.map(({ learningRate, cells }) => (learningRate === best ? bold(green(line(cells))) : line(cells))),
  ]
}
