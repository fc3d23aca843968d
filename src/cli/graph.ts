// `tenon graph`: the picture of what a training step computes, the network forward and its gradients backward.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { graphSvg } from '../inspect/index.ts'
import { softmaxCrossEntropy } from '../loss/index.ts'
import { configure, grad, type Tensor, tensor } from '../tensor/index.ts'
import { UsageError } from './failure.ts'
import { chosenModel, recipes } from './recipes.ts'

export interface GraphCommandOptions {
  readonly model?: string
  readonly out?: string
}

/** Writes the SVG of a recipe's network. Throws a UsageError on names that are none and where the file cannot be. */
export function graph(recipeName: string, options: GraphCommandOptions): void {
  const model = chosenModel(recipeName, options.model)
  // Nothing is computed, so no engine has to start.
  configure({ backend: 'reference' })
  const { batch, isImages, models } = recipes[recipeName]
  const net = models[model].build()
  const shape = isImages ? [batch, 1, 28, 28] : [batch, 2]
  const inputs: Tensor = tensor(new Float32Array(batch * (isImages ? 784 : 2)), { shape })
  const labels: Tensor = tensor(new Int32Array(batch))
  const loss = softmaxCrossEntropy(net(inputs), labels)
  const parameters = net.namedParameters()
  const gradients = grad(loss, Object.values(parameters))
  const values = Object.fromEntries(Object.keys(parameters).map((name, i) => [`d ${name}`, gradients[i]]))
  const svg = graphSvg(
    { loss, ...values },
    { names: { inputs, labels }, title: `A training step of ${recipeName} with ${model}` },
  )
  const file = options.out ?? `${recipeName}-${model}.svg`
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, svg)
  } catch (error) {
    throw new UsageError(`--out ${file}: cannot be written: ${error instanceof Error ? error.message : String(error)}`)
  }
  process.stdout.write(`${file}\n`)
}
