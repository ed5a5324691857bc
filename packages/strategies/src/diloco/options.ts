/** DiLoCo's options, their defaults (Douillard et al. 2023) and what is refused. */
import { RondoError } from '@rondo/protocol'
import { BOOLEAN, checkOptions, number, oneOf, wholeNumber } from '../options.ts'

export const QUANTIZE = ['none', 'fp16', 'int8'] as const
export type Quantize = (typeof QUANTIZE)[number]

/** Options of DiLoCoStrategy. */
export interface DiLoCoOptions {
  /** H: inner steps between two outer steps of the same weights. */
  syncEvery?: number
  /** Learning rate of the outer SGD. */
  outerLr?: number
  outerMomentum?: number
  nesterov?: boolean
  /** Parts of the model that take turns, so that each message is smaller and they spread over time. */
  fragments?: number
  /** Inner steps that go on while a fragment travels. */
  fragmentSyncDelay?: number
  /** α: how much of the local weights is kept when a fragment's outer step arrives. 0: none, weights are equal then. */
  fragmentUpdateAlpha?: number
  /** How pseudo-gradients travel. */
  quantize?: Quantize
  /** Leaves parameters without gradient alone instead of refusing the step. */
  findUnusedParameters?: boolean
}

export type DiLoCoSettings = Required<DiLoCoOptions>

const DEFAULTS: DiLoCoSettings = {
  syncEvery: 64,
  outerLr: 0.7,
  outerMomentum: 0.9,
  nesterov: true,
  fragments: 1,
  fragmentSyncDelay: 0,
  fragmentUpdateAlpha: 0,
  quantize: 'none',
  findUnusedParameters: false,
}

const RULES = {
  syncEvery: wholeNumber(1),
  outerLr: number('above 0', (value) => value > 0),
  outerMomentum: number('from 0 to below 1', (value) => value >= 0 && value < 1),
  nesterov: BOOLEAN,
  fragments: wholeNumber(1),
  fragmentSyncDelay: wholeNumber(0),
  fragmentUpdateAlpha: number('from 0 to 1', (value) => value >= 0 && value <= 1),
  quantize: oneOf(...QUANTIZE),
  findUnusedParameters: BOOLEAN,
} as const

/** Throws BAD_ARGUMENT, naming both numbers where two do not go together. */
export function diLoCoSettings(given: DiLoCoOptions): DiLoCoSettings {
  checkOptions('DiLoCoStrategy', given, RULES)
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  const settings: DiLoCoSettings = { ...DEFAULTS, ...Object.fromEntries(set) }
  const { syncEvery, fragments, fragmentSyncDelay, outerMomentum, nesterov } = settings
  if (syncEvery % fragments !== 0) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `DiLoCoStrategy: syncEvery ${syncEvery} is no multiple of fragments ${fragments}; fragments take turns every syncEvery / fragments steps. Choose syncEvery ${fragments * Math.max(1, Math.round(syncEvery / fragments))}, or another number of fragments.`,
    )
  }
  if (fragmentSyncDelay >= syncEvery / fragments) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `DiLoCoStrategy: fragmentSyncDelay ${fragmentSyncDelay} must be below syncEvery / fragments = ${syncEvery / fragments}: a fragment has to arrive before the next one leaves. Lower it, or raise syncEvery.`,
    )
  }
  if (nesterov && outerMomentum === 0 && given.nesterov === true) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'DiLoCoStrategy: nesterov is true and outerMomentum is 0; Nesterov needs a momentum above 0. Set outerMomentum, or nesterov: false.',
    )
  }
  return settings
}
