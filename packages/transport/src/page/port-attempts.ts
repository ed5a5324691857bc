/** The two attempts whose carrier is a plain MessagePort: within this page, and to another tab of this browser. */
import { type Attempt, type AttemptContext, meetingKey } from './attempt.ts'

/** Both ranks live on this page: whoever comes first makes the channel. */
export function attemptLocal(context: AttemptContext): Attempt {
  const key = meetingKey(context)
  const waiting = context.localEnds.get(key)
  if (waiting) {
    context.localEnds.delete(key)
    context.offer({ port: waiting })
  } else {
    const { port1, port2 } = new MessageChannel()
    context.localEnds.set(key, port2)
    context.offer({ port: port1 })
  }
  return {
    close: () => {
      context.localEnds.get(key)?.close()
      context.localEnds.delete(key)
    },
  }
}

/** Both tabs name the same key to the port broker and get the ends of one channel. */
export function attemptPort(context: AttemptContext): Attempt {
  const rendezvous = context.rendezvous()
  if (!rendezvous) {
    context.fail('this browser has no SharedWorker, so its tabs cannot exchange ports')
    return { close: () => {} }
  }
  return { close: rendezvous.meet(meetingKey(context), (port) => context.offer({ port })) }
}
