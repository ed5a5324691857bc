/**
 * How far this rank's clock is from rank 0's, by Cristian's method: ask, take the answer for the middle of the round
 * trip, keep the shortest one. Clocks of two machines part by some 10 ms in a quarter of an hour afterwards; nothing
 * corrects that. Not for: ordering what ranks do (collectives).
 */
import type { ProcessGroup } from '@rondo/collectives'

/** Questions a rank asks; the first ones find cold channels. */
const ROUNDS = 12

export interface ClockOffset {
  /** Add it to `performance.now()` of this rank. */
  offsetMs: number
  /** Half of the shortest round trip: the offset may be wrong by that much. */
  errorMs: number
}

/** Collective. Rank 0 answers one rank after another. */
export async function measureClockOffset(group: ProcessGroup, signal: AbortSignal): Promise<ClockOffset> {
  let best: ClockOffset = { offsetMs: 0, errorMs: 0 }
  if (group.rank === 0) {
    const question = new Float64Array(1)
    for (let rank = 1; rank < group.worldSize; rank++) {
      for (let round = 0; round < ROUNDS; round++) {
        await group.recv(question, { from: rank, name: 'clock question', signal })
        await group.send(Float64Array.of(performance.now()), { to: rank, name: 'clock answer', signal })
      }
    }
    return best
  }
  const answer = new Float64Array(1)
  best = { offsetMs: 0, errorMs: Number.POSITIVE_INFINITY }
  for (let round = 0; round < ROUNDS; round++) {
    const asked = performance.now()
    await group.send(Float64Array.of(asked), { to: 0, name: 'clock question', signal })
    await group.recv(answer, { from: 0, name: 'clock answer', signal })
    const heard = performance.now()
    const errorMs = (heard - asked) / 2
    if (errorMs < best.errorMs) best = { offsetMs: (answer[0] as number) - (asked + heard) / 2, errorMs }
  }
  return best
}
