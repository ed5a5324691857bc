/**
 * Follows one run from the outside: hands state and events to whoever records and shows them, and tells when
 * the run has ended. Not for: opening or stopping it.
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

export interface FollowedRun {
  /** Rejects with the signal's reason, or CONNECTION_LOST when the connection ends first; the run itself goes on. */
  readonly ended: Promise<EndedRun>
  /** Hears no more. Until then events still come: stopped ranks have a moment for their last words. */
  close(): void
}

/** @param isOurs tells the wanted run from others of the session */
export function followRun(
  client: SignalingClient,
  isOurs: (runId: string) => boolean,
  listener: RunListener,
  signal: AbortSignal,
): FollowedRun {
  const subscriptions: Array<() => void> = []
  const ended = new Promise<EndedRun>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason ?? new RondoError('ABORTED', 'Stopped.'))
    subscriptions.push(
      client.on('session', ({ run, serverTime }) => {
        if (run === null || !isOurs(run.runId)) return
        listener.state(run, serverTime)
        if (run.status !== 'waiting' && run.status !== 'running') resolve({ status: run.status, error: run.error })
      }),
      client.on('run:event', ({ runId, rank, event }) => {
        if (isOurs(runId)) listener.event(rank, event)
      }),
      client.onConnection((state, reason) => {
        if (state === 'closed') reject(new RondoError('CONNECTION_LOST', reason))
      }),
      () => signal.removeEventListener('abort', onAbort),
    )
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  ended.catch(() => undefined)
  return {
    ended,
    close() {
      for (const unsubscribe of subscriptions) unsubscribe()
    },
  }
}
