// regionsSvg(regions): a picture of linear regions, polygons in the plane or pieces of a curve, for light and dark pages.

import type { Interval, LinearRegion, LinearRegions } from './linear-regions.ts'

export interface RegionsPictureOptions {
  readonly title?: string
  /** Pixels of the longer side; 480 unless told. */
  readonly size?: number
}

/**
 * An SVG of what `linearRegions` found. Of two inputs each region has the colour of its slope, the hue by its direction; of one, the
 * first output is drawn as a curve whose pieces change their colour. A region's map is its tooltip.
 *
 *     writeFileSync('regions.svg', regionsSvg(await linearRegions(net, [[-1, 1], [-1, 1]])))
 */
export function regionsSvg(found: LinearRegions, options: RegionsPictureOptions = {}): string {
  const { title = `${found.count} linear regions`, size = 480 } = options
  const [body, width, height] = found.box.length === 1 ? curve(found, size) : plane(found, size)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${n(width)} ${n(height + 30)}" width="${n(width)}" height="${n(height + 30)}" role="img" aria-label="${escaped(title)}">`,
    '<style>text{font:13px system-ui,sans-serif;fill:#222}.page{fill:#fff}.part{stroke-width:.6;stroke-linejoin:round}',
    '.piece{stroke-width:2.5;stroke-linecap:round}@media(prefers-color-scheme:dark){text{fill:#ddd}.page{fill:#161616}}</style>',
    '<rect class="page" width="100%" height="100%"/>',
    `<text x="8" y="20">${escaped(title)}</text>`,
    '<g transform="translate(0 30)">',
    ...body,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

type Drawn = readonly [body: string[], width: number, height: number]

function plane({ regions, box: [across, up] }: LinearRegions, size: number): Drawn {
  const scale = size / Math.max(extent(across), extent(up))
  const slopes = regions.map(({ weight }) => Math.hypot(...(weight[0] ?? [0])))
  const steepest = Math.max(...slopes, Number.MIN_VALUE)
  const body = regions.map((region, i) => {
    const [dx = 0, dy = 0] = region.weight[0] ?? []
    const hue = (Math.atan2(dy, dx) * 180) / Math.PI + 360
    const colour = `hsl(${n(hue % 360)} ${n(slopes[i] > 0 ? 65 : 0)}% ${n(90 - (40 * slopes[i]) / steepest)}%)`
    const outlines = region.parts.map((part) => {
      const corners = part.map(([x, y]) => `${n((x - across[0]) * scale)} ${n((up[1] - y) * scale)}`)
      return `M${corners.join('L')}Z`
    })
    return `<path class="part" fill="${colour}" stroke="${colour}" d="${outlines.join('')}"><title>${tooltip(region)}</title></path>`
  })
  return [body, extent(across) * scale, extent(up) * scale]
}

function curve({ regions, box: [across] }: LinearRegions, size: number): Drawn {
  const height = size / 2
  const ends = regions.map(({ parts, weight: [[slope]], offset: [shift] }) => {
    const places = parts.flat(2)
    return [Math.min(...places), Math.max(...places)].map((x): readonly [number, number] => [x, slope * x + shift])
  })
  const heights = ends.flat().map(([, y]) => y)
  const [low, high] = [Math.min(...heights), Math.max(...heights)]
  const place = ([x, y]: readonly [number, number]): string =>
    `${n(6 + ((x - across[0]) / extent(across)) * (size - 12))} ${n(6 + ((high - y) / (high - low || 1)) * (height - 12))}`
  const body = regions.map((region, i) => {
    const colour = `hsl(${n((i * 137.5) % 360)} 60% 48%)`
    return `<path class="piece" fill="none" stroke="${colour}" d="M${ends[i].map(place).join('L')}"><title>${tooltip(region)}</title></path>`
  })
  return [body, size, height]
}

const extent = ([low, high]: Interval): number => high - low

/** The map of the first output, as y = 2·x₁ − x₂ + 0.5. */
function tooltip({ weight: [row], offset: [shift] }: LinearRegion): string {
  const terms = row.map((w, k) => `${Number(w.toPrecision(4))}·x${row.length > 1 ? ['₁', '₂'][k] : ''}`)
  return `y = ${[...terms, Number(shift.toPrecision(4))].join(' + ')}`.replaceAll('+ -', '− ').replaceAll('-', '−')
}

const n = (value: number): string => String(Number(value.toFixed(2)))
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
