/**
 * The errors a person may meet. Two kinds exist: a `RondoError` is expected, carries a stable code and
 * a sentence that names the thing, says what is allowed and what to do next; `invariant` marks what can
 * only be a bug of ours. Not for: control flow inside a room.
 */

/** Every stable code. Tests, pages and callers match on these, never on wording. */
export const ERROR_CODES = [
  'BAD_ARGUMENT',
  'BAD_DEVICES',
  'BAD_FILE',
  'SCRIPT_NOT_FOUND',
  'SCRIPT_FAILED',
  'NO_BROWSER',
  'PORT_IN_USE',
  'ACCELERATOR_UNAVAILABLE',
  'INSECURE_CONTEXT',
  'BAD_MESSAGE',
  'RATE_LIMITED',
  'BAD_TOKEN',
  'UNKNOWN_SESSION',
  'SESSION_FULL',
  'NODE_RANK_TAKEN',
  'PLAN_MISMATCH',
  'NOT_ENOUGH_DEVICES',
  'RUN_ACTIVE',
  'UNKNOWN_RUN',
  'RANK_LOST',
  'RANK_FAILED',
  'COLLECTIVE_MISMATCH',
  'TIMEOUT',
  'ABORTED',
  'LINK_FAILED',
  'CONNECTION_LOST',
  'PARAMETER_MISMATCH',
  'UNUSED_PARAMETER',
  'NOT_FINITE',
  'NOT_LAUNCHED',
  'NOT_CLONEABLE',
  'PAGE_REMOVED',
  'CONFLICT',
  'UNSUPPORTED',
  'STORAGE_FAILED',
  'INTERNAL',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** Codes by which a rank reports somebody else's end. */
const SECOND_HAND: ReadonlySet<string> = new Set<ErrorCode>([
  'CONNECTION_LOST',
  'LINK_FAILED',
  'RANK_LOST',
  'RANK_FAILED',
  'ABORTED',
])

/** Whether an error of this code only says that another rank is gone: its cause is that rank's own error or loss. */
export function isSecondHandCode(code: string): boolean {
  return SECOND_HAND.has(code)
}

export interface RondoErrorOptions {
  /** The rank that met the error, in a run of more than one. */
  rank?: number
  /** The node that rank belongs to, as people know it. */
  node?: string
  /** Machine-readable facts, for pages and reports. Must survive JSON. */
  details?: Record<string, unknown>
  cause?: unknown
}

/** An expected failure, with a message fit to be shown to a person as it is. */
export class RondoError extends Error {
  readonly code: ErrorCode
  readonly rank: number | undefined
  readonly node: string | undefined
  readonly details: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, options: RondoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RondoError'
    this.code = code
    this.rank = options.rank
    this.node = options.node
    this.details = options.details
  }
}

/** An error as it crosses a socket, a port or a file. */
export interface WireError {
  code: ErrorCode
  name: string
  message: string
  stack?: string | undefined
  rank?: number | undefined
  node?: string | undefined
  details?: Record<string, unknown> | undefined
}

/** Flattens anything thrown into a plain object. Errors that are not ours become `fallback`. */
export function toWireError(thrown: unknown, fallback: ErrorCode = 'INTERNAL'): WireError {
  if (thrown instanceof RondoError) {
    const { code, name, message, stack, rank, node, details } = thrown
    return { code, name, message, stack, rank, node, details }
  }
  if (thrown instanceof Error) {
    const code: ErrorCode = thrown.name === 'AbortError' ? 'ABORTED' : fallback
    return { code, name: thrown.name, message: thrown.message, stack: thrown.stack }
  }
  return { code: fallback, name: 'Error', message: String(thrown) }
}

/** Rebuilds a throwable error; the original's stack is kept, because it says where things went wrong. */
export function fromWireError(wire: WireError): RondoError {
  const error = new RondoError(wire.code, wire.message, {
    ...(wire.rank === undefined ? {} : { rank: wire.rank }),
    ...(wire.node === undefined ? {} : { node: wire.node }),
    ...(wire.details === undefined ? {} : { details: wire.details }),
  })
  if (wire.stack !== undefined) error.stack = wire.stack
  return error
}

/** Throws when something that our own code guarantees does not hold. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant violation: ${message}`)
}
