/** Progress for people: a live bar with an estimate on a terminal, plain lines elsewhere. */
import { SingleBar } from 'cli-progress'
import picocolors from 'picocolors'
import type { Callbacks, EpochRecord, MetricValues, StepRecord, Training } from './callbacks.ts'
import type { Metric } from './metrics.ts'

export interface ProgressBar {
  readonly callbacks: Callbacks
  /** Takes the bar away, however training ended. */
  close(): void
}

/** A line for each epoch; with many epochs one bar for all of them, and some lines where there is no terminal. */
export function progressBar(
  metrics: { readonly [name: string]: Metric },
  stream: NodeJS.WriteStream = process.stderr,
): ProgressBar {
  const colors = picocolors.createColors(picocolors.isColorSupported && stream.isTTY)
  const show = (values: MetricValues, named: boolean): string[] =>
    Object.entries(values).map(([name, value]) => {
      const text = metrics[name]?.unit === 'share' ? `${(100 * value).toFixed(2)} %` : value.toPrecision(4)
      return named ? `${colors.dim(name)} ${text}` : text
    })
  let bar: SingleBar | undefined
  let began = 0

  const start = (training: Training, done: number, total: number): void => {
    bar = new SingleBar({
      format: (_options, { progress }, { record, left }: { record?: StepRecord; left?: number }) => {
        const epoch = epochText(record?.epoch ?? Math.min(training.from.epoch + 1, training.epochs), training.epochs)
        const filled = Math.round(progress * barWidth)
        const drawn = colors.cyan('█'.repeat(filled)) + colors.dim('░'.repeat(barWidth - filled))
        return [
          epoch,
          drawn,
          ...(record ? show(record.running, true) : []),
          ...(left === undefined ? [] : [leftText(left)]),
        ].join('  ')
      },
      stream,
      // What would have to be put back after a kill is not touched, and Ctrl-C belongs to the program.
      hideCursor: null,
      linewrap: null,
      gracefulExit: false,
      clearOnComplete: true,
    })
    bar.start(total, done)
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
      if (!bar) start(training, record.step - before, isOneBar ? epochs * stepsPerEpoch : stepsPerEpoch)
      const pace = (performance.now() - began) / 1000 / (record.step - from.step)
      bar?.update(record.step - before, { record, left: pace * (epochs * stepsPerEpoch - record.step) })
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
    const measured = validation ? `${colors.dim('│ validation')}  ${show(validation, false).join('  ')}` : []
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

const epochText = (epoch: number, epochs: number): string =>
  `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}`

function leftText(seconds: number): string {
  const whole = Math.ceil(seconds)
  if (whole < 100) return `${whole} s left`
  const minutes = Math.ceil(whole / 60)
  return minutes < 100 ? `${minutes} min left` : `${(minutes / 60).toFixed(1)} h left`
}
