// Recurrent layers: RNN, GRU and LSTM over sequences, in layers and directions, and their cells for one turn.

import { misfit } from '../graph/refuse.ts'
import { type Dims, sameShape, show } from '../graph/shape.ts'
import { concat, runtime, stack, type Tensor, type Variable } from '../tensor/index.ts'
import { defineModule } from './define.ts'
import * as functional from './functional/index.ts'
import {
  type CellKind,
  type CellWeights,
  cellStep,
  cells,
  recurrent,
  type SequenceOptions,
  zeroState,
} from './functional/recurrent.ts'
import { uniform } from './init.ts'
import type { Module, Running } from './module.ts'
import { checkProbability, checkWhole, given, type ParameterOptions, parameter } from './parameter.ts'

export interface CellOptions extends ParameterOptions {
  /** true unless told. */
  readonly bias?: boolean
}

export interface RnnCellOptions extends CellOptions {
  /** 'tanh' unless told. */
  readonly nonlinearity?: 'tanh' | 'relu'
}

export interface RecurrentOptions extends CellOptions {
  /** Cells above each other; 1 unless told. */
  readonly layers?: number
  /** Whether a second cell reads from the end; outputs are the two side by side. */
  readonly bidirectional?: boolean
  /** x and outputs are [n, time, ...] rather than [time, n, ...]; states are not. */
  readonly batchFirst?: boolean
  /** While training, zeroes outputs between layers with this probability; 0 unless told. */
  readonly dropout?: number
}

export interface RnnOptions extends RecurrentOptions {
  /** 'tanh' unless told. */
  readonly nonlinearity?: 'tanh' | 'relu'
}

export interface LstmOptions extends RecurrentOptions {
  /** The width of outputs and hidden states, where it is less than that of cell states (Sak et al. 2014). */
  readonly projection?: number
}

/** The states of an LSTM: hidden [layers · directions, n, outputs], cell [layers · directions, n, hidden]. */
export interface LstmState {
  readonly hidden: Tensor
  readonly cell: Tensor
}

export type RunOptions = Pick<SequenceOptions, 'lengths' | 'truncation'>

export interface RecurrentResult<State> {
  readonly output: Tensor
  /** After the last turn, of every layer and direction. */
  readonly state: State
}

type Recurrent<In extends number, Kind extends string, State> = Module<['...', In], ['...', number], Kind> &
  Running<[x: Tensor, state?: State, options?: RunOptions], RecurrentResult<State>>
type Cell<In extends number, Kind extends string, State> = Module<['n', In], ['n', number], Kind> &
  Running<[x: Tensor, state?: State], State>

/**
 * h ← tanh(W x + b + U h + c) or with relu (Elman 1990), over x [time, n, inputs] or [time, inputs] to outputs
 * [time, n, hidden]. `run` takes and gives the state [layers · directions, n, hidden]. Parameters as PyTorch's `RNN`.
 *
 *     const { output, state } = nn.rnn(3, 8).run(x)
 */
export const rnn = <const In extends number>(
  inputs: In,
  hidden: number,
  options: RnnOptions = {},
): Recurrent<In, 'rnn', Tensor> => sequence('rnn', rnnKind(options.nonlinearity), inputs, hidden, options, single)

/** The gated recurrent unit (Cho et al. 2014) in the form of PyTorch's `GRU`: h ← (1 − z)·n + z·h. As `rnn` otherwise. */
export const gru = <const In extends number>(
  inputs: In,
  hidden: number,
  options: RecurrentOptions = {},
): Recurrent<In, 'gru', Tensor> => sequence('gru', 'gru', inputs, hidden, options, single)

/** Long short-term memory (Hochreiter and Schmidhuber 1997) as PyTorch's `LSTM`: c ← f·c + i·g, h ← o·tanh c. As `rnn` otherwise. */
export const lstm = <const In extends number>(
  inputs: In,
  hidden: number,
  options: LstmOptions = {},
): Recurrent<In, 'lstm', LstmState> => sequence('lstm', 'lstm', inputs, hidden, options, pair)

/** One turn of `rnn`: x [n, inputs] and hidden [n, hidden] to the next hidden. Parameters as PyTorch's `RNNCell`. */
export const rnnCell = <const In extends number>(
  inputs: In,
  hidden: number,
  options: RnnCellOptions = {},
): Cell<In, 'rnnCell', Tensor> => turn('rnnCell', rnnKind(options.nonlinearity), inputs, hidden, options, single)

/** One turn of `gru`, as `rnnCell`. */
export const gruCell = <const In extends number>(
  inputs: In,
  hidden: number,
  options: CellOptions = {},
): Cell<In, 'gruCell', Tensor> => turn('gruCell', 'gru', inputs, hidden, options, single)

/** One turn of `lstm`, as `rnnCell`; `run` takes and gives hidden and cell. */
export const lstmCell = <const In extends number>(
  inputs: In,
  hidden: number,
  options: CellOptions = {},
): Cell<In, 'lstmCell', LstmState> => turn('lstmCell', 'lstm', inputs, hidden, options, pair)

function rnnKind(nonlinearity: 'tanh' | 'relu' = 'tanh'): CellKind {
  if (nonlinearity !== 'tanh' && nonlinearity !== 'relu')
    throw misfit(`rnn: unknown nonlinearity '${String(nonlinearity)}': use 'tanh' or 'relu'`)
  return nonlinearity === 'tanh' ? 'rnn' : 'reluRnn'
}

/** How a public state stands for the list that cells work on. */
interface Form<State> {
  readonly list: (state: State) => readonly Tensor[]
  readonly public: (list: readonly Tensor[]) => State
}
const single: Form<Tensor> = { list: (state) => [state], public: ([state]) => state }
const pair: Form<LstmState> = {
  list: ({ hidden, cell }) => [hidden, cell],
  public: ([hidden, cell]) => ({ hidden, cell }),
}

const defaults = { layers: 1, bidirectional: false, batchFirst: false, dropout: 0, bias: true, dtype: 'float32' }

function sequence<const In extends number, const Kind extends string, State>(
  name: Kind,
  kind: CellKind,
  inputs: In,
  hidden: number,
  options: LstmOptions & RnnOptions,
  form: Form<State>,
): Recurrent<In, Kind, State> {
  const { layers = 1, bidirectional = false, batchFirst = false, dropout = 0, bias, projection, dtype } = options
  checkWhole(name, { inputs, hidden, layers, ...(projection === undefined ? {} : { projection }) })
  if (projection !== undefined && projection >= hidden)
    throw misfit(`${name}: projection is ${projection}, it must be less than hidden, ${hidden}`)
  checkProbability(name, dropout, 'dropout')
  const width = projection ?? hidden
  const directions = bidirectional ? ['', '_reverse'] : ['']
  const places = Array.from({ length: layers }, (_, layer) =>
    directions.map((direction) => ({ layer, suffix: `_l${layer}${direction}` })),
  )
  const parameters = Object.assign(
    {},
    ...places
      .flat()
      .map(({ layer, suffix }) =>
        cellParameters(kind, layer === 0 ? inputs : width * directions.length, hidden, options, suffix),
      ),
  ) as Readonly<Record<string, Variable>>

  /** x [time, n, inputs] through all layers. */
  function layered(
    x: Tensor,
    own: Readonly<Record<string, Tensor>>,
    initial: readonly Tensor[] | undefined,
    { lengths, truncation }: RunOptions,
  ): { output: Tensor; state: readonly Tensor[] } {
    const last: (readonly Tensor[])[] = []
    const output = places.reduce((below, row) => {
      const outputs = row.map(({ suffix }, d) => {
        const weights = weightsOf(own, suffix)
        const start = initial?.map((s) => s.at(last.length)) ?? zeroState(kind, x.shape[1], weights)
        const result = recurrent(kind, below, start, weights, { reverse: d === 1, lengths, truncation })
        last.push(result.state)
        return result.output
      })
      const joined = outputs.length === 1 ? outputs[0] : concat(outputs, -1)
      const isLast = last.length === layers * directions.length
      return dropout > 0 && !isLast && runtime.training ? functional.dropout(joined, dropout) : joined
    }, x)
    return { output, state: (last[0] ?? []).map((_, i) => stack(last.map((s) => s[i]))) }
  }

  function run(
    own: Readonly<Record<string, Tensor>>,
    _: object,
    x: Tensor,
    state?: State,
    runOptions: RunOptions = {},
  ): RecurrentResult<State> {
    if ((x.rank !== 2 && x.rank !== 3) || x.shape[x.rank - 1] !== inputs) {
      const form = batchFirst ? `[n, time, ${inputs}]` : `[time, n, ${inputs}]`
      throw misfit(`${name}: expected ${form} or [time, ${inputs}], found ${show(x.shape)}`)
    }
    const isOne = x.rank === 2
    const flips = batchFirst && !isOne
    const series = isOne ? x.unsqueeze(1) : flips ? x.transpose(0, 1) : x
    const initial = state === undefined ? undefined : form.list(state).map((s) => (isOne ? s.unsqueeze(1) : s))
    initial?.forEach((s, i) => {
      checkState(name, s, [layers * directions.length, series.shape[1], i === 0 ? width : hidden])
    })
    const result = layered(series, own, initial, runOptions)
    return {
      output: isOne ? result.output.squeeze(1) : flips ? result.output.transpose(0, 1) : result.output,
      state: form.public(isOne ? result.state.map((s) => s.squeeze(1)) : result.state),
    }
  }

  const kept = { layers, bidirectional, batchFirst, dropout, bias, projection, dtype }
  return defineModule({
    kind: name,
    label: `${inputs}→${width * directions.length}${layers > 1 ? `, ${layers} layers` : ''}`,
    options: {
      inputs,
      hidden,
      ...given({ ...kept, nonlinearity: options.nonlinearity }, { ...defaults, nonlinearity: 'tanh' }),
    },
    shapes: { in: ['...', inputs], out: ['...', width * directions.length] },
    parameters,
    forward: (x, own) => run(own, {}, x).output,
    run,
  })
}

function turn<const In extends number, const Kind extends string, State>(
  name: Kind,
  kind: CellKind,
  inputs: In,
  hidden: number,
  options: RnnCellOptions,
  form: Form<State>,
): Cell<In, Kind, State> {
  checkWhole(name, { inputs, hidden })
  const run = (own: Readonly<Record<string, Tensor>>, _: object, x: Tensor, state?: State): State => {
    if (x.rank !== 2 || x.shape[1] !== inputs) throw misfit(`${name}: expected [n, ${inputs}], found ${show(x.shape)}`)
    const weights = weightsOf(own, '')
    const before = state === undefined ? zeroState(kind, x.shape[0], weights) : form.list(state)
    for (const s of before) checkState(name, s, [x.shape[0], hidden])
    return form.public(cellStep(kind, x, before, weights))
  }
  const { bias, dtype, nonlinearity } = options
  return defineModule({
    kind: name,
    label: `${inputs}→${hidden}`,
    options: { inputs, hidden, ...given({ bias, dtype, nonlinearity }, { ...defaults, nonlinearity: 'tanh' }) },
    shapes: { in: ['n', inputs], out: ['n', hidden] },
    parameters: cellParameters(kind, inputs, hidden, options, ''),
    forward: (x, own) => form.list(run(own, {}, x))[0],
    run,
  })
}

function checkState(name: string, state: Tensor, shape: Dims): void {
  if (!sameShape(state.shape, shape))
    throw misfit(`${name}: the state is ${show(state.shape)}, expected ${show(shape)}`)
}

/** All uniform on ±1/√hidden, as PyTorch's. */
function cellParameters(
  kind: CellKind,
  inputs: number,
  hidden: number,
  options: CellOptions & { readonly projection?: number },
  suffix: string,
): Readonly<Record<string, Variable>> {
  const bound = 1 / Math.sqrt(hidden)
  const { bias = true, init = uniform(-bound, bound), biasInit = uniform(-bound, bound), dtype, projection } = options
  const gates = cells[kind].gates * hidden
  const shapes: readonly (readonly [name: string, shape: Dims])[] = [
    ['weight_ih', [gates, inputs]],
    ['weight_hh', [gates, projection ?? hidden]],
    ...(bias
      ? ([
          ['bias_ih', [gates]],
          ['bias_hh', [gates]],
        ] as const)
      : []),
    ...(projection === undefined ? [] : ([['weight_hr', [projection, hidden]]] as const)),
  ]
  return Object.fromEntries(
    shapes.map(([name, shape]) => [
      `${name}${suffix}`,
      parameter(`${name}${suffix}`, shape, shape.length === 1 ? biasInit : init, dtype),
    ]),
  )
}

const weightsOf = (own: Readonly<Record<string, Tensor | undefined>>, suffix: string): CellWeights => ({
  input: own[`weight_ih${suffix}`] as Tensor,
  hidden: own[`weight_hh${suffix}`] as Tensor,
  inputBias: own[`bias_ih${suffix}`],
  hiddenBias: own[`bias_hh${suffix}`],
  projection: own[`weight_hr${suffix}`],
})
