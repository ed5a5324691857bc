/** A promise with a deadline and an AbortSignal. Not for: stopping what it waits for, closing does that. */
import { RondoError } from '@rondo/protocol'

/** Rejects with TIMEOUT naming `what` after `ms` milliseconds, or with the signal's reason. */
export async function within<T>(work: Promise<T>, ms: number, what: string, signal: AbortSignal): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const ended = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error)
    timer = setTimeout(() => {
      reject(
        new RondoError(
          'TIMEOUT',
          `${what}: not done within ${ms / 1_000} s. Run the bench again when the machine has less to do, or with smaller sizes.`,
        ),
      )
    }, ms)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  // Whatever is late may still fail when everything is closed; that is nobody's news then.
  work.catch(() => undefined)
  try {
    return await Promise.race([work, ended])
  } finally {
    clearTimeout(timer)
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}
