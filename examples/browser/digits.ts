// The drawn digits as data sets, and some of them on the page with what the network takes them for.
import { type Dataset, dataset, digits, digitsScale } from 'tenon/data'
import type { Examples } from './digits.worker.ts'

/** The digits, drawn in a worker; on the page itself where none may start. */
export function drawDigits(examples: Examples): Promise<{ train: Dataset; test: Dataset }> {
  const worker = new Worker(new URL('./digits.worker.ts', import.meta.url), { type: 'module' })
  return new Promise((resolve) => {
    worker.onerror = () => resolve(digits(examples))
    worker.onmessage = ({ data }: MessageEvent<{ inputs: Float32Array; targets: Int32Array }[]>) => {
      const [train, test] = data.map((set, i) =>
        dataset({ name: ['train', 'test'][i], ...set, inputShape: [1, 28, 28], classes: 10 }),
      )
      worker.terminate()
      resolve({ train, test })
    }
    worker.postMessage(examples)
  })
}

/** Shows the first `count` digits of a set; the function it gives writes what the network thinks of them below. */
export function showDigits(list: HTMLElement, { inputs, targets }: Dataset, count: number) {
  const items = Array.from({ length: count }, (_, i) => {
    const item = document.createElement('li')
    const text = document.createElement('span')
    text.innerHTML = '<b>?</b>'
    item.append(picture(inputs.subarray(784 * i, 784 * (i + 1))), text)
    return { item, text, label: targets[i] }
  })
  list.replaceChildren(...items.map(({ item }) => item))
  return (probabilities: Float32Array): void => {
    for (const [i, { item, text, label }] of items.entries()) {
      const own = probabilities.subarray(10 * i, 10 * (i + 1))
      const guess = own.indexOf(Math.max(...own))
      item.className = guess === label ? 'right' : 'wrong'
      item.title = guess === label ? `a ${label}` : `a ${label}, taken for a ${guess}`
      text.innerHTML = `<b>${guess}</b> ${Math.round(100 * own[guess])}%`
    }
  }
}

/** Ink in the colour of the text, so that it is right in the light and in the dark. */
function picture(pixels: Float32Array): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 28
  const context = canvas.getContext('2d')
  const image = new ImageData(28, 28)
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const paint = (): void => {
    const shade = dark.matches ? 235 : 30
    pixels.forEach((value, i) => {
      const ink = value * digitsScale.standardDeviation + digitsScale.mean
      image.data.set([shade, shade, shade, Math.round(255 * ink)], 4 * i)
    })
    context?.putImageData(image, 0, 0)
  }
  dark.addEventListener('change', paint)
  paint()
  return canvas
}
