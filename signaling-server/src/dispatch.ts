/**
 * The one door for messages from clients: name, budget, shape, then the handler, then the acknowledgement.
 * Nothing that a client sends gets past it unparsed, and nothing thrown behind it leaves the process.
 */
import {
  CLIENT_MESSAGES,
  type ClientEvent,
  type ErrorCode,
  MAX_COMMAND_BYTES,
  MAX_RESULT_BYTES,
  MAX_SIGNAL_BYTES,
  RondoError,
  type RunCommand,
  toWireError,
} from '@rondo/protocol'
import * as v from 'valibot'
import type { Handlers } from './handlers.ts'
import { inspect } from './inspect.ts'
import { type Budgets, budgetOf, rateLimited } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { RondoSocket } from './sockets.ts'

/** Errors that a correct client never meets. The others (a late message, a taken rank) cost nothing. */
const COUNTED: ReadonlySet<ErrorCode> = new Set(['BAD_MESSAGE', 'RATE_LIMITED', 'BAD_TOKEN'])

export interface DispatchContext {
  handlers: Handlers
  budgets: Budgets
  metrics: Metrics
  /** Something of ours broke; the client only learns INTERNAL. */
  onInternalError: (error: unknown) => void
}

/** Takes over all events of a socket. socket.io's own dispatch never runs, whatever an event is called. */
export function dispatch(socket: RondoSocket, context: DispatchContext): void {
  socket.use((packet) => {
    void receive(socket, packet as unknown[], context)
  })
}

async function receive(socket: RondoSocket, packet: unknown[], context: DispatchContext): Promise<void> {
  const { budgets, metrics } = context
  const args = packet.slice(1)
  const ack = typeof args.at(-1) === 'function' ? (args.pop() as (reply: unknown) => void) : null
  try {
    const event = requireEvent(packet[0])
    metrics.messages.inc({ event })
    const isProgress = event === 'rank:event' && kindOf(args[0]) === 'progress'
    const budget = budgetOf(event, isProgress)
    if (budget !== null && !(await budgets.take(budget, socket.id))) {
      if (isProgress) return ack?.({ ok: true, value: null })
      throw rateLimited(event, budgets.limits[budget])
    }
    const payload = parse(event, args)
    const handler = context.handlers[event] as (socket: RondoSocket, payload: unknown) => Promise<unknown>
    const value = await handler(socket, payload)
    ack?.({ ok: true, value })
  } catch (thrown) {
    if (!(thrown instanceof RondoError)) context.onInternalError(thrown)
    await refuse(socket, thrown, ack, context)
  }
}

async function refuse(
  socket: RondoSocket,
  thrown: unknown,
  ack: ((reply: unknown) => void) | null,
  { budgets, metrics }: DispatchContext,
): Promise<void> {
  const ours =
    thrown instanceof RondoError
      ? thrown
      : new RondoError('INTERNAL', 'The server failed at this message. Its own log says why.')
  const { stack: _, ...error } = toWireError(ours)
  metrics.refused.inc({ code: error.code })
  if (ack !== null) ack({ ok: false, error })
  else socket.emit('refused', error)
  if (COUNTED.has(error.code) && !(await budgets.take('refusal', socket.id))) socket.disconnect(true)
}

function requireEvent(name: unknown): ClientEvent {
  if (typeof name === 'string' && Object.hasOwn(CLIENT_MESSAGES, name)) return name as ClientEvent
  const shown = typeof name === 'string' ? name.slice(0, 40) : typeof name
  throw new RondoError(
    'BAD_MESSAGE',
    `There is no event "${shown}". Known events: ${Object.keys(CLIENT_MESSAGES).join(', ')}.`,
  )
}

function parse(event: ClientEvent, args: unknown[]): unknown {
  if (args.length !== 1) {
    throw new RondoError('BAD_MESSAGE', `${event} came with ${args.length} arguments. Send exactly one object.`)
  }
  inspect(event, args[0], event === 'relay' ? 'frame' : null)
  const parsed = v.safeParse(CLIENT_MESSAGES[event], args[0])
  if (!parsed.success) {
    const issue = parsed.issues[0]
    throw new RondoError(
      'BAD_MESSAGE',
      `${event} is malformed at "${v.getDotPath(issue) ?? ''}": ${issue.message.slice(0, 300)}. Send it as the protocol's schema says.`,
    )
  }
  checkOpaque(event, parsed.output)
  return parsed.output
}

/** What the schemas leave open has a bound in bytes of JSON. */
function checkOpaque(event: ClientEvent, payload: unknown): void {
  const refuseAbove = (bound: number, value: unknown, what: string, advice: string): void => {
    if (Buffer.byteLength(JSON.stringify(value) ?? '') <= bound) return
    throw new RondoError('BAD_MESSAGE', `${what} is larger than ${bound} bytes. ${advice}`)
  }
  if (event === 'signal') refuseAbove(MAX_SIGNAL_BYTES, payload, 'signal', 'Send candidates one by one.')
  if (event === 'run:command') {
    const { data } = payload as RunCommand
    refuseAbove(MAX_COMMAND_BYTES, data, 'The data of run:command', "Put what is large into the run's files.")
  }
  if (event === 'rank:event' && kindOf(payload) === 'message') {
    const { data } = (payload as { event: { data: unknown } }).event
    refuseAbove(MAX_RESULT_BYTES, data, 'The data of a message', "Put what is large into the run's files.")
  }
}

function kindOf(payload: unknown): unknown {
  return (payload as { event?: { kind?: unknown } } | null | undefined)?.event?.kind
}
