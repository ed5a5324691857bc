/**
 * Numbers of batches as people give them: a fraction of the loader, or a count. JavaScript has no 1.0, so the number 1
 * is the whole loader; one batch is `{ batches: 1 }`. Not for: which option means what (options.ts).
 */
import { RondoError } from '@rondo/protocol'

/** 0 to 1: a fraction, 1 being all; whole numbers from 2: that many batches. */
export type BatchCount = number | { readonly batches: number }

/**
 * How many batches of a loader a limit admits; Infinity when the loader's own end is the end.
 * @param length batches of the loader; null when nobody knows
 * @throws BAD_ARGUMENT for a fraction that gives no batch, or a fraction of an unknown length
 */
export function limitOf(option: string, value: BatchCount, length: number | null): number {
  if (typeof value === 'object') return Math.min(value.batches, length ?? Number.POSITIVE_INFINITY)
  if (value > 1 || value === 0) return Math.min(value, length ?? Number.POSITIVE_INFINITY)
  if (value === 1) return length ?? Number.POSITIVE_INFINITY
  if (length === null) throw noLength(option, value)
  const batches = Math.floor(length * value)
  if (batches >= 1 || length === 0) return batches
  throw new RondoError(
    'BAD_ARGUMENT',
    `Trainer({ ${option}: ${value} }): ${value} of a loader of ${length} ${length === 1 ? 'batch' : 'batches'} is less than one batch. The smallest fraction that gives one is ${roundUp(1 / length)}. Use that, or { batches: 1 }.`,
  )
}

/**
 * After how many training batches validation comes; Infinity for "at the end of the epoch" of unknown length.
 * @param total training batches of an epoch, null when unknown
 * @throws BAD_ARGUMENT for an interval longer than the epoch, or a fraction of an unknown length
 */
export function validationInterval(value: BatchCount, total: number | null): number {
  const option = 'valCheckInterval'
  if (typeof value === 'number' && value <= 1) {
    if (value === 0) throw badInterval(`${option} is 0; it must be above 0`)
    if (total === null) {
      if (value === 1) return Number.POSITIVE_INFINITY
      throw noLength(option, value)
    }
    return Math.max(1, Math.floor(total * value))
  }
  const batches = typeof value === 'object' ? value.batches : value
  if (batches < 1) throw badInterval(`${option} is ${batches} batches; it must be at least 1`)
  if (total === null || batches <= total) return batches
  throw badInterval(`${option} is ${batches}, and an epoch has only ${total} training batches`)
}

function badInterval(why: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `Trainer: ${why}. Allowed is a fraction of the epoch above 0, or a number of batches that an epoch has. Lower it, or use checkValEveryNEpoch.`,
  )
}

function noLength(option: string, value: number): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `Trainer({ ${option}: ${value} }): the loader's data set is iterable and has no length to take a fraction of. Allowed are 1 (all), or a number of batches. Use { batches: n }.`,
  )
}

/** Up to four digits, never below the value. */
function roundUp(value: number): number {
  return Math.ceil(value * 10_000) / 10_000
}
