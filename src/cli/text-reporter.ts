// A run for people: what is trained, then (below the bar) the loss as a chart, what was confused with what, and where it was saved.
import asciichart from 'asciichart'
import picocolors from 'picocolors'
import { type Dataset, renderDigit } from '../data/index.ts'
import type { LossPoint } from '../train/index.ts'
import { modelPath } from '../train/run-folder.ts'
import type { Reporter, RunSubject } from './subject.ts'
import { duration, grouped, percent, resumeCommand } from './wording.ts'

const { bold, cyan, dim, green, red } = picocolors

export function textReporter({ settings, recipe, net, data, folder, threads }: RunSubject): Reporter {
  const say = (...lines: readonly string[]): void => {
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  return {
    callbacks: {
      onStart: ({ from }) => {
        const parameters = net.parameters().reduce((sum, { size }) => sum + size, 0)
        const { backend, batch, lr } = settings
        const test = data.test ? `, ${grouped(data.test.length)} to test` : ''
        say(
          '',
          `${bold(`${settings.recipe} · ${settings.model}`)}  ${dim(recipe.about)}`,
          dim(
            `${grouped(parameters)} parameters · ${grouped(data.train.length)} examples${test} · batch ${batch}, Adam ${lr} · ${backend}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
          ),
          ...(from.step > 0 ? [dim(`resumed after ${grouped(from.step)} updates`)] : []),
          '',
        )
      },
    },
    stopped: ({ epochs, steps }) =>
      say(
        '',
        `Stopped in epoch ${Math.min(epochs + 1, settings.epochs)}, after ${grouped(steps)} updates. Nothing is lost: the run is in ${bold(folder)}`,
        `Go on with  ${cyan(resumeCommand(settings.recipe, folder))}`,
      ),
    done: (run, result, guesses) => {
      const held = data.test ?? data.train
      const name = data.test ? 'test' : 'training'
      const wrong = Math.round((1 - result.accuracy) * held.length)
      if (run.losses.length > 1) say('', ...lossChart(run.losses))
      if (result.confusion.length > 2) say('', ...confusionTable(result.confusion))
      const missed = recipe.isImages ? misclassified(held, guesses) : []
      if (missed.length > 0) say('', dim('Misclassified:'), ...missed)
      say(
        '',
        `${bold(green(percent(result.accuracy)))} of the ${name} examples right, ${grouped(wrong)} of ${grouped(held.length)} wrong · ${name} loss ${result.loss.toPrecision(4)} · ${duration(run.seconds)}`,
        ...run.notes.map((note) => dim(`Note: ${note}`)),
        '',
        `Saved in   ${bold(folder)}`,
        `Train on   ${cyan(`${resumeCommand(settings.recipe, folder)} --epochs ${settings.epochs * 2}`)}`,
        `Use it     ${cyan(`const net = await load('${modelPath(folder)}')`)}`,
      )
    },
  }
}

const chartWidth = 64
const chartHeight = 8

/** The curve of the training loss, as wide as the terminal of old. */
function lossChart(losses: readonly LossPoint[]): string[] {
  const points = resampled(losses, chartWidth)
  const chart = asciichart.plot(points, {
    height: chartHeight,
    min: 0,
    format: (value) => value.toFixed(3).padStart(8),
    padding: '        ',
  })
  const steps = grouped(losses[losses.length - 1].step)
  return [dim('Training loss'), chart, dim(`${' '.repeat(9)}0${steps.padStart(chartWidth - 4)} updates`)]
}

/** The curve at `count` places, each the mean of the points about it. */
function resampled(losses: readonly LossPoint[], count: number): number[] {
  const end = losses[losses.length - 1].step
  let at = 0
  return Array.from({ length: count }, (_, i) => {
    const limit = ((i + 1) / count) * end
    let [sum, found] = [0, 0]
    while (at < losses.length && losses[at].step <= limit) {
      sum += losses[at++].loss
      found++
    }
    if (found > 0) return sum / found
    // Between two points, on the line that joins them.
    const [before, after] = [losses[at - 1] ?? losses[at], losses[at] ?? losses[at - 1]]
    const part = after.step === before.step ? 0 : (limit - before.step) / (after.step - before.step)
    return before.loss + (after.loss - before.loss) * part
  })
}

/** Truth in rows, guesses in columns; errors stand out. */
function confusionTable(confusion: readonly (readonly number[])[]): string[] {
  const width = Math.max(5, String(Math.max(...confusion.flat())).length + 2)
  const head = confusion.map((_, guess) => String(guess).padStart(width)).join('')
  const rows = confusion.map((row, truth) => {
    const cells = row.map((count, guess) => {
      const text = (count === 0 ? '·' : String(count)).padStart(width)
      if (guess === truth) return bold(text)
      return count === 0 ? dim(text) : red(text)
    })
    return `${dim(String(truth).padStart(5))}${cells.join('')}`
  })
  return [dim('Confusion: truth in rows, guesses in columns'), dim(`${' '.repeat(5)}${head}`), ...rows]
}

/** As many wrongly classified images as fit side by side. */
function misclassified(data: Dataset, guesses: ArrayLike<number>): string[] {
  const [height, width] = data.inputShape.slice(-2)
  const gap = 3
  const across = Math.max(1, Math.floor(((process.stdout.columns ?? 80) + gap) / (width + gap)))
  const size = height * width
  const wrong: number[] = []
  for (let i = 0; i < guesses.length && wrong.length < Math.min(across, 4); i++)
    if (guesses[i] !== data.targets[i]) wrong.push(i)
  if (wrong.length === 0) return []
  const pictures = wrong.map((i) =>
    renderDigit(data.inputs.subarray(i * size, (i + 1) * size), width, height).split('\n'),
  )
  const lines = pictures[0].map((_, row) =>
    pictures
      .map((picture) => picture[row])
      .join(' '.repeat(gap))
      .trimEnd(),
  )
  const captions = wrong.map((i) => `${data.targets[i]}, taken for ${guesses[i]}`.padEnd(width + gap)).join('')
  return [...lines, captions.trimEnd()]
}
