/** `autocast`: the precision of a Fabric for code outside of a set-up model's forward. */
import { underPrecision } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { FabricCore } from '../core.ts'
import { ownPrecision } from './settle-precision.ts'

export function runAutocast<T>(core: FabricCore, fn: () => T): T {
  if (typeof fn !== 'function') {
    throw new RondoError(
      'BAD_ARGUMENT',
      `autocast(fn): got ${fn === null ? 'null' : `a ${typeof fn}`}. Allowed is a function, whose operations then run in the precision of the Fabric. Pass () => …`,
      core.worldSize > 1 ? { rank: core.rank } : {},
    )
  }
  return underPrecision(ownPrecision(core).halfType, fn)
}
