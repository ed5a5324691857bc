/** What needs the server waits a little for one that is away, and then says so in a sentence. */
import { RondoError } from '@rondo/protocol'
import type { SignalingClient } from '@rondo/transport'

/** Milliseconds: a server that was only restarted is back by then. */
const WAIT_MS = 10_000

/**
 * Resolves while the server is here. Rejects with CONNECTION_LOST, or with the signal's reason.
 * @param call what was asked for: `fabric.launch`
 */
export function requireServer(client: SignalingClient, call: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      clearTimeout(timer)
      stop()
      signal.removeEventListener('abort', onAbort)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onAbort = (): void => settle(signal.reason)
    const timer = setTimeout(() => settle(away(call)), WAIT_MS)
    const stop = client.onConnection((state, reason) => {
      if (state === 'connected') settle()
      else if (state === 'closed') settle(refused(call, reason))
    })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    else if (client.state === 'connected') settle()
    else if (client.state === 'closed') settle(refused(call, 'the connection was given up'))
  })
}

function away(call: string): RondoError {
  return new RondoError(
    'CONNECTION_LOST',
    `${call}: the server does not answer, and new work for ranks goes through it. Start it again with "npm start"; this page then connects by itself. Cells that launch nothing go on meanwhile.`,
  )
}

function refused(call: string, reason: string): RondoError {
  return new RondoError(
    'CONNECTION_LOST',
    `${call}: this page is no longer connected to its session (${reason.replace(/\.$/, '')}). Open the notebook by the link that "npm start" printed; it is saved in this browser.`,
  )
}
