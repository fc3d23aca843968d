// Arguments: help everywhere, and wrong ones get one clear line and exit code 2 before anything is written.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { temporaryFolder } from '../train/support.ts'
import { bundledTenon } from './support.ts'

vi.setConfig({ testTimeout: 60_000 })

const tenon = await bundledTenon()

test.each([
  ['', /Usage: tenon .*Commands:.*train.*bench.*info/s],
  ['--help', /Usage: tenon .*Commands:/s],
  ['train --help', /Usage: tenon train .*--model.*--resume.*spiral/s],
  ['rate --help', /Usage: tenon rate .*--from.*--steps/s],
  ['sweep --help', /Usage: tenon sweep .*--lr.*--seeds.*--resume/s],
  ['bench --help', /Usage: tenon bench .*xor-scan .*elementwise/s],
  ['info --help', /Usage: tenon info/],
])('help: tenon %s', async (line, expected) => {
  const { code, stdout, stderr } = await tenon.run(words(line), { cwd: temporaryFolder() })
  expect(code).toBe(0)
  expect(stdout).toMatch(expected)
  expect(stderr).toBe('')
  for (const text of stdout.split('\n')) expect(text.length).toBeLessThanOrEqual(80)
})

test('the version', async () => {
  expect(await tenon.run(['--version'], { cwd: temporaryFolder() })).toMatchObject({
    code: 0,
    stdout: `${manifest.version}\n`,
  })
})

test.each([
  ['trian', "unknown command 'trian' (Did you mean train?)"],
  ['train', "missing required argument 'recipe'"],
  ['train cats', "unknown recipe 'cats': choose from digits, mnist, xor, spiral"],
  ['train constructor', "unknown recipe 'constructor'"],
  ['train xor spiral', 'too many arguments'],
  ['train xor --fast', "unknown option '--fast'"],
  ['train xor --model lenet', "xor has no model 'lenet': choose from mlp, linear"],
  ['train digits --model resnet', "digits has no model 'resnet': choose from lenet, mlp, linear"],
  ['train xor --epochs -1', "'-1' is invalid: it must be a whole number of at least 0"],
  ['train xor --epochs 1.5', "'1.5' is invalid: it must be a whole number of at least 0"],
  ['train xor --threads 0', "'0' is invalid: it must be a whole number of at least 1 and at most 128"],
  ['train xor --batch 0', "'0' is invalid: it must be a whole number of at least 1"],
  ['train xor --batch 5', '--batch 5 is larger than the data: xor table has 4 examples'],
  ['train xor --lr abc', "'abc' is invalid: it must be a number above 0"],
  ['train xor --lr 0', "'0' is invalid: it must be a number above 0"],
  ['train xor --seed x', "'x' is invalid: it must be a whole number of at least 0"],
  ['train xor --backend gpu', "'gpu' is invalid: Allowed choices are wasm, x86, reference"],
  ['train xor --data there', '--data is for mnist: xor makes its own data'],
  ['train xor --augment', '--augment is for images: xor has none'],
  ['train mnist --data absent', '--data absent: there is no such folder'],
  ['train mnist --data file', '--data file: it is not a folder'],
  ['train xor --resume', 'no run of xor to resume in runs/; name its folder with --out'],
  ['train xor --resume --out there', 'there: no run to resume, there is no config.json'],
  ['rate cats', "unknown recipe 'cats'"],
  ['rate xor --from x', "'x' is invalid: it must be a number above 0"],
  ['rate xor --steps 3', "'3' is invalid: it must be a whole number of at least 10"],
  ['sweep xor', "required option '--lr <list>' not specified"],
  ['sweep xor --lr 1,2,1', "'1,2,1' is invalid: no number may come twice"],
  ['sweep xor --lr 1,,2', "'1,,2' is invalid: it must be a number above 0"],
  ['sweep xor --lr 1 --out there', 'there: is there already; go on with it (--resume) or name another one'],
  ['sweep xor --lr 1 --out absent --resume', 'absent: no sweep to resume; name the folder of one with --out'],
  ['bench fast', "unknown workload 'fast': choose from xor, xor-scan, mlp, cnn, gpt"],
  ['bench xor --threads 0', "'0' is invalid"],
  ['info --threads two', "'two' is invalid"],
])('wrong: tenon %s', async (line, message) => {
  const cwd = temporaryFolder()
  mkdirSync(join(cwd, 'there'))
  writeFileSync(join(cwd, 'file'), '')
  const { code, stdout, stderr } = await tenon.run(words(line), { cwd })
  expect(stderr).toContain(message)
  expect(stderr).toMatch(/^tenon: [^\n]+\n$/)
  expect(stdout).toBe('')
  expect(code).toBe(2)
  expect(readdirSync(cwd).sort()).toEqual(['file', 'there'])
})

const words = (line: string): string[] => line.split(' ').filter((word) => word !== '')
