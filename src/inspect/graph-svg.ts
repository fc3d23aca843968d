// graphSvg(value): a picture of a graph, forward above and backward beneath, for light and dark pages.

import type { GraphKind, GraphOptions, Values } from './graph.ts'
import { graphOf } from './graph.ts'
import { type Layout, layOut, type Place } from './layout.ts'
import { type Arrow, type Box, type Picture, pictureOf } from './picture.ts'
import { wrapped } from './wrap.ts'

export interface PictureOptions extends GraphOptions {
  readonly title?: string
  /** Every node, moves and constants too; without it only what computes. */
  readonly everything?: boolean
}

/** More boxes than this are no picture any more. */
const mostBoxes = 600

/**
 * An SVG of the graph behind values, or behind what a function of tensors gives: operations as boxes, coloured by kind, in frames by module,
 * shapes on the arrows; the derivative is drawn mirrored beneath. Throws when there is too much to draw.
 *
 *     const l = loss.mse(net(x), t)
 *     writeFileSync('net.svg', graphSvg({ loss: l, 'd weight': grad(l, w) }, { names: { x, t } }))
 */
export function graphSvg(values: Values | (() => Values), options: PictureOptions = {}): string {
  const description = graphOf(typeof values === 'function' ? values() : values, options)
  const picture = pictureOf(description, options.everything ?? false)
  if (picture.boxes.length > mostBoxes)
    throw new RangeError(
      `graphSvg: ${picture.boxes.length} operations are too many for a picture (at most ${mostBoxes}): draw one layer, or read graphOf(value)`,
    )
  return drawn(picture, wrapped(layOut(picture), picture), options.title)
}

function drawn(picture: Picture, layout: Layout, title: string | undefined): string {
  const { places, groups, width, height, bands } = layout
  const shapeShown = new Set<number>()
  const body = [
    ...groups.map(
      ({ label, place, order }) =>
        `<g class="group${order > 0 ? ' back' : ''}">${rect(place, 8)}<text x="${n(place.x + 7)}" y="${n(place.y - 4)}">${escaped(label)}</text></g>`,
    ),
    ...bands.flatMap(({ divider: y }) =>
      y === undefined
        ? []
        : [
            `<path class="divide" d="M12 ${n(y)}H${n(width - 12)}"/>`,
            `<text class="band" x="14" y="${n(y - 8)}">forward →</text>`,
            `<text class="band" x="14" y="${n(y + 18)}">← backward</text>`,
          ],
    ),
    ...picture.arrows.map((arrow) => arrowPath(arrow, picture, layout, shapeShown)),
    ...picture.boxes.map((box) => boxOf(box, places.get(box.id) as Place)),
    legend(picture, height),
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${n(width)} ${n(height + 26)}" width="${n(width)}" height="${n(height + 26)}" role="img" aria-label="${escaped(title ?? 'Graph of a computation')}">`,
    `<style>${style}</style>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="tip" d="M0 .8 7 4 0 7.2z"/></marker></defs>',
    '<rect class="page" width="100%" height="100%" rx="10"/>',
    ...(title ? [`<text class="title" x="${n(width / 2)}" y="24">${escaped(title)}</text>`] : []),
    ...body,
    '</svg>',
    '',
  ].join('\n')
}

function boxOf({ title, kind, order, isOutput, details }: Box, place: Place): string {
  const classes = ['box', kind, ...(order > 0 ? ['back'] : []), ...(isOutput ? ['output'] : [])]
  const middle = place.x + place.width / 2
  return `<g class="${classes.join(' ')}"><title>${escaped(details)}</title>${rect(place, kind === 'variable' || kind === 'input' ? 13 : 6)}<text x="${n(middle)}" y="${n(place.y + 17.5)}">${escaped(title)}</text></g>`
}

/** A curve from side to side; a value's shape stands where its first arrow begins. */
function arrowPath(arrow: Arrow, picture: Picture, { places, routes }: Layout, shapeShown: Set<number>): string {
  const route = routes.get(arrow)
  const [a, b] = [places.get(arrow.from) as Place, places.get(arrow.to) as Place]
  const [begin, turn] = route ?? []
  const toRight = begin && turn ? turn[0] > begin[0] : b.x + b.width / 2 >= a.x + a.width / 2
  const isSteep = !route && Math.abs(b.x + b.width / 2 - a.x - a.width / 2) < 30
  const [x1, y1] = isSteep ? [a.x + a.width / 2, a.y + a.height] : [toRight ? a.x + a.width : a.x, a.y + a.height / 2]
  const [x2, y2] = isSteep ? [b.x + b.width / 2, b.y] : [toRight ? b.x : b.x + b.width, b.y + b.height / 2]
  const bend = isSteep ? 0 : (toRight ? 1 : -1) * Math.max(18, Math.abs(x2 - x1) * 0.45)
  const fall = isSteep ? Math.max(14, (y2 - y1) * 0.4) : 0
  // A straight arrow must not run through a box between its ends.
  const isBlocked = [...places.values()].some(
    (p) =>
      p !== a &&
      p !== b &&
      Math.abs(y1 - y2) < 12 &&
      p.x > Math.min(x1, x2) &&
      p.x < Math.max(x1, x2) &&
      p.y < y1 &&
      p.y + p.height > y1,
  )
  const lift = isBlocked && !isSteep ? 42 : 0
  const source = picture.boxes.find((box) => box.id === arrow.from)
  const target = picture.boxes.find((box) => box.id === arrow.to)
  const isSaved = (source?.order ?? 0) === 0 && (target?.order ?? 0) > 0
  const line = route
    ? `M${route.map(([x, y]) => `${n(x)} ${n(y)}`).join('L')}`
    : `M${n(x1)} ${n(y1)}C${n(x1 + bend)} ${n(y1 + fall + lift)} ${n(x2 - bend)} ${n(y2 - fall + lift)} ${n(x2)} ${n(y2)}`
  const curve = `<path class="${isSaved ? 'arrow saved' : 'arrow'}" marker-end="url(#tip)" d="${line}"/>`
  const shape = source && !shapeShown.has(arrow.from) && !isSaved ? source.shape : ''
  if (shape) shapeShown.add(arrow.from)
  const side = toRight ? 'start' : 'end'
  const shapeAt = isSteep ? [x1 + 5, (y1 + y2) / 2 + 2] : [x1 + (toRight ? 5 : -5), y1 - 5]
  const noteAt = isSteep ? [x2 - 6, y2 - 4] : [x2 + (toRight ? -9 : 9), y2 - 3]
  const labels = [
    shape && label('shape', isSteep ? 'start' : side, shapeAt, shape),
    arrow.note && label('note', toRight || isSteep ? 'end' : 'start', noteAt, arrow.note),
  ]
  return curve + labels.filter(Boolean).join('')
}

const label = (kind: string, anchor: string, [x = 0, y = 0]: readonly number[], text: string): string =>
  `<text class="${kind}" text-anchor="${anchor}" x="${n(x)}" y="${n(y)}">${text}</text>`

const names: { readonly [K in GraphKind]: string } = {
  input: 'input',
  variable: 'variable',
  constant: 'constant',
  product: 'product',
  reduction: 'reduction',
  pointwise: 'pointwise',
  move: 'move',
  other: 'other',
}

function legend({ boxes }: Picture, height: number): string {
  let x = 28
  return (Object.keys(names) as GraphKind[])
    .filter((kind) => boxes.some((box) => box.kind === kind))
    .map((kind) => {
      const item = `<g class="box ${kind} key">${rect({ x, y: height - 4, width: 12, height: 12 }, 3)}</g><text class="key" x="${x + 17}" y="${n(height + 6)}">${names[kind]}</text>`
      x += 36 + names[kind].length * 6.4
      return item
    })
    .join('')
}

const rect = ({ x, y, width, height }: Place, radius: number): string =>
  `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" rx="${radius}"/>`

const n = (value: number): string => String(Math.round(10 * value) / 10)

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** Fill and line of each kind, for light pages and dark ones. */
const colours: { readonly [K in GraphKind]: readonly [string, string, string, string] } = {
  input: ['#e3effd', '#3b78c3', '#17324f', '#6ba4e8'],
  variable: ['#e2f4e6', '#3d8f55', '#173a24', '#66bf80'],
  constant: ['#f1f1f3', '#9a9aa4', '#2a2b31', '#7d7e8a'],
  product: ['#fdebd6', '#c8761a', '#4a2d0c', '#eba04b'],
  reduction: ['#f1e6fb', '#8651b8', '#351f4c', '#b98be4'],
  pointwise: ['#ffffff', '#75808f', '#22272e', '#8d99a9'],
  move: ['#f5f6f7', '#aab2bd', '#1d2126', '#66707c'],
  other: ['#fbe4ea', '#c04a6b', '#4a1726', '#e67f9c'],
}

const style = [
  'text{font:11px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#24292f}',
  '.page{fill:#fff}.title{font-size:14px;font-weight:600;text-anchor:middle}',
  '.box text{text-anchor:middle}.box rect{stroke-width:1.2}.box.back rect{stroke-dasharray:4 2}.box.output rect{stroke-width:2.6}',
  '.arrow{fill:none;stroke:#8a94a0;stroke-width:1.1}.arrow.saved{stroke-dasharray:2 3;stroke:#b9c0c8}.tip{fill:#8a94a0}',
  '.shape{font-size:9px;fill:#6a737d}.note{font-size:13px;fill:#57606a}.key{font-size:10px;fill:#57606a}.band{font-size:11px;font-weight:600;fill:#8a94a0}.divide{stroke:#d0d7de;stroke-dasharray:5 5;fill:none}',
  '.group rect{fill:#f6f8fa;stroke:#d8dee4}.group text{font-size:10px;font-weight:600;fill:#57606a}',
  ...Object.entries(colours).map(([kind, [fill, line]]) => `.${kind} rect{fill:${fill};stroke:${line}}`),
  '@media (prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.arrow{stroke:#768390}.arrow.saved{stroke:#4d5662}.tip{fill:#768390}',
  '.shape{fill:#909dab}.note,.key,.group text{fill:#adbac7}.band{fill:#768390}.divide{stroke:#30363d}.group rect{fill:#161b22;stroke:#30363d}',
  ...Object.entries(colours).map(([kind, [, , fill, line]]) => `.${kind} rect{fill:${fill};stroke:${line}}`),
  '}',
].join('')
