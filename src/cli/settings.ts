// What the commands that train have in common: from arguments to a recipe, its settings, its data, and what fit is told.
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { usualBackend } from '../engine/usual-backend.ts'
import { softmaxCrossEntropy } from '../loss/index.ts'
import { adam, type Rate } from '../optim/index.ts'
import { accuracy, type FitOptions, type Loss } from '../train/index.ts'
import type { EngineOptions } from './engine.ts'
import { UsageError } from './failure.ts'
import { chosenModel, type Recipe, type RecipeData, recipes } from './recipes.ts'
import type { Settings } from './subject.ts'

/** What a recipe can be told on the command line. */
export interface RecipeOptions extends EngineOptions {
  readonly model?: string
  readonly data?: string
  readonly epochs?: number
  readonly batch?: number
  readonly lr?: number
  readonly augment?: boolean
}

/** The recipe of this name. Throws a UsageError where there is none, or where it can't be done with these options. */
export function checkedRecipe(name: string, options: RecipeOptions): Recipe {
  chosenModel(name, options.model)
  const recipe = recipes[name]
  checkFolder(recipe, name, options.data)
  if (options.augment && !recipe.augment) throw new UsageError(`--augment is for images: ${name} has none`)
  return recipe
}

/** What was asked for, and the recipe's own settings for the rest. */
export function chosenSettings(recipe: Recipe, recipeName: string, options: RecipeOptions): Settings {
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
    backend: options.backend ?? usualBackend(),
  }
}

/** The recipe's data, of which a batch can be taken. */
export async function dataOf(recipe: Recipe, { data: folder, batch }: Settings): Promise<RecipeData> {
  const data = await recipe.data(folder ?? undefined)
  const { name, length } = data.train
  if (batch > length) throw new UsageError(`--batch ${batch} is larger than the data: ${name} has ${length} examples`)
  return data
}

export const loss: Loss = (logits, labels) => softmaxCrossEntropy(logits, labels)

/** How `fit` trains by these settings. */
export function fitOptionsOf(
  recipe: Recipe,
  settings: Settings,
  data: RecipeData,
): FitOptions & { readonly metrics: { readonly accuracy: typeof accuracy } } {
  const { epochs, batch, seed, augment } = settings
  return {
    loss,
    optimizer: adam({ learningRate: rateOf(recipe, settings, data) }),
    epochs,
    batchSize: batch,
    seed,
    metrics: { accuracy },
    ...(augment && recipe.augment ? { augment: recipe.augment } : {}),
    ...(data.test ? { validation: data.test } : {}),
  }
}

function rateOf({ schedule }: Recipe, { lr, epochs, batch }: Settings, { train }: RecipeData): Rate {
  return schedule ? schedule(lr, epochs * Math.ceil(train.length / batch)) : lr
}

function checkFolder(recipe: Recipe, name: string, folder: string | undefined): void {
  if (folder === undefined) return
  if (!recipe.readsFolder) throw new UsageError(`--data is for mnist: ${name} makes its own data`)
  if (!existsSync(folder)) throw new UsageError(`--data ${folder}: there is no such folder`)
  if (!statSync(folder).isDirectory()) throw new UsageError(`--data ${folder}: it is not a folder`)
}
