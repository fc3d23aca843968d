// A run as JSON lines: one object a line on standard output, each with its event.
import type { EpochRecord } from '../train/index.ts'
import type { Reporter, RunSubject } from './subject.ts'
import { resumeCommand } from './wording.ts'

export function jsonReporter({ settings, net, data, folder, threads }: RunSubject): Reporter {
  const { recipe, model, backend } = settings
  const common = { recipe, model, backend, threads }
  const say = (event: string, fields: object): void => {
    process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`)
  }
  const testValues = (record: EpochRecord | undefined) => ({
    testLoss: record?.validation?.loss ?? null,
    testAccuracy: record?.validation?.accuracy ?? null,
  })
  return {
    callbacks: {
      onStart: ({ from }) =>
        say('start', {
          ...common,
          epochs: settings.epochs,
          batch: settings.batch,
          lr: settings.lr,
          seed: settings.seed,
          parameters: net.parameters().reduce((sum, { size }) => sum + size, 0),
          trainExamples: data.train.length,
          testExamples: data.test?.length ?? 0,
          run: folder,
          resumedAt: from.step > 0 ? from : null,
        }),
      onEpoch: (record) =>
        say('epoch', {
          epoch: record.epoch,
          epochs: settings.epochs,
          step: record.step,
          seconds: record.seconds,
          trainLoss: record.train.loss,
          trainAccuracy: record.train.accuracy,
          ...testValues(record),
        }),
    },
    stopped: () => {
      process.stderr.write(`tenon: stopped; go on with: ${resumeCommand(recipe, folder)}\n`)
    },
    done: (run, result) => {
      const last = run.history.at(-1)
      say('done', {
        ...common,
        epochs: run.epochs,
        seconds: run.seconds,
        trainLoss: last?.train.loss ?? null,
        testLoss: data.test ? result.loss : null,
        testAccuracy: data.test ? result.accuracy : null,
        run: folder,
      })
    },
  }
}
