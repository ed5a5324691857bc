/** Waiting that can be given up: turns an AbortSignal into the error people see, and races it with a promise. */
import { RondoError } from '@rondo/protocol'

/** The error for a fired signal: the reason itself if it is ours, TIMEOUT for a deadline, else ABORTED. */
export function abortError(what: string, signal: AbortSignal): RondoError {
  const reason: unknown = signal.reason
  if (reason instanceof RondoError) return reason
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new RondoError(
      'TIMEOUT',
      `${what}: not done before its deadline. Check the connection, or allow more time.`,
      {
        cause: reason,
      },
    )
  }
  return new RondoError(
    'ABORTED',
    `${what}: stopped, because its signal was aborted. Start it again if that was not meant.`,
    {
      cause: reason,
    },
  )
}

/** Throws the signal's error if it has fired. */
export function throwIfAborted(what: string, signal: AbortSignal): void {
  if (signal.aborted) throw abortError(what, signal)
}

/** `promise`, or the signal's error as soon as it fires. The promise itself is not stopped by this. */
export async function abortable<T>(what: string, promise: Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(what, signal)
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(abortError(what, signal))
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
