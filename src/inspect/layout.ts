// Layout of a picture: ranks from left to right by dagre; what computes forward above, and mirrored beneath it what goes backward.

import { Graph as LayeredGraph, layout as layered } from '@dagrejs/dagre'
import type { Arrow, Box, Picture } from './picture.ts'

export interface Place {
  /** The upper left corner. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Group {
  readonly label: string
  readonly order: number
  readonly place: Place
}

export interface Layout {
  readonly places: ReadonlyMap<number, Place>
  /** The calls of modules whose boxes lie together. */
  readonly groups: readonly Group[]
  readonly width: number
  readonly height: number
  /** One under the other; in each the forward part stands above the divider, the backward part beneath it. */
  readonly bands: readonly { readonly top: number; readonly divider: number | undefined }[]
  /** The corners of arrows that lead from one band to another. */
  readonly routes: ReadonlyMap<Arrow, readonly (readonly [x: number, y: number])[]>
}

const letter = 6.7
const boxHeight = 26
const columnGap = 62
const rowGap = 14
const margin = 28
const step = boxHeight + rowGap + 12
const groupPadding = 9
const bandGap = 74

/** In one band, however wide. */
export function layOut({ boxes, arrows }: Picture): Layout {
  const byId = new Map(boxes.map((box) => [box.id, box]))
  const widthOf = ({ title }: Box): number => Math.max(40, Math.round(title.length * letter) + 20)
  const isBackward = (id: number): boolean => (byId.get(id)?.order ?? 0) > 0
  const graph = new LayeredGraph()
  graph.setGraph({ rankdir: 'LR', ranksep: columnGap, nodesep: rowGap })
  graph.setDefaultEdgeLabel(() => ({}))
  // Variables, and inputs of later operations, stand above the operation that uses them first.
  const above = new Map<number, Box[]>()
  const isLeaf = (id: number): boolean => ['variable', 'input'].includes(byId.get(id)?.kind ?? '')
  /** Whether an operation has something else to stand in line with than values from outside. */
  const inLine = (id: number): boolean => arrows.some((a) => a.to === id && !isLeaf(a.from))
  for (const box of boxes) {
    const user = arrows.find((a) => a.from === box.id && !isBackward(a.to))?.to
    if (user !== undefined && (box.kind === 'variable' || (box.kind === 'input' && inLine(user))))
      above.set(user, [...(above.get(user) ?? []), box])
  }
  const stacked = new Set([...above.values()].flat().map((box) => box.id))
  for (const box of boxes) {
    if (stacked.has(box.id)) continue
    const stack = [box, ...(above.get(box.id) ?? [])]
    graph.setNode(String(box.id), { width: Math.max(...stack.map(widthOf)), height: step * stack.length })
  }
  // An arrow between backward boxes points to the left: the derivative of a layer stands beneath the layer.
  for (const { from, to } of arrows) {
    if (stacked.has(from)) continue
    const [a, b] = isBackward(from) && isBackward(to) ? [to, from] : [from, to]
    graph.setEdge(String(a), String(b), {})
  }
  layered(graph)

  const centre = (id: number): { x: number; y: number } => {
    const { x = 0, y = 0 } = graph.node(String(id)) as { x?: number; y?: number }
    return { x, y }
  }
  const places = new Map<number, Place>()
  let top = margin + 38
  let divider: number | undefined
  for (const backward of [false, true]) {
    const own = boxes.filter((box) => box.order > 0 === backward)
    if (own.length === 0) continue
    if (backward && places.size > 0) {
      top += bandGap
      divider = top - bandGap / 2
    }
    const ranks = new Map<number, Box[]>()
    for (const box of own) {
      if (stacked.has(box.id)) continue
      const x = Math.round(centre(box.id).x)
      ranks.set(x, [...(ranks.get(x) ?? []), box])
    }
    const rows = new Map<Box, { x: number; row: number }>()
    for (const [x, rank] of ranks) {
      rank.sort((a, b) => centre(a.id).y - centre(b.id).y)
      const column = rank.flatMap((box) => [...(above.get(box.id) ?? []), box])
      // The operations of all ranks have their middle on one line.
      const middle = rank.reduce((sum, box) => sum + column.indexOf(box), 0) / rank.length
      column.forEach((box, i) => {
        rows.set(box, { x, row: i - middle })
      })
    }
    const [first, last] = [Math.min, Math.max].map((of) => of(...[...rows.values()].map(({ row }) => row))) as [
      number,
      number,
    ]
    for (const [box, { x, row }] of rows) {
      const width = widthOf(box)
      places.set(box.id, { x: x - width / 2, y: top + (row - first) * step, width, height: boxHeight })
    }
    top += (last - first + 1) * step
  }
  const left = Math.min(...[...places.values()].map((p) => p.x)) - margin
  for (const [id, p] of places) places.set(id, { ...p, x: p.x - left })
  const right = Math.max(...[...places.values()].map((p) => p.x + p.width))
  return {
    places,
    groups: groupsOf({ boxes, arrows }, places),
    width: right + margin + 40,
    height: top + margin,
    bands: [{ top: 0, divider }],
    routes: new Map(),
  }
}

/** Frames around the boxes of one module in one direction, where no other box lies inside; an input that only the module reads may. */
function groupsOf({ boxes, arrows }: Picture, places: ReadonlyMap<number, Place>): Group[] {
  const boxOf = new Map(boxes.map((box) => [box.id, box]))
  const members = new Map<string, Box[]>()
  for (const box of boxes) {
    if (!box.moduleKind) continue
    const key = `${box.order > 0 ? 1 : 0}|${box.module}|${box.moduleKind}`
    members.set(key, [...(members.get(key) ?? []), box])
  }
  return [...members.values()].flatMap((own): Group[] => {
    const ids = new Set(own.map((box) => box.id))
    const isForOwn = (box: Box): boolean =>
      (box.kind === 'input' || box.kind === 'constant') &&
      arrows.every(({ from, to }) => from !== box.id || ids.has(to) || (boxOf.get(to)?.order ?? 0) > 0)
    const place = frameOf(own, places)
    const inside = boxes.filter((box) => !ids.has(box.id) && isIn(places.get(box.id) as Place, place))
    const whole = frameOf([...own, ...inside], places)
    const isFree = boxes.every(
      (box) => ids.has(box.id) || inside.includes(box) || !isIn(places.get(box.id) as Place, whole),
    )
    if (!isFree || !inside.every(isForOwn)) return []
    const { module, moduleKind, order } = own[0] as Box
    return [{ label: `${order > 0 ? '∇ ' : ''}${[module, moduleKind].filter(Boolean).join(' ')}`, order, place: whole }]
  })
}

function frameOf(boxes: readonly Box[], places: ReadonlyMap<number, Place>): Place {
  const all = boxes.map((box) => places.get(box.id) as Place)
  const x = Math.min(...all.map((p) => p.x)) - groupPadding
  const y = Math.min(...all.map((p) => p.y)) - groupPadding - 6
  return {
    x,
    y,
    width: Math.max(...all.map((p) => p.x + p.width)) + groupPadding - x,
    height: Math.max(...all.map((p) => p.y + p.height)) + groupPadding - y,
  }
}

const isIn = (p: Place, { x, y, width, height }: Place): boolean =>
  p.x <= x + width && p.x + p.width >= x && p.y <= y + height && p.y + p.height >= y
