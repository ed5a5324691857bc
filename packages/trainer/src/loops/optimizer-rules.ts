/** Which optimizers go with which arguments: refused before anything is set up. Not for: one optimizer's own options. */
import type { FabricModel } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import type { ConfiguredOptimizer } from '../module/optimizer-config.ts'
import type { Run } from '../run.ts'

/** @throws CONFLICT and UNSUPPORTED for what cannot go together */
export function checkOptimizers({ module, options }: Run, configured: readonly ConfiguredOptimizer[]): void {
  const name = module.constructor.name
  if (module.automaticOptimization) {
    if (configured.length === 1) return
    throw new RondoError(
      'UNSUPPORTED',
      `${name}.configureOptimizers() returned ${configured.length} optimizers, and automaticOptimization is true: the trainer steps one optimizer only (turns by optimizerIdx, trainingStep(batch, batchIndex, optimizerIdx), were Lightning 1.x's, and 2 has none). Allowed is one, or several that the module steps itself. Set automaticOptimization = false and call this.manualBackward and step() in trainingStep.`,
    )
  }
  const steps: Array<[string, unknown, boolean]> = [
    ['accumulateGradBatches', options.accumulateGradBatches, options.accumulateGradBatches !== 1],
    ['gradientClipVal', options.gradientClipVal, options.gradientClipVal !== null],
  ]
  for (const [option, value, given] of steps) {
    if (!given) continue
    throw new RondoError(
      'CONFLICT',
      `Trainer({ ${option}: ${String(value)} }) with ${name}.automaticOptimization = false: the module decides itself when and how it steps. Allowed is the default. Leave ${option} out, and do it in trainingStep.`,
    )
  }
}

/** @throws UNSUPPORTED for several optimizers under a strategy that averages weights: each part would average them all */
export function checkReplicas(models: readonly FabricModel[]): void {
  if (models.length === 1 || models.every(({ replica }) => replica.syncWeights === undefined)) return
  throw new RondoError(
    'UNSUPPORTED',
    `configureOptimizers() returned ${models.length} optimizers under a strategy that exchanges weights and not gradients. Such a strategy takes one. Use strategy: "ddp".`,
  )
}
