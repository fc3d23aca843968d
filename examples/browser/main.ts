// A page that trains a convolutional network on drawn digits and shows how it goes. Addresses may end in
// ?examples=1000&epochs=2 for a shorter look.
import { compile, engineInfo, fit, loss, nn, optim, type Tensor, tensor } from 'tenon'
import { accuracy, type Training } from 'tenon/train'
import { lossChart } from './chart.ts'
import { drawDigits, showDigits } from './digits.ts'

const asked = new URLSearchParams(location.search)
const examples = Number(asked.get('examples') ?? 10_000)
const epochs = Number(asked.get('epochs') ?? 6)
const shown = 20

const find = <E extends Element = HTMLElement>(id: string): E => {
  const found = document.querySelector<E>(`#${id}`)
  if (!found) throw new Error(`the page has no #${id}`)
  return found
}
const [start, pause, stop] = ['start', 'pause', 'stop'].map((id) => find<HTMLButtonElement>(id))
const progress = find<HTMLProgressElement>('progress')
const say = (id: string, text: string): void => {
  find(id).textContent = text
}

/** LeNet-5 with ReLU and max pooling (after LeCun, Bottou, Bengio and Haffner 1998). */
const lenet = (): nn.Module =>
  nn.sequential(
    nn.conv2d(1, 6, 5, { padding: 2 }),
    nn.relu(),
    nn.maxPool2d(2),
    nn.conv2d(6, 16, 5),
    nn.relu(),
    nn.maxPool2d(2),
    nn.flatten(),
    nn.linear(400, 120),
    nn.relu(),
    nn.linear(120, 84),
    nn.relu(),
    nn.linear(84, 10),
  )

const chart = lossChart(find<SVGSVGElement>('chart'))
const { train, test } = await drawDigits({ train: examples, test: Math.max(100, examples / 5) })
const showGuesses = showDigits(find('digits'), test, shown)
const held = tensor(test.inputs.slice(0, shown * 784), { shape: [shown, 1, 28, 28] })
const engine = await engineInfo()
say(
  'engine',
  `Engine: ${engine.backend}, ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}. ${sentence(engine.threadNote)}`,
)
say(
  'status',
  `${train.length.toLocaleString('en')} digits to learn from, ${test.length.toLocaleString('en')} to be tested on.`,
)
start.disabled = false

/** Resolves when training may go on: at once, unless it was paused. */
let mayGoOn: Promise<void> = Promise.resolve()
let goOn = (): void => {}
let running: Training | undefined

start.onclick = () => void run()
stop.onclick = () => {
  running?.stop()
  resume()
}
pause.onclick = () => (pause.textContent === 'Pause' ? hold() : resume())

function hold(): void {
  pause.textContent = 'Go on'
  say('status', 'Paused')
  mayGoOn = new Promise((resolve) => {
    goOn = resolve
  })
}

function resume(): void {
  pause.textContent = 'Pause'
  goOn()
}

async function run(): Promise<void> {
  for (const button of [start, pause, stop]) button.disabled = button === start
  try {
    const { ending, history, seconds } = await trained()
    const read = percent(history.at(-1)?.validation?.accuracy ?? Number.NaN)
    say(
      'status',
      ending === 'stopped' ? 'Stopped' : `Done in ${counted(Math.ceil(seconds))}: it reads ${read} of the test digits.`,
    )
  } catch (error) {
    say('status', error instanceof Error ? error.message : String(error))
  }
  start.textContent = 'Again'
  for (const button of [start, pause, stop]) button.disabled = button !== start
}

function trained() {
  const net = lenet()
  const guess = compile((x: Tensor) => net(x).softmax(-1))
  const steps = epochs * Math.ceil(train.length / 64)
  // The full rate for three quarters of the steps, then down to 0.
  const learningRate = (step: number): number => 1e-3 * Math.min(1, (steps - step) / (steps / 4))
  let [began, seen] = [performance.now(), 0]
  return fit(net, train, {
    loss: loss.softmaxCrossEntropy,
    optimizer: optim.adam({ learningRate }),
    epochs,
    batchSize: 64,
    validation: test,
    metrics: { accuracy },
    callbacks: {
      onStart(training) {
        running = training
        chart.begin(steps, epochs)
        say('accuracy', '–')
      },
      async onStep({ step, epoch, loss }) {
        chart.add(loss)
        seen += 64
        if (step % 10 === 0 || step === steps) {
          const seconds = (performance.now() - began) / 1000
          progress.value = step / steps
          say('loss', loss.toFixed(loss < 0.1 ? 3 : 2))
          say('speed', Math.round(seen / seconds).toLocaleString('en'))
          say('status', `Epoch ${epoch} of ${epochs}, ${remaining((seconds / step) * (steps - step))} to go`)
        }
        if (step % 50 === 1) showGuesses((await guess(held).data()) as Float32Array)
        const waited = performance.now()
        await mayGoOn
        began += performance.now() - waited
      },
      async onEpoch({ validation }) {
        say('accuracy', percent(validation?.accuracy ?? Number.NaN))
        showGuesses((await guess(held).data()) as Float32Array)
      },
    },
  })
}

function sentence(note: string | undefined): string {
  return note === undefined ? 'It works in a worker, so that this page stays responsive.' : `Note: ${note}.`
}
function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
function remaining(seconds: number): string {
  return seconds < 90 ? counted(Math.ceil(seconds)) : `${Math.ceil(seconds / 60)} minutes`
}
function counted(seconds: number): string {
  return `${seconds} ${seconds === 1 ? 'second' : 'seconds'}`
}
