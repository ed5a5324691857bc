/**
 * Passes requests on to the main node: agents of other nodes serve pages of their own, but scripts, run
 * files and data sets lie only there. Not for: the signaling connection, which pages make themselves.
 */
import { type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { reply } from './reply.ts'

/** Milliseconds without a byte before the main node counts as gone. */
const IDLE_TIMEOUT_MS = 60_000

/** @param main origin of the main node, e.g. `http://192.0.2.10:29400` */
export function forwardTo(main: string, request: IncomingMessage, response: ServerResponse): void {
  const target = new URL(request.url ?? '/', main)
  const onward = send(
    target,
    { method: request.method, headers: { ...request.headers, host: target.host }, timeout: IDLE_TIMEOUT_MS },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    },
  )
  onward.on('timeout', () => onward.destroy(new Error(`no answer for ${IDLE_TIMEOUT_MS / 1000} s`)))
  onward.on('error', (cause) => {
    reply(response, 502, `The main node at ${main} cannot be reached: ${cause.message}. Is rondo still running there?`)
  })
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}
