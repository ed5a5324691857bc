/**
 * A loader after `fabric.setupDataLoaders`: this rank's share of the samples, as tensors on the device. The
 * tensors of a batch are disposed when the next one is drawn. Not for: order and sharding (data).
 */
import { type Column, type Columns, DataLoader, shardLoader } from '@rondo/data'
import { tf } from '@rondo/engine'
import { RondoError, type SpanSink } from '@rondo/protocol'
import type { RankContext } from './context.ts'

export interface LoaderOptions {
  /** Deal the samples to the ranks; false leaves the loader's own sampler. */
  useDistributedSampler?: boolean
  /** Give tensors; false gives the columns as they come. */
  moveToDevice?: boolean
  /** Every sample on exactly one rank, none repeated: for evaluation. */
  exact?: boolean
}

/** Called when a batch is drawn: its sample count, and where in the epoch it lies. */
export type BatchObserver = (batch: {
  samples: number
  epoch: number
  index: number
  stepsPerEpoch: number | null
}) => void

/** A batch as a script sees it: tensors (or columns with `moveToDevice: false`), in the data set's order. */
export type Batch<C extends Columns> = { [K in keyof C]: tf.Tensor }

/** A loader that gives this rank's share of the samples, as tensors that live until the next batch is drawn. */
export class FabricDataLoader<C extends Columns = Columns> implements AsyncIterable<Batch<C>> {
  /** The loader as the script built it. */
  readonly source: DataLoader<C>
  /** The loader underneath, with the sampler that deals this rank's share. */
  readonly loader: DataLoader<C>
  private readonly observe: BatchObserver
  private readonly moveToDevice: boolean
  private readonly spans: SpanSink | null
  private epoch = 0

  constructor(loader: DataLoader<C>, context: RankContext, observe: BatchObserver, options: LoaderOptions = {}) {
    if (!(loader instanceof DataLoader)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `setupDataLoaders(loader): got ${Object.prototype.toString.call(loader)}; allowed are DataLoader objects. Wrap the data set: new DataLoader(dataset, { batchSize: 32 }).`,
      )
    }
    this.source = loader
    const { useDistributedSampler = true, moveToDevice = true, exact = false } = options
    if (useDistributedSampler) checkDealable(loader, context)
    const { rank, worldSize } = context.group
    const shard = useDistributedSampler && worldSize > 1
    this.loader = shard ? shardLoader(loader, { worldSize, rank, exact }) : loader
    this.observe = observe
    this.moveToDevice = moveToDevice
    this.spans = context.spans
  }

  /** Samples of a batch on this rank; the last one may have fewer. */
  get batchSize(): number {
    return this.loader.batchSize
  }

  /** Batches per epoch on this rank. */
  get length(): number {
    return this.loader.length
  }

  /** Sets the number of the next epoch, on which a shuffled order depends. */
  setEpoch(epoch: number): void {
    this.loader.setEpoch(epoch)
    this.epoch = epoch
  }

  /** One epoch of batches. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Batch<C>, void, undefined> {
    const epoch = this.epoch++
    const stepsPerEpoch = this.loader.hasLength ? this.loader.length : null
    let index = 0
    let asked = performance.now()
    for await (const columns of this.loader) {
      this.observe({ samples: columns[0]?.shape[0] ?? 0, epoch, index: index++, stepsPerEpoch })
      const tensors = this.moveToDevice ? columns.map(toTensor) : []
      this.tell(asked, index, columns)
      try {
        yield (this.moveToDevice ? tensors : columns) as unknown as Batch<C>
      } finally {
        tf.dispose(tensors)
      }
      asked = performance.now()
    }
  }

  private tell(start: number, count: number, columns: Columns): void {
    const bytes = columns.reduce((sum, { data }) => sum + data.byteLength, 0)
    this.spans?.({ lane: 'data', name: `batch ${count}`, start, end: performance.now(), bytes })
  }
}

/** Throws for an order that never ends; tells once of a source that every rank sees whole. */
function checkDealable({ sampler, dataset }: DataLoader, { group, localRank }: RankContext): void {
  if (sampler !== undefined && !Number.isSafeInteger(sampler.length)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `setupDataLoaders(loader): its sampler ${sampler.constructor.name} has length ${String(sampler.length)}. Allowed are samplers with a finite length, which can be dealt to the ranks. Give it one, or use an iterable data set instead and shard it by env.RANK.`,
    )
  }
  if (sampler === undefined && group.worldSize > 1 && localRank === 0) {
    console.info(
      `setupDataLoaders(loader): the data set (${dataset.constructor?.name ?? 'an iterable'}) is iterable, so every rank sees all of it unless it shards itself by env.RANK.`,
    )
  }
}

/** Uploads a column; uint8 becomes int32, the smallest integer tfjs has. */
export function toTensor(column: Column): tf.Tensor {
  const { data, shape, dtype } = column
  return dtype === 'float32' ? tf.tensor(data, shape, 'float32') : tf.tensor(Int32Array.from(data), shape, 'int32')
}
