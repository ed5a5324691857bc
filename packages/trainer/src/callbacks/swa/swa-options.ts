/** The options of StochasticWeightAveraging, checked. Not for: averaging. */
import type { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'

/**
 * The new average of one parameter.
 * @param averaged mean so far, @param parameter value of now, both of the parameter's shape; neither is to be disposed of
 * @param count how many models are in the mean so far, at least 1
 */
export type AverageFunction = (averaged: tf.Tensor, parameter: tf.Tensor, count: number) => tf.Tensor

/** Options of StochasticWeightAveraging; names and defaults are Lightning's. */
export interface StochasticWeightAveragingOptions {
  /** Learning rate that training anneals to; a number, or a list of one for each group of parameters (there is one). */
  swaLrs: number | readonly number[]
  /** A fraction of maxEpochs below 1, or from 1 on the number of an epoch counted from 1; default 0.8. */
  swaEpochStart?: number
  /** Epochs until the learning rate is at `swaLrs`; default 10. */
  annealingEpochs?: number
  /** Default `cos`. */
  annealingStrategy?: 'cos' | 'linear'
  /** Default: the mean of all models. */
  avgFn?: AverageFunction | null
}

export interface ResolvedSwaOptions {
  swaLr: number
  swaEpochStart: number
  annealingEpochs: number
  annealingStrategy: 'cos' | 'linear'
  avgFn: AverageFunction | null
}

const KNOWN = ['swaLrs', 'swaEpochStart', 'annealingEpochs', 'annealingStrategy', 'avgFn']

/** @throws BAD_ARGUMENT */
export function resolveSwaOptions(options: StochasticWeightAveragingOptions): ResolvedSwaOptions {
  const unknown = Object.keys(options ?? {}).find((key) => !KNOWN.includes(key))
  if (unknown !== undefined) throw bad(unknown, `one of ${KNOWN.join(', ')}`, 'Leave it out.')
  const { swaLrs, swaEpochStart = 0.8, annealingEpochs = 10, annealingStrategy = 'cos', avgFn = null } = options ?? {}
  const rates: readonly unknown[] = Array.isArray(swaLrs) ? swaLrs : [swaLrs]
  if (rates.length === 0 || !rates.every((rate) => typeof rate === 'number' && rate > 0 && Number.isFinite(rate))) {
    throw bad(`swaLrs: ${show(swaLrs)}`, 'a learning rate above 0, or a list of these', 'Pass one, such as 1e-2.')
  }
  if (rates.length > 1) {
    throw bad(`swaLrs: ${show(swaLrs)}`, 'one rate: optimizers have one group of parameters', 'Pass a number.')
  }
  const isStart = typeof swaEpochStart === 'number' && swaEpochStart >= 0 && !Number.isNaN(swaEpochStart)
  if (!isStart || (swaEpochStart > 1 && !Number.isSafeInteger(swaEpochStart))) {
    throw bad(
      `swaEpochStart: ${show(swaEpochStart)}`,
      'a fraction of the epochs from 0 to below 1, or a whole number of at least 1',
      'Use 0.8 for the last fifth.',
    )
  }
  if (!(Number.isSafeInteger(annealingEpochs) && annealingEpochs >= 0)) {
    throw bad(`annealingEpochs: ${show(annealingEpochs)}`, 'a whole number of at least 0', 'Correct it.')
  }
  if (annealingStrategy !== 'cos' && annealingStrategy !== 'linear') {
    throw bad(`annealingStrategy: ${show(annealingStrategy)}`, '"cos" and "linear"', 'Choose one.')
  }
  if (avgFn !== null && typeof avgFn !== 'function') {
    throw bad(
      `avgFn: ${show(avgFn)}`,
      'a function (averaged, parameter, count) => tensor',
      'Pass one, or leave it out.',
    )
  }
  return { swaLr: rates[0] as number, swaEpochStart, annealingEpochs, annealingStrategy, avgFn }
}

function show(value: unknown): string {
  return typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value) : String(value)
}

function bad(what: string, allowed: string, advice: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `StochasticWeightAveraging({ ${what} }): allowed is ${allowed}. ${advice}`)
}
