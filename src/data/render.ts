/** Draws a grey image in characters, for terminals. */

/** `half`: two pixels in one character, on or off. `shade`: the same size in five grey levels. */
export type RenderStyle = 'half' | 'shade'

/**
 * The image `pixels` [height, width] as lines of text, two rows of pixels in each. Grey levels go from the smallest to the
 * largest pixel, so normalised images look as they should. Throws if the number of pixels is not width · height.
 */
export function renderDigit(
  pixels: ArrayLike<number>,
  width: number,
  height: number,
  style: RenderStyle = 'half',
): string {
  if (pixels.length !== width * height)
    throw new Error(
      `renderDigit: ${pixels.length} pixels, expected ${width * height} for width ${width} and height ${height}`,
    )
  let [low, high] = [Infinity, -Infinity]
  for (let i = 0; i < pixels.length; i++) {
    low = Math.min(low, pixels[i])
    high = Math.max(high, pixels[i])
  }
  const range = high - low || 1
  const brightness = (row: number, column: number) => (row < height ? (pixels[row * width + column] - low) / range : 0)
  const lines: string[] = []
  for (let row = 0; row < height; row += 2) {
    let line = ''
    for (let column = 0; column < width; column++)
      line += characters[style](brightness(row, column), brightness(row + 1, column))
    lines.push(line)
  }
  return lines.join('\n')
}

/** The character for an upper and a lower pixel with brightness from 0 to 1. */
const characters: Record<RenderStyle, (upper: number, lower: number) => string> = {
  half: (upper, lower) => [' ', '▀', '▄', '█'][(upper > 0.4 ? 1 : 0) + (lower > 0.4 ? 2 : 0)],
  shade: (upper, lower) => ' ░▒▓█'[Math.min(4, Math.floor(((upper + lower) / 2) * 5))],
}
