/**
 * Follows one run from the outside: hands state and events to whoever records and shows them, and resolves
 * when the run has ended. Not for: opening or stopping it.
 */
import { type RankEvent, RondoError, type RunState, type WireError } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'

export interface RunListener {
  state(run: RunState, serverTime: number): void
  event(rank: number, event: RankEvent): void
}

export interface EndedRun {
  status: 'done' | 'failed' | 'stopped'
  error: WireError | null
}

/**
 * @param isOurs tells the wanted run from others of the session
 * @param signal rejects the wait; the run itself goes on. So does the end of the connection (CONNECTION_LOST)
 */
export function followRun(
  client: SignalingClient,
  isOurs: (runId: string) => boolean,
  listeners: readonly RunListener[],
  signal: AbortSignal,
): Promise<EndedRun> {
  return new Promise((resolve, reject) => {
    const subscriptions = [
      client.on('session', ({ run, serverTime }) => {
        if (run === null || !isOurs(run.runId)) return
        for (const listener of listeners) listener.state(run, serverTime)
        if (run.status === 'waiting' || run.status === 'running') return
        settle(() => resolve({ status: run.status as EndedRun['status'], error: run.error }))
      }),
      client.onConnection((state, reason) => {
        if (state === 'closed') settle(() => reject(new RondoError('CONNECTION_LOST', reason)))
      }),
      client.on('run:event', ({ runId, rank, event }) => {
        if (isOurs(runId)) for (const listener of listeners) listener.event(rank, event)
      }),
    ]
    const onAbort = (): void => settle(() => reject(signal.reason ?? new RondoError('ABORTED', 'Stopped.')))
    const settle = (finish: () => void): void => {
      for (const unsubscribe of subscriptions) unsubscribe()
      signal.removeEventListener('abort', onAbort)
      finish()
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}
