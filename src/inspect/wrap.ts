// Long pictures in bands, one under the other as lines of text are; arrows between bands run in the gaps around the boxes.

import type { Group, Layout, Place } from './layout.ts'
import type { Arrow, Picture } from './picture.ts'

/** A picture wider than this, in pixels, is cut into bands. */
const widest = 1500
const lane = 8
const gap = 34
/** Room on both sides for arrows that turn there. */
const side = 16

/** The same layout, narrow enough to be read. */
export function wrapped(layout: Layout, picture: Picture): Layout {
  const { places, groups, width, height } = layout
  const divider = layout.bands[0]?.divider
  if (width <= widest) return layout
  const edges = [0, ...cutsOf(layout, picture), width]
  const bandAt = (x: number): number => edges.findLastIndex((edge, i) => i < edges.length - 1 && edge <= x)
  const bandOf = (id: number): number => bandAt((places.get(id) as Place).x)
  const crossing = picture.arrows.filter(({ from, to }) => bandOf(from) !== bandOf(to))
  // Below each band there is a lane for each arrow that passes there.
  const rowOf = (upper: number): readonly Arrow[] => crossing.filter((arrow) => spanOf(arrow, bandOf).includes(upper))
  const tops = [0]
  for (let band = 0; band < edges.length - 2; band++)
    tops.push((tops[band] as number) + height + gap + lane * rowOf(band).length)
  // An arrow that passes a whole band goes down on the left of it.
  const passing = crossing.filter(({ from, to }) => Math.abs(bandOf(from) - bandOf(to)) > 1)
  const indent = side + lane * passing.length
  const moved = (place: Place): Place => {
    const band = bandAt(place.x)
    return { ...place, x: place.x - (edges[band] as number) + indent, y: place.y + (tops[band] as number) }
  }
  const newPlaces = new Map([...places].map(([id, place]) => [id, moved(place)]))
  const laneY = (upper: number, arrow: Arrow): number =>
    (tops[upper] as number) + height + 14 + lane * rowOf(upper).indexOf(arrow)
  const orders = new Map(picture.boxes.map(({ id, order }) => [id, order]))
  const isBack = (id: number): boolean => (orders.get(id) ?? 0) > 0
  const routes = new Map(
    crossing.map((arrow, i): [Arrow, readonly (readonly [number, number])[]] => {
      const [a, b] = [newPlaces.get(arrow.from) as Place, newPlaces.get(arrow.to) as Place]
      const apart = 16 + 5 * (i % 6)
      const [leaves, enters] = [isBack(arrow.from), !isBack(arrow.to)]
      const [x1, x2] = [leaves ? a.x : a.x + a.width, enters ? b.x : b.x + b.width]
      const [y1, y2] = [a.y + a.height / 2, b.y + b.height / 2]
      const [turn1, turn2] = [x1 + (leaves ? -apart : apart), x2 + (enters ? -apart : apart)]
      const uppers = spanOf(arrow, bandOf)
      const [first, last] = [laneY(uppers[0] as number, arrow), laneY(uppers.at(-1) as number, arrow)]
      const gutter = side / 2 + lane * passing.indexOf(arrow)
      const between: [number, number][] =
        uppers.length === 1
          ? []
          : [
              [gutter, first],
              [gutter, last],
            ]
      return [arrow, [[x1, y1], [turn1, y1], [turn1, first], ...between, [turn2, last], [turn2, y2], [x2, y2]]]
    }),
  )
  return {
    places: newPlaces,
    groups: groups.flatMap((group): Group[] => {
      const { x, width: w } = group.place
      const inside = edges.filter((edge) => x < edge && edge < x + w)
      // What is cut goes on in the next band under the same name.
      return [x, ...inside].map((from, i) => {
        const [left, right] = [i > 0 ? from + 6 : from, inside[i] === undefined ? x + w : (inside[i] as number) - 6]
        return { ...group, place: moved({ ...group.place, x: left, width: right - left }) }
      })
    }),
    width: side + indent + 40 + Math.max(...edges.slice(1).map((edge, i) => edge - (edges[i] as number))),
    height: (tops.at(-1) as number) + height,
    bands: tops.map((top) => ({ top, divider: divider === undefined ? undefined : top + divider })),
    routes,
  }
}

/** The bands under which an arrow passes, from its beginning to its end. */
function spanOf({ from, to }: Arrow, bandOf: (id: number) => number): readonly number[] {
  const [a, b] = [bandOf(from), bandOf(to)]
  return a < b ? Array.from({ length: b - a }, (_, i) => a + i) : Array.from({ length: a - b }, (_, i) => a - 1 - i)
}

/** Where to cut: between columns, where few arrows and fewer frames cross, so that bands are about as long as each other. */
function cutsOf({ places, groups, width }: Layout, { arrows }: Picture): readonly number[] {
  const spans = [...places.values()].map(({ x, width: w }) => [x, x + w] as const).sort((a, b) => a[0] - b[0])
  const free: number[] = []
  let end = spans[0]?.[1] ?? 0
  for (const [from, to] of spans) {
    if (from > end) free.push((from + end) / 2)
    end = Math.max(end, to)
  }
  const crossings = (x: number): number =>
    arrows.filter(({ from, to }) => (places.get(from) as Place).x < x !== (places.get(to) as Place).x < x).length +
    3 * groups.filter(({ place }) => place.x < x && x < place.x + place.width).length
  const cuts: number[] = []
  for (let begin = 0; width - begin > widest; ) {
    const target = (width - begin) / Math.ceil((width - begin) / widest)
    const within = free.filter((x) => x > begin + 0.7 * target && x <= begin + widest)
    const costOf = (x: number): number => crossings(x) + Math.abs(x - begin - target) / 200
    const [best = free.find((x) => x > begin + widest)] = within.sort((a, b) => costOf(a) - costOf(b))
    if (best === undefined) break
    cuts.push(best)
    begin = best
  }
  return cuts
}
