/** Tables in comma-separated text, read as a data set. */
import { type CsvError, parse } from '#csv-parse'
import { type Dataset, dataset } from './dataset.ts'

/** A column by its name in the header or by its place from 0; −1 is the last. */
export type CsvColumn = string | number

export interface CsvOptions {
  /** The column to predict. */
  readonly target: CsvColumn
  /** The columns to predict from, all but the target unless told. Their cells must be numbers. */
  readonly features?: readonly CsvColumn[]
  /** The first row has the names; true unless told if a column is given by name. */
  readonly header?: boolean
  /** `classes`: each different target cell is a class. `numbers`: targets are real numbers of shape [1]. */
  readonly task?: 'classes' | 'numbers'
  /** Class names in the order of their numbers, such as those of the training set; all that occur, sorted, unless told. */
  readonly classes?: readonly string[]
  /** What to do with a row that lacks a feature or its target: refuse the table (unless told) or leave out the row. */
  readonly missing?: 'error' | 'drop'
  /** Cells that mean "missing"; '', 'NA', 'NaN', 'null' and '?' unless told. */
  readonly missingMarks?: readonly string[]
  /** ',' unless told. */
  readonly delimiter?: string
  /** Name of the data set and of the source in errors. */
  readonly name?: string
}

const usualMissingMarks = ['', 'NA', 'NaN', 'null', '?']

interface Row {
  readonly line: number
  readonly cells: readonly string[]
}

interface Column {
  readonly index: number
  readonly label: string
}

/**
 * Reads comma-separated text (RFC 4180; empty lines are skipped) as examples of shape [features]. Throws, with line and column, on
 * rows of different length, cells that aren't numbers, missing values, and target cells outside `classes`.
 *
 *     parseCsv('5.1,3.5,setosa\n7.0,3.2,versicolor', { target: -1 }).classNames // ['setosa', 'versicolor']
 */
export function parseCsv(text: string, options: CsvOptions): Dataset {
  const { name = 'csv', target, features, task = 'classes', missing = 'error' } = options
  if (target === undefined)
    throw new Error(
      `${name}: no target: say which column to predict, by its name or place, as { target: -1 } for the last`,
    )
  const isByName = [target, ...(features ?? [])].some((column) => typeof column === 'string')
  const hasHeader = options.header ?? isByName
  const rows = readRows(text, name, options.delimiter ?? ',')
  const titles = hasHeader ? rows.shift()?.cells : undefined
  if (rows.length === 0) throw new Error(`${name}: no rows of data`)

  const width = (titles ?? rows[0].cells).length
  const targetColumn = findColumn(name, target, titles, width)
  const featureColumns = (features ?? Array.from({ length: width }, (_, index) => index))
    .map((column) => findColumn(name, column, titles, width))
    .filter(({ index }) => features !== undefined || index !== targetColumn.index)
  if (featureColumns.length === 0)
    throw new Error(`${name}: no feature columns beside the target, ${targetColumn.label}`)

  const isMissing = (cell: string) => (options.missingMarks ?? usualMissingMarks).includes(cell)
  const used = [...featureColumns, targetColumn]
  const whole = rows.filter(({ line, cells }) => {
    const gap = used.find(({ index }) => isMissing(cells[index]))
    if (gap !== undefined && missing === 'error')
      throw new Error(
        `${name}: line ${line}, ${gap.label}: missing value '${cells[gap.index]}'; fill it in, leave the column out of 'features', or leave out such rows (missing: 'drop')`,
      )
    return gap === undefined
  })
  if (whole.length === 0) throw new Error(`${name}: each of the ${rows.length} rows lacks a value`)

  const inputs = whole.flatMap((row) => featureColumns.map((column) => numberIn(name, row, column, hasHeader)))
  const examples = { name, inputs, inputShape: [featureColumns.length] }
  if (task === 'numbers') {
    const targets = whole.map((row) => numberIn(name, row, targetColumn, hasHeader))
    return dataset({ ...examples, targets, targetShape: [1] })
  }
  const classNames = options.classes ?? classesIn(name, whole, targetColumn)
  const targets = whole.map((row) => classOf(name, row, targetColumn, classNames))
  return dataset({ ...examples, targets, classNames })
}

function readRows(text: string, name: string, delimiter: string): Row[] {
  const rows = parsedRows(text, name, delimiter)
  const first = rows[0]
  for (const { line, cells } of rows)
    if (cells.length !== first.cells.length)
      throw new Error(
        `${name}: line ${line} has ${cells.length} cells, but line ${first.line} has ${first.cells.length}; every row must have the same`,
      )
  return rows
}

function parsedRows(text: string, name: string, delimiter: string): Row[] {
  const settings = {
    bom: true,
    delimiter,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  } as const
  try {
    // With `info`, each record comes with the line it ends on; the library's types don't say so.
    const records: unknown = parse(text, settings)
    return (records as { record: string[]; info: { lines: number } }[]).map(({ record, info }) => ({
      line: info.lines,
      cells: record,
    }))
  } catch (error) {
    throw new Error(`${name}: ${(error as CsvError).message}`, { cause: error })
  }
}

function findColumn(name: string, column: CsvColumn, titles: readonly string[] | undefined, width: number): Column {
  if (typeof column === 'string') {
    const index = titles?.indexOf(column) ?? -1
    if (index < 0)
      throw new Error(
        `${name}: no column '${column}'; ${titles === undefined ? 'the table was read without a header (header: false)' : `there are ${titles.join(', ')}`}`,
      )
    return { index, label: `column '${column}'` }
  }
  const index = column < 0 ? width + column : column
  if (!(Number.isInteger(index) && index >= 0 && index < width))
    throw new Error(`${name}: no column ${column}; there are ${width}, from 0 to ${width - 1}`)
  return { index, label: titles === undefined ? `column ${index}` : `column '${titles[index]}'` }
}

function numberIn(name: string, { line, cells }: Row, { index, label }: Column, hasHeader: boolean): number {
  const value = cells[index] === '' ? Number.NaN : Number(cells[index])
  if (Number.isFinite(value)) return value
  const hint =
    line === 1 && !hasHeader
      ? 'if the first line has the names of the columns, say header: true'
      : "write a number, or leave the column out of 'features'"
  throw new Error(`${name}: line ${line}, ${label}: '${cells[index]}' is not a number; ${hint}`)
}

/** The different target cells: in the order of their numbers if all are whole numbers, else of their letters. */
function classesIn(name: string, rows: readonly Row[], { index, label }: Column): string[] {
  const found = [...new Set(rows.map(({ cells }) => cells[index]))]
  const fraction = found.find((cell) => Number.isFinite(Number(cell)) && !Number.isInteger(Number(cell)))
  if (fraction !== undefined) {
    const line = rows.find(({ cells }) => cells[index] === fraction)?.line
    throw new Error(
      `${name}: line ${line}, ${label}: class '${fraction}' is a fraction; to predict numbers, say task: 'numbers'`,
    )
  }
  const areNumbers = found.every((cell) => Number.isInteger(Number(cell)))
  return areNumbers ? found.sort((a, b) => Number(a) - Number(b)) : found.sort((a, b) => (a < b ? -1 : 1))
}

function classOf(name: string, { line, cells }: Row, { index, label }: Column, classNames: readonly string[]): number {
  const found = classNames.indexOf(cells[index])
  if (found < 0)
    throw new Error(
      `${name}: line ${line}, ${label}: '${cells[index]}' is not one of the classes ${classNames.join(', ')}`,
    )
  return found
}
