// A run for people: what is trained, then (below the bar) the loss as a chart, what was confused with what, and where it was saved.
import picocolors from 'picocolors'
import { modelPath } from '../train/run-folder.ts'
import { confusionTable, lossChart, misclassified } from './pictures.ts'
import type { Reporter, RunSubject } from './subject.ts'
import { duration, grouped, percent, resumeCommand } from './wording.ts'

const { bold, cyan, dim, green } = picocolors

export function textReporter({ settings, recipe, net, data, folder, threads }: RunSubject): Reporter {
  const say = (...lines: readonly string[]): void => {
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  return {
    callbacks: {
      onStart: ({ from }) => {
        const parameters = net.parameters().reduce((sum, { size }) => sum + size, 0)
        const { backend, batch, lr } = settings
        const test = data.test ? `, ${grouped(data.test.length)} to test` : ''
        say(
          '',
          `${bold(`${settings.recipe} · ${settings.model}`)}  ${dim(recipe.about)}`,
          dim(
            `${grouped(data.train.length)} examples${test} · batch ${batch} · Adam, rate ${lr}${recipe.schedule ? ', falling at the end' : ''}`,
          ),
          dim(`${grouped(parameters)} parameters · ${backend}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`),
          ...(from.step > 0 ? [dim(`resumed after ${grouped(from.step)} updates`)] : []),
          '',
        )
      },
    },
    stopped: ({ epochs, steps }) =>
      say(
        '',
        `Stopped in epoch ${Math.min(epochs + 1, settings.epochs)}, after ${grouped(steps)} updates. Nothing is lost: the run is in ${bold(folder)}`,
        `Go on with  ${cyan(resumeCommand(settings.recipe, folder))}`,
      ),
    done: (run, result, guesses) => {
      const held = data.test ?? data.train
      const name = data.test ? 'test' : 'training'
      const wrong = Math.round((1 - result.accuracy) * held.length)
      if (run.losses.length > 1) say('', ...lossChart(run.losses))
      if (result.confusion.length > 2) say('', ...confusionTable(result.confusion))
      const missed = recipe.isImages ? misclassified(held, guesses) : []
      if (missed.length > 0) say('', dim('Misclassified:'), ...missed)
      say(
        '',
        `${bold(green(percent(result.accuracy)))} of the ${name} examples right (${grouped(wrong)} of ${grouped(held.length)} wrong), loss ${result.loss.toPrecision(3)}, ${duration(run.seconds)}`,
        ...run.notes.map((note) => dim(`Note: ${note}`)),
        '',
        `Saved in   ${bold(folder)}`,
        `Train on   ${cyan(`${resumeCommand(settings.recipe, folder)} --epochs ${settings.epochs * 2}`)}`,
        `Use it     ${cyan(`const net = await load('${modelPath(folder)}')`)}`,
      )
    },
  }
}
