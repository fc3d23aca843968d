// Printing: the text of a tensor, laid out as NumPy prints arrays.

import type { DataArray, DType } from '../graph/dtype.ts'
import { contiguousStrides, type Dims, show, sizeOf } from '../graph/shape.ts'

const lineWidth = 80
/** Larger tensors show only the first and last elements of each axis. */
const fullSize = 1000
const edge = 3
const digits = 8

interface Printed {
  readonly dtype: DType
  readonly shape: Dims
}

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
        lineWidth - rank - axis,
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
  return bracketed(lines)
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
  float32: (values) => floats(values, shortestFloat32),
  float64: (values) => floats(values, (v) => v),
}

/** One column width, the points below each other; exponents where the magnitudes are far from 1 or from each other. */
function floats(values: readonly number[], shortest: (v: number) => number): string[] {
  const sizes = values.filter((v) => Number.isFinite(v) && v !== 0).map(Math.abs)
  const [largest, smallest] = [Math.max(0, ...sizes), Math.min(Infinity, ...sizes)]
  const scientific = largest >= 1e8 || smallest < 1e-4 || largest / smallest > 1000
  const texts = values.map((v) => {
    if (!Number.isFinite(v)) return Number.isNaN(v) ? 'nan' : v > 0 ? 'inf' : '-inf'
    const text = (scientific && sizes.length > 0 ? exponential : fixed)(shortest(v))
    return Object.is(v, -0) ? `-${text}` : text
  })
  const restOf = (text: string): string => (text.includes('.') ? text.slice(text.indexOf('.')) : '')
  const right = texts.reduce((most, text) => Math.max(most, restOf(text).length), 0)
  return padLeft(
    texts.map((text) => (restOf(text) === '' ? text : text.slice(0, text.indexOf('.')) + filled(restOf(text), right))),
  )
}

/** "1.5" gets blanks, "1.5e+10" zeros before its exponent. */
function filled(rest: string, width: number): string {
  const at = rest.indexOf('e')
  if (at < 0) return rest.padEnd(width)
  const exponent = rest.slice(at)
  return rest.slice(0, at).padEnd(width - exponent.length, '0') + exponent
}

const fixed = (v: number): string => trimmed(v.toFixed(digits))

function exponential(v: number): string {
  const [mantissa, exponent] = v.toExponential(shortestLength(v)).split('e')
  return `${trimmed(mantissa)}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

/** Digits after the point of the shortest exact text, at most the printed ones. */
const shortestLength = (v: number): number => {
  const mantissa = v.toExponential().split('e')[0]
  return Math.min(digits, Math.max(0, mantissa.replace('-', '').length - 2))
}

const trimmed = (text: string): string => (text.includes('.') ? text.replace(/0+$/, '') : `${text}.`)

/** The double with the fewest digits that rounds to this float32. */
function shortestFloat32(v: number): number {
  for (let precision = 1; precision < 9; precision++) {
    const short = Number(v.toPrecision(precision))
    if (Math.fround(short) === v) return short
  }
  return v
}
