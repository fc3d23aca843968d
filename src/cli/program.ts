// The commands with their arguments and options, and what commander says when they are wrong.
import { Command, CommanderError, Option } from 'commander'
import { backendNames } from '../engine/engine.ts'
import { version } from '../train/index.ts'
import { positiveNumber, positiveNumbers, wholeNumber } from './arguments.ts'
import { workloads } from './bench/workloads.ts'
import { exitCodes } from './failure.ts'
import type { RateCommandOptions } from './rate.ts'
import { recipeNames, recipes } from './recipes.ts'
import type { SweepCommandOptions } from './sweep.ts'
import type { TrainOptions } from './train.ts'

/** Runs the command line with these arguments; gives the exit code. Throws what a command throws. */
export async function run(args: readonly string[]): Promise<number> {
  let exitCode = 0
  const program = new Command('tenon')
    .description('Deep learning in TypeScript: trains networks on this machine.')
    .version(version, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })

  const train = onRecipe(program.command('train').description('train a network and save it'))
    .option('--epochs <n>', 'passes over the data', wholeNumber(0))
    .option('--lr <x>', 'learning rate', positiveNumber)
    .option('--out <folder>', 'where to save the run (default: runs/<recipe>-<model>-<n>)')
    .option('--resume', 'go on with the run in --out, or with the latest one of the recipe')
    .action(async (recipe: string, options: TrainOptions) => {
      const { train } = await import('./train.ts')
      exitCode = await train(recipe, options)
    })
  withEngine(train).addHelpText('after', () => `\n${recipeHelp()}`)

  withEngine(
    onRecipe(program.command('rate').description('try learning rates from small to large and propose one'))
      .option('--from <x>', 'the first rate (default: 1e-7)', positiveNumber)
      .option('--to <x>', 'the last rate (default: 10)', positiveNumber)
      .option('--steps <n>', 'updates from the one to the other (default: 100)', wholeNumber(10)),
  ).action(async (recipe: string, options: RateCommandOptions) => {
    const { rate } = await import('./rate.ts')
    await rate(recipe, options)
  })

  withEngine(
    onRecipe(program.command('sweep').description('train with each of several learning rates and compare'))
      .addOption(
        new Option('--lr <list>', 'learning rates: 3e-2,3e-3,3e-4').argParser(positiveNumbers).makeOptionMandatory(),
      )
      .option('--seeds <n>', 'trials of each rate, from --seed on (default: 1)', wholeNumber(1))
      .option('--epochs <n>', 'passes over the data', wholeNumber(1))
      .option('--out <folder>', 'where to save the runs (default: runs/sweep-<recipe>-<model>-<n>)')
      .option('--resume', 'go on with the sweep in --out'),
  ).action(async (recipe: string, options: SweepCommandOptions) => {
    const { sweepRates } = await import('./sweep.ts')
    exitCode = await sweepRates(recipe, options)
  })

  withEngine(
    program
      .command('bench')
      .description('measure the speed of training and of its parts')
      .argument('[workloads...]', 'which of them (default: all)')
      .option('--scale <n>', 'batches so many times as large', wholeNumber(1))
      .option('--bound', 'also the least time that the arithmetic or the bytes of its kernels need here'),
  )
    .addOption(new Option('--serve', 'one workload that waits for its turns, for npm run bench').hideHelp())
    .action(async (names: string[], options) => {
      const { bench } = await import('./bench/command.ts')
      await bench(names, options)
    })
    .addHelpText('after', () => `\n${workloadHelp()}`)

  program
    .command('graph')
    .description('draw what a training step computes, forward and backward, as an SVG file')
    .argument('<recipe>', `whose network: ${recipeNames.join(', ')}`)
    .option('--model <name>', 'the network: linear, mlp or, for images, lenet')
    .option('--out <file>', 'where to write it (default: <recipe>-<model>.svg)')
    .action(async (recipe: string, options) => {
      const { graph } = await import('./graph.ts')
      graph(recipe, options)
    })

  program
    .command('info')
    .description('what the engine has on this machine, what is missing, and what that costs')
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { info } = await import('./info.ts')
      await info(options)
    })

  program
    .command('pieces')
    .description('what every module, loss, optimizer and function does, with its derivative, and every other export')
    .argument('[name]', 'one of them, or a family: activations, layers, losses, … (default: all)')
    .addOption(jsonOption())
    .action(async (name: string | undefined, options) => {
      const { showPieces } = await import('./pieces.ts')
      showPieces(name, options)
    })

  if (args.length === 0) {
    program.outputHelp()
    return 0
  }
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version end this way too, with 0; the rest has been told.
    return error.exitCode === 0 ? 0 : exitCodes.usage
  }
  return exitCode
}

/** A command about one of the recipes, and what all of these can be told. */
const onRecipe = (command: Command): Command =>
  command
    .argument('<recipe>', `what to learn: ${recipeNames.join(', ')}`)
    .option('--model <name>', 'the network: linear, mlp or, for images, lenet')
    .option('--data <folder>', 'mnist: the folder of the idx files (default: TENON_DATA, else a download)')
    .option('--batch <n>', 'examples in a batch', wholeNumber(1))
    .option('--seed <n>', 'seed of weights and order (default: 0)', wholeNumber(0))
    .option('--augment', 'change training images at random, as the recipe says')

const withEngine = (command: Command): Command =>
  command
    .addOption(
      new Option('--backend <name>', 'what computes (default: x86 where it works, else wasm)').choices(backendNames),
    )
    .addOption(threadsOption())
    .addOption(jsonOption())

const threadsOption = (): Option =>
  new Option('--threads <n>', 'threads that compute (default: one for each core)').argParser(wholeNumber(1, 128))
const jsonOption = (): Option => new Option('--json', 'print JSON objects, one a line, and nothing else')

/** Commander's message as one line in Tenon's name, with the way to more. */
function oneLine(text: string): string {
  const message = text
    .replace(/^error: /, '')
    .replace('is invalid. ', 'is invalid: ')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim()
    .replace(/\.$/, '')
  return `tenon: ${message}; see tenon --help\n`
}

function recipeHelp(): string {
  const lines = recipeNames.map((name) => {
    const { about, models } = recipes[name]
    return `  ${name.padEnd(8)} ${about} (${Object.keys(models).join(', ')})`
  })
  return ['Recipes, the default model first:', ...lines].join('\n')
}

function workloadHelp(): string {
  const lines = Object.entries(workloads).map(([name, { about }]) => `  ${name.padEnd(13)} ${about}`)
  return ['Workloads:', ...lines].join('\n')
}
