/** CSV files on this machine. */
import { readDataFile } from '#data-files'
import { type CsvOptions, parseCsv } from './csv.ts'
import type { Dataset } from './dataset.ts'

/**
 * Reads a CSV file (gzip or not; in a page, of a URL) as a data set; see `parseCsv` for what may be in it. Its path is the name unless told.
 *
 *     const penguins = await csv('penguins.csv', { target: 'species', features: ['bill_length_mm'], missing: 'drop' })
 */
export async function csv(path: string, options: CsvOptions): Promise<Dataset> {
  const text = new TextDecoder().decode(await readDataFile(path))
  return parseCsv(text, { name: path, ...options })
}
