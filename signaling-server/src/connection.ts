/**
 * The life of one admitted socket: entering its session, signs of life, and what happens when it goes. Not for:
 * messages (dispatch.ts) or who may connect (handshake.ts).
 */
import type { Sessions } from './core/sessions.ts'
import { type DispatchContext, dispatch } from './dispatch.ts'
import type { FanOut } from './fan-out.ts'
import { enter } from './handlers.ts'
import { type OwnPause, RETURN_MS } from './own-pause.ts'
import type { RondoSocket } from './sockets.ts'

/**
 * Milliseconds that a page's ranks survive a broken transport, so that a hiccup costs nothing. Only for
 * "transport error": a closed transport means a closed tab, and a missed heartbeat has waited long enough, unless it
 * was this server that stood still.
 */
const HICCUP_GRACE_MS = 2_000

export interface ConnectionContext extends DispatchContext {
  sessions: Sessions
  fanOut: FanOut
  ownPause: OwnPause
}

export function guardConnection(socket: RondoSocket, context: ConnectionContext): void {
  const { sessions, fanOut, budgets, ownPause } = context
  const { limits } = budgets
  // One listener per relayed frame on its way, which the budget of the sender bounds.
  socket.setMaxListeners(0)
  socket.conn.on('packet', () => {
    socket.data.lastSeen = Date.now()
  })
  const silent = setTimeout(() => {
    if (!socket.data.admitted) socket.disconnect(true)
  }, limits.helloTimeoutMs)

  socket.on('disconnect', (reason) => {
    clearTimeout(silent)
    const { session, lastSeen } = socket.data
    const wasOurs = ownPause.recent
    const release = () => sessions.release(session, socket.id, `its connection ended (${reason})`, lastSeen)
    const leave = async () => {
      await budgets.forget(socket.id)
      await sessions.disconnect(session, socket.id)
      const graceMs = reason === 'transport error' ? HICCUP_GRACE_MS : 0
      const waitMs = wasOurs && reason !== 'client namespace disconnect' ? RETURN_MS : graceMs
      if (waitMs === 0) return release()
      setTimeout(() => release().catch(context.onInternalError), waitMs).unref()
    }
    leave().catch(context.onInternalError)
  })
  dispatch(socket, context)
  if (socket.data.admitted) enter(socket, fanOut).catch(context.onInternalError)
}
