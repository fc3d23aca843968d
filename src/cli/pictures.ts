// Pictures in characters: the loss as a chart, the confusion matrix, and images that were taken for something else.
import asciichart from 'asciichart'
import picocolors from 'picocolors'
import { type Dataset, renderDigit } from '../data/index.ts'
import type { LossPoint } from '../train/index.ts'
import { grouped } from './wording.ts'

const { bold, dim, red } = picocolors

const chartWidth = 64
const chartHeight = 8
const labelWidth = 9

/** The curve of the training loss; on a logarithmic axis where it falls far. */
export function lossChart(losses: readonly LossPoint[]): string[] {
  const points = resampled(losses, chartWidth)
  const lowest = Math.min(...points)
  const isLogarithmic = lowest > 0 && Math.max(...points) / lowest > 20
  const chart = asciichart.plot(isLogarithmic ? points.map(Math.log10) : points, {
    height: chartHeight,
    offset: 2,
    padding: '',
    ...(isLogarithmic ? {} : { min: 0 }),
    format: (value) =>
      Number((isLogarithmic ? 10 ** value : value).toPrecision(2))
        .toString()
        .padStart(labelWidth - 1),
  })
  const end = `${grouped(losses[losses.length - 1].step)} updates`
  return [
    dim(`Training loss${isLogarithmic ? ', logarithmic' : ''}`),
    ...chart.split('\n').map((line) => line.trimEnd()),
    dim(`${' '.repeat(labelWidth)}0${end.padStart(chartWidth)}`),
  ]
}

/** Truth in rows, guesses in columns; errors stand out. */
export function confusionTable(confusion: readonly (readonly number[])[]): string[] {
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

/** Some images that were taken for something else, side by side, with what they are and what they were taken for. */
export function misclassified(data: Dataset, guesses: ArrayLike<number>): string[] {
  const [height, width] = data.inputShape.slice(-2)
  const size = height * width
  const wrong: number[] = []
  for (let i = 0; i < guesses.length && wrong.length < mostImages; i++)
    if (guesses[i] !== data.targets[i]) wrong.push(i)
  const pictures = wrong.map((i) => {
    const lines = renderDigit(data.inputs.subarray(i * size, (i + 1) * size), width, height).split('\n')
    return { lines: cropped(lines), caption: `${data.targets[i]}, taken for ${guesses[i]}` }
  })
  return besideEachOther(pictures, process.stdout.columns ?? 80)
}

const mostImages = 4
const gap = 4

interface Picture {
  readonly lines: readonly string[]
  readonly caption: string
}

/** Without the empty columns on both sides. */
function cropped(lines: readonly string[]): string[] {
  const left = Math.min(...lines.map((line) => line.search(/\S/)).filter((column) => column >= 0))
  const right = Math.max(...lines.map((line) => line.trimEnd().length))
  return lines.map((line) => line.slice(left, right))
}

/** The pictures that fit into the width, without rows that are empty in all of them. */
function besideEachOther(pictures: readonly Picture[], width: number): string[] {
  const shown: { picture: Picture; width: number }[] = []
  let used = 0
  for (const picture of pictures) {
    const own = Math.max(picture.lines[0].length, picture.caption.length)
    if (used + own > width) break
    shown.push({ picture, width: own + gap })
    used += own + gap
  }
  const lines = shown[0]?.picture.lines.map((_, row) => beside(shown.map((s) => [s.picture.lines[row], s.width]))) ?? []
  const filled = lines.map((line, row) => (line === '' ? -1 : row)).filter((row) => row >= 0)
  const captions = beside(shown.map((s) => [s.picture.caption, s.width]))
  return [...lines.slice(filled[0], filled[filled.length - 1] + 1), dim(captions)]
}

const beside = (cells: readonly (readonly [text: string, width: number])[]): string =>
  cells
    .map(([text, width]) => text.padEnd(width))
    .join('')
    .trimEnd()

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
