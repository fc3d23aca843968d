/** The anchors that GitHub makes of headings, told of all of them in order: letters in small, and a number where that was there before. */
export function headingAnchors(): (heading: string) => string {
  const used = new Map<string, number>()
  return (heading) => {
    const text = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-')
    const before = used.get(text) ?? 0
    used.set(text, before + 1)
    return before === 0 ? text : `${text}-${before}`
  }
}
