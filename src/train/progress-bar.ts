/** Progress for people: a live bar with an estimate on a terminal, plain lines elsewhere. */
import { SingleBar } from 'cli-progress'
import picocolors from 'picocolors'
import type { Callbacks, EpochRecord, MetricValues, StepRecord } from './callbacks.ts'
import type { Metric } from './metrics.ts'

export interface ProgressBar {
  readonly callbacks: Callbacks
  /** Takes the bar away, however training ended. */
  close(): void
}

interface Payload {
  readonly record: StepRecord
  /** Seconds to go. */
  readonly left: number
}

/** A line for each epoch; with many epochs one bar for all of them, and some lines where there is no terminal. */
export function progressBar(
  metrics: { readonly [name: string]: Metric },
  stream: NodeJS.WriteStream = process.stderr,
): ProgressBar {
  const colors = picocolors.createColors(picocolors.isColorSupported && stream.isTTY)
  const show = (values: MetricValues, named: boolean): string[] =>
    Object.entries(values).map(([name, value]) => {
      const text = metrics[name]?.unit === 'share' ? `${(100 * value).toFixed(2)} %` : short(value)
      return named ? `${colors.dim(name)} ${text}` : text
    })
  let bar: SingleBar | undefined
  let began = 0

  const start = (done: number, total: number, epochs: number, payload: Payload): void => {
    bar = new SingleBar({
      format: (_options, { progress }, { record, left }: Payload) => {
        const filled = Math.round(progress * barWidth)
        const drawn = colors.cyan('█'.repeat(filled)) + colors.dim('░'.repeat(barWidth - filled))
        return [epochText(record.epoch, epochs), drawn, ...show(record.running, true), leftText(left)].join('  ')
      },
      stream,
      // Ctrl-C belongs to the program.
      gracefulExit: false,
      clearOnComplete: true,
    })
    bar.start(total, done, payload)
  }
  const close = (): void => {
    bar?.stop()
    bar = undefined
  }
  const callbacks: Callbacks = {
    onStart: () => {
      began = performance.now()
    },
    onStep(record, training) {
      if (!stream.isTTY) return
      const { epochs, stepsPerEpoch, from } = training
      const isOneBar = epochs > mostLines
      const before = isOneBar ? 0 : (record.epoch - 1) * stepsPerEpoch
      const done = record.step - before
      const pace = (performance.now() - began) / 1000 / (record.step - from.step)
      const payload = { record, left: pace * (epochs * stepsPerEpoch - record.step) }
      if (bar) bar.update(done, payload)
      else start(done, isOneBar ? epochs * stepsPerEpoch : stepsPerEpoch, epochs, payload)
    },
    onEpoch(record, { epochs }) {
      const isOneBar = epochs > mostLines
      if (isOneBar && (stream.isTTY || record.epoch % Math.ceil(epochs / fewLines) !== 0)) return
      close()
      stream.write(`${epochLine(record, epochs)}\n`)
    },
    onEnd: close,
  }
  const epochLine = ({ epoch, train, validation, seconds }: EpochRecord, epochs: number): string => {
    const measured = validation ? `${colors.dim('│ validation')} ${show(validation, false).join('  ')}` : []
    return [
      epochText(epoch, epochs),
      ...show(train, true),
      ...[measured].flat(),
      colors.dim(`${seconds.toFixed(1)} s`),
    ].join('  ')
  }
  return { callbacks, close }
}

const mostLines = 30
const fewLines = 10
const barWidth = 20

const short = (value: number): string =>
  Math.abs(value) >= 1e-4 && Math.abs(value) < 1e4 ? value.toFixed(4) : value.toExponential(1)

const epochText = (epoch: number, epochs: number): string =>
  `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`

function leftText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 100) return `${whole} s left`
  const minutes = Math.ceil(whole / 60)
  return minutes < 100 ? `${minutes} min left` : `${(minutes / 60).toFixed(1)} h left`
}
