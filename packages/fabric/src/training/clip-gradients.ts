/**
 * `clipGradients`: by value or by norm, on the averaged and unscaled gradient; semantics of torch's clip_grad_value_ and
 * clip_grad_norm_. All ranks hold the same average, so nothing travels. Not for: the average (strategies).
 */
import { RondoError } from '@rondo/protocol'
import type { AveragedGradients } from '@rondo/strategies'
import type { FabricCore } from '../core.ts'
import type { FabricModel, FabricOptimizer } from '../fabric-model.ts'

/** What torch adds to the norm, so that a norm of 0 divides. */
const NORM_MARGIN = 1e-6
/** Names that an error lists before it says "and N more". */
const MAX_NAMES = 8

/** One of the first two. */
export interface ClipOptions {
  /** Every entry is limited to ±clipVal. */
  clipVal?: number
  /** The norm over all parameters is limited to this. */
  maxNorm?: number
  /** p of the norm; Infinity for the largest entry. Default 2. */
  normType?: number
  /** Refuse a norm that is infinite or no number; default true. With a loss scale that step is skipped instead. */
  errorIfNonfinite?: boolean
}

/**
 * @returns the norm before clipping; null by value
 * @throws BAD_ARGUMENT when both or none of clipVal and maxNorm are given, for values out of range, a model or optimizer
 * that is not set up, no gradient, or a norm that is not finite
 */
export async function clipGradients(
  core: FabricCore,
  model: FabricModel,
  optimizer: FabricOptimizer,
  options: ClipOptions,
): Promise<number | null> {
  const refuse = (message: string): RondoError =>
    new RondoError('BAD_ARGUMENT', `clipGradients: ${message}`, core.worldSize > 1 ? { rank: core.rank } : {})
  const { clipVal, maxNorm, normType = 2, errorIfNonfinite = true } = options ?? {}
  const given = [clipVal, maxNorm].filter((value) => value !== undefined && value !== null).length
  if (given !== 1) {
    const got = given === 2 ? `both clipVal (${clipVal}) and maxNorm (${maxNorm})` : 'neither clipVal nor maxNorm'
    throw refuse(
      `got ${got}. Allowed is exactly one, because it chooses the algorithm: clipVal limits every entry, maxNorm the norm. ${given === 2 ? 'Remove one of the two.' : 'Pass one, such as { maxNorm: 1 }.'}`,
    )
  }
  const [name, limit] = given && maxNorm !== undefined && maxNorm !== null ? ['maxNorm', maxNorm] : ['clipVal', clipVal]
  if (typeof limit !== 'number' || !(limit >= 0)) {
    throw refuse(`${name} is ${String(limit)}; it must be a number of at least 0. Correct it, such as ${name}: 1.`)
  }
  if (typeof normType !== 'number' || !(normType > 0)) {
    throw refuse(`normType is ${String(normType)}; it must be a number above 0, Infinity included. Use normType: 2.`)
  }
  if (!core.models.includes(model)) {
    throw refuse('this model is not set up. Allowed is what fabric.setup returned. Pass that.')
  }
  if (!core.optimizers.includes(optimizer)) {
    throw refuse('this optimizer is not set up. Allowed is what fabric.setup returned beside the model. Pass that.')
  }
  if (model.replica.averagedGradients === undefined) {
    const { name: strategy } = core.options.strategy
    throw new RondoError(
      'UNSUPPORTED',
      `clipGradients: strategy "${strategy}" does not show its gradients. Allowed are strategies that do, such as "ddp". Use that, or clip inside of the strategy.`,
    )
  }
  const gradients = await model.replica.averagedGradients()
  if (gradients === null) {
    // A lost device leaves the step out on all ranks, and there is nothing to clip.
    if (model.replica.skipsNextStep) return name === 'clipVal' ? null : Number.NaN
    throw refuse(
      'there is no averaged gradient. Allowed is the call between fabric.backward and optimizer.step. Call fabric.backward(() => loss) before it, the last micro-batch outside noBackwardSync.',
    )
  }
  if (name === 'clipVal') {
    gradients.clamp(limit)
    return null
  }
  const norm = gradients.norm(normType)
  if (!Number.isFinite(norm)) {
    // Overflow is what a loss scale is there for: the step is skipped on all ranks.
    if (core.precision?.scaler) return norm
    if (errorIfNonfinite) throw refuse(nonFinite(norm, normType, gradients))
  }
  gradients.multiply(Math.min(1, limit / (norm + NORM_MARGIN)))
  return norm
}

function nonFinite(norm: number, normType: number, gradients: AveragedGradients): string {
  const names = gradients.nonFinite()
  const shown = names.slice(0, MAX_NAMES).join(', ')
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : ''
  const where = names.length > 0 ? `in the gradients of ${shown}${more}` : 'by the sum of very large gradients'
  return `the norm (normType ${normType}) is ${norm}, ${where}. It must be finite. Lower the learning rate, look at the data, or pass errorIfNonfinite: false to go on.`
}
