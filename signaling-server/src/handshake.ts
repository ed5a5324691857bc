/**
 * Who may connect: schema, protocol version, session, token. A refusal is a connect error whose `data` is a
 * WireError. Agents may come without token; what they are then admitted to is decided at their hello.
 */
import { type Handshake, HandshakeSchema, PROTOCOL_VERSION, RondoError, toWireError } from '@rondo/protocol'
import * as v from 'valibot'
import type { Sessions } from './core/sessions.ts'
import { inspect } from './inspect.ts'
import type { RondoSocket } from './sockets.ts'

export interface HandshakeOptions {
  /** Refuse agents without token, also where the script hash would do. */
  requireToken: boolean
}

/** The socket.io middleware. On success `socket.data` is filled and the connection is in the session. */
export function handshake(sessions: Sessions, options: HandshakeOptions) {
  return (socket: RondoSocket, next: (error?: Error & { data?: unknown }) => void): void => {
    admit(socket, sessions, options).then(
      () => next(),
      (thrown: unknown) => {
        const { stack: _, ...wire } = toWireError(thrown)
        next(Object.assign(new Error(wire.message), { data: wire }))
      },
    )
  }
}

async function admit(socket: RondoSocket, sessions: Sessions, options: HandshakeOptions): Promise<void> {
  const hello = parse(socket.handshake.auth)
  const { session, role, token, clientKey } = hello
  const tokenless = role === 'agent' && token === undefined
  if (tokenless && options.requireToken) {
    throw new RondoError(
      'BAD_TOKEN',
      `This server admits agents only with a token. Pass the one that the main node printed.`,
    )
  }
  const granted = tokenless ? undefined : await sessions.grant(session, token)
  if (!tokenless && (granted === undefined || (role === 'controller' && granted !== 'control'))) {
    const given = token === undefined ? 'no token was given' : 'the given token is not it'
    const kind = role === 'controller' ? 'control' : 'join'
    throw new RondoError(
      'BAD_TOKEN',
      `Joining session ${session} as ${role} needs its ${kind} token, and ${given}. Open the exact link that the server printed.`,
    )
  }
  const control = granted === 'control' && role !== 'page'
  const connection = { id: socket.id, role, control, clientKey }
  socket.data = {
    session,
    connection,
    admitted: !tokenless,
    hearsRuns: hello.runEvents ?? true,
    lastSeen: Date.now(),
    relaysInFlight: 0,
    relayQueue: Promise.resolve(),
  }
  if (tokenless) return
  await sessions.connect(session, connection)
  // A transport that ends before socket.io says "connection" never says "disconnect".
  socket.conn.once('close', () => {
    if (!socket.connected) sessions.disconnect(session, socket.id)
  })
}

function parse(auth: unknown): Handshake {
  inspect('The handshake', auth, null)
  const version = (auth as { protocol?: unknown } | null)?.protocol
  if (typeof version === 'number' && version !== PROTOCOL_VERSION) {
    throw new RondoError(
      'UNSUPPORTED',
      `protocol ${version} was offered, this server speaks ${PROTOCOL_VERSION}. Reload the page, or use the same Rondo version on both sides.`,
    )
  }
  const parsed = v.safeParse(HandshakeSchema, auth)
  if (parsed.success) return parsed.output
  const issue = parsed.issues[0]
  throw new RondoError(
    'BAD_MESSAGE',
    `The handshake is malformed at "${v.getDotPath(issue) ?? ''}": ${issue.message}. Connect with a Rondo client.`,
  )
}
