/**
 * Commands of a controller to its ranks, delivered with the receiving pages' acknowledgement, so that none is lost
 * without a word. Not for: which pages these are (core/commands.ts) or what a command says.
 */
import { RondoError, type RunCommand } from '@rondo/protocol'
import { type Delivery, deliver } from './acknowledged.ts'
import type { Sessions } from './core/sessions.ts'
import type { RondoServer, RondoSocket } from './sockets.ts'

/** Milliseconds for a page to take a command; below the client's own deadline for the answer. */
const COMMAND_TIMEOUT_MS = 8_000

const SENTENCE: Record<Exclude<Delivery, 'taken'>, string> = {
  declined: 'does not run it any more',
  late: `did not take it within ${COMMAND_TIMEOUT_MS / 1000} s`,
  gone: 'is not connected',
}

/** Resolves when every page has the command; CONNECTION_LOST names the ranks whose page has not. */
export async function passCommand(
  io: RondoServer,
  sessions: Sessions,
  socket: RondoSocket,
  command: RunCommand,
): Promise<void> {
  const { session, connection } = socket.data
  const targets = await sessions.commandTargets(session, connection, command)
  const { runId, commandId, data } = command
  const outcomes = await Promise.all(
    targets.map(async ({ connectionId, generation, ranks }) => {
      const payload = { runId, generation, commandId, ranks, data }
      const target = io.sockets.sockets.get(connectionId)
      return { ranks, delivery: await deliver(target, 'run:command', payload, COMMAND_TIMEOUT_MS) }
    }),
  )
  const failed = outcomes.flatMap(({ ranks, delivery }) => (delivery === 'taken' ? [] : [{ ranks, delivery }]))
  if (failed.length === 0) return
  const named = failed.map(({ ranks, delivery }) => `the page of rank ${ranks.join(', ')} ${SENTENCE[delivery]}`)
  throw new RondoError(
    'CONNECTION_LOST',
    `Command ${commandId} of run ${runId} did not reach all ranks: ${named.join('; ')}. Send it again with the same commandId, or stop the run.`,
    { details: { ranks: failed.flatMap(({ ranks }) => ranks) } },
  )
}
