/**
 * The loaders of a fit: asked for, dealt to the ranks, limited; and made anew every so many epochs where
 * `reloadDataloadersEveryNEpochs` says so. Not for: running an epoch (train-epoch.ts).
 */
import { type DataLoader, SequentialSampler, shardLoader } from '@rondo/data'
import { RondoError } from '@rondo/protocol'
import { balanced, LoadBalancer } from '../loaders/balance.ts'
import { loadersFor } from '../loaders/source.ts'
import { limitOf, validationInterval } from '../options/limits.ts'
import type { Run } from '../run.ts'
import { longest } from './epoch-plan.ts'
import { type EvaluationLoader, evaluationLoaders } from './evaluation.ts'

/** As data module, module or caller gave them. */
interface Sources {
  train: DataLoader
  /** What training runs over: the first in its order, unshuffled under overfitBatches. */
  ordered: DataLoader
  validation: readonly DataLoader[]
}

export interface FitLoaders {
  /** The loader as it was given, before it was shared. */
  source: DataLoader
  /** This rank's share. */
  loader: DataLoader
  /** Batches of this rank at most. */
  limit: number
  /** Batches of the rank that has most; null when unknown. */
  total: number | null
  /** Validate after so many batches. */
  interval: number
  /** Cuts steps by measured speed; null where ranks share equally. */
  balancer: LoadBalancer | null
  validation: readonly EvaluationLoader[]
}

/** Throws BAD_ARGUMENT where nobody gives a train loader. */
export async function readSources(run: Run): Promise<Sources> {
  const { module, options, data } = run
  const [train] = await loadersFor('trainDataloader', data.train, module, data.dataModule)
  if (!train) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `trainer.fit(${module.constructor.name}): fit needs a train loader, and there is none. Pass one: trainer.fit(model, trainLoader), or define trainDataloader().`,
    )
  }
  const overfit = options.overfitBatches !== 0
  const ordered = overfit && train.sampler ? train.withSampler(new SequentialSampler(train.sampler.length)) : train
  const given = await loadersFor('valDataloader', data.evaluation, module, data.dataModule)
  if (given.length > 0 && typeof module.validationStep !== 'function' && !overfit) {
    run.print(`${module.constructor.name} has no validationStep, so the validation loader is not used.`)
  }
  return { train, ordered, validation: overfit ? [ordered] : given }
}

/** Deals them to the ranks and works out how many batches to take. Collective. */
export async function dealLoaders(run: Run, sources: Sources, first = true): Promise<FitLoaders> {
  const { options, fabric, module } = run
  const { useDistributedSampler, fastDevRun, overfitBatches } = options
  const dealt = options.balanceBatches ? balanced(run, sources.ordered) : sources.ordered
  // Fabric remembers what it sets up for as long as the run lasts; loaders made anew come and go.
  const loader = first
    ? ((await fabric.setupDataLoaders(dealt, { useDistributedSampler })).loader as DataLoader)
    : shared(run, dealt)
  const own = loader.hasLength ? loader.length : null
  const limit = trainLimit(run, own)
  const total = await longest(run, own === null ? null : limit, 'batches per epoch')
  const validates = typeof module.validationStep === 'function' && options.limits.validate !== 0
  const validation = validates ? evaluationLoaders(run, sources.validation, 'validate') : []
  return {
    source: sources.train,
    loader,
    limit,
    total,
    interval:
      fastDevRun > 0 ? (total ?? Number.POSITIVE_INFINITY) : validationInterval(options.valCheckInterval, total),
    balancer: LoadBalancer.of(run, loader),
    validation:
      overfitBatches === 0
        ? validation
        : validation.map((entry) => ({ ...entry, limit: Math.min(entry.limit, limit) })),
  }
}

/** Whether loaders are due to be made anew at this epoch, counted from the one that made them last. */
export function reloadIsDue({ options, trainer }: Run, madeAt: number): boolean {
  const every = options.reloadDataloadersEveryNEpochs
  return every > 0 && trainer.currentEpoch - madeAt >= every
}

function shared({ options, worldSize, rank }: Run, loader: DataLoader): DataLoader {
  return options.useDistributedSampler && worldSize > 1 ? shardLoader(loader, { worldSize, rank }) : loader
}

function trainLimit({ options }: Run, length: number | null): number {
  if (options.fastDevRun > 0) return limitOf('fastDevRun', { batches: options.fastDevRun }, length)
  if (options.overfitBatches !== 0) return limitOf('overfitBatches', options.overfitBatches, length)
  return limitOf('limitTrainBatches', options.limits.train, length)
}
