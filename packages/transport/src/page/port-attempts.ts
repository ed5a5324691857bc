/** The attempts that stay in this browser: memory or a MessagePort within this page, a MessagePort to another tab. */
import { canShareMemory, SHARED_LINK_BYTES } from '../carriers/shared-link.ts'
import { type Attempt, type AttemptContext, type LocalEnd, meetingKey } from './attempt.ts'

/** Both ranks live on this page, and its workers may share memory. */
export function attemptShared(context: AttemptContext): Attempt {
  if (canShareMemory()) return attemptWithin(context, { memory: new SharedArrayBuffer(SHARED_LINK_BYTES) })
  context.fail(
    'the workers of this page cannot share memory: it is not cross-origin isolated, or has no Atomics.waitAsync',
  )
  return { close: () => {} }
}

/** Both ranks live on this page. */
export function attemptLocal(context: AttemptContext): Attempt {
  return attemptWithin(context, {})
}

/** Whoever comes first makes the channel. */
function attemptWithin(context: AttemptContext, extra: Pick<LocalEnd, 'memory'>): Attempt {
  const key = meetingKey(context)
  const waiting = context.localEnds.get(key)
  if (waiting) {
    context.localEnds.delete(key)
    context.offer(waiting)
  } else {
    const { port1, port2 } = new MessageChannel()
    context.localEnds.set(key, { port: port2, ...extra })
    context.offer({ port: port1, ...extra })
  }
  return {
    close: () => {
      context.localEnds.get(key)?.port.close()
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
