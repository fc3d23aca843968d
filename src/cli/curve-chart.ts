// Curves of pieces in characters: a function beside its slope, and learning rates by the step.
import asciichart from 'asciichart'
import { type Piece, sampled } from '../pieces/index.ts'

const labelWidth = 6
const height = 7
/** Two charts side by side fill 80 columns. */
const halfWidth = 39
const wholeWidth = 72

/** Lines of at most 80 columns; none for a piece without a curve. */
export function pieceChart({ curve, rates }: Piece): string[] {
  if (rates) {
    const values = Array.from({ length: wholeWidth - labelWidth - 1 }, (_, i, all = wholeWidth - labelWidth - 1) =>
      rates.schedule(Math.round((i / (all - 1)) * (rates.steps - 1))),
    )
    return chart(values, `rate, ${rates.code}`, ['0', `${rates.steps - 1} steps`], wholeWidth)
  }
  if (!curve) return []
  const { values, slopes } = sampled(curve, halfWidth - labelWidth - 1)
  const ends = [number(curve.from), number(curve.to)] as const
  const left = chart(values, `output by ${curve.variable ?? 'input'}`, ends, halfWidth)
  const right = chart(slopes, 'its slope', ends, halfWidth)
  return left.map((line, i) => `${line.padEnd(halfWidth + 2)}${right[i]}`.trimEnd())
}

/** The curve under its title, above the ends of its axis; 0 is always in sight. */
function chart(
  values: readonly number[],
  title: string,
  [from, to]: readonly [string, string],
  width: number,
): string[] {
  const lines = asciichart
    .plot([...values], {
      min: 0,
      max: 0,
      height,
      offset: 2,
      padding: '',
      format: (value) => number(value).padStart(labelWidth - 1),
    })
    .split('\n')
    .map((line) => line.trimEnd())
  const indent = ' '.repeat(labelWidth)
  const rows = [...lines, ...new Array<string>(Math.max(0, height + 1 - lines.length)).fill('')]
  return [`${indent}${title}`, ...rows, `${indent}${from}${to.padStart(width - labelWidth - from.length)}`]
}

const number = (value: number): string => Number(value.toPrecision(2)).toString().replace('-', '−')
