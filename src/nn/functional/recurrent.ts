// Recurrent networks: cells, and running one over a sequence as a loop whose body is compiled once whatever the length.

import { misfit } from '../../graph/refuse.ts'
import { show } from '../../graph/shape.ts'
import { iota, scan, split, type Tensor, withBroadcasting, zeros } from '../../tensor/index.ts'
import { linear } from './linear.ts'

/** What a cell computes: Elman's (with tanh or relu), Cho's gated recurrent unit, Hochreiter and Schmidhuber's long short-term memory. */
export type CellKind = 'rnn' | 'reluRnn' | 'gru' | 'lstm'

/** The tensors of a cell, in PyTorch's layouts; g is the number of its gates. */
export interface CellWeights {
  /** [g · hidden, inputs] */
  readonly input: Tensor
  /** [g · hidden, outputs] */
  readonly hidden: Tensor
  readonly inputBias?: Tensor | undefined
  readonly hiddenBias?: Tensor | undefined
  /** [outputs, hidden]: makes the hidden state of an LSTM smaller than its cell state. */
  readonly projection?: Tensor | undefined
}

/** From the input's share of the gates [n, g · hidden] and the state to the next state; the first of it is the output. */
type Step = (fromInput: Tensor, state: readonly Tensor[], weights: CellWeights) => readonly Tensor[]

const recur = (hidden: Tensor, weights: CellWeights): Tensor => linear(hidden, weights.hidden, weights.hiddenBias)
const parts = (x: Tensor, count: number): Tensor[] => split(x, x.shape[x.rank - 1] / count, -1)

export const cells: {
  readonly [K in CellKind]: { readonly gates: number; readonly states: number; readonly step: Step }
} = {
  rnn: { gates: 1, states: 1, step: (x, [h], w) => [x.add(recur(h, w)).tanh()] },
  reluRnn: { gates: 1, states: 1, step: (x, [h], w) => [x.add(recur(h, w)).relu()] },
  gru: {
    gates: 3,
    states: 1,
    step: (x, [h], w) => {
      const [xr, xz, xn] = parts(x, 3)
      const [hr, hz, hn] = parts(recur(h, w), 3)
      const candidate = xn.add(xr.add(hr).sigmoid().mul(hn)).tanh()
      // (1 − z)·n + z·h in one product.
      return [candidate.add(xz.add(hz).sigmoid().mul(h.sub(candidate)))]
    },
  },
  lstm: {
    gates: 4,
    states: 2,
    step: (x, [h, c], w) => {
      const [input, forget, candidate, output] = parts(x.add(recur(h, w)), 4)
      const cell = forget.sigmoid().mul(c).add(input.sigmoid().mul(candidate.tanh()))
      const hidden = output.sigmoid().mul(cell.tanh())
      return [w.projection ? linear(hidden, w.projection) : hidden, cell]
    },
  },
}

/** One turn of a cell: input [n, inputs] and state (hidden [n, outputs]; for lstm cell [n, hidden] too) to the next state. */
export const cellStep = (
  kind: CellKind,
  x: Tensor,
  state: readonly Tensor[],
  weights: CellWeights,
): readonly Tensor[] => cells[kind].step(linear(x, weights.input, weights.inputBias), state, weights)

/** The state before a sequence: zeros. */
export const zeroState = (kind: CellKind, n: number, weights: CellWeights): readonly Tensor[] => {
  const hidden = weights.input.shape[0] / cells[kind].gates
  const widths = [weights.projection ? weights.projection.shape[0] : hidden, hidden]
  return widths.slice(0, cells[kind].states).map((width) => zeros([n, width], weights.input.dtype))
}

export interface SequenceOptions {
  /** From the last element to the first; outputs keep their places. */
  readonly reverse?: boolean | undefined
  /** int32 [n]: elements of each sequence; past them the state stays as it is and outputs are 0. All of them unless told. */
  readonly lengths?: Tensor | undefined
  /** Gradients go back through at most so many turns: the state is detached before every turn whose number it divides. */
  readonly truncation?: number | undefined
}

/**
 * A cell over x [time, n, inputs]: outputs [time, n, outputs] and the last state. The input's share of all gates is one
 * matrix product before the loop. Throws when the lengths are not int32 [n] or the truncation is not a whole number ≥ 1.
 */
export function recurrent(
  kind: CellKind,
  x: Tensor,
  initial: readonly Tensor[],
  weights: CellWeights,
  options: SequenceOptions = {},
): { readonly output: Tensor; readonly state: readonly Tensor[] } {
  const { reverse = false, lengths, truncation } = options
  const [time, n] = x.shape
  if (x.rank !== 3) throw misfit(`recurrent: input ${show(x.shape)}: expected [time, n, inputs]`)
  if (truncation !== undefined && !(Number.isSafeInteger(truncation) && truncation >= 1))
    throw misfit(`recurrent: truncation is ${truncation}, it must be a whole number of at least 1`)
  if (lengths && (lengths.dtype !== 'int32' || lengths.rank !== 1 || lengths.shape[0] !== n))
    throw misfit(`recurrent: lengths are ${lengths.dtype} ${show(lengths.shape)}, they must be int32 [${n}]`)
  const place = iota([time], 0)
  const turn = reverse ? place.neg().add(time - 1) : place
  const sequences = {
    fromInput: linear(x, weights.input, weights.inputBias),
    ...(lengths ? { place } : {}),
    ...(truncation === undefined ? {} : { isCut: turn.remainder(truncation).equal(0).and(turn.greater(0)) }),
  }
  const [state, output] = scan(
    (
      carry: readonly Tensor[],
      slice: { readonly fromInput: Tensor; readonly place?: Tensor; readonly isCut?: Tensor },
    ) =>
      withBroadcasting('numpy', (): readonly [readonly Tensor[], Tensor] => {
        const { fromInput, isCut } = slice
        const before = isCut ? carry.map((s) => isCut.where(s.detach(), s)) : carry
        const after = cells[kind].step(fromInput, before, weights)
        if (!lengths || !slice.place) return [after, after[0]]
        const isIn = lengths.greater(slice.place).reshape([n, 1])
        return [after.map((s, i) => isIn.where(s, before[i])), isIn.where(after[0], 0)]
      }),
    initial,
    sequences,
    { reverse },
  )
  return { output, state }
}
