/**
 * A job's failure as the notebook is told: in the person's own lines, with the rank and its node, and with whether
 * this rank's own code threw or only heard of another's end.
 */
import type { RankContext } from '@rondo/fabric'
import { toCellError } from '@rondo/kernel'
import type { CellError } from '@rondo/kernel/output'
import { isSecondHandCode, RondoError } from '@rondo/protocol'
import type { FailureReason } from './messages.ts'

/** Characters of a message that travel. */
const MAX_MESSAGE = 8_000
/** Frames of a stack that travel, and causes below one another. */
const MAX_FRAMES = 60
const MAX_CAUSES = 5

/** Whether an error with this code and rank is news of another rank's end. */
export function isSecondHand(error: { code?: string | null; rank?: number | null | undefined }, rank: number): boolean {
  const isElsewhere = typeof error.rank === 'number' && error.rank !== rank
  return isElsewhere || isSecondHandCode(error.code ?? '')
}

export function reasonOf(
  error: Pick<CellError, 'code' | 'rank'>,
  context: RankContext,
  interrupted: boolean,
): FailureReason {
  if (interrupted) return 'interrupted'
  return context.signal.aborted || isSecondHand(error, context.group.rank) ? 'other' : 'own'
}

/** What was thrown, in the person's own lines. */
export function cellErrorOf(thrown: unknown, context: RankContext): CellError {
  return named(toCellError(thrown), context)
}

/** Adds the rank and node where nothing says them yet, and keeps an endless message from filling the wire. */
export function named(error: CellError, { group, seats }: RankContext): CellError {
  const nodeOf = (rank: number): string => seats.find((seat) => seat.rank === rank)?.nodeLabel ?? ''
  return bounded(error, (own) => ({ rank: own ?? group.rank, node: nodeOf(own ?? group.rank) }), MAX_CAUSES)
}

function bounded(
  error: CellError,
  place: (rank: number | null) => { rank: number; node: string },
  causes: number,
): CellError {
  const { name, message, frames, cause } = error
  const { rank, node } = place(error.rank)
  return {
    ...error,
    name: name.slice(0, 200),
    message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)} …` : message,
    frames: frames.slice(0, MAX_FRAMES),
    cause: cause === null || causes === 0 ? null : bounded(cause, place, causes - 1),
    rank,
    node: error.node ?? node,
  }
}

/** The same as the other ranks hear it through the group: whose it is, and what it says. */
export function newsOf({ name, message, rank, node }: CellError): RondoError {
  return new RondoError('RANK_FAILED', `${name}: ${message}`, {
    ...(rank === null ? {} : { rank }),
    ...(node === null ? {} : { node }),
  })
}
