// The other end of a remote backend: does what it is told on a backend of its own thread, and answers reads.

import type { DirectBackend, Loaded, Storage } from '../backend/backend.ts'
import type { Command } from '../backend/remote/messages.ts'
import type { EngineServer, Tell } from './engine.ts'
import { prepare } from './prepare.ts'

interface Place {
  readonly storage: Storage | undefined
  /** Whether anything was ever written to it. */
  isWritten: boolean
  /** Why nothing was. */
  failure: string | undefined
}

export function engineServer(on: DirectBackend, reply: Tell): EngineServer {
  const places = new Map<number, Place>()
  /** Programs, or why one could not be made ready. */
  const programs = new Map<number, Loaded | string>()
  /** The first thing that went wrong and that the page does not know of. */
  let failure: string | undefined

  const placeOf = (number: number): Place => places.get(number) as Place
  const storageOf = (number: number): Storage => {
    const { storage, failure } = placeOf(number)
    if (!storage) throw new Error(failure)
    return storage
  }

  const table: { readonly [D in Command['do']]: (command: Command & { readonly do: D }) => void } = {
    allocate({ storage, bytes }) {
      places.set(storage, allocated(bytes))
    },
    release({ storage }) {
      const place = placeOf(storage)
      places.delete(storage)
      if (place.storage) on.release(place.storage)
    },
    upload({ storage, data }) {
      on.upload(storageOf(storage), data)
      placeOf(storage).isWritten = true
    },
    copy({ from, to }) {
      const source = placeOf(from)
      if (!source.isWritten && source.failure !== undefined) throw new Error(source.failure)
      on.copy(storageOf(from), storageOf(to))
      placeOf(to).isWritten = true
    },
    prepare(command) {
      const { program } = command
      try {
        programs.set(program, prepare(command.graph, on))
      } catch (error) {
        programs.set(program, messageOf(error))
        throw error
      }
    },
    run({ program, bindings, times }) {
      try {
        const unfit = bindings.map(placeOf).find((place) => !place.isWritten && place.failure !== undefined)
        if (unfit) throw new Error(unfit.failure)
        const loaded = programs.get(program)
        if (typeof loaded !== 'object') throw new Error(loaded)
        loaded.run(bindings.map(storageOf), times)
      } catch (error) {
        // What it would have made is not there.
        for (const place of bindings.map(placeOf)) if (!place.isWritten) place.failure ??= messageOf(error)
        throw error
      }
      for (const binding of bindings) placeOf(binding).isWritten = true
    },
    drop({ program }) {
      const loaded = programs.get(program)
      if (typeof loaded === 'object') loaded.release()
      programs.delete(program)
    },
    download({ request, storage, dtype, length }) {
      try {
        const place = placeOf(storage)
        const wrong = failure ?? (place.isWritten ? undefined : place.failure)
        if (wrong !== undefined) throw new Error(wrong)
        const data = on.download(storageOf(storage), dtype, length)
        reply({ is: 'data', request, data }, [data.buffer as ArrayBuffer])
      } catch (error) {
        reply({ is: 'failure', request, message: messageOf(error) }, [])
      }
    },
    acknowledge() {
      failure = undefined
    },
  }

  function allocated(bytes: number): Place {
    try {
      return { storage: on.allocate(bytes), isWritten: false, failure: undefined }
    } catch (error) {
      failure ??= messageOf(error)
      return { storage: undefined, isWritten: false, failure: messageOf(error) }
    }
  }

  return {
    handle(commands) {
      for (const command of commands) {
        try {
          const act = table[command.do] as (command: Command) => void
          act(command)
        } catch (error) {
          failure ??= messageOf(error)
        }
      }
    },
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
