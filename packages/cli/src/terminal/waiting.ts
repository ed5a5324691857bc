/** The line that says for whom a run waits: ready and expected counts, and each missing rank. Pure. */
import type { Seat } from '@rondo/protocol'

/**
 * @param ready ranks whose workers and links stand
 * @param now server clock, ms
 */
export function waitingLine(seats: readonly Seat[], ready: ReadonlySet<number>, now: number): string {
  const missing = seats.filter((seat) => !ready.has(seat.rank))
  const names = missing.map((seat) => `rank ${seat.rank} (${missingWhy(seat, now)})`)
  const list = names.length > 0 ? `; missing ${names.join(', ')}` : ''
  return `Waiting for ranks: ${seats.length - missing.length} of ${seats.length} ready${list}`
}

function missingWhy(seat: Seat, now: number): string {
  const node = seat.nodeLabel === '' ? `node ${seat.nodeRank}` : `node ${seat.nodeRank} "${seat.nodeLabel}"`
  const where = `${node}, local rank ${seat.localRank}`
  if (seat.memberId !== null) return `${where}, tab is here, ${seat.state === 'waiting' ? 'not started' : seat.state}`
  if (seat.lastSeen === null) return `${where}, not seen yet`
  return `${where}, last seen ${Math.max(0, Math.round((now - seat.lastSeen) / 1000))} s ago`
}
