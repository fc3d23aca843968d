// A loss curve that grows: every step as a thin line, their running mean as a strong one, on a logarithmic scale.

const namespace = 'http://www.w3.org/2000/svg'
const margin = { top: 8, right: 8, bottom: 22, left: 46 }
const smoothing = 0.95
/** Points of the drawn line at most: neighbours are joined beyond that. */
const mostPoints = 600

export interface Chart {
  add(loss: number): void
  /** Forgets everything; a run of so many steps in so many epochs begins. */
  begin(steps: number, epochs: number): void
}

export function lossChart(svg: SVGSVGElement): Chart {
  let losses: number[] = []
  let means: number[] = []
  let [steps, epochs, mean, isDue] = [1, 1, 0, false]

  const draw = (): void => {
    isDue = false
    const { clientWidth: width, clientHeight: height } = svg
    const [right, bottom] = [width - margin.right, height - margin.bottom]
    const highest = Math.ceil(Math.log10(Math.max(1, ...strided(losses).map((p) => p.value))) * 2) / 2
    const lowest = Math.min(
      -1,
      Math.floor(Math.log10(Math.max(1e-4, Math.min(1, ...strided(means).map((p) => p.value))))),
    )
    const x = (step: number): number => margin.left + ((right - margin.left) * step) / steps
    const y = (loss: number): number => {
      const share = (highest - Math.log10(Math.max(loss, 10 ** lowest))) / (highest - lowest)
      return margin.top + (bottom - margin.top) * Math.min(1, Math.max(0, share))
    }
    const line = (values: readonly number[]): string =>
      strided(values)
        .map(({ index, value }, i) => `${i === 0 ? 'M' : 'L'}${x(index + 1).toFixed(1)} ${y(value).toFixed(1)}`)
        .join('')
    const parts: SVGElement[] = []
    for (let exponent = lowest; exponent <= highest; exponent++) {
      const at = y(10 ** exponent)
      parts.push(element('line', { class: 'grid', x1: margin.left, x2: right, y1: at, y2: at }))
      parts.push(label(String(10 ** exponent), margin.left - 8, at + 4, 'end'))
    }
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const at = x((steps * epoch) / epochs)
      if (epoch < epochs)
        parts.push(element('line', { class: 'grid epoch', x1: at, x2: at, y1: margin.top, y2: bottom }))
      parts.push(
        label(
          (right - margin.left) / epochs > 60 ? `epoch ${epoch}` : String(epoch),
          x((steps * (epoch - 0.5)) / epochs),
          height - 4,
          'middle',
        ),
      )
    }
    parts.push(element('path', { class: 'steps', d: line(losses) }), element('path', { class: 'mean', d: line(means) }))
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
    svg.replaceChildren(...parts)
  }
  const drawSoon = (): void => {
    if (!isDue) requestAnimationFrame(draw)
    isDue = true
  }
  new ResizeObserver(drawSoon).observe(svg)

  return {
    begin(allSteps, allEpochs) {
      ;[losses, means, steps, epochs] = [[], [], allSteps, allEpochs]
      drawSoon()
    },
    add(loss) {
      mean = losses.length === 0 ? loss : smoothing * mean + (1 - smoothing) * loss
      losses.push(loss)
      means.push(mean)
      drawSoon()
    },
  }
}

const strided = (values: readonly number[]): { index: number; value: number }[] => {
  const stride = Math.ceil(values.length / mostPoints)
  const kept: { index: number; value: number }[] = []
  for (let index = 0; index < values.length; index += stride) kept.push({ index, value: values[index] })
  return kept
}

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(namespace, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value))
  return made
}

function label(text: string, x: number, y: number, anchor: string): SVGElement {
  const made = element('text', { x, y, 'text-anchor': anchor })
  made.textContent = text
  return made
}
