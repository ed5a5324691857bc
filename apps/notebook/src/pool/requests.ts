/** What magics ask of the pool, checked. Pure. */
import { RondoError } from '@rondo/protocol'

/** `--num-processes` and `--gpu-ids` as one value for `devices`. */
export function wantedDevices(request: {
  numProcesses: number | null
  slots: readonly number[] | null
}): number | readonly number[] | 'auto' {
  const { numProcesses, slots } = request
  if (slots === null) return numProcesses ?? 'auto'
  if (numProcesses !== null && numProcesses !== slots.length) {
    throw new RondoError(
      'CONFLICT',
      `%dist_init: --num-processes is ${numProcesses}, but --gpu-ids names ${slots.length} slots (${slots.join(', ')}). Give one of the two, or make them agree.`,
    )
  }
  return slots
}

/** The ranks of a cell in the order given, each once; null takes all. BAD_ARGUMENT names the valid range. */
export function requireRanks(ranks: readonly number[] | null, worldSize: number): number[] {
  if (ranks === null) return Array.from({ length: worldSize }, (_, rank) => rank)
  const wrong = ranks.filter((rank) => !Number.isInteger(rank) || rank < 0 || rank >= worldSize)
  if (ranks.length > 0 && wrong.length === 0) return [...new Set(ranks)]
  const valid = worldSize === 1 ? 'there is only rank 0' : `there are ranks 0 to ${worldSize - 1}`
  throw new RondoError(
    'BAD_ARGUMENT',
    `%%rank [${ranks.join(', ')}]: ${wrong.length > 0 ? `${wrong.join(', ')} is no rank here` : 'it names no rank'}; ${valid}. Name some of these, or use %%distributed for all.`,
  )
}
