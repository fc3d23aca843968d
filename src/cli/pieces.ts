// `tenon pieces`: what every piece outputs, how it adjusts its inputs, what to watch, with its curve.
import picocolors from 'picocolors'
import { type Found, families, findPiece, nearestNames, pieces, sampled, saturation, titleOf } from '../pieces/index.ts'
import { configure } from '../tensor/index.ts'
import { pieceChart } from './curve-chart.ts'
import { UsageError } from './failure.ts'

const { bold, cyan, dim } = picocolors

export interface PiecesOptions {
  readonly json?: boolean
}

/** Prints a list of all pieces or of a family, or one piece. Throws on a name that is none. */
export function showPieces(name: string | undefined, { json = false }: PiecesOptions): void {
  // A few dozen numbers: no engine has to start for them.
  configure({ backend: 'reference' })
  const chosen = name === undefined ? pieces : pieces.filter((p) => p.family === name)
  const found = chosen.length > 0 ? chosen : [named(name ?? '')]
  const width = Math.min(process.stdout.columns ?? 80, 120)
  const lines = json
    ? found.map((p) => JSON.stringify(plainRecord(p)))
    : chosen.length > 0
      ? list(chosen, width)
      : page(found[0], width)
  process.stdout.write(`${lines.join('\n')}\n`)
}

function named(name: string): Found {
  const found = findPiece(name)
  if (found) return found
  const near = nearestNames(name)
  const last = near.pop()
  throw new UsageError(
    `there is no piece '${name}': did you mean ${near.join(', ')} or ${last}? tenon pieces lists all`,
  )
}

function list(chosen: readonly Found[], width: number): string[] {
  const column = 2 + Math.max(...chosen.map(({ name }) => name.length)) + 2
  const shown = [...new Set(chosen.map((p) => p.family))]
  return [
    ...shown.flatMap((family) => [
      `${bold(family)}  ${dim(families[family].about)}`,
      ...chosen
        .filter((p) => p.family === family)
        .flatMap(({ name, piece }) => {
          const also = piece.also ? ` Also ${piece.also.join(', ')}.` : ''
          const [first, ...rest] = wrapped(`${piece.about}${also}`, width - column)
          return [`  ${cyan(name.padEnd(column - 2))}${first}`, ...rest.map((line) => ' '.repeat(column) + line)]
        }),
      '',
    ]),
    dim('tenon pieces NAME shows one of them with its formulas, its curve and an example.'),
  ]
}

/** What there is to say of a piece, by headings; the same in the terminal and in the document. */
export function rowsOf({ piece }: Found): readonly (readonly [heading: string, text: string])[] {
  const { example, curve, rates } = piece
  const saturates = curve && saturation(curve)
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['call', piece.call],
    ['details', piece.details],
    ['outputs', piece.output],
    ['adjusts', piece.adjust],
    ['shapes', piece.shapes],
    ['defaults', piece.defaults],
    ['saturates', saturates],
    ['watch', piece.watch],
    ['source', piece.source?.replace(/\bR(?=\d)/, 'test R')],
    ['example', example ? exampleText(example) : (rates?.code ?? piece.code)],
  ]
  return rows.flatMap(([heading, text]) => (text === undefined ? [] : [[heading, text] as const]))
}

function exampleText(example: NonNullable<Found['piece']['example']>): string {
  if ('firstStep' in example) return `${example.code} takes a parameter of 1 with gradient 0.5 to ${example.firstStep}`
  const { code } = example
  if ('shape' in example) return `${code} takes x ${brackets(example.shape)} to ${brackets(example.gives)}`
  return `${code} at x = ${brackets(example.x)} gives ${brackets(example.gives)}; the gradient of its sum there is ${brackets(example.adjusts)}`
}

const brackets = (nested: unknown): string =>
  Array.isArray(nested)
    ? `[${nested.map(brackets).join(', ')}]`
    : typeof nested === 'number'
      ? `${Number(nested.toPrecision(6))}`
      : String(nested)

function page(found: Found, width: number): string[] {
  const { family, piece } = found
  const column = 11
  const chart = pieceChart(piece)
  return [
    `${bold(titleOf(found))}  ${dim(family)}`,
    ...wrapped(piece.about, width),
    '',
    ...rowsOf(found).flatMap(([heading, text]) =>
      text
        .split('\n')
        .flatMap((line) => wrapped(line, width - column))
        .map((line, i) => `${i === 0 ? cyan(heading.padEnd(column)) : ' '.repeat(column)}${line}`),
    ),
    ...(chart.length > 0 ? ['', ...chart] : []),
  ]
}

/** The record without what is no data: curves as points. */
function plainRecord({ family, name, piece }: Found): object {
  const { curve, rates, ...rest } = piece
  const saturates = curve && saturation(curve)
  return {
    family,
    name,
    ...rest,
    ...(curve
      ? { curve: { from: curve.from, to: curve.to, ...(saturates ? { saturates } : {}), ...sampled(curve, 41) } }
      : {}),
    ...(rates
      ? { rates: { code: rates.code, values: Array.from({ length: rates.steps }, (_, step) => rates.schedule(step)) } }
      : {}),
  }
}

/** Lines of at most so many characters. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
