// Recipes: a data set with the networks that learn it, and settings that work.
import * as augment from '../augment/index.ts'
import { type Dataset, digits, mnist, split, toy, xorTable } from '../data/index.ts'
import * as nn from '../nn/index.ts'
import type { Schedule } from '../optim/index.ts'
import { UsageError } from './failure.ts'

export interface RecipeData {
  readonly train: Dataset
  /** Absent where there is nothing to hold out. */
  readonly test?: Dataset
}

export interface ModelRecipe {
  readonly build: () => nn.Module
  readonly epochs: number
  readonly learningRate: number
}

export interface Recipe {
  readonly about: string
  /** Whether the examples are images. */
  readonly isImages: boolean
  /** Whether it reads a folder that the user may name. */
  readonly readsFolder: boolean
  readonly data: (folder: string | undefined) => Promise<RecipeData>
  readonly batch: number
  /** The learning rate by the step, from the rate that was chosen; constant unless told. */
  readonly schedule?: (rate: number, steps: number) => Schedule
  /** What `--augment` does to training examples. */
  readonly augment?: readonly augment.Augmentation[]
  /** The default comes first. */
  readonly models: { readonly [name: string]: ModelRecipe }
}

const imageModels = (epochs: { readonly lenet: number; readonly mlp: number; readonly linear: number }) => ({
  lenet: { build: lenet, epochs: epochs.lenet, learningRate: 1e-3 },
  mlp: { build: () => perceptron([784, 300, 10], nn.relu), epochs: epochs.mlp, learningRate: 1e-3 },
  linear: { build: () => perceptron([784, 10], nn.relu), epochs: epochs.linear, learningRate: 1e-3 },
})

/** Digits are the same ones two pixels away. */
const shifted = [augment.shift(2)]

export const recipes: { readonly [name: string]: Recipe } = {
  digits: {
    about: 'handwritten digits that the program draws itself',
    isImages: true,
    readsFolder: false,
    data: async () => digits(),
    batch: 64,
    schedule: coolDown,
    augment: shifted,
    models: imageModels({ lenet: 6, mlp: 8, linear: 10 }),
  },
  mnist: {
    about: 'the handwritten digits of MNIST',
    isImages: true,
    readsFolder: true,
    data: (folder) => mnist(folder === undefined ? {} : { data: folder }),
    batch: 128,
    schedule: coolDown,
    augment: shifted,
    models: imageModels({ lenet: 4, mlp: 8, linear: 10 }),
  },
  xor: {
    about: 'the truth table of exclusive or',
    isImages: false,
    readsFolder: false,
    data: async () => ({ train: xorTable() }),
    batch: 4,
    models: {
      mlp: { build: () => perceptron([2, 8, 2], nn.tanh), epochs: 500, learningRate: 0.05 },
      linear: { build: () => perceptron([2, 2], nn.tanh), epochs: 500, learningRate: 0.05 },
    },
  },
  spiral: {
    about: 'two arms of points that wind around each other',
    isImages: false,
    readsFolder: false,
    data: async () => {
      const [train, test] = split(toy.spiral({ samples: 1000, noise: 0.2, seed: 0 }), 0.8, 0)
      return { train, test }
    },
    batch: 32,
    models: {
      mlp: { build: () => perceptron([2, 32, 32, 2], nn.tanh), epochs: 100, learningRate: 0.01 },
      linear: { build: () => perceptron([2, 2], nn.tanh), epochs: 100, learningRate: 0.01 },
    },
  },
}

export const recipeNames = Object.keys(recipes)

/** The model that was asked for, or the recipe's default. Throws where either is none. */
export function chosenModel(recipeName: string, model?: string): string {
  if (!recipeNames.includes(recipeName))
    throw new UsageError(`unknown recipe '${recipeName}': choose from ${recipeNames.join(', ')}`)
  const names = Object.keys(recipes[recipeName].models)
  if (model !== undefined && !names.includes(model))
    throw new UsageError(`${recipeName} has no model '${model}': choose from ${names.join(', ')}`)
  return model ?? names[0]
}

/**
 * The full rate for three quarters of the steps, then down to 0 in a straight line. On MNIST the last epoch's accuracy then varies less
 * from seed to seed, and is higher.
 */
function coolDown(rate: number, steps: number): Schedule {
  return (step) => rate * Math.min(1, (steps - step) / (steps / 4))
}

/** LeNet-5 with ReLU and max pooling, 61,706 parameters (after LeCun, Bottou, Bengio and Haffner 1998). */
function lenet(): nn.Module {
  return nn.sequential(
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
}

/** Linear layers of these sizes with an activation between them. */
function perceptron(sizes: readonly number[], activation: () => nn.Module): nn.Module {
  const layers = sizes.slice(1).flatMap((size, i) => [...(i > 0 ? [activation()] : []), nn.linear(sizes[i], size)])
  return nn.sequential(nn.flatten(), ...layers)
}
