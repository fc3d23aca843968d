// The results as an SVG: a panel for each workload, a row for each peer, its time as a multiple of Tenon's on a common logarithmic axis.
import type { Result } from './measure.ts'
import { baseline, digits, machineText, type Report, warnings } from './report.ts'

const row = 17
const head = 26
const gap = 16
const column = 470
const margin = { left: 16, top: 62, bottom: 50 }
const names = 150
const values = 92

/** Dots, because bars would need a zero and a logarithm has none: a full dot at the median, a stroke to the minimum. */
export function chartSvg(report: Report): string {
  const workloads = [...new Set(report.results.map(({ workload }) => workload))]
  const panels = workloads.map((workload) =>
    panelOf(
      workload,
      report.results.filter((r) => r.workload === workload),
    ),
  )
  const ratios = panels.flatMap(({ rows }) => rows.flatMap(({ median, min }) => [median, min]))
  const [low, high] = [Math.floor(Math.log10(Math.min(...ratios, 1))), Math.ceil(Math.log10(Math.max(...ratios, 10)))]
  const width = column - names - values
  const x = (ratio: number): number => names + ((Math.log10(ratio) - low) / (high - low)) * width

  const notes = warnings(report)
  // Panels fill the shorter of two columns.
  const heights = [0, 0]
  const placed = panels.map((panel) => {
    const side = heights[0] <= heights[1] ? 0 : 1
    const y = margin.top + heights[side]
    heights[side] += head + panel.rows.length * row + gap
    return draw(panel, margin.left + side * (column + 20), y)
  })
  const total = {
    width: 2 * margin.left + 2 * column + 20,
    height: margin.top + Math.max(...heights) + margin.bottom + 16 * notes.length,
  }

  function draw({ title, rows }: Panel, left: number, top: number): string {
    const bottom = head + rows.length * row
    const decades = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i))
    const grid = decades.map(
      (ratio) =>
        `<path class="${ratio === 1 ? 'one' : 'grid'}" d="M${x(ratio).toFixed(1)} ${head - 6}V${bottom}"/>` +
        `<text class="tick" x="${x(ratio).toFixed(1)}" y="${head - 9}">${powerOfTen(ratio)}×</text>`,
    )
    const marks = rows.map(({ name, median, min, value, isTenon }, i) => {
      const y = head + row * (i + 0.5)
      return (
        `<g class="${isTenon ? 'tenon' : 'peer'}"><text class="name" x="${names - 8}" y="${y + 4}">${escaped(name)}</text>` +
        `<path class="span" d="M${x(min).toFixed(1)} ${y}H${x(median).toFixed(1)}M${x(min).toFixed(1)} ${y - 4}v8"/>` +
        `<circle cx="${x(median).toFixed(1)}" cy="${y}" r="4"/>` +
        `<text class="value" x="${column}" y="${y + 4}">${escaped(value)}</text></g>`
      )
    })
    return `<g transform="translate(${left} ${top})"><text class="title" x="0" y="${head - 9}">${escaped(title)}</text>${grid.join('')}${marks.join('')}</g>`
  }

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total.width} ${total.height}" width="${total.width}" height="${total.height}" role="img" aria-label="Time of a step, Tenon and its peers">
<style>${style}</style><rect class="page" width="100%" height="100%"/>
<text class="heading" x="${margin.left}" y="26">Time of a step, as a multiple of Tenon's fastest (logarithmic; left is faster)</text>
<text class="note" x="${margin.left}" y="44">Dot: median. Stroke: minimum. Right: median. All in turns, in one run of npm run bench.</text>
${placed.join('\n')}
${notes.map((text, i) => `<text class="note" x="${margin.left}" y="${total.height - 28 - 16 * (notes.length - 1 - i)}">${escaped(text)}</text>`).join('\n')}
<text class="note" x="${margin.left}" y="${total.height - 12}">${escaped(machineText(report))}</text>
</svg>
`
}

interface Panel {
  readonly title: string
  readonly rows: readonly {
    readonly name: string
    readonly median: number
    readonly min: number
    readonly value: string
    readonly isTenon: boolean
  }[]
}

function panelOf(workload: string, results: readonly Result[]): Panel {
  const base = baseline(results)?.medianMs ?? 1
  const rows = [...results]
    .sort((a, b) => a.medianMs - b.medianMs)
    .map(({ peer, medianMs, minMs, isTenon, isSame, version, gflops }) => ({
      name: `${peer}${isTenon || /[-,]/.test(peer) ? '' : ` ${version.replace(/[a+].*/, '')}`}${isSame ? '' : ' *'}`,
      median: medianMs / base,
      min: minMs / base,
      value: gflops === undefined ? time(medianMs) : `${digits(gflops)} GFLOP/s`,
      isTenon,
    }))
  return { title: workload, rows }
}

const time = (ms: number): string =>
  ms < 0.001 ? `${digits(ms * 1e6)} ns` : ms < 1 ? `${digits(ms * 1000)} µs` : `${digits(ms)} ms`

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const style = `text{font:11px ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#24292f}.page{fill:#fff}
.heading{font-size:15px;font-weight:600}.title{font-size:12px;font-weight:600}.note,.tick{fill:#57606a}.tick{font-size:9px;text-anchor:middle}
.name,.value{text-anchor:end}.grid{stroke:#d8dee4}.one{stroke:#8a94a0}.span{fill:none;stroke:#8a94a0;stroke-width:1.5}.peer circle{fill:#8a94a0}
.tenon circle{fill:#c8761a}.tenon .span{stroke:#c8761a}.tenon .name{font-weight:600}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.note,.tick{fill:#909dab}.grid{stroke:#30363d}.one{stroke:#768390}}`

/** From a thousand on with an exponent, for which there is room. */
const powerOfTen = (ratio: number): string =>
  ratio < 1000 ? String(ratio) : `10${'⁰¹²³⁴⁵⁶⁷⁸⁹'[Math.round(Math.log10(ratio))]}`
