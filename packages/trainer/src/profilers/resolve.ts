/** From the trainer's argument `profiler` to the object that is told. Not for: what it does. */
import { RondoError } from '@rondo/protocol'
import { AdvancedProfiler } from './advanced.ts'
import { Profiler } from './profiler.ts'
import { SimpleProfiler } from './simple.ts'

/** @throws BAD_ARGUMENT for an object that cannot be told when actions begin and end */
export function profilerOf(given: 'simple' | 'advanced' | object | null): Profiler | null {
  if (given === null) return null
  if (given === 'simple') return new SimpleProfiler()
  if (given === 'advanced') return new AdvancedProfiler()
  if (given instanceof Profiler) return given
  const { start, stop } = given as Partial<Profiler>
  if (typeof start === 'function' && typeof stop === 'function') {
    return Object.assign(Object.create(given as object) as Profiler, missing(given))
  }
  throw new RondoError(
    'BAD_ARGUMENT',
    `Trainer({ profiler }): got an object (${given.constructor?.name ?? 'plain'}) without ${typeof start === 'function' ? 'stop' : 'start'}(action). Allowed are "simple", "advanced", and objects with start(action) and stop(action). Extend Profiler.`,
  )
}

/** The methods of the base that an object of one's own has not. */
function missing(given: object): Partial<Profiler> {
  const { profile, kernels, describe, summary } = Profiler.prototype
  const base = { profile, kernels, describe, summary, dirpath: '', filename: 'profile' }
  return Object.fromEntries(Object.entries(base).filter(([name]) => !(name in given))) as Partial<Profiler>
}
