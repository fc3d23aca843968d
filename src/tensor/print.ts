// Printing: the text of a tensor, laid out as NumPy prints arrays.

import type { DataArray, DType } from '../graph/dtype.ts'
import { contiguousStrides, type Dims, show, sizeOf } from '../graph/shape.ts'

const lineWidth = 80
/** NumPy's own width, of which the brackets of each axis take two. */
const rowWidth = 75
/** Larger tensors show only the first and last elements of each axis. */
const fullSize = 1000
const edge = 3
const digits = 8

interface Printed {
  readonly dtype: DType
  readonly shape: Dims
}

/** How an object is read as text: by `String(x)`, and in Node by `console.log(x)`. */
export const readAs = (text: () => string): { toString(): string; [inspected: symbol]: () => string } => ({
  toString: text,
  [Symbol.for('nodejs.util.inspect.custom')]: text,
})

/** What it is, its dtype and shape, and its elements where they are known. */
export function printTensor(what: string, { dtype, shape }: Printed, data: DataArray | undefined): string {
  const head = `${what} ${dtype} ${show(shape)}`
  if (!data) return `${head} (not computed yet)`
  if (data.length === 0) return `${head} []`
  const shown = shape.map((extent) => shownIndices(extent, sizeOf(shape) > fullSize))
  const strides = contiguousStrides(shape)
  const places: number[] = []
  const visit = (axis: number, offset: number): void => {
    if (axis === shape.length) places.push(offset)
    else for (const i of shown[axis]) if (i !== gap) visit(axis + 1, offset + i * strides[axis])
  }
  visit(0, 0)
  if (shape.length === 0) return `${head} ${scalarText(dtype, data[0] as number)}`
  const texts = formatters[dtype](places.map((i) => data[i]))
  const rows = layOut(shown, texts)
  return rows.length === 1 && head.length + rows[0].length < lineWidth
    ? `${head} ${rows[0]}`
    : [head, ...rows].join('\n')
}

/** Stands for the elements that are left out. */
const gap = -1

function shownIndices(extent: number, shorten: boolean): number[] {
  const all = Array.from({ length: extent }, (_, i) => i)
  return shorten && extent > 2 * edge ? [...all.slice(0, edge), gap, ...all.slice(-edge)] : all
}

/** Brackets, blanks and line breaks around the elements, which come in row-major order. */
function layOut(shown: readonly (readonly number[])[], texts: readonly string[]): string[] {
  let next = 0
  const rank = shown.length
  const level = (axis: number): string[] => {
    if (axis === rank) return [texts[next++]]
    const items = shown[axis].map((i) => (i === gap ? ['...'] : level(axis + 1)))
    if (axis === rank - 1)
      return wrapRow(
        items.map(([text]) => text),
        rowWidth - 2 * rank,
      )
    // Blank lines between matrices, and one more for each further axis, as NumPy has them.
    const blank = new Array<string>(rank - axis - 2).fill('')
    const lines = items.flatMap((item, i) => (i === 0 ? item : [...blank, ...item]))
    return bracketed(lines)
  }
  return level(0)
}

function wrapRow(items: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const item of items) {
    const last = lines.length - 1
    if (last >= 0 && lines[last].length + 1 + item.length <= width) lines[last] += ` ${item}`
    else lines.push(item)
  }
  // Lines that go on have no blanks at their ends.
  return bracketed(lines.map((line, i) => (i < lines.length - 1 ? line.trimEnd() : line)))
}

const bracketed = (lines: readonly string[]): string[] => {
  const [first = '', ...rest] = lines
  const inner = [`[${first}`, ...rest.map((line) => (line === '' ? '' : ` ${line}`))]
  inner[inner.length - 1] += ']'
  return inner
}

type Format = (values: readonly number[]) => string[]

const padLeft = (texts: readonly string[]): string[] => {
  const width = texts.reduce((most, text) => Math.max(most, text.length), 0)
  return texts.map((text) => text.padStart(width))
}

const integers: Format = (values) => padLeft(values.map(String))

const formatters: { readonly [D in DType]: Format } = {
  bool: (values) => padLeft(values.map((v) => (v === 0 ? 'false' : 'true'))),
  uint8: integers,
  int32: integers,
  float32: (values) => floats(values, float32),
  float64: (values) => floats(values, float64),
}

interface Precision {
  /** The number with the fewest digits that is stored as this one. */
  readonly shortest: (v: number) => number
  readonly round: (v: number) => number
  /** From here on arrays, and single numbers, are written with exponents. */
  readonly large: number
  readonly largeScalar: number
}

const float32: Precision = { shortest: shortestFloat32, round: Math.fround, large: 1e6, largeScalar: 1e6 }
const float64: Precision = { shortest: (v) => v, round: (v) => v, large: 1e8, largeScalar: 1e16 }

/** One column width, the points below each other; exponents where the magnitudes are far from 1 or from each other. */
function floats(values: readonly number[], { shortest, round, large }: Precision): string[] {
  const finite = values.filter(Number.isFinite)
  const sizes = finite.filter((v) => v !== 0).map(Math.abs)
  const [largest, smallest] = [Math.max(0, ...sizes), Math.min(Infinity, ...sizes)]
  const scientific =
    sizes.length > 0 && (largest >= large || smallest < round(1e-4) || round(largest / smallest) > 1000)
  const lengths = finite.map((v) => (scientific ? mantissaLength(shortest(v)) : fractionLength(shortest(v))))
  const longest = Math.max(0, ...lengths)
  let next = 0
  return padLeft(
    values.map((v) => {
      if (!Number.isFinite(v)) return Number.isNaN(v) ? 'nan' : v > 0 ? 'inf' : '-inf'
      const length = lengths[next++] as number
      const sign = Object.is(v, -0) ? '-' : ''
      return sign + (scientific ? exponential(v, shortest, length, longest) : fixed(shortest(v), length, longest))
    }),
  )
}

/** With as many digits after the point as there are, and blanks for the others. */
const fixed = (v: number, length: number, longest: number): string => {
  const text = v.toFixed(length)
  return (length === 0 ? `${text}.` : text).padEnd(text.length - length + longest + (length === 0 ? 1 : 0))
}

/** With the digits of the longest; those beyond the shortest exact text are of the value as it is stored. */
function exponential(v: number, shortest: (v: number) => number, length: number, longest: number): string {
  const [mantissa = '', exponent = ''] = (length < longest ? v : shortest(v)).toExponential(longest).split('e')
  return `${mantissa}${longest === 0 ? '.' : ''}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** Digits after the point of the shortest text that is exact, at most the printed ones. */
function fractionLength(v: number): number {
  const [mantissa = '', exponent] = v.toExponential().split('e')
  const exact = Math.max(0, (mantissa.split('.')[1]?.length ?? 0) - Number(exponent))
  return exact <= digits ? exact : (v.toFixed(digits).replace(/0+$/, '').split('.')[1]?.length ?? 0)
}

const mantissaLength = (v: number): number => {
  const short = v.toExponential().split('e')[0]?.split('.')[1]?.length ?? 0
  return short <= digits
    ? short
    : (v.toExponential(digits).split('e')[0]?.replace(/0+$/, '').split('.')[1]?.length ?? 0)
}

/** A single number, with all of its digits: as Python writes floats. */
function scalarText(dtype: DType, v: number): string {
  const precision = dtype === 'float32' ? float32 : dtype === 'float64' ? float64 : undefined
  if (!precision || !Number.isFinite(v)) return (formatters[dtype]([v])[0] as string).trim()
  const value = precision.shortest(v)
  const size = Math.abs(v)
  if (size !== 0 && (size >= precision.largeScalar || size < 1e-4)) {
    const [mantissa = '', exponent = ''] = value.toExponential().split('e')
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
  }
  const text = `${Object.is(v, -0) ? '-' : ''}${value}`
  return text.includes('.') ? text : `${text}.0`
}

/** The double with the fewest digits that rounds to this float32. */
function shortestFloat32(v: number): number {
  for (let precision = 1; precision < 9; precision++) {
    const short = Number(v.toPrecision(precision))
    if (Math.fround(short) === v) return short
  }
  return v
}
