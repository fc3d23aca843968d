// `tenon rate`: which learning rates teach a recipe's network, as a curve, with one to begin with.
import asciichart from 'asciichart'
import picocolors from 'picocolors'
import { findLearningRate, type RateFinding } from '../train/index.ts'
import { chooseEngine } from './engine.ts'
import { interruptible } from './interrupt.ts'
import { checkedRecipe, chosenSettings, dataOf, fitOptionsOf, type RecipeOptions } from './settings.ts'
import type { Settings } from './subject.ts'
import { programName, quoted } from './wording.ts'

const { bold, cyan, dim, green } = picocolors

export interface RateCommandOptions extends RecipeOptions {
  readonly from?: number
  readonly to?: number
  readonly steps?: number
  readonly json?: boolean
}

/** Tries rates and says what they did. Throws a UsageError on arguments that don't fit together. */
export async function rate(recipeName: string, options: RateCommandOptions): Promise<void> {
  const recipe = checkedRecipe(recipeName, options)
  const settings = chosenSettings(recipe, recipeName, options)
  const { from, to, steps, json = false, threads } = options
  const finding = await interruptible(async (signal) => {
    const { backend, seed } = settings
    const engine = chooseEngine({ backend, seed, ...(threads === undefined ? {} : { threads }) })
    await engine.ready()
    const data = await dataOf(recipe, settings)
    const { loss, batchSize, augment } = fitOptionsOf(recipe, settings, data)
    return await findLearningRate(recipe.models[settings.model].build(), data.train, {
      loss,
      seed,
      signal,
      batchSize: batchSize ?? settings.batch,
      ...(augment ? { augment } : {}),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(steps === undefined ? {} : { steps }),
      ...(json ? { onStep: (point, made) => say({ event: 'rate', step: made, ...point }) } : {}),
    })
  })
  const { suggested = null, lowest, diverged = null } = finding
  const { model } = settings
  if (json) say({ event: 'done', recipe: recipeName, model, suggested, lowest, diverged })
  else process.stdout.write(`${picture(finding, settings).join('\n')}\n`)
}

const say = (line: object): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)

function picture({ points, smoothed, suggested, lowest, diverged }: RateFinding, settings: Settings): string[] {
  const { recipe, model, data, batch } = settings
  const finite = smoothed.filter(Number.isFinite)
  const first = finite[0]
  // What blew up would make a flat line of all the rest.
  const heights = finite.map((loss) => Math.min(loss, first * 1.3))
  const ends = [points[0].rate, points[finite.length - 1].rate].map(short)
  const train = `${programName()} train ${recipe} --model ${model}${data === null ? '' : ` --data ${quoted(data)}`}`
  return [
    '',
    `${bold(`${recipe} · ${model}`)}  ${dim(`${points.length} updates, batch ${batch}, Adam, its rate growing by ${short((points[1].rate / points[0].rate - 1) * 100)} % each time`)}`,
    '',
    dim('Loss by learning rate, smoothed, logarithmic'),
    ...asciichart
      .plot(stretched(heights), {
        height: chartHeight,
        offset: 2,
        padding: '',
        format: (v) => short(v).padStart(labelWidth - 1),
      })
      .split('\n')
      .map((line) => line.trimEnd()),
    dim(`${' '.repeat(labelWidth)}${ends[0]}${ends[1].padStart(chartWidth - ends[0].length)}`),
    '',
    ...(suggested === undefined
      ? ['No rate made the loss smaller: try others (--from, --to), or look at the data.']
      : [
          `The loss falls fastest at ${bold(green(short(suggested)))}: a rate to begin with. It is lowest at ${short(lowest)}${diverged === undefined ? '' : `, and blows up at ${short(diverged)}`}.`,
          `Train with it  ${cyan(`${train} --lr ${short(suggested)}`)}`,
          `Compare        ${cyan(`${train.replace(' train ', ' sweep ')} --lr ${[suggested * 3, suggested, suggested / 3].map(short).join(',')}`)}`,
        ]),
  ]
}

const chartWidth = 64
const chartHeight = 8
const labelWidth = 9

/** As many points as the chart is wide. */
const stretched = (values: readonly number[]): number[] =>
  Array.from({ length: chartWidth }, (_, i) => values[Math.round((i / (chartWidth - 1)) * (values.length - 1))])

const short = (value: number): string => Number(value.toPrecision(2)).toString()
