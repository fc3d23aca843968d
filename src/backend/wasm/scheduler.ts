// The engine's run loop: walks a program's phases, and shares the chunks of a phase among threads, all of it inside WebAssembly.

import type { FunctionBuilder, ModuleBuilder } from './assembler.ts'
import { kernelParams } from './layout.ts'
import { control, launchRecord, phaseRecord, programRecord } from './records.ts'

/** Turns of a loop that only looks at a word: about a nanosecond each. */
const callerSpins = 100_000
const workerSpins = 30_000
/** Bounds of a sleep, in nanoseconds: a wake-up can then be late, never lost. */
const callerSleep = 1_000_000
const workerSleep = 1_000_000_000

export interface SchedulerOptions {
  /** Address of the control block. */
  readonly control: number
  /** Whether the calling thread may sleep; a browser's main thread can only spin. */
  readonly callerMayBlock: boolean
}

/**
 * Emits `run(program, times, scratch): i32` for the calling thread, which is 0, or 1 when a kernel trapped on a worker; and
 * `work(scratch, generation): i32` for workers, which is 0 when they shall end and 1 when there are newer kernel modules
 * than number `generation`.
 *
 * A job is one phase. Its ticket holds a sequence number and the count of chunks that nobody has claimed yet; a claim is
 * a compare-exchange that takes one off. Claiming the job's descriptor before it is read is what keeps late workers out:
 * a finished job has no chunk to claim, a new one has another number, and a job with a claimed chunk cannot end.
 */
export function emitScheduler(module: ModuleBuilder, options: SchedulerOptions): void {
  const at = options.control
  const help = emitHelp(module, at)
  emitRun(module, options, help)
  emitWork(module, at, help)
}

/** `help(scratch, generation)`: takes part in the job until no chunk is left (0), or newer modules are needed (1). */
function emitHelp(module: ModuleBuilder, at: number): FunctionBuilder {
  const f = module.function(undefined, ['i32', 'i32'], ['i32'])
  const [scratch, generation] = [0, 1] as const
  const [ticket, launch, index, begin, end, chunks] = [
    f.local('i64'),
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
    f.local('i32'),
  ]
  f.loop(() => {
    f.i32(0)
      .atomic('i64.atomic.load', at + control.ticket)
      .tee(ticket)
      .op('i32.wrap_i64')
      .op('i32.eqz')
    f.if(() => f.i32(0).op('return'))
    // A job is published after its kernels, so whoever has seen this ticket sees their number too.
    f.i32(0)
      .atomic('i32.atomic.load', at + control.generation)
      .get(generation)
      .op('i32.ne')
    f.if(() => f.i32(1).op('return'))
    f.i32(0)
      .get(ticket)
      .get(ticket)
      .i64(1)
      .op('i64.sub')
      .atomic('i64.atomic.rmw.cmpxchg', at + control.ticket)
    f.get(ticket).op('i64.ne').brIf(0)
    f.i32(0)
      .memory('i32.load', at + control.job)
      .tee(launch)
      .memory('i32.load', phaseRecord.chunks)
      .tee(chunks)
    f.get(ticket).op('i32.wrap_i64').op('i32.sub').set(index)
    f.get(launch).memory('i32.load', phaseRecord.first).set(launch)
    f.block(() => {
      f.loop(() => {
        f.get(index).get(launch).memory('i32.load', launchRecord.chunks).op('i32.lt_u').brIf(1)
        f.get(index).get(launch).memory('i32.load', launchRecord.chunks).op('i32.sub').set(index)
        f.get(launch).i32(launchRecord.bytes).op('i32.add').set(launch).br(0)
      })
    })
    f.get(index).get(launch).memory('i32.load', launchRecord.grain).op('i32.mul').set(begin)
    emitChunk(module, f, launch, begin, end, scratch)
    f.i32(0)
      .i32(1)
      .atomic('i32.atomic.rmw.add', at + control.done)
      .i32(1)
      .op('i32.add')
      .get(chunks)
      .op('i32.eq')
    f.if(() => {
      f.i32(0).atomic('i32.atomic.load', at + control.waiting)
      f.if(() =>
        f
          .i32(0)
          .i32(1)
          .atomic('memory.atomic.notify', at + control.done)
          .op('drop'),
      )
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
  const [phase, phasesEnd, chunks, launch, launchesEnd, begin, end, spins, seen] = Array.from({ length: 9 }, () =>
    f.local('i32'),
  )
  f.get(program).i32(programRecord.bytes).op('i32.add')
  f.get(program)
    .memory('i32.load', programRecord.phases)
    .i32(phaseRecord.bytes)
    .op('i32.mul')
    .op('i32.add')
    .set(phasesEnd)
  f.block(() => {
    f.loop(() => {
      f.get(times).i32(0).op('i32.le_s').brIf(1)
      f.get(times).i32(1).op('i32.sub').set(times)
      f.get(program).i32(programRecord.bytes).op('i32.add').set(phase)
      f.block(() => {
        f.loop(() => {
          f.get(phase).get(phasesEnd).op('i32.ge_u').brIf(1)
          f.get(phase).memory('i32.load', phaseRecord.chunks).tee(chunks).op('i32.eqz')
          f.i32(0)
            .memory('i32.load', at + control.online)
            .op('i32.eqz')
            .op('i32.or')
          f.if(alone, together)
          f.get(phase).i32(phaseRecord.bytes).op('i32.add').set(phase).br(0)
        })
      })
      f.br(0)
    })
  })
  f.i32(0).memory('i32.load', at + control.failed)

  function alone(): void {
    f.get(phase).memory('i32.load', phaseRecord.first).tee(launch)
    f.get(phase)
      .memory('i32.load', phaseRecord.launches)
      .i32(launchRecord.bytes)
      .op('i32.mul')
      .op('i32.add')
      .set(launchesEnd)
    f.loop(() => {
      f.i32(0).set(begin)
      f.loop(() => {
        emitChunk(module, f, launch, begin, end, scratch)
        f.get(end).tee(begin).get(launch).memory('i32.load', launchRecord.total).op('i32.lt_u').brIf(0)
      })
      f.get(launch).i32(launchRecord.bytes).op('i32.add').tee(launch).get(launchesEnd).op('i32.lt_u').brIf(0)
    })
  }

  function together(): void {
    f.i32(0)
      .get(phase)
      .memory('i32.store', at + control.job)
    f.i32(0)
      .i32(0)
      .atomic('i32.atomic.store', at + control.done)
    f.i32(0)
    f.i32(0)
      .atomic('i64.atomic.load', at + control.ticket)
      .i64(32)
      .op('i64.shr_u')
      .i64(1)
      .op('i64.add')
      .i64(32)
      .op('i64.shl')
    f.get(chunks)
      .op('i64.extend_i32_u')
      .op('i64.or')
      .atomic('i64.atomic.store', at + control.ticket)
    f.i32(0).atomic('i32.atomic.load', at + control.parked)
    f.if(() =>
      f
        .i32(0)
        .get(chunks)
        .i32(1)
        .op('i32.sub')
        .atomic('memory.atomic.notify', at + control.ticket)
        .op('drop'),
    )
    f.get(scratch)
      .i32(0)
      .atomic('i32.atomic.load', at + control.generation)
      .call(help.index)
      .op('drop')
    f.i32(callerSpins).set(spins)
    f.block(() => {
      f.loop(() => {
        done(1)
        if (options.callerMayBlock) f.get(spins).i32(1).op('i32.sub').tee(spins).brIf(0)
        else f.br(0)
      })
      if (!options.callerMayBlock) return
      f.i32(0)
        .i32(1)
        .atomic('i32.atomic.store', at + control.waiting)
      f.block(() => {
        f.loop(() => {
          done(1)
          f.i32(0)
            .get(seen)
            .i64(callerSleep)
            .atomic('memory.atomic.wait32', at + control.done)
            .op('drop')
            .br(0)
        })
      })
      f.i32(0)
        .i32(0)
        .atomic('i32.atomic.store', at + control.waiting)
    })
  }

  /** Leaves the block at `depth` when all chunks have ended. */
  function done(depth: number): void {
    f.i32(0)
      .atomic('i32.atomic.load', at + control.done)
      .tee(seen)
      .get(chunks)
      .op('i32.eq')
      .brIf(depth)
  }
}

function emitWork(module: ModuleBuilder, at: number, help: FunctionBuilder): void {
  const f = module.function('work', ['i32', 'i32'], ['i32'])
  const [scratch, generation] = [0, 1] as const
  const spins = f.local('i32')
  const ticket = f.local('i64')
  f.loop(() => {
    f.get(scratch).get(generation).call(help.index)
    f.if(() => f.i32(1).op('return'))
    f.i32(workerSpins).set(spins)
    f.loop(() => {
      f.i32(0)
        .atomic('i64.atomic.load', at + control.ticket)
        .op('i32.wrap_i64')
        .brIf(1)
      f.get(spins).i32(1).op('i32.sub').tee(spins).brIf(0)
    })
    f.i32(0).atomic('i32.atomic.load', at + control.stop)
    f.if(() => f.i32(0).op('return'))
    f.i32(0)
      .atomic('i32.atomic.load', at + control.generation)
      .get(generation)
      .op('i32.ne')
    f.if(() => f.i32(1).op('return'))
    // Counted first, looked at second: a caller that publishes in between sees the count, or is seen here.
    f.i32(0)
      .i32(1)
      .atomic('i32.atomic.rmw.add', at + control.parked)
      .op('drop')
    f.i32(0)
      .atomic('i64.atomic.load', at + control.ticket)
      .tee(ticket)
      .op('i32.wrap_i64')
      .op('i32.eqz')
    f.if(() =>
      f
        .i32(0)
        .get(ticket)
        .i64(workerSleep)
        .atomic('memory.atomic.wait64', at + control.ticket)
        .op('drop'),
    )
    f.i32(0)
      .i32(-1)
      .atomic('i32.atomic.rmw.add', at + control.parked)
      .op('drop')
    f.br(0)
  })
  f.op('unreachable')
}

/** Calls the launch's function on iterations begin … min(begin + grain, total) − 1; leaves `end` set. */
function emitChunk(
  module: ModuleBuilder,
  f: FunctionBuilder,
  launch: number,
  begin: number,
  end: number,
  scratch: number,
): void {
  f.get(begin).get(launch).memory('i32.load', launchRecord.grain).op('i32.add').tee(end)
  f.get(launch).memory('i32.load', launchRecord.total).get(end).get(launch).memory('i32.load', launchRecord.total)
  f.op('i32.lt_u').op('select').set(end)
  f.get(launch).memory('i32.load', launchRecord.args).get(begin).get(end).get(scratch)
  f.get(launch).memory('i32.load', launchRecord.function).callIndirect(module.type(kernelParams, []))
}
