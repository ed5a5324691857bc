/**
 * `rankZeroOnly`: a function that runs on one rank alone, decided before anything is launched. Not for: letting rank 0
 * go first (fabric.rankZeroFirst).
 */
import { currentRankContext } from './context.ts'

/** Who says which rank this is, the first that is set counts (Lightning's `rank_zero_only`). */
const VARIABLES = ['RANK', 'LOCAL_RANK', 'SLURM_PROCID', 'JSM_NAMESPACE_RANK'] as const

/** This process's rank by its environment; 0 when nobody set one. */
export function rankFromEnvironment(environment: Readonly<Record<string, unknown>>): number {
  for (const name of VARIABLES) {
    const value = environment[name]
    if (value !== undefined && value !== '') return Number(value)
  }
  return 0
}

/** `fn`, which on every rank but 0 does nothing and returns undefined. */
export function rankZeroOnly<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R | undefined {
  return (...args) => (rankNow() === 0 ? fn(...args) : undefined)
}

/** In a run it is the run's; outside of one, a terminal's variables may still say it. */
function rankNow(): number {
  const { config, group } = currentRankContext()
  if (config !== null) return group.rank
  return rankFromEnvironment((globalThis as { process?: { env?: Record<string, string> } }).process?.env ?? {})
}
