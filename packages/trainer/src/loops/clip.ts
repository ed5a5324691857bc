/** `gradientClipVal` and `gradientClipAlgorithm`: between averaging (and unscaling) and the step, as Lightning does. */
import type { FabricModel, FabricOptimizer } from '@rondo/fabric'
import type { Run } from '../run.ts'

/** Clips what the next step uses, if the trainer was asked to. Not collective. A norm that is not finite goes on. */
export async function clipGradients(
  { fabric, options }: Run,
  model: FabricModel,
  optimizer: FabricOptimizer,
): Promise<void> {
  const { gradientClipVal: limit, gradientClipAlgorithm: algorithm } = options
  if (limit === null) return
  const how = algorithm === 'value' ? { clipVal: limit } : { maxNorm: limit, errorIfNonfinite: false }
  await fabric.clipGradients(model, optimizer, how)
}
