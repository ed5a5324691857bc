/**
 * Logged values over all ranks: every rank's totals travel to every rank, which adds them up in rank order, in
 * float64, so that all get the same number. Ranks that logged different keys are refused by name.
 */
import type { ProcessGroup } from '@rondo/collectives'
import { RondoError } from '@rondo/protocol'
import type { ResolvedLog } from './log-options.ts'
import { joinTotals } from './results.ts'

/** A sum (or extreme) and its weight, with what a rank that did not log it needs to know about it. */
export interface Total {
  name: string
  options: ResolvedLog
  total: number
  weight: number
}

/** What one rank brings. */
interface Contribution {
  took: boolean
  totals: Record<string, Total>
}

/**
 * Collective. Sums up the totals of all ranks, by key, in the order of the lowest rank that has the key.
 * @param took whether this rank had a batch; one that had none need not know the keys
 * @param what for the error: `validation`
 * @throws RondoError COLLECTIVE_MISMATCH on all ranks, naming the keys that each rank lacks
 */
export async function reduceTotals(
  group: ProcessGroup,
  totals: ReadonlyMap<string, Total>,
  took: boolean,
  what: string,
  signal: AbortSignal,
): Promise<Map<string, Total>> {
  const mine: Contribution = { took, totals: Object.fromEntries(totals) }
  const all = await group.allGatherObject(mine, { name: `log ${what}`, signal })
  checkKeys(
    all.map(({ took: had, totals: theirs }) => ({ took: had, keys: Object.keys(theirs) })),
    what,
  )
  const reduced = new Map<string, Total>()
  for (const { totals: theirs } of all) {
    for (const [key, more] of Object.entries(theirs)) {
      const before = reduced.get(key)
      if (before === undefined) {
        reduced.set(key, { ...more })
      } else {
        before.total = joinTotals(before.options.reduceFx, before.total, more.total)
        before.weight += more.weight
      }
    }
  }
  return reduced
}

/** Ranks that took part must bring the same keys. Throws COLLECTIVE_MISMATCH naming what each rank lacks. */
export function checkKeys(all: ReadonlyArray<{ took: boolean; keys: readonly string[] }>, what: string): void {
  const union = new Set(all.flatMap(({ took, keys }) => (took ? keys : [])))
  const lacking = all.flatMap(({ took, keys }, rank) => {
    const missing = [...union].filter((key) => !keys.includes(key))
    if (!took || missing.length === 0) return []
    return [`rank ${rank} did not log ${missing.map((key) => `"${key.split('\n').at(-1)}"`).join(', ')}`]
  })
  if (lacking.length === 0) return
  throw new RondoError(
    'COLLECTIVE_MISMATCH',
    `log with syncDist in ${what}: ${lacking.join('; ')}. Values that are reduced over ranks must be logged on every rank. Log the name everywhere, or pass syncDist: false.`,
  )
}
