/**
 * Keeps the next few results under way while the caller works on the current one. Knows nothing of batches.
 *
 * The refill runs as a task of its own after the caller has gone on, not before it gets its result: a training
 * step then reaches the device first, and the gathering of later batches overlaps with it. A caller that
 * never leaves its task gets its results on demand.
 */
import { abortable, throwIfAborted } from '../fetch/abort.ts'

/**
 * Yields the results of `start()` in order, with at most `depth` further ones started ahead, until `start`
 * returns `undefined`. Ends with the signal's error when it fires, with a job's own error when that is next.
 * On leaving the loop, early or not, nothing more is started.
 */
export async function* prefetch<T>(
  what: string,
  start: () => Promise<T> | undefined,
  depth: number,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const ahead: Promise<T>[] = []
  const begin = (): Promise<T> | undefined => {
    const job = start()
    // A job that fails while it waits in line is reported when its turn comes, not as an unhandled rejection.
    job?.catch(() => {})
    return job
  }
  const tasks = new TaskQueue(() => {
    while (ahead.length < depth && !signal.aborted) {
      const job = begin()
      if (job === undefined) return
      ahead.push(job)
    }
  })
  try {
    for (;;) {
      throwIfAborted(what, signal)
      const job = ahead.shift() ?? begin()
      if (job === undefined) return
      const result = await abortable(what, job, signal)
      if (depth > 0) tasks.post()
      yield result
    }
  } finally {
    tasks.close()
  }
}

/** Runs a function in a task of its own: a message to oneself, since timers are held back in hidden tabs. */
class TaskQueue {
  readonly #channel = new MessageChannel()

  constructor(run: () => void) {
    this.#channel.port1.onmessage = run
    // Node only: an open port must not keep a process alive whose iteration was left lying.
    ;(this.#channel.port1 as { unref?(): void }).unref?.()
  }

  post(): void {
    this.#channel.port2.postMessage(null)
  }

  close(): void {
    this.#channel.port1.onmessage = null
    this.#channel.port1.close()
    this.#channel.port2.close()
  }
}
