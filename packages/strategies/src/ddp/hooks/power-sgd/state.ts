/** PowerSGD's options, with PyTorch's names, defaults and refusals (`PowerSGDState`). */
import { RondoError } from '@rondo/protocol'
import { BOOLEAN, checkOptions, number, SEED, wholeNumber } from '../../../options.ts'

export interface PowerSGDState {
  /** r: columns of the two factors. More is more exact and more bytes. */
  matrixApproximationRank: number
  /** Steps with plain averages before compression begins: early gradients are the ones that approximate worst. */
  startPowerSGDIter: number
  /** A tensor is compressed when that makes it smaller by more than this factor. */
  minCompressionRate: number
  useErrorFeedback: boolean
  /** Begins each step with the last one's factor instead of a random one. */
  warmStart: boolean
  /** Added to the norms of columns, where they may be 0. */
  orthogonalizationEpsilon: number
  /** Seed of the random factors, equal on all ranks. */
  randomSeed: number
}

const DEFAULTS: PowerSGDState = {
  matrixApproximationRank: 1,
  startPowerSGDIter: 1000,
  minCompressionRate: 2,
  useErrorFeedback: true,
  warmStart: true,
  orthogonalizationEpsilon: 0,
  randomSeed: 0,
}

const RULES = {
  matrixApproximationRank: wholeNumber(1),
  startPowerSGDIter: wholeNumber(0),
  minCompressionRate: number('above 0', (value) => value > 0),
  useErrorFeedback: BOOLEAN,
  warmStart: BOOLEAN,
  orthogonalizationEpsilon: number('of at least 0', (value) => value >= 0),
  randomSeed: SEED,
} as const

/** Throws BAD_ARGUMENT for an option that is unknown or out of range, and for a start too early for what it keeps. */
export function powerSGDState(given: Partial<PowerSGDState>): PowerSGDState {
  checkOptions('powerSGD', given, RULES)
  const state = { ...DEFAULTS, ...withoutUndefined(given) }
  const keeps = [state.useErrorFeedback && 'useErrorFeedback', state.warmStart && 'warmStart'].filter(Boolean)
  if (state.startPowerSGDIter <= 1 && keeps.length > 0) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `powerSGD: startPowerSGDIter is ${state.startPowerSGDIter} with ${keeps.join(' and ')}; it must be above 1, because the method needs earlier steps. Set startPowerSGDIter: 2 or more, or switch ${keeps.join(' and ')} off.`,
    )
  }
  return state
}

function withoutUndefined(given: Partial<PowerSGDState>): Partial<PowerSGDState> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}
