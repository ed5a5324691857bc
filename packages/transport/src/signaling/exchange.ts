/** One message and its acknowledgement, with a deadline and an abort signal. */
import { type Ack, fromWireError, RondoError } from '@rondo/protocol'
import type { Socket } from 'socket.io-client'

/** Rejects with the server's refusal, TIMEOUT, CONNECTION_LOST or ABORTED. */
export function exchange<T>(
  socket: Socket,
  event: string,
  payload: unknown,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new RondoError('ABORTED', `${event} was aborted.`))
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    socket.timeout(timeoutMs).emit(event, payload, (error: Error | null, reply: Ack<T> | undefined) => {
      signal?.removeEventListener('abort', onAbort)
      if (error === null && reply?.ok === true) return resolve(reply.value)
      if (error === null && reply?.ok === false) return reject(fromWireError(reply.error))
      reject(
        socket.connected
          ? new RondoError(
              'TIMEOUT',
              `${event} was not answered within ${Math.round(timeoutMs)} ms. The server is overloaded or unreachable; try again.`,
            )
          : new RondoError(
              'CONNECTION_LOST',
              `The connection to the server broke before ${event} was answered. Send it again once connected.`,
            ),
      )
    })
  })
}
