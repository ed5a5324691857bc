/**
 * Who owns which part of a vector and which part travels in which step of the ring. Pure arithmetic.
 * Chunk i of L elements is [⌊iL/R⌋, ⌊(i+1)L/R⌋). In R−1 reduce steps rank r ends up with chunk r finished;
 * in R−1 gather steps every finished chunk goes once round. Source: Patarasuk & Yuan, 2009.
 */

/** The R+1 borders of R chunks of `count` elements. */
export function chunkBounds(count: number, parts: number): number[] {
  return Array.from({ length: parts + 1 }, (_, i) => Math.floor((i * count) / parts))
}

/** The chunk that `rank` sends in reduce step `step`; it receives the chunk before it. */
export function reduceSendChunk(rank: number, step: number, ranks: number): number {
  return modulo(rank - 1 - step, ranks)
}

/** The chunk that `rank` sends in gather step `step`; it receives the chunk before it. */
export function gatherSendChunk(rank: number, step: number, ranks: number): number {
  return modulo(rank - step, ranks)
}

/** The chunk that `rank` receives in step 0..2(R−1)−1 of reduce-scatter followed by all-gather. */
export function receivedChunk(rank: number, step: number, ranks: number): number {
  const turns = ranks - 1
  return step < turns ? reduceSendChunk(rank - 1, step, ranks) : gatherSendChunk(rank - 1, step - turns, ranks)
}

function modulo(value: number, base: number): number {
  return ((value % base) + base) % base
}
