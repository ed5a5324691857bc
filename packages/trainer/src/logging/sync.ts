/**
 * Logged values over all ranks. A hash of each rank's list of keys goes first; where all are equal, one array of
 * totals follows, which every rank adds up in rank order, in float64, so that all get the same number. Where they are
 * not, the lists themselves travel: ranks that had data and logged other keys are refused by name.
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

/** FNV-1a. */
const HASH_START = 0x811c9dc5
const HASH_FACTOR = 0x01000193
/** Below every hash and every negated one: the flag of a rank that had no data and so no list. */
const NO_LIST = -0x8000_0000
/** Integers that `listFlags` makes. */
export const LIST_FLAGS = 3

/**
 * What to put into an all-reduce by maximum, so that afterwards `listsAgree` can tell: the hash of the keys in their
 * order, its negative, and whether this rank has no list because it had no data.
 */
export function listFlags(keys: readonly string[], took: boolean): [number, number, number] {
  if (!took) return [NO_LIST, NO_LIST, 1]
  let hash = HASH_START
  for (const code of new TextEncoder().encode(keys.join('\n'))) hash = Math.imul(hash ^ code, HASH_FACTOR)
  const short = hash & 0x3fff_ffff
  return [short, -short, 0]
}

/** Whether every rank had data and the same list. */
export function listsAgree([high, low, without]: ArrayLike<number> & Iterable<number>): boolean {
  return without === 0 && high === -(low as number)
}

export interface Reduction {
  group: ProcessGroup
  signal: AbortSignal
  /** Whether this rank had a batch; one that had none need not know the keys. */
  took: boolean
  /** Whether all lists are known to be equal. */
  agreed: boolean
  /** For errors: `validation`. */
  what: string
}

/**
 * Collective. Totals of all ranks by key, in the order of the lowest rank that has the key.
 * @throws RondoError COLLECTIVE_MISMATCH on all ranks, naming the keys that each rank lacks, or who has another order
 */
export async function reduceTotals(
  totals: ReadonlyMap<string, Total>,
  { group, signal, took, agreed, what }: Reduction,
): Promise<Map<string, Total>> {
  const all = agreed
    ? await gatherNumbers(group, totals, what, signal)
    : await group.allGatherObject({ took, totals: Object.fromEntries(totals) } satisfies Contribution, {
        name: `log ${what}`,
        signal,
      })
  if (!agreed) {
    const lists = all.map(({ took: had, totals: theirs }) => ({ took: had, keys: Object.keys(theirs) }))
    checkKeys(lists, what)
    checkOrder(lists, what)
  }
  return joined(all, group.rank)
}

/** The short way: everybody knows all keys, so numbers are enough. */
async function gatherNumbers(
  group: ProcessGroup,
  totals: ReadonlyMap<string, Total>,
  what: string,
  signal: AbortSignal,
): Promise<Contribution[]> {
  const own = [...totals.values()]
  const numbers = Float64Array.from(own.flatMap(({ total, weight }) => [total, weight]))
  const gathered = await group.allGather(numbers, { name: `log ${what}`, signal })
  return Array.from({ length: group.worldSize }, (_, rank) => {
    const at = rank * numbers.length
    const theirs = [...totals].map(([key, total], i): [string, Total] => [
      key,
      { ...total, total: gathered[at + 2 * i] as number, weight: gathered[at + 2 * i + 1] as number },
    ])
    return { took: true, totals: Object.fromEntries(theirs) }
  })
}

/** Adds up in rank order. A value of a syncDistGroup counts for its members; the others keep their own. */
function joined(all: readonly Contribution[], own: number): Map<string, Total> {
  const reduced = new Map<string, Total>()
  all.forEach(({ totals }, rank) => {
    for (const [key, more] of Object.entries(totals)) {
      const { syncDistGroup: members } = more.options
      const counts = members === null || (members.includes(own) ? members.includes(rank) : rank === own)
      if (!counts) continue
      const before = reduced.get(key)
      if (before === undefined) {
        reduced.set(key, { ...more })
      } else {
        before.total = joinTotals(before.options.reduceFx, before.total, more.total)
        before.weight += more.weight
      }
    }
  })
  return reduced
}

interface KeyList {
  took: boolean
  keys: readonly string[]
}

/** Ranks that took part must bring the same keys. Throws COLLECTIVE_MISMATCH naming what each rank lacks. */
export function checkKeys(all: readonly KeyList[], what: string): void {
  const union = new Set(all.flatMap(({ took, keys }) => (took ? keys : [])))
  const lacking = all.flatMap(({ took, keys }, rank) => {
    const missing = [...union].filter((key) => !keys.includes(key))
    if (!took || missing.length === 0) return []
    return [`rank ${rank} did not log ${missing.map(quoted).join(', ')}`]
  })
  if (lacking.length === 0) return
  throw new RondoError(
    'COLLECTIVE_MISMATCH',
    `log with syncDist in ${what}: ${lacking.join('; ')}. Values that are reduced over ranks must be logged on every rank. Log the name everywhere, or pass syncDist: false.`,
  )
}

/** Throws COLLECTIVE_MISMATCH naming the first rank whose order differs from the first one's. */
function checkOrder(all: readonly KeyList[], what: string): void {
  const first = all.findIndex(({ took }) => took)
  const order = all[first]?.keys.join('\n')
  const odd = all.findIndex(({ took, keys }) => took && keys.join('\n') !== order)
  if (odd === -1) return
  const list = (rank: number): string => (all[rank]?.keys ?? []).map(quoted).join(', ')
  throw new RondoError(
    'COLLECTIVE_MISMATCH',
    `log with syncDist in ${what}: rank ${odd} logged ${list(odd)} in this order, rank ${first} logged ${list(first)}. All ranks must log the same names in the same order. Take the calls out of branches that depend on the rank or the data.`,
  )
}

function quoted(key: string): string {
  return `"${key.split('\n').at(-1)}"`
}
