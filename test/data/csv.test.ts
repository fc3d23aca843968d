// CSV: small texts with every option, and the real tables.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { parseCsv } from '../../src/data/csv.ts'
import { csv } from '../../src/data/csv-file.ts'
import { sharedData, temporaryFolder } from './support.ts'

function classCounts(targets: ArrayLike<number>, classes = 0): number[] {
  const counts = new Array<number>(classes).fill(0)
  for (let i = 0; i < targets.length; i++) counts[targets[i]]++
  return counts
}

test('text labels become classes in the order of their letters', () => {
  const data = parseCsv('1,2,b\n3,4,a\n5,6,b\n', { target: -1 })
  expect(data).toMatchObject({ length: 3, inputShape: [2], classes: 2, classNames: ['a', 'b'] })
  expect([...data.inputs]).toEqual([1, 2, 3, 4, 5, 6])
  expect([...data.targets]).toEqual([1, 0, 1])
})

test('whole labels become classes in the order of their numbers', () => {
  const data = parseCsv('10,1\n9,2\n10,3\n-1,4', { target: 0 })
  expect(data.classNames).toEqual(['-1', '9', '10'])
  expect([...data.targets]).toEqual([2, 1, 2, 0])
})

test('columns by name, in the order asked', () => {
  const text = 'a,kind,b,c\r\n1,x,2,3\r\n4,y,5,6\r\n'
  const data = parseCsv(text, { target: 'kind', features: ['c', 'a'] })
  expect([...data.inputs]).toEqual([3, 1, 6, 4])
  expect([...parseCsv(text, { target: 'kind' }).inputs]).toEqual([1, 2, 3, 4, 5, 6])
  expect([...parseCsv(text, { target: 1, header: true }).inputs]).toEqual([1, 2, 3, 4, 5, 6])
})

test('numbers as targets', () => {
  const data = parseCsv('1,2.5\n3,-4e2', { target: 1, task: 'numbers' })
  expect([...data.targets]).toEqual([2.5, -400])
  expect(data.targetShape).toEqual([1])
  expect(data.classes).toBeUndefined()
})

test('classes of a training set serve a test set that lacks some', () => {
  expect([...parseCsv('1,c\n2,a', { target: 1, classes: ['a', 'b', 'c'] }).targets]).toEqual([2, 0])
})

test('quotes, blanks, empty lines, a byte-order mark and another delimiter', () => {
  const data = parseCsv('\ufeff"x";"the; kind"\n\n 1 ; "u" \n2;v\n\n', { target: 'the; kind', delimiter: ';' })
  expect([...data.inputs]).toEqual([1, 2])
  expect(data.classNames).toEqual(['u', 'v'])
})

test('rows with missing cells are left out on request, by marks that can be chosen', () => {
  const text = 'a,b,kind\n1,NA,x\n2,3,y\n4,,y\n5,6,?\n7,8,x'
  const data = parseCsv(text, { target: 'kind', missing: 'drop' })
  expect([...data.inputs]).toEqual([2, 3, 7, 8])
  const onlyA = parseCsv(text, { target: 'kind', features: ['a'], missing: 'drop', missingMarks: ['NA'] })
  expect(onlyA.classNames).toEqual(['?', 'x', 'y'])
  expect(onlyA.length).toBe(5)
})

test('a file, packed or not', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'plain.csv'), '1,0\n2,1')
  await writeFile(join(folder, 'packed.csv.gz'), gzipSync('1,0\n2,1'))
  for (const name of ['plain.csv', 'packed.csv.gz']) {
    const data = await csv(join(folder, name), { target: -1 })
    expect([...data.inputs]).toEqual([1, 2])
    expect(data.name).toBe(join(folder, name))
  }
})

for (const [file, length, features, counts] of [
  ['iris.csv', 150, 4, [50, 50, 50]],
  ['wine.csv', 178, 13, [59, 71, 48]],
  ['optdigits.tra', 3823, 64, [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]],
  ['optdigits.tes', 1797, 64, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]],
] as const)
  test(`the table ${file}`, async (context) => {
    const data = await csv(sharedData(context, `tabular/${file}`), { target: -1 })
    expect(data).toMatchObject({ length, inputShape: [features] })
    expect(classCounts(data.targets, data.classes)).toEqual(counts)
  })

test('penguins: missing values, and columns that are not numbers', async (context) => {
  const path = sharedData(context, 'tabular/penguins.csv')
  const features = ['bill_length_mm', 'bill_depth_mm', 'flipper_length_mm', 'body_mass_g']
  const data = await csv(path, { target: 'species', features, missing: 'drop' })
  expect(data).toMatchObject({ length: 342, inputShape: [4], classNames: ['Adelie', 'Chinstrap', 'Gentoo'] })
  expect(classCounts(data.targets, data.classes)).toEqual([151, 68, 123])
  await expect(csv(path, { target: 'species', features })).rejects.toThrow(
    "line 5, column 'bill_length_mm': missing value 'NA'",
  )
  await expect(csv(path, { target: 'species', missing: 'drop' })).rejects.toThrow(
    "line 2, column 'island': 'Torgersen' is not a number",
  )
})
