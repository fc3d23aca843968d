// Images drawn in characters.
import { expect, test } from 'vitest'
import { digits } from '../../src/data/digits/digits.ts'
import { renderDigit } from '../../src/data/render.ts'

test('half blocks: two pixels in a character, also of an odd last row', () => {
  const pixels = [0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0]
  expect(renderDigit(pixels, 4, 3)).toBe(' ▀▄█\n▀ ▀ ')
})

test('shades, whatever the range of the pixels', () => {
  const column = (upper: number, lower: number) => [upper, lower]
  const pairs = [column(-3, -3), column(-2, -2), column(-1, -1), column(0, 0), column(1, 1)]
  const pixels = [...pairs.map(([upper]) => upper), ...pairs.map(([, lower]) => lower)]
  expect(renderDigit(pixels, 5, 2, 'shade')).toBe(' ░▒▓█')
})

test('an even image is empty, not noise', () => {
  expect(renderDigit([5, 5, 5, 5], 2, 2)).toBe('  ')
})

test('a drawn digit is 28 characters by 14', () => {
  const { test } = digits({ train: 1, test: 1 })
  const lines = renderDigit(test.inputs, 28, 28).split('\n')
  expect(lines).toHaveLength(14)
  for (const line of lines) expect(line).toMatch(/^[ ▀▄█]{28}$/)
  expect(lines.join('')).toMatch(/[▀▄█]/)
})
