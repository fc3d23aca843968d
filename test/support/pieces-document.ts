/** docs/pieces.md, from the records of the catalogue; its curves are computed by the library. */

import { pieceChart } from '../../src/cli/curve-chart.ts'
import { rowsOf } from '../../src/cli/pieces.ts'
import { type Found, families, pieces, titleOf } from '../../src/pieces/index.ts'
import { configure } from '../../src/tensor/index.ts'
import { headingAnchors } from './anchors.ts'

/** The text of the document. Numbers are those of the reference backend. */
export function piecesDocument(): string {
  configure({ backend: 'reference' })
  const sections = Object.entries(families).map(([family, { about }]) => {
    const own = pieces.filter((p) => p.family === family)
    return [`## ${capital(family)}`, `${capital(about)}.`, ...own.map(section)].join('\n\n')
  })
  return `${[introduction, contents(), ...sections].join('\n\n')}\n`
}

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1)

const introduction = `# Pieces

<!-- Made by \`npm run docs\` from the records in src/pieces; edit those. -->

What every piece outputs, and how it adjusts its inputs: \`dx\` is what a piece asks of its input x when \`dy\` is asked of its output y
(the gradients of the loss by them; a step goes against them). The curves show the function and its slope, both computed by the library. A test holds every formula of one
variable, every example and every schedule to what the library does. \`tenon pieces gelu\` shows one of them in the terminal.
Names such as “test R60” are those of tests in test/rows.`

const contents = (): string =>
  Object.keys(families)
    .map((family) => {
      const links = pieces
        .filter((p) => p.family === family)
        .map((p) => `[${p.name.slice(p.name.lastIndexOf('.') + 1)}](#${anchors.get(p)})`)
      return `**${family}** ${links.join(' · ')}`
    })
    .join('\n\n')

const anchors: ReadonlyMap<Found, string> = (() => {
  const slug = headingAnchors()
  slug('pieces')
  const found = new Map<Found, string>()
  for (const family of Object.keys(families)) {
    slug(family)
    for (const piece of pieces) if (piece.family === family) found.set(piece, slug(titleOf(piece)))
  }
  return found
})()

const asCode = new Set(['call', 'outputs', 'example'])

function section(found: Found): string {
  const all = rowsOf(found)
  const rows = all.flatMap(([heading, text]) =>
    text.includes('\n') ? [] : [`- **${heading}** ${asCode.has(heading) ? `\`${text}\`` : escaped(text)}`],
  )
  const programs = all.flatMap(([, text]) => (text.includes('\n') ? [`\`\`\`ts\n${text}\n\`\`\``] : []))
  const chart = pieceChart(found.piece)
  return [
    `### ${titleOf(found)}`,
    escaped(found.piece.about),
    ...(rows.length > 0 ? [rows.join('\n')] : []),
    ...programs,
    ...(chart.length > 0 ? [['```text', ...chart, '```'].join('\n')] : []),
  ].join('\n\n')
}

const escaped = (text: string): string => text.replaceAll(/[*_<]/g, (c) => `\\${c}`)
