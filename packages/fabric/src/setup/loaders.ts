/** `setupDataLoaders`: each loader's samples dealt to the ranks, its batches as tensors. Not for: the loader itself. */
import type { DataLoader } from '@rondo/data'
import { RondoError } from '@rondo/protocol'
import type { FabricCore } from '../core.ts'
import { type BatchObserver, FabricDataLoader, type LoaderOptions } from '../fabric-loader.ts'

const OPTIONS: readonly string[] = ['useDistributedSampler', 'moveToDevice', 'exact']

export async function setupLoaders(core: FabricCore, rest: readonly unknown[]): Promise<FabricDataLoader[]> {
  await core.requireLaunch('setupDataLoaders')
  const { loaders, options } = readLoaders(rest)
  if (loaders.length === 0) {
    throw new RondoError('BAD_ARGUMENT', 'setupDataLoaders(): no loader was given. Pass at least one DataLoader.')
  }
  const observe: BatchObserver = ({ samples, epoch, index, stepsPerEpoch }) => {
    core.lastBatchSize = samples
    if (index === 0) core.position = { epoch, stepsPerEpoch, startedAt: performance.now() }
  }
  loaders.forEach((loader, i) => {
    const known = core.loaders.findIndex((one) => one.source === loader || one === (loader as unknown))
    if (known < 0 && loaders.indexOf(loader) === i) return
    throw new RondoError(
      'BAD_ARGUMENT',
      `setupDataLoaders: loader ${i + 1} of ${loaders.length} is set up already. Allowed is once. Keep what setupDataLoaders returned and use that.`,
    )
  })
  await core.prepareDevice()
  const wrapped = loaders.map((loader) => new FabricDataLoader(loader, core.context, observe, options))
  core.loaders.push(...wrapped)
  return wrapped
}

/** Takes the options off the end of the arguments. */
function readLoaders(rest: readonly unknown[]): { loaders: DataLoader[]; options: LoaderOptions } {
  const last = rest.at(-1)
  const plain = typeof last === 'object' && last !== null && Object.getPrototypeOf(last) === Object.prototype
  const options = (plain ? last : {}) as LoaderOptions
  const unknown = Object.keys(options).filter((option) => !OPTIONS.includes(option))
  if (unknown.length === 0) return { loaders: (plain ? rest.slice(0, -1) : rest) as DataLoader[], options }
  throw new RondoError(
    'BAD_ARGUMENT',
    `setupDataLoaders(…, options): there is no option ${unknown.join(', ')}. Known are ${OPTIONS.join(', ')}. Correct or remove it.`,
  )
}
