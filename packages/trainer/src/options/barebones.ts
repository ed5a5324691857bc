/**
 * `barebones`: everything off that costs time beside training, for measuring what training itself costs. Upstream's
 * list: lightning/pytorch/trainer/trainer.py, `barebones`.
 */
import { RondoError } from '@rondo/protocol'
import { show } from './kinds.ts'
import type { TrainerOptions } from './types.ts'

/** What is turned off, and the value that does it. */
export const BAREBONES = {
  logger: false,
  enableCheckpointing: false,
  enableProgressBar: false,
  enableModelSummary: false,
  numSanityValSteps: 0,
  logEveryNSteps: 0,
  fastDevRun: false,
  detectAnomaly: false,
  profiler: null,
} as const satisfies Partial<Record<keyof TrainerOptions, unknown>>

/** Throws CONFLICT listing every option that was switched on beside it. */
export function bare(options: TrainerOptions): TrainerOptions {
  const on = Object.entries(BAREBONES).flatMap(([name, off]) => {
    const value = options[name as keyof typeof BAREBONES]
    const isOff = value === undefined || value === off || (name === 'fastDevRun' && value === 0)
    return isOff ? [] : [`${name}: ${show(value)}`]
  })
  if (on.length > 0) {
    throw new RondoError(
      'CONFLICT',
      `Trainer({ barebones: true, ${on.join(', ')} }): barebones turns these off. Allowed beside it is to leave them out, or off. Remove ${on.length === 1 ? 'it' : 'them'}, or barebones.`,
      { details: { options: on } },
    )
  }
  return { ...options, ...BAREBONES, profiler: null }
}

/** The line that says so. */
export const BAREBONES_NOTE = `Trainer({ barebones: true }): everything that costs time beside training is off: ${Object.keys(BAREBONES).join(', ')}, and log().`
