// Files of a run: whole or not at all, torn lines dropped, and folders that can't be written found out at once.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appendRecord, prepareFolder, readBytes, readRecords, removeParts, writeWhole } from '../../src/train/files.ts'
import { temporaryFolder } from './support.ts'

test('a file is replaced as a whole and nothing else stays', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'file')
  writeWhole(path, 'first')
  writeWhole(path, Uint8Array.of(104, 105))
  expect(readFileSync(path, 'utf8')).toBe('hi')
  expect(readdirSync(folder)).toEqual(['file'])
})

test('a file that cannot be written leaves the old one and no part', () => {
  const folder = temporaryFolder()
  const path = join(folder, 'taken')
  mkdirSync(path)
  expect(() => writeWhole(path, 'x')).toThrow(`${path}: cannot be written (it is a folder)`)
  expect(readdirSync(folder)).toEqual(['taken'])
})

test('parts that a killed process left are removed', () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'last.safetensors.123.part'), 'half')
  writeFileSync(join(folder, 'last.safetensors'), 'whole')
  removeParts(folder)
  expect(readdirSync(folder)).toEqual(['last.safetensors'])
  removeParts(join(folder, 'absent'))
})

test('records are read as they were added, without a torn last line', () => {
  const path = join(temporaryFolder(), 'metrics.jsonl')
  expect(readRecords(path)).toEqual([])
  appendRecord(path, { epoch: 1, loss: 0.1 })
  appendRecord(path, { epoch: 2, loss: 1 / 3 })
  appendFileSync(path, '{"epoch": 3, "lo')
  expect(readRecords(path)).toEqual([
    { epoch: 1, loss: 0.1 },
    { epoch: 2, loss: 1 / 3 },
  ])
  writeFileSync(path, '{"a":1}\nnonsense\n{}\n')
  expect(() => readRecords(path)).toThrow(`${path}: line 2 is not JSON`)
})

test('a folder is made, or refused before anything is in it', () => {
  const folder = temporaryFolder()
  prepareFolder(join(folder, 'a', 'b'))
  expect(existsSync(join(folder, 'a', 'b'))).toBe(true)
  expect(readdirSync(join(folder, 'a', 'b'))).toEqual([])
  writeFileSync(join(folder, 'file'), '')
  expect(() => prepareFolder(join(folder, 'file'))).toThrow(
    'cannot write in this folder (it is a file, or a part of the path is); name another one',
  )
  expect(() => prepareFolder(join(folder, 'file', 'deep'))).toThrow('(it is a file, or a part of the path is)')
  // No user may write here, not even root.
  expect(() => prepareFolder('/proc/tenon')).toThrow('/proc/tenon: cannot write in this folder')
})

test('a file that is not there is named', () => {
  const path = join(temporaryFolder(), 'absent')
  expect(() => readBytes(path)).toThrow(`${path}: cannot be read (it is not there)`)
})
