// `tenon train`: a recipe from arguments to a saved network, for people or as JSON lines.
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { softmaxCrossEntropy } from '../loss/index.ts'
import type { Json } from '../nn/index.ts'
import { adam, type Rate } from '../optim/index.ts'
import {
  accuracy,
  type Callbacks,
  confusionMatrix,
  evaluate,
  fit,
  type Loss,
  meanLoss,
  predict,
} from '../train/index.ts'
import { isFused } from '../train/run-config.ts'
import { hasRun, readConfig } from '../train/run-folder.ts'
import { chooseEngine, type EngineOptions } from './engine.ts'
import { exitCodes, UsageError } from './failure.ts'
import { jsonReporter } from './json-reporter.ts'
import { chosenModel, type Recipe, type RecipeData, recipes } from './recipes.ts'
import { latestRun, newRun } from './runs.ts'
import type { Settings } from './subject.ts'
import { textReporter } from './text-reporter.ts'

/** What the command was given. */
export interface TrainOptions extends EngineOptions {
  readonly model?: string
  readonly data?: string
  readonly epochs?: number
  readonly batch?: number
  readonly lr?: number
  readonly out?: string
  readonly augment?: boolean
  readonly resume?: boolean
  readonly json?: boolean
}

/** Trains and saves a network; gives the exit code. Throws a UsageError on arguments that don't fit together. */
export async function train(recipeName: string, options: TrainOptions): Promise<number> {
  chosenModel(recipeName, options.model)
  const recipe = recipes[recipeName]
  checkFolder(recipe, recipeName, options.data)
  if (options.augment && !recipe.augment) throw new UsageError(`--augment is for images: ${recipeName} has none`)
  const resumed = options.resume ? runToResume(recipeName, options) : undefined
  const settings = resumed ? settingsOf(resumed, recipeName, options) : chosenSettings(recipe, recipeName, options)
  const folder = resumed ?? options.out ?? newRun(`${recipeName}-${settings.model}`)
  if (!resumed && hasRun(folder))
    throw new UsageError(
      `${folder}: there is a run in this folder already; go on with it (--resume) or name another one`,
    )

  const interrupt = new AbortController()
  const release = onInterrupt(interrupt)
  try {
    const { threads } = options
    const engine = chooseEngine({
      backend: settings.backend,
      seed: settings.seed,
      ...(threads === undefined ? {} : { threads }),
      // A run goes on with the arithmetic it began with, so that its numbers stay the same.
      ...(resumed && !isFused(readConfig(resumed)) ? { relaxedSimd: false } : {}),
    })
    await engine.ready()
    const data = await recipe.data(settings.data ?? undefined)
    checkBatch(settings.batch, data)
    const net = recipe.models[settings.model].build()
    const reporter = options.json ? jsonReporter : textReporter
    const say = reporter({ settings, recipe, net, data, folder, threads: engine.threads })
    const run = await fit(net, data.train, {
      loss,
      optimizer: adam({ learningRate: rateOf(recipe, settings, data) }),
      epochs: settings.epochs,
      batchSize: settings.batch,
      seed: settings.seed,
      metrics: { accuracy },
      ...(settings.augment && recipe.augment ? { augment: recipe.augment } : {}),
      ...(data.test ? { validation: data.test } : {}),
      callbacks: say.callbacks satisfies Callbacks,
      signal: interrupt.signal,
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
  } finally {
    release()
  }
}

const loss: Loss = (logits, labels) => softmaxCrossEntropy(logits, labels)

function checkFolder(recipe: Recipe, name: string, folder: string | undefined): void {
  if (folder === undefined) return
  if (!recipe.readsFolder) throw new UsageError(`--data is for mnist: ${name} makes its own data`)
  if (!existsSync(folder)) throw new UsageError(`--data ${folder}: there is no such folder`)
  if (!statSync(folder).isDirectory()) throw new UsageError(`--data ${folder}: it is not a folder`)
}

function checkBatch(batch: number, { train }: RecipeData): void {
  if (batch > train.length)
    throw new UsageError(`--batch ${batch} is larger than the data: ${train.name} has ${train.length} examples`)
}

function rateOf({ schedule }: Recipe, { lr, epochs, batch }: Settings, { train }: RecipeData): Rate {
  return schedule ? schedule(lr, epochs * Math.ceil(train.length / batch)) : lr
}

function chosenSettings(recipe: Recipe, recipeName: string, options: TrainOptions): Settings {
  const model = options.model ?? Object.keys(recipe.models)[0]
  const { epochs, learningRate } = recipe.models[model]
  return {
    recipe: recipeName,
    model,
    data: options.data === undefined ? null : resolve(options.data),
    epochs: options.epochs ?? epochs,
    batch: options.batch ?? recipe.batch,
    lr: options.lr ?? learningRate,
    seed: options.seed ?? 0,
    ...(options.augment ? { augment: true } : {}),
    backend: options.backend ?? 'wasm',
  }
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

/** Ctrl-C asks training to end after the running step; a second one ends the program. Gives what undoes it. */
function onInterrupt(controller: AbortController): () => void {
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted)
    controller.abort()
  }
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.on(signal, stop)
  return () => {
    for (const signal of signals) process.off(signal, stop)
  }
}
