// The search along a direction for a step that meets the strong Wolfe conditions (Nocedal and Wright 2006, algorithms 3.5 and 3.6).

/** A loss and its gradient. */
export interface Point {
  readonly value: number
  readonly gradient: Float64Array
}

interface Trial {
  readonly length: number
  readonly point: Point
  readonly slope: number
}

/** The loss must fall by this part of what the slope promises … */
const decrease = 1e-4
/** … and the slope to this part of itself. */
const curvature = 0.9
/** Beside the first. */
export const mostTrials = 25
const tolerance = 1e-9

/** The first step found after `start`, or the best one where none was within the allowed number of further trials. */
export async function strongWolfe(
  along: (length: number) => Promise<Point>,
  start: number,
  direction: Float64Array,
  origin: Point,
  slope: number,
  allowed: number,
): Promise<{ readonly length: number; readonly point: Point }> {
  const widest = direction.reduce((most, d) => Math.max(most, Math.abs(d)), 0)
  const tryAt = async (length: number): Promise<Trial> => {
    const point = await along(length)
    return { length, point, slope: point.gradient.reduce((sum, g, i) => sum + g * direction[i], 0) }
  }
  const promised = (t: Trial): number => origin.value + decrease * t.length * slope
  const isFlat = (t: Trial): boolean => Math.abs(t.slope) <= -curvature * slope

  // Outwards until a bracket holds a minimum.
  let before: Trial = { length: 0, point: origin, slope }
  let trial = await tryAt(start)
  let trials = 0
  let bracket: [Trial, Trial] | undefined
  for (; trials < allowed; trials++) {
    if (trial.point.value > promised(trial) || (trials > 1 && trial.point.value >= before.point.value)) {
      bracket = [before, trial]
      break
    }
    if (isFlat(trial)) return trial
    if (trial.slope >= 0) {
      bracket = [before, trial]
      break
    }
    const least = trial.length + 0.01 * (trial.length - before.length)
    const next = cubicMinimum(before, trial, [least, trial.length * 10])
    before = trial
    trial = await tryAt(next)
  }
  bracket ??= [{ length: 0, point: origin, slope }, trial]

  // Inwards.
  let [low, high] = bracket[0].point.value <= bracket[1].point.value ? bracket : [bracket[1], bracket[0]]
  let stuck = false
  for (; trials < allowed; trials++) {
    if (Math.abs(high.length - low.length) * widest < tolerance) break
    const [least, most] = [Math.min(low.length, high.length), Math.max(low.length, high.length)]
    // The order of the ends decides how rounding falls: as the bracket was found.
    let next = cubicMinimum(...inOrder(bracket, low, high))
    const margin = 0.1 * (most - least)
    if (Math.min(most - next, next - least) < margin) {
      // Close to an end twice in a row, or beyond: a tenth away from it.
      if (stuck || next >= most || next <= least) {
        next = Math.abs(next - most) < Math.abs(next - least) ? most - margin : least + margin
        stuck = false
      } else stuck = true
    } else stuck = false
    const found = await tryAt(next)
    if (found.point.value > promised(found) || found.point.value >= low.point.value) {
      bracket = replaced(bracket, high, found)
      high = found
      if (high.point.value < low.point.value) [low, high] = [high, low]
      continue
    }
    if (isFlat(found)) return found
    if (found.slope * (high.length - low.length) >= 0) {
      bracket = replaced(bracket, high, low)
      high = low
    }
    bracket = replaced(bracket, low, found)
    low = found
  }
  return low
}

const inOrder = (bracket: readonly [Trial, Trial], low: Trial, high: Trial): [Trial, Trial] =>
  bracket[0] === low || bracket[1] === high ? [low, high] : [high, low]

const replaced = (bracket: readonly [Trial, Trial], old: Trial, by: Trial): [Trial, Trial] =>
  bracket[0] === old ? [by, bracket[1]] : [bracket[0], by]

/** Where the cubic through two values and slopes is least, within bounds; half way where it has no minimum. */
function cubicMinimum(a: Trial, b: Trial, bounds?: readonly [number, number]): number {
  const [low, high] = bounds ?? (a.length <= b.length ? [a.length, b.length] : [b.length, a.length])
  const d1 = a.slope + b.slope - (3 * (a.point.value - b.point.value)) / (a.length - b.length)
  const square = d1 ** 2 - a.slope * b.slope
  if (!(square >= 0)) return (low + high) / 2
  const d2 = Math.sqrt(square)
  const at =
    a.length <= b.length
      ? b.length - (b.length - a.length) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
      : a.length - (a.length - b.length) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
  return Math.min(Math.max(at, low), high)
}
