// Conditional execution: a network that runs one of two others, and only that one.

import { misfit, mistake } from '../graph/refuse.ts'
import { show } from '../graph/shape.ts'
import { cond, runtime, scan, type Tensor, tensor, Variable } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import { isModule, type Module, type Running } from './module.ts'
import { buffer, given } from './parameter.ts'

export interface ConditionalOptions {
  /** Whether the choice is made for the whole batch, as it is unless told, or for each example. */
  readonly each?: 'batch' | 'example'
}

export interface ConditionalResult {
  readonly output: Tensor
  /** Which branch was taken, bool: a scalar, or [n] for each example. */
  readonly taken: Tensor
}

/**
 * whenTrue(x) where predicate(x) is greater than 0, else whenFalse(x): the other branch does not run, neither forward nor
 * backward. The predicate gives one number, or one for each example of x [n, ...], which then go through their
 * branches one by one; it gets no gradient, as the choice is hard. While training the buffer `executions`, int32 [2], counts how
 * often each ran: true first. Throws when the predicate gives another number of values, or branches differ in shape.
 *
 *     const net = nn.conditional(isHard, deep, shallow)
 *     const { output, taken } = net.run(x)
 */
export function conditional(
  predicate: Module,
  whenTrue: Module,
  whenFalse: Module,
  options: ConditionalOptions = {},
): Module & Running<[x: Tensor], ConditionalResult> {
  const { each = 'batch' } = options
  if (![predicate, whenTrue, whenFalse].every(isModule))
    throw mistake('conditional: it takes a predicate and two branches, all modules')
  if (each !== 'batch' && each !== 'example')
    throw misfit(`conditional: each is '${String(each)}': use 'batch' or 'example'`)
  type Own = { readonly executions: Tensor }
  type Children = { readonly predicate: Module; readonly whenTrue: Module; readonly whenFalse: Module }
  const run = ({ executions }: Own, children: Children, x: Tensor): ConditionalResult => {
    const score = children.predicate(x)
    const expected = each === 'batch' ? 1 : x.shape[0]
    if (score.size !== expected || x.rank === 0)
      throw misfit(
        `conditional: the predicate gives ${show(score.shape)} for ${show(x.shape)}: expected ${each === 'batch' ? 'one number' : `one for each of ${expected} examples`}`,
      )
    const taken = score.detach().greater(0)
    const branch =
      (module: Module, counts: readonly [number, number]) =>
      (part: Tensor): Tensor => {
        if (runtime.training && executions instanceof Variable)
          executions.assign(executions.add(tensor(Int32Array.from(counts), { shape: [2] })))
        return module(part)
      }
    const choose = (isTrue: Tensor, part: Tensor): Tensor =>
      cond(isTrue, branch(children.whenTrue, [1, 0]), branch(children.whenFalse, [0, 1]), part)
    if (each === 'batch') {
      const one = taken.reshape([])
      return { output: choose(one, x), taken: one }
    }
    const flags = taken.reshape([expected])
    const [, output] = scan(
      (_: undefined, [isTrue, row]: readonly [Tensor, Tensor]) =>
        [undefined, choose(isTrue, row.unsqueeze(0)).squeeze(0)] as const,
      undefined,
      [flags, x] as const,
    )
    return { output, taken: flags }
  }
  return defineModule({
    kind: 'conditional',
    label: each === 'batch' ? '' : 'each example',
    options: given({ each }, { each: 'batch' }),
    buffers: { executions: buffer('executions', [2], 0, 'int32') },
    children: { predicate, whenTrue, whenFalse },
    forward: (x, own, children) => run(own, children, x).output,
    run,
  })
}
