/** Which earlier versions of a notebook are kept: many of the last hour, fewer the older they are. Pure. */
import type { Version } from './store.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** A version is kept along the way when the newest is at least this old. */
export const KEEP_EVERY_MS = 2 * MINUTE
/** Versions of one notebook at most. */
export const MAX_VERSIONS = 40

export function isVersionDue(versions: readonly Version[], now: number): boolean {
  const newest = versions[0]
  return newest === undefined || now - newest.at >= KEEP_EVERY_MS
}

/**
 * @param versions Newest first.
 * @returns Those to keep, newest first: all of the last hour, one an hour of the last day, one a day before that
 *   (one that a person saved comes before one kept along the way), at most {@link MAX_VERSIONS}.
 */
export function thinVersions(versions: readonly Version[], now: number): Version[] {
  const slots = new Map<string, Version>()
  for (const version of versions) {
    const slot = slotOf(version, now)
    const holder = slots.get(slot)
    if (holder === undefined || (holder.reason === 'auto' && version.reason !== 'auto')) slots.set(slot, version)
  }
  return [...slots.values()].sort((a, b) => b.at - a.at).slice(0, MAX_VERSIONS)
}

function slotOf({ at }: Version, now: number): string {
  const age = now - at
  if (age < HOUR) return `each ${at}`
  return age < DAY ? `hour ${Math.floor(at / HOUR)}` : `day ${Math.floor(at / DAY)}`
}
