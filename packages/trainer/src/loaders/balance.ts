/**
 * `balanceBatches`: the same global batch, dealt by measured speed. Each rank measures what a sample costs it, all agree
 * on the figures, and all cut the coming steps alike. Not for: dealing (data, balanced-sampler.ts) or the average, which
 * counts samples anyway.
 */
import { BalancedSampler, type DataLoader, splitBy } from '@rondo/data'
import type { FabricModel } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import type { Run } from '../run.ts'

/** Steps before the first cut: kernels are compiled in the first, which is not counted. */
const FIRST_AFTER = 4
/** Steps between two looks at the figures later on. */
const EVERY = 16
/** Steps that loaders may draw between the agreement and its effect. */
const MARGIN = 4
/** A cut is left alone unless a new one makes the slowest rank's part shorter by this share. */
const WORTHWHILE = 0.05

/** The loader, dealt out in global batches that can be cut anew; as it is where one rank trains alone. */
export function balanced(run: Run, loader: DataLoader): DataLoader {
  const { worldSize, rank } = run
  if (worldSize === 1) return loader
  if (loader.sampler === undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'Trainer({ balanceBatches: true }) with an iterable data set: there is no order to deal by speed. Allowed are data sets with a length. Leave balanceBatches out, or use a Dataset.',
      { rank },
    )
  }
  if (loader.batchSampler !== undefined) {
    throw new RondoError(
      'CONFLICT',
      'Trainer({ balanceBatches: true }) with a loader that has a batchSampler: both say how many samples a batch has. Allowed is one of the two. Leave balanceBatches out, or give the loader a sampler.',
      { rank },
    )
  }
  const globalBatch = loader.batchSize * worldSize
  return loader.withSampler(
    new BalancedSampler(loader.sampler, { globalBatch, worldSize, rank, dropLast: loader.dropLast }),
  )
}

export class LoadBalancer {
  readonly run: Run
  readonly #sampler: BalancedSampler
  #steps = 0
  #milliseconds = 0
  #samples = 0

  constructor(run: Run, sampler: BalancedSampler) {
    this.run = run
    this.#sampler = sampler
  }

  /** For a loader made by `balanced`; null for any other. */
  static of(run: Run, loader: DataLoader): LoadBalancer | null {
    return loader.sampler instanceof BalancedSampler ? new LoadBalancer(run, loader.sampler) : null
  }

  /** After each optimizer step, on all ranks. Collective every so many steps. */
  async afterStep(models: readonly FabricModel[]): Promise<void> {
    this.#steps += 1
    for (const { replica } of models) if (this.#steps > 1) this.#count(replica.lastStep)
    if (this.#steps % EVERY !== FIRST_AFTER) return
    const mine = { perSample: this.#samples > 0 ? this.#milliseconds / this.#samples : 0, drawn: this.#sampler.drawn }
    this.#milliseconds = 0
    this.#samples = 0
    const all = await this.run.trainer.gather(mine)
    const costs = all.map(({ perSample }) => perSample)
    const shares = newShares(this.#sampler.shares, costs)
    if (shares === null) return
    this.#sampler.rebalance(shares, Math.max(...all.map(({ drawn }) => drawn)) + MARGIN)
    this.run.print(
      `balanceBatches: a step of ${shares.reduce((sum, share) => sum + share, 0)} samples is dealt ${shares.join(' + ')} to ranks 0 to ${shares.length - 1}, by ${costs.map((cost) => cost.toPrecision(3)).join(' / ')} ms a sample.`,
    )
  }

  #count(step: FabricModel['replica']['lastStep']): void {
    if (!step || step.samples === 0) return
    this.#milliseconds += step.times.compute + step.times.readback
    this.#samples += step.samples
  }
}

/**
 * Shares of a step that make all ranks end together, half way from the old ones so that a fixed cost of each step does
 * not make them swing; null where it is not worth it, or a rank has no figure.
 * @param costs milliseconds of one sample, by rank
 */
export function newShares(old: readonly number[], costs: readonly number[]): number[] | null {
  if (costs.some((cost) => !(cost > 0) || !Number.isFinite(cost))) return null
  const total = old.reduce((sum, share) => sum + share, 0)
  const speed = costs.map((cost) => 1 / cost)
  const all = speed.reduce((sum, each) => sum + each, 0)
  const wanted = speed.map((each, rank) => ((each / all) * total + (old[rank] as number)) / 2)
  const shares = splitBy(total, wanted)
  const slowest = (cut: readonly number[]): number =>
    Math.max(...cut.map((share, rank) => share * (costs[rank] as number)))
  return slowest(shares) <= slowest(old) * (1 - WORTHWHILE) ? shares : null
}
