/** Refusals say the rank that met them, in a run of more than one. Not for: errors that name a rank already. */
import { RondoError } from '@rondo/protocol'
import type { RankContext } from './context.ts'

/** Runs a verb; what it refuses carries this rank, in its message too, unless it names one. */
export async function withRank<T>({ group }: RankContext, verb: () => T | Promise<T>): Promise<T> {
  try {
    return await verb()
  } catch (error) {
    throw group.worldSize === 1 ? error : named(error, group.rank)
  }
}

/** The same for what is done at once, such as a constructor. */
export function withRankAtOnce<T>({ group }: RankContext, make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw group.worldSize === 1 ? error : named(error, group.rank)
  }
}

function named(error: unknown, rank: number): unknown {
  if (!(error instanceof RondoError) || /\brank \d/.test(error.message)) return error
  const { code, message, node, details, stack } = error
  const met = error.rank ?? rank
  const told = new RondoError(code, `${message} (rank ${met})`, {
    rank: met,
    ...(node === undefined ? {} : { node }),
    ...(details === undefined ? {} : { details }),
    cause: error.cause,
  })
  if (stack !== undefined) told.stack = stack
  return told
}
