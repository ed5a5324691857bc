/**
 * How much one connection may ask of the server: budgets per kind of message, and what breaking them costs.
 * Bounds that clients must know too live in the protocol. Not for: the size of one message (socket.io's).
 */
import { type ClientEvent, MAX_REFUSALS_PER_MINUTE, MAX_RELAY_FRAMES_IN_FLIGHT, RondoError } from '@rondo/protocol'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'

/** Seconds over which budgets are counted: long enough for the burst of a start. */
const WINDOW_S = 10
const KIB = 1024

export interface Limits {
  /** Messages per 10 s: joining, leaving, run control. */
  control: number
  /** Messages per 10 s: a controller that runs one small job after another. */
  command: number
  /** Messages per 10 s: 32 slots that shake hands with a ring and a few more. */
  signal: number
  /** Messages per 10 s: console lines, metrics and the rest of 32 ranks. */
  rankEvent: number
  /** Messages per 10 s; what is above is dropped, since the next one says more. */
  progress: number
  /** KiB of relayed frames per second; what is above waits, as on any slow line. */
  relayKiB: number
  relayFramesInFlight: number
  refusalsPerMinute: number
  /** Packets per second of any kind, below the level of messages; above it the connection ends. */
  packetsPerSecond: number
  /** Packets that may wait for a slow reader; above it the connection ends. */
  queuedPackets: number
  /** Milliseconds for the other end to take a relayed frame, and for an agent to say hello. */
  relayTimeoutMs: number
  helloTimeoutMs: number
}

export const DEFAULT_LIMITS: Limits = {
  control: 100,
  command: 2_000,
  signal: 5_000,
  rankEvent: 5_000,
  progress: 2_000,
  relayKiB: 256 * KIB,
  relayFramesInFlight: MAX_RELAY_FRAMES_IN_FLIGHT,
  refusalsPerMinute: MAX_REFUSALS_PER_MINUTE,
  packetsPerSecond: 20_000,
  queuedPackets: 4_096,
  relayTimeoutMs: 30_000,
  helloTimeoutMs: 10_000,
}

type Budget = 'control' | 'command' | 'signal' | 'rankEvent' | 'progress' | 'relayKiB' | 'refusal'

/** The budgets of all connections of a server, by connection id. */
export class Budgets {
  readonly limits: Limits
  readonly #limiters: Record<Budget, RateLimiterMemory>

  constructor(limits: Limits) {
    this.limits = limits
    const limiter = (points: number, duration = WINDOW_S) => new RateLimiterMemory({ points, duration })
    this.#limiters = {
      control: limiter(limits.control),
      command: limiter(limits.command),
      signal: limiter(limits.signal),
      rankEvent: limiter(limits.rankEvent),
      progress: limiter(limits.progress),
      relayKiB: limiter(limits.relayKiB, 1),
      refusal: limiter(limits.refusalsPerMinute - 1, 60),
    }
  }

  /** False when the budget is spent. */
  async take(budget: Exclude<Budget, 'relayKiB'>, connectionId: string): Promise<boolean> {
    return this.#limiters[budget].consume(connectionId).then(
      () => true,
      () => false,
    )
  }

  /** Milliseconds to wait before `bytes` may be relayed; 0 while the budget lasts. */
  async relayDelay(connectionId: string, bytes: number): Promise<number> {
    return this.#limiters.relayKiB.consume(connectionId, Math.max(1, Math.ceil(bytes / KIB))).then(
      () => 0,
      (spent: RateLimiterRes) => spent.msBeforeNext,
    )
  }

  async forget(connectionId: string): Promise<void> {
    for (const limiter of Object.values(this.#limiters)) await limiter.delete(connectionId)
  }
}

/** Which budget a message draws on. */
export function budgetOf(
  event: ClientEvent,
  isProgress: boolean,
): 'control' | 'command' | 'signal' | 'rankEvent' | 'progress' | null {
  switch (event) {
    case 'relay':
      return null
    case 'signal':
      return 'signal'
    case 'rank:event':
      return isProgress ? 'progress' : 'rankEvent'
    case 'join':
    case 'leave':
    case 'agent:hello':
    case 'run:open':
    case 'run:grow':
    case 'run:request':
    case 'run:stop':
    case 'page:remove':
    case 'page:admit':
    case 'session:admission':
      return 'control'
    case 'run:command':
      return 'command'
    default:
      return event satisfies never
  }
}

export function rateLimited(event: string, limit: number): RondoError {
  return new RondoError(
    'RATE_LIMITED',
    `${event} was sent more than ${limit} times in ${WINDOW_S} s. Send less often; further refusals end the connection.`,
  )
}
