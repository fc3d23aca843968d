// Commands as they go between threads: graphs as plain data, routines by their names.

import { decodeGraph, type EncodedGraph, encodeGraph } from '../../graph/graph.ts'
import type { Routine } from '../../graph/node.ts'
import type { Command } from './messages.ts'

export type WireCommand =
  | Exclude<Command, { readonly do: 'prepare' }>
  | { readonly do: 'prepare'; readonly program: number; readonly graph: EncodedGraph }

export const toWire = (commands: readonly Command[]): WireCommand[] =>
  commands.map((c) => (c.do === 'prepare' ? { ...c, graph: encodeGraph(c.graph) } : c))

/** The commands again; routines are looked up in `routines`. What can't be decoded fails when it is to be made ready. */
export const fromWire = (commands: readonly WireCommand[], routines: ReadonlyMap<string, Routine>): Command[] =>
  commands.map((c): Command => {
    if (c.do !== 'prepare') return c
    const { graph, ...rest } = c
    return {
      ...rest,
      get graph() {
        return decodeGraph(graph, routines)
      },
    }
  })
