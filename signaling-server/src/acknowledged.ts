/**
 * Sending one message to one client and waiting until it has it. The server keeps nothing: who does not answer is
 * named to the sender. Not for: snapshots and events for everyone (fan-out.ts).
 */
import type { ServerEvents } from '@rondo/protocol'
import type { RondoSocket } from './sockets.ts'

/** `declined`: it is connected and does not want the message. */
export type Delivery = 'taken' | 'declined' | 'late' | 'gone'

/** Never rejects. */
export function deliver<E extends keyof ServerEvents>(
  target: RondoSocket | undefined,
  event: E,
  payload: ServerEvents[E],
  timeoutMs: number,
): Promise<Delivery> {
  if (target === undefined) return Promise.resolve('gone')
  return new Promise((resolve) => {
    const onGone = () => resolve('gone')
    const onAnswer = (error: unknown, reply?: { ok?: unknown }) => {
      target.off('disconnect', onGone)
      if (error !== null) resolve('late')
      else resolve(reply?.ok === true ? 'taken' : 'declined')
    }
    target.once('disconnect', onGone)
    target.timeout(timeoutMs).emit(event, ...([payload, onAnswer] as never))
  })
}
