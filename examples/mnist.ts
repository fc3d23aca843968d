// Trains a small convolutional network on MNIST, from a folder or a download, and looks at what it gets wrong.
// Run: npx tsx --conditions=tenon-source examples/mnist.ts [folder] [number of training images]
import { evaluate, fit, loss, nn, optim, predict } from 'tenon'
import { mnist, renderDigit, take } from 'tenon/data'
import { accuracy, confusionMatrix } from 'tenon/train'

const [folder, count] = process.argv.slice(2)
const { train, test } = await mnist(folder ? { data: folder } : {})
const images = count ? take(train, Number(count)) : train

const net = nn.sequential(
  nn.conv2d(1, 8, 5),
  nn.relu(),
  nn.maxPool2d(2),
  nn.conv2d(8, 16, 5),
  nn.relu(),
  nn.maxPool2d(2),
  nn.flatten(),
  nn.linear(256, 10),
)
const batchSize = 128
const epochs = 3
const steps = epochs * Math.ceil(images.length / batchSize)

const run = await fit(net, images, {
  loss: loss.softmaxCrossEntropy,
  optimizer: optim.adamW({ learningRate: optim.oneCycle(4e-3, { steps }) }),
  epochs,
  batchSize,
  metrics: { accuracy },
})
console.log(`trained for ${run.seconds.toFixed(1)} s`)

const { confusion, ...rest } = await evaluate(net, test, { accuracy, confusion: confusionMatrix(10) })
console.log(rest, confusion)

const guesses = (await predict(net, test)).argmax(1).dataSync()
const wrong = guesses.findIndex((guess, i) => guess !== test.targets[i])
console.log(renderDigit(test.inputs.subarray(wrong * 784, (wrong + 1) * 784), 28, 28))
console.log(`is a ${test.targets[wrong]}, taken for a ${guesses[wrong]}`)
