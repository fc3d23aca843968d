/** Turns: lets timers, input and signals have theirs while a loop computes. */

/** Something to await in every round of a loop: returns at once, but every `milliseconds` it lets the event loop run. */
export function takingTurns(milliseconds = 50): () => Promise<void> | undefined {
  let last = performance.now()
  return () => {
    if (performance.now() - last < milliseconds) return undefined
    return nextTask().then(() => {
      last = performance.now()
    })
  }
}

/** A message to oneself where there is no setImmediate: a timer takes milliseconds. */
export const nextTask = (): Promise<void> =>
  new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve)
      return
    }
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })
