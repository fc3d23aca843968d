// The engine's run loop: walks a program's phases, and shares the chunks of a phase among threads, all of it inside WebAssembly.

import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import { kernelParams } from './layout.ts'
import {
  control,
  launchRecord,
  loopRecord,
  moveRecord,
  programRecord,
  stepKinds,
  stepRecord,
  timeRecord,
} from './records.ts'

/** Turns of a loop that only looks at a word: about a nanosecond each. */
const callerSpins = 100_000
const workerSpins = 60_000
/** Bounds of a sleep, in nanoseconds: a wake-up can then be late, never lost. */
const callerSleep = 1_000_000
const workerSleep = 1_000_000_000
/** Waking a sleeper costs the caller 5 to 60 microseconds, so it is done when this many nanoseconds of work were missed. */
const wakeAfter = 100_000

export interface SchedulerOptions {
  /** Address of the control block. */
  readonly control: number
  /** Whether the calling thread may sleep; a browser's main thread can only spin. */
  readonly callerMayBlock: boolean
  /** Makes an engine that times each piece of work: the index of the imported clock, and the address of its `timeRecord`s. */
  readonly measure?: { readonly clock: number; readonly records: number }
}

/**
 * Emits `run(program, times, scratch): i32` for the calling thread, which is 0, or 1 when a kernel trapped on a worker; and
 * `work(scratch, generation): i32` for workers, which is 0 when they shall end and 1 when there are newer kernel modules
 * than number `generation`.
 *
 * A job is one phase. Its ticket holds a sequence number and the count of chunks that nobody has claimed yet; a claim is
 * a compare-exchange that takes one off. Only what was claimed is read and run, and that keeps late workers out:
 * a finished job has no chunk to claim, a new one has another number, and a job with a claimed chunk cannot end.
 */
export function emitScheduler(module: ModuleBuilder, options: SchedulerOptions): void {
  const help = emitHelp(module, options)
  emitRun(module, options, help)
  emitWork(module, options.control, help)
}

/** `help(scratch, generation)`: takes part in the job until no chunk is left (0), or newer modules are needed (1). */
function emitHelp(module: ModuleBuilder, options: SchedulerOptions): FunctionBuilder {
  const at = options.control
  const f = module.function(undefined, ['i32', 'i32'], ['i32'])
  const [scratch, generation] = [0, 1] as const
  const words = new ControlWords(f, at)
  const launch = new LaunchWords(module, f, scratch, options)
  const ticket = f.local('i64')
  const index = f.local('i32')
  const chunks = f.local('i32')
  f.loop(() => {
    words.ticket().tee(ticket).op('i32.wrap_i64').op('i32.eqz')
    f.if(() => f.i32(0).op('return'))
    // A job is published after its kernels, so whoever has seen this ticket sees their number too.
    words.load('generation').get(generation).op('i32.ne')
    f.if(() => f.i32(1).op('return'))
    f.i32(0).get(ticket).get(ticket).i64(1).op('i64.sub')
    f.atomic('i64.atomic.rmw.cmpxchg', at + control.ticket)
    f.get(ticket).op('i64.ne').brIf(0)

    words.load('job').tee(launch.address).memory('i32.load', stepRecord.chunks).tee(chunks)
    f.get(ticket).op('i32.wrap_i64').op('i32.sub').set(index)
    f.get(launch.address).memory('i32.load', stepRecord.first).set(launch.address)
    f.block(() => {
      f.loop(() => {
        f.get(index)
        launch.word('chunks').op('i32.lt_u').brIf(1)
        f.get(index)
        launch.word('chunks').op('i32.sub').set(index)
        launch.next().br(0)
      })
    })
    launch.piece(index)
    words.add('done', 1).i32(1).op('i32.add').get(chunks).op('i32.eq')
    f.if(() => {
      words.load('waiting')
      f.if(() => words.wake('done'))
    })
    f.br(0)
  })
  f.op('unreachable')
  return f
}

function emitRun(module: ModuleBuilder, options: SchedulerOptions, help: FunctionBuilder): void {
  const at = options.control
  const f = module.function('run', ['i32', 'i32', 'i32'], ['i32'])
  const [program, times, scratch] = [0, 1, 2] as const
  const words = new ControlWords(f, at)
  const launch = new LaunchWords(module, f, scratch, options)
  const [step, stepsEnd, chunks, first, launchesEnd, index, spins, seen, kind, loop, move, movesEnd] = Array.from(
    { length: 12 },
    () => f.local('i32'),
  )
  const stepWord = (name: keyof typeof stepRecord): FunctionBuilder => f.get(step).memory('i32.load', stepRecord[name])

  f.get(program).i32(programRecord.bytes).op('i32.add')
  f.get(program).memory('i32.load', programRecord.steps).i32(stepRecord.bytes).op('i32.mul').op('i32.add')
  f.set(stepsEnd)
  f.block(() => {
    f.loop(() => {
      f.get(times).i32(0).op('i32.le_s').brIf(1)
      f.get(times).i32(1).op('i32.sub').set(times)
      f.get(program).i32(programRecord.bytes).op('i32.add').set(step)
      f.block(() => {
        f.loop(() => {
          f.get(step).get(stepsEnd).op('i32.ge_u').brIf(1)
          stepWord('kind').tee(kind)
          f.if(() => {
            takeStep()
            f.br(1)
          })
          stepWord('chunks').tee(chunks).op('i32.eqz')
          words.load('online').op('i32.eqz').op('i32.or')
          f.if(alone, together)
          next()
          f.br(0)
        })
      })
      f.br(0)
    })
  })
  words.load('failed')

  function next(): void {
    f.get(step).i32(stepRecord.bytes).op('i32.add').set(step)
  }

  /** Takes a step that is no phase: sets `step` to the one to go on with. */
  function takeStep(): void {
    const is = (name: keyof typeof stepKinds): FunctionBuilder => f.get(kind).i32(stepKinds[name]).op('i32.eq')
    const go = (): FunctionBuilder => stepWord('target').set(step)
    is('unless')
    f.if(
      () => {
        stepWord('subject').memory('i32.load8_u')
        f.if(next, go)
      },
      () => {
        is('jump')
        f.if(go, () => {
          stepWord('subject').set(loop)
          is('enter')
          f.if(enter, turn)
        })
      },
    )

    function enter(): void {
      f.get(loop).get(loop).memory('i32.load', loopRecord.turns).memory('i32.store', loopRecord.left)
      f.get(loop).memory('i32.load', loopRecord.turns)
      f.if(() => {
        eachMove(() => f.get(move).memory('i32.load', moveRecord.base))
        next()
      }, go)
    }

    function turn(): void {
      f.get(loop).get(loop).memory('i32.load', loopRecord.left).i32(1).op('i32.sub').tee(chunks)
      f.memory('i32.store', loopRecord.left).get(chunks)
      f.if(() => {
        eachMove(() => {
          f.get(move).memory('i32.load', moveRecord.word).memory('i32.load')
          f.get(move).memory('i32.load', moveRecord.step).op('i32.add')
        })
        go()
      }, next)
    }
  }

  /** Stores what `value` pushes in every word that the loop moves. */
  function eachMove(value: () => void): void {
    f.get(loop).memory('i32.load', loopRecord.movesEnd).set(movesEnd)
    f.get(loop).memory('i32.load', loopRecord.moves).set(move)
    f.block(() => {
      f.loop(() => {
        f.get(move).get(movesEnd).op('i32.ge_u').brIf(1)
        f.get(move).memory('i32.load', moveRecord.word)
        value()
        f.memory('i32.store')
        f.get(move).i32(moveRecord.bytes).op('i32.add').set(move).br(0)
      })
    })
  }

  function alone(): void {
    stepWord('first').tee(launch.address).set(first)
    stepWord('launches').i32(launchRecord.bytes).op('i32.mul').get(first).op('i32.add').set(launchesEnd)
    f.loop(() => {
      f.i32(0).set(index)
      launch.word('chunks').set(chunks)
      f.loop(() => {
        f.get(first).set(launch.address)
        launch.piece(index)
        f.get(index).i32(1).op('i32.add').tee(index).get(chunks).op('i32.lt_u').brIf(0)
      })
      launch.next().get(launch.address).tee(first).get(launchesEnd).op('i32.lt_u').brIf(0)
    })
  }

  function together(): void {
    words.store('job', () => f.get(step))
    words.store('done', () => f.i32(0))
    f.i32(0)
    words.ticket().i64(32).op('i64.shr_u').i64(1).op('i64.add').i64(32).op('i64.shl')
    f.get(chunks).op('i64.extend_i32_u').op('i64.or')
    f.atomic('i64.atomic.store', at + control.ticket)
    words.load('parked')
    f.if(wakeSometimes)
    f.get(scratch)
    words.load('generation').call(help.index).op('drop')
    f.i32(callerSpins).set(spins)
    f.block(() => {
      f.loop(() => {
        leaveWhenDone(1)
        if (options.callerMayBlock) f.get(spins).i32(1).op('i32.sub').tee(spins).brIf(0)
        else f.br(0)
      })
      if (!options.callerMayBlock) return
      words.store('waiting', () => f.i32(1))
      f.block(() => {
        f.loop(() => {
          leaveWhenDone(1)
          f.i32(0).get(seen).i64(callerSleep)
          f.atomic('memory.atomic.wait32', at + control.done)
            .op('drop')
            .br(0)
        })
      })
      words.store('waiting', () => f.i32(0))
    })
  }

  /** Wakes one worker, which wakes the next, once enough work was missed. */
  function wakeSometimes(): void {
    words.store('missed', () => {
      words.load('missed')
      stepWord('work').op('i32.add')
    })
    words.load('missed').i32(wakeAfter).op('i32.ge_u')
    f.if(() => {
      words.store('missed', () => f.i32(0))
      words.wake('ticket')
    })
  }

  /** Leaves the block at `depth` when all chunks have ended. */
  function leaveWhenDone(depth: number): void {
    words.load('done').tee(seen).get(chunks).op('i32.eq').brIf(depth)
  }
}

function emitWork(module: ModuleBuilder, at: number, help: FunctionBuilder): void {
  const f = module.function('work', ['i32', 'i32'], ['i32'])
  const [scratch, generation] = [0, 1] as const
  const words = new ControlWords(f, at)
  const spins = f.local('i32')
  const ticket = f.local('i64')
  f.loop(() => {
    f.get(scratch).get(generation).call(help.index)
    f.if(() => f.i32(1).op('return'))
    f.i32(workerSpins).set(spins)
    f.loop(() => {
      words.ticket().op('i32.wrap_i64').brIf(1)
      f.get(spins).i32(1).op('i32.sub').tee(spins).brIf(0)
    })
    words.load('stop')
    f.if(() => f.i32(0).op('return'))
    words.load('generation').get(generation).op('i32.ne')
    f.if(() => f.i32(1).op('return'))
    // Counted first, looked at second: a caller that publishes in between sees the count, or is seen here.
    words.add('parked', 1).op('drop')
    words.ticket().tee(ticket).op('i32.wrap_i64').op('i32.eqz')
    f.if(() => {
      f.i32(0).get(ticket).i64(workerSleep)
      f.atomic('memory.atomic.wait64', at + control.ticket).op('drop')
    })
    // One wakes the next, for a wake-up is dear and the caller has work to do.
    words.add('parked', -1).i32(1).op('i32.gt_s')
    words.ticket().op('i32.wrap_i64').i32(1).op('i32.gt_u').op('i32.and')
    f.if(() => words.wake('ticket'))
    f.br(0)
  })
  f.op('unreachable')
}

/** Instructions on the words of the control block, all of them atomic. */
class ControlWords {
  private readonly f: FunctionBuilder
  private readonly at: number

  constructor(f: FunctionBuilder, at: number) {
    this.f = f
    this.at = at
  }
  ticket(): FunctionBuilder {
    return this.f.i32(0).atomic('i64.atomic.load', this.at + control.ticket)
  }
  load(name: keyof typeof control): FunctionBuilder {
    return this.f.i32(0).atomic('i32.atomic.load', this.at + control[name])
  }
  store(name: keyof typeof control, value: () => void): void {
    this.f.i32(0)
    value()
    this.f.atomic('i32.atomic.store', this.at + control[name])
  }
  /** Leaves the value before. */
  add(name: keyof typeof control, amount: number): FunctionBuilder {
    return this.f
      .i32(0)
      .i32(amount)
      .atomic('i32.atomic.rmw.add', this.at + control[name])
  }
  /** Wakes one thread that sleeps at the word. */
  wake(name: keyof typeof control): void {
    this.f.i32(0).i32(1)
    this.f.atomic('memory.atomic.notify', this.at + control[name]).op('drop')
  }
}

/** A launch record, and the range of iterations to call it on. */
class LaunchWords {
  readonly address: number
  readonly begin: number
  /** Set by `call`. */
  readonly end: number
  private readonly f: FunctionBuilder
  private readonly scratch: number
  private readonly type: number
  private readonly options: SchedulerOptions
  private readonly clocks: { readonly record: number; readonly start: number; readonly stop: number } | undefined

  constructor(module: ModuleBuilder, f: FunctionBuilder, scratch: number, options: SchedulerOptions) {
    this.f = f
    this.scratch = scratch
    this.type = module.type(kernelParams, [])
    this.address = f.local('i32')
    this.begin = f.local('i32')
    this.end = f.local('i32')
    this.options = options
    this.clocks = options.measure && { record: f.local('i32'), start: f.local('f64'), stop: f.local('f64') }
  }
  word(name: keyof typeof launchRecord): FunctionBuilder {
    return this.f.get(this.address).memory('i32.load', launchRecord[name])
  }
  next(): FunctionBuilder {
    return this.f.get(this.address).i32(launchRecord.bytes).op('i32.add').set(this.address)
  }
  /** Runs a piece of the launch, and of those that follow it; `address` is that of the last of them then. */
  piece(index: number): void {
    const { f } = this
    f.loop(() => {
      f.get(index)
      this.word('grain').op('i32.mul').set(this.begin)
      this.call()
      this.word('followed').if(() => {
        this.next().br(1)
      })
    })
  }

  /** Runs iterations begin … min(begin + grain, total) − 1. */
  private call(): void {
    const { f } = this
    f.get(this.begin)
    this.word('grain').op('i32.add').tee(this.end)
    this.word('total').get(this.end)
    this.word('total').op('i32.lt_u').op('select').set(this.end)
    const { clocks, options } = this
    if (clocks && options.measure) f.call(options.measure.clock).set(clocks.start)
    this.word('args').get(this.begin).get(this.end).get(this.scratch)
    this.word('function').callIndirect(this.type)
    if (clocks && options.measure) this.note(clocks, options.measure)
  }

  /** Writes the record of the piece that has just ended. */
  private note(
    { record, start, stop }: { readonly record: number; readonly start: number; readonly stop: number },
    { clock, records }: { readonly clock: number; readonly records: number },
  ): void {
    const { f } = this
    f.call(clock).set(stop)
    f.i32(0).i32(1)
    f.atomic('i32.atomic.rmw.add', this.options.control + control.timed).tee(record)
    f.i32(timeRecord.capacity).op('i32.lt_u')
    f.if(() => {
      f.get(record).i32(timeRecord.bytes).op('i32.mul').i32(records).op('i32.add').set(record)
      const put = (name: 'launch' | 'scratch' | 'begin' | 'end', local: number): void =>
        void f.get(record).get(local).memory('i32.store', timeRecord[name])
      put('launch', this.address)
      put('scratch', this.scratch)
      put('begin', this.begin)
      put('end', this.end)
      f.get(record).get(start).memory('f64.store', timeRecord.start)
      f.get(record).get(stop).memory('f64.store', timeRecord.stop)
    })
  }
}
