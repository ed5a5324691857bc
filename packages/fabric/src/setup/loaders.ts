/** `setupDataLoaders`: each loader's samples dealt to the ranks, its batches as tensors. Not for: the loader itself. */
import type { DataLoader } from '@rondo/data'
import { RondoError } from '@rondo/protocol'
import type { FabricCore } from '../core.ts'
import { type BatchObserver, FabricDataLoader, type LoaderOptions } from '../fabric-loader.ts'

export async function setupLoaders(
  core: FabricCore,
  loaders: readonly DataLoader[],
  options: LoaderOptions,
): Promise<FabricDataLoader[]> {
  await core.requireLaunch('setupDataLoaders')
  await core.prepareDevice()
  if (loaders.length === 0) {
    throw new RondoError('BAD_ARGUMENT', 'setupDataLoaders(): no loader was given. Pass at least one DataLoader.')
  }
  const observe: BatchObserver = ({ samples, epoch, index, stepsPerEpoch }) => {
    core.lastBatchSize = samples
    if (index === 0) core.position = { epoch, stepsPerEpoch, startedAt: performance.now() }
  }
  const wrapped = loaders.map((loader) => {
    if (
      core.loaders.some((known) => known.source === loader) ||
      loaders.indexOf(loader) !== loaders.lastIndexOf(loader)
    ) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'setupDataLoaders(loader): this loader is set up already. Set each loader up once.',
      )
    }
    return new FabricDataLoader(loader, core.context, observe, options)
  })
  core.loaders.push(...wrapped)
  return wrapped
}
