/**
 * The relay of last resort: frames between two ranks that cannot reach each other. The acknowledgement goes
 * end to end, so the receiver's pace is the sender's. Keeps frames only while they are on their way.
 */
import { MAX_RELAY_FRAME_BYTES, type Relay, RondoError } from '@rondo/protocol'
import { deliver } from './acknowledged.ts'
import type { Sessions } from './core/sessions.ts'
import type { Budgets } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { RondoServer, RondoSocket } from './sockets.ts'

export class Relays {
  readonly #io: RondoServer
  readonly #sessions: Sessions
  readonly #budgets: Budgets
  readonly #metrics: Metrics

  constructor(io: RondoServer, sessions: Sessions, budgets: Budgets, metrics: Metrics) {
    this.#io = io
    this.#sessions = sessions
    this.#budgets = budgets
    this.#metrics = metrics
  }

  /** Resolves when the receiver took the frame. CONNECTION_LOST when it is gone, TIMEOUT when it does not take it. */
  async pass(socket: RondoSocket, relay: Relay): Promise<void> {
    const { limits } = this.#budgets
    const { data } = socket
    const bytes = relay.frame.byteLength
    if (bytes > MAX_RELAY_FRAME_BYTES) {
      throw new RondoError(
        'BAD_MESSAGE',
        `A relayed frame has ${bytes} bytes; at most ${MAX_RELAY_FRAME_BYTES} are allowed. Split it.`,
      )
    }
    if (data.relaysInFlight >= limits.relayFramesInFlight) {
      throw new RondoError(
        'RATE_LIMITED',
        `${data.relaysInFlight} relayed frames await their acknowledgement, which is the limit. Wait for acknowledgements before sending more.`,
      )
    }
    data.relaysInFlight++
    try {
      await this.#waitForBudget(socket, bytes)
      const target = this.#io.sockets.sockets.get(await this.#sessions.route(data.session, data.connection, relay))
      if (target !== undefined) this.#metrics.relayedBytes.inc(bytes)
      await passOn(target, relay, limits.relayTimeoutMs)
    } finally {
      data.relaysInFlight--
    }
  }

  #waitForBudget({ id, data }: RondoSocket, bytes: number): Promise<void> {
    data.relayQueue = data.relayQueue.then(async () => {
      const delay = await this.#budgets.relayDelay(id, bytes)
      if (delay > 0) await new Promise<void>((resolve) => setTimeout(resolve, delay))
    })
    return data.relayQueue
  }
}

async function passOn(target: RondoSocket | undefined, relay: Relay, timeoutMs: number): Promise<void> {
  const delivery = await deliver(target, 'relay', relay, timeoutMs)
  switch (delivery) {
    case 'taken':
      return
    case 'gone':
      throw gone(relay.to)
    case 'declined':
      throw new RondoError(
        'LINK_FAILED',
        `Rank ${relay.to} did not want a relayed frame. Its side of the link is closed.`,
      )
    case 'late':
      throw new RondoError(
        'TIMEOUT',
        `Rank ${relay.to} did not take a relayed frame within ${timeoutMs} ms. It hangs or its line is too slow.`,
      )
    default:
      delivery satisfies never
  }
}

function gone(rank: number): RondoError {
  return new RondoError(
    'CONNECTION_LOST',
    `Rank ${rank} is no longer connected, so the relay cannot reach it. The run ends shortly.`,
  )
}
