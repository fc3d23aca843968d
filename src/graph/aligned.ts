// Tables as text: columns of equal width, apart by two spaces.

/** Lines of cells, one below the other; `isLeft` says which columns begin at their left, the others end at their right. */
export function aligned(lines: readonly (readonly string[])[], isLeft: (column: number) => boolean): string {
  const widths = (lines[0] ?? []).map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length)))
  const cell = (text: string, i: number): string =>
    isLeft(i) ? text.padEnd(widths[i] as number) : text.padStart(widths[i] as number)
  return lines.map((line) => line.map(cell).join('  ').trimEnd()).join('\n')
}
