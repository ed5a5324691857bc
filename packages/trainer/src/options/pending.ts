/**
 * Arguments whose values are understood and whose behaviour this version does not have: refused by name, each until the
 * part that does it is there. Not for: what can never be (unsupported.ts).
 */
import { RondoError } from '@rondo/protocol'
import { given } from './kinds.ts'
import type { ResolvedTrainerOptions } from './types.ts'

/** By argument: whether the value asks for it, and what to do meanwhile. */
const PENDING: ReadonlyArray<[name: keyof ResolvedTrainerOptions, asks: (value: unknown) => boolean, instead: string]> =
  [['profiler', (value) => value !== null, 'Look at the phases of each step in the run report.']]

/** Throws UNSUPPORTED. */
export function checkPending(options: ResolvedTrainerOptions): void {
  for (const [name, asks, instead] of PENDING) {
    if (!asks(options[name])) continue
    const argument = name === 'autoSelect' ? 'autoSelectGpus' : name
    throw new RondoError(
      'UNSUPPORTED',
      `${given(argument, options[name])}: ${argument} is not part of this version. Allowed is to leave it out. ${instead}`,
    )
  }
}
