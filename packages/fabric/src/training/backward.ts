/**
 * `backward` and `noBackwardSync`: which model a loss trains, how many samples stand behind it, and whether its gradient
 * is exchanged now. Not for: gradients and their average (strategies).
 */
import type { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { FabricCore } from '../core.ts'
import type { FabricModel } from '../fabric-model.ts'
import { sendSetup } from '../setup-event.ts'
import { isAsync, withSettledLoss } from './async-loss.ts'

export interface BackwardOptions {
  /** Which set-up model the loss trains; needed when there are several. */
  model?: FabricModel
  /** Samples behind this loss; default: the leading dimension of the batch last drawn, else 1. */
  samples?: number
}

export async function runBackward(
  core: FabricCore,
  lossFn: () => tf.Scalar | Promise<tf.Scalar>,
  options: BackwardOptions = {},
): Promise<number> {
  await core.requireLaunch('backward')
  if (typeof lossFn !== 'function') {
    throw new RondoError(
      'BAD_ARGUMENT',
      'backward(loss): got a value that carries no graph; tfjs records gradients only inside a function. Pass () => loss.',
    )
  }
  const model = options.model ?? core.models[0]
  if (!model || (core.models.length > 1 && !options.model)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      model
        ? `backward(lossFn): ${core.models.length} models are set up. Say which one with { model }.`
        : 'backward(lossFn): no model is set up. Call fabric.setup(model, optimizer) first.',
    )
  }
  if (!core.models.includes(model)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'backward(lossFn, { model }): this model is not set up. Allowed are models that are. Pass what fabric.setup returned.',
    )
  }
  announce(core, model)
  const samples = options.samples ?? core.lastBatchSize ?? 1
  const run = (loss: () => unknown): Promise<number> =>
    model.replica.backward(loss, samples, !core.skipsSync.has(model))
  core.lastLoss = await (isAsync(lossFn) ? withSettledLoss(model, lossFn, run) : run(lossFn))
  return core.lastLoss
}

export async function withoutBackwardSync<T>(
  core: FabricCore,
  model: FabricModel,
  fn: () => T | Promise<T>,
  options: { enabled?: boolean } = {},
): Promise<T> {
  if (!core.models.includes(model)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'noBackwardSync(model, fn): this model is not set up. Pass what fabric.setup returned.',
    )
  }
  const { skipsSync } = core
  const before = skipsSync.has(model)
  const enabled = options.enabled ?? true
  if (enabled && core.worldSize > 1) warnIfUnskippable(core)
  if (enabled) skipsSync.add(model)
  else skipsSync.delete(model)
  try {
    return await fn()
  } finally {
    if (before) skipsSync.add(model)
    else skipsSync.delete(model)
  }
}

/** The result is the same, the traffic is not less. */
function warnIfUnskippable(core: FabricCore): void {
  const { strategy } = core.options
  if (strategy.skipsBackwardSync !== false || core.toldOfSync) return
  core.toldOfSync = true
  if (core.context.localRank !== 0) return
  console.warn(
    `noBackwardSync: strategy "${strategy.name}" cannot skip the exchange of gradients, so every backward exchanges them. The result is the same; use strategy "ddp" to save the traffic.`,
  )
}

/**
 * Tells what this rank uses, at the first backward whose gradient is exchanged: how many came before it says how many
 * batches make a step.
 */
function announce(core: FabricCore, model: FabricModel): void {
  const { context } = core
  if (context.announced) return
  core.backwards += 1
  if (core.skipsSync.has(model) && context.accumulation === null) return
  sendSetup(context, {
    accumulate: context.accumulation ?? core.backwards,
    learningRate: core.optimizers[0]?.learningRate ?? null,
    batchSize: core.loaders[0]?.batchSize ?? core.lastBatchSize,
    parameters: model.parameters().reduce((sum, { variable }) => sum + variable.size, 0),
  })
}
