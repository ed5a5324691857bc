/** What each event does, for clients that may send it. Every payload was parsed before. */
import { type AckValues, type ClientEvent, type ClientPayloads, RondoError } from '@rondo/protocol'
import { passCommand } from './commands.ts'
import type { Sessions } from './core/sessions.ts'
import type { FanOut } from './fan-out.ts'
import type { Relays } from './relays.ts'
import { type RondoServer, type RondoSocket, roomOf, runRoomOf } from './sockets.ts'

export type Handlers = {
  [E in ClientEvent]: (socket: RondoSocket, payload: ClientPayloads[E]) => Promise<AckValues[E]>
}

export function createHandlers(io: RondoServer, sessions: Sessions, fanOut: FanOut, relays: Relays): Handlers {
  return {
    join: async (socket, request) => {
      const { session, connection } = requireAdmitted(socket)
      return sessions.join(session, connection, request)
    },
    leave: async (socket) => {
      const { session } = requireAdmitted(socket)
      await sessions.release(session, socket.id, 'its page left', Date.now())
      return null
    },
    'agent:hello': async (socket, hello) => {
      const { session, connection, admitted } = socket.data
      if (connection.role === 'page') {
        throw new RondoError('BAD_TOKEN', 'agent:hello came from a page. Connect with role "agent" or "controller".')
      }
      const value = await sessions.hello(session, connection, admitted, hello)
      if (!admitted) {
        socket.data.admitted = true
        await enter(socket, fanOut)
      }
      if (!socket.connected) await sessions.disconnect(session, socket.id)
      return value
    },
    signal: async (socket, signal) => {
      const { session, connection } = requireAdmitted(socket)
      const target = await sessions.route(session, connection, signal)
      io.sockets.sockets.get(target)?.emit('signal', signal)
      return null
    },
    relay: async (socket, relay) => {
      requireAdmitted(socket)
      await relays.pass(socket, relay)
      return null
    },
    'rank:event': async (socket, message) => {
      const { session, connection } = requireAdmitted(socket)
      return sessions.rankEvent(session, connection, message)
    },
    'run:open': async (socket, open) => {
      const { session, connection } = requireAdmitted(socket)
      return sessions.openRun(session, connection, open)
    },
    'run:grow': async (socket, grow) => {
      const { session, connection } = requireAdmitted(socket)
      return sessions.growRun(session, connection, grow)
    },
    'run:request': async (socket, request) => {
      const { session } = requireAdmitted(socket)
      return sessions.requestRun(session, request, socket.id)
    },
    'run:stop': async (socket, stop) => {
      const { session } = requireAdmitted(socket)
      return sessions.stopRun(session, stop)
    },
    'run:command': async (socket, command) => {
      requireAdmitted(socket)
      await passCommand(io, sessions, socket, command)
      return null
    },
    'page:remove': async (socket, request) => {
      const { session, connection } = requireAdmitted(socket)
      return sessions.removePage(session, connection, request)
    },
    'page:admit': async (socket, request) => {
      const { session, connection } = requireAdmitted(socket)
      return sessions.admitPage(session, connection, request)
    },
    'session:admission': async (socket, request) => {
      const { session, connection } = requireAdmitted(socket)
      return sessions.setAdmission(session, connection, request)
    },
  }
}

/** From now on the socket hears everything of its session. */
export async function enter(socket: RondoSocket, fanOut: FanOut): Promise<void> {
  const { session, hearsRuns } = socket.data
  await socket.join(hearsRuns ? [roomOf(session), runRoomOf(session)] : roomOf(session))
  fanOut.greet(socket)
}

function requireAdmitted(socket: RondoSocket) {
  if (socket.data.admitted) return socket.data
  throw new RondoError('BAD_TOKEN', 'An agent without token has to send agent:hello first, and be admitted.')
}
