// `tenon train`: a recipe from arguments to a saved network, for people or as JSON lines.
import { resolve } from 'node:path'
import type { Json } from '../nn/index.ts'
import { accuracy, type Callbacks, confusionMatrix, evaluate, fit, meanLoss, predict } from '../train/index.ts'
import { isFused } from '../train/run-config.ts'
import { hasRun, readConfig } from '../train/run-folder.ts'
import { chooseEngine } from './engine.ts'
import { exitCodes, UsageError } from './failure.ts'
import { interruptible } from './interrupt.ts'
import { jsonReporter } from './json-reporter.ts'
import { latestRun, newRun } from './runs.ts'
import { checkedRecipe, chosenSettings, dataOf, fitOptionsOf, loss, type RecipeOptions } from './settings.ts'
import type { Settings } from './subject.ts'
import { textReporter } from './text-reporter.ts'

/** What the command was given. */
export interface TrainOptions extends RecipeOptions {
  readonly out?: string
  readonly resume?: boolean
  readonly json?: boolean
}

/** Trains and saves a network; gives the exit code. Throws a UsageError on arguments that don't fit together. */
export async function train(recipeName: string, options: TrainOptions): Promise<number> {
  const recipe = checkedRecipe(recipeName, options)
  const resumed = options.resume ? runToResume(recipeName, options) : undefined
  const settings = resumed ? settingsOf(resumed, recipeName, options) : chosenSettings(recipe, recipeName, options)
  const folder = resumed ?? options.out ?? newRun(`${recipeName}-${settings.model}`)
  if (!resumed && hasRun(folder))
    throw new UsageError(
      `${folder}: there is a run in this folder already; go on with it (--resume) or name another one`,
    )

  return await interruptible(async (signal) => {
    const { threads } = options
    const engine = chooseEngine({
      backend: settings.backend,
      seed: settings.seed,
      ...(threads === undefined ? {} : { threads }),
      // A run goes on with the arithmetic it began with, so that its numbers stay the same.
      ...(resumed && !isFused(readConfig(resumed)) ? { relaxedSimd: false } : {}),
    })
    await engine.ready()
    const data = await dataOf(recipe, settings)
    const net = recipe.models[settings.model].build()
    const reporter = options.json ? jsonReporter : textReporter
    const say = reporter({ settings, recipe, net, data, folder, threads: engine.threads })
    const run = await fit(net, data.train, {
      ...fitOptionsOf(recipe, settings, data),
      callbacks: say.callbacks satisfies Callbacks,
      signal,
      run: folder,
      resume: resumed !== undefined,
      settings: { ...settings } satisfies { [key: string]: Json },
      progress: !options.json,
    })
    if (run.ending === 'stopped') {
      say.stopped(run)
      return exitCodes.interrupted
    }
    const held = data.test ?? data.train
    const classes = held.classes ?? 0
    const result = await evaluate(net, held, { loss: meanLoss(loss), accuracy, confusion: confusionMatrix(classes) })
    const guesses = recipe.isImages ? (await predict(net, held)).argmax(1).dataSync() : []
    say.done(run, result, guesses)
    return 0
  })
}

function runToResume(recipeName: string, { out, model }: TrainOptions): string {
  const folder = out ?? latestRun(`${recipeName}-${model ?? ''}`)
  if (folder === undefined)
    throw new UsageError(
      `no run of ${recipeName}${model ? ` with ${model}` : ''} to resume in runs/; name its folder with --out`,
    )
  if (!hasRun(folder)) throw new UsageError(`${folder}: no run to resume, there is no config.json`)
  return folder
}

/** What may be given anew when a run is resumed; the rest has to be as it was. */
const changeable = ['epochs', 'data', 'backend'] as const satisfies readonly (keyof Settings)[]
const fixed = ['model', 'batch', 'lr', 'seed'] as const satisfies readonly (keyof Settings & keyof TrainOptions)[]

/** The settings of the run in a folder, with what may change. */
function settingsOf(folder: string, recipeName: string, options: TrainOptions): Settings {
  const known = readConfig(folder).settings as unknown as Settings | undefined
  if (known?.recipe === undefined || known.model === undefined)
    throw new UsageError(`${folder}: this run was not made by tenon train; resume it with the program that made it`)
  if (known.recipe !== recipeName)
    throw new UsageError(`${folder}: is a run of ${known.recipe}: tenon train ${known.recipe} --resume --out ${folder}`)
  for (const name of fixed) {
    if (options[name] !== undefined && options[name] !== known[name])
      throw new UsageError(
        `--${name} ${options[name]}: the run in ${folder} was begun with ${known[name]}; leave it out, or begin a new run`,
      )
  }
  if (options.augment && !known.augment)
    throw new UsageError(`--augment: the run in ${folder} was begun without; leave it out, or begin a new run`)
  const given = changeable.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))
  const settings: Settings = { ...known, ...Object.fromEntries(given) }
  return { ...settings, data: settings.data === null ? null : resolve(settings.data) }
}
