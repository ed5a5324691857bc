/**
 * The loader: goes through a data set in a sampler's order and gives batches, the next ones under way while
 * the current one trains. Gives columns of typed arrays, never tensors; fabric puts them on the device.
 */
import { RondoError } from '@rondo/protocol'
import type { BatchSamplerLike } from '../order/batch-sampler.ts'
import { RandomSampler, type Sampler, SequentialSampler, wholeNumber } from '../order/sampler.ts'
import { asWorker } from '../order/worker-random.ts'
import { remember } from '../recipe.ts'
import { collate as stack } from '../sets/collate.ts'
import type { Awaitable, Columns } from '../sets/column.ts'
import { type Dataset, type IterableDataset, isMapStyle, isObject, readBatch, readSamples } from '../sets/dataset.ts'
import { prefetch } from './prefetch.ts'

/** Batches in preparation ahead of the current one: one being read, one ready. */
const DEFAULT_PREFETCH = 2

/** What a DataLoader may be told; all of it is optional. */
export interface DataLoaderOptions<C extends Columns = Columns> {
  /** Samples per batch on this rank; default 1. */
  batchSize?: number
  /** Visit in a new random order each epoch; default `false`. Not together with `sampler`. */
  shuffle?: boolean
  /** The order to visit; default by `shuffle`. */
  sampler?: Sampler
  /** Which samples go together, over an order of its own. Not together with the four options above and below. */
  batchSampler?: BatchSamplerLike
  /** Leave out a last batch smaller than `batchSize`; default `false`. */
  dropLast?: boolean
  /** Batches prepared ahead of the current one; default 2, 0 reads on demand. */
  prefetch?: number
  /** Makes a batch of samples; default stacks each column. */
  collate?(samples: readonly C[]): Awaitable<C>
  /** Ends every iteration with an ABORTED error when it fires. */
  signal?: AbortSignal
}

type Source<C extends Columns> = Dataset<C> | IterableDataset<C>

/**
 * Batches of a data set, in the order of its sampler, read ahead while the last one trains. Iterating gives tuples of
 * columns `[batch, …]`; every iteration is the next epoch. Semantics are those of torch.utils.data.DataLoader.
 * Throws BAD_ARGUMENT for options that contradict each other.
 */
export class DataLoader<C extends Columns = Columns> implements AsyncIterable<C> {
  readonly dataset: Source<C>
  readonly batchSize: number
  readonly dropLast: boolean
  /** The order of a map-style data set; `undefined` for an iterable one. */
  readonly sampler: Sampler | undefined
  /** Given by the script; `undefined` where batches are cut from the order. */
  readonly batchSampler: BatchSamplerLike | undefined
  readonly #options: DataLoaderOptions<C>
  readonly #prefetch: number
  #nextEpoch = 0
  /** Samples of the common order that the next iteration leaves out. */
  #skipped = 0

  /**
   * Errors: BAD_ARGUMENT for a batch size below 1 or a data set that is neither map-style nor iterable;
   * CONFLICT for `shuffle` with `sampler`, or either with an iterable data set.
   */
  constructor(dataset: Source<C>, options: DataLoaderOptions<C> = {}) {
    this.dataset = dataset
    this.#options = options
    this.batchSampler = checkBatchSampler(dataset, options)
    this.batchSize = wholeNumber('DataLoader: batchSize', options.batchSize ?? this.batchSampler?.batchSize ?? 1, 1)
    this.#prefetch = wholeNumber('DataLoader: prefetch', options.prefetch ?? DEFAULT_PREFETCH, 0)
    this.dropLast = options.dropLast ?? this.batchSampler?.dropLast ?? false
    this.sampler = this.batchSampler?.sampler ?? chooseSampler(dataset, options)
    // A batch sampler is a script's own class, which nobody else could make again.
    if (this.batchSampler) return
    remember(this, () => ({
      kind: 'loader',
      parts: {
        dataset,
        batchSize: this.batchSize,
        dropLast: this.dropLast,
        prefetch: this.#prefetch,
        sampler: this.sampler ?? null,
        collate: options.collate ?? null,
        epoch: this.#nextEpoch,
      },
    }))
  }

  /** True when the number of batches is known: a map-style data set with a sampler that ends. */
  get hasLength(): boolean {
    return this.sampler !== undefined && Number.isSafeInteger(this.sampler.length)
  }

  /** Batches per epoch on this rank. Errors: BAD_ARGUMENT where it is not known (see `hasLength`). */
  get length(): number {
    if (this.sampler === undefined || !this.hasLength) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `DataLoader.length: ${this.sampler ? `sampler ${this.sampler.constructor.name} has length ${this.sampler.length}` : 'an iterable data set has no length'}; only a map-style data set with a finite sampler has one. Ask hasLength first.`,
      )
    }
    if (this.sampler.batches !== undefined) return this.sampler.batches
    if (this.batchSampler?.length !== undefined && this.#skipped === 0) return this.batchSampler.length
    const indices = this.sampler.length - (this.sampler.startAt ? 0 : this.#skipped)
    const batches = Math.max(0, indices) / this.batchSize
    return this.dropLast ? Math.floor(batches) : Math.ceil(batches)
  }

  /** The same loader with another order, starting again at epoch 0. */
  withSampler(sampler: Sampler): DataLoader<C> {
    return new DataLoader(this.dataset, { ...this.#options, shuffle: false, sampler })
  }

  /** The same loader with another batch sampler, starting again at epoch 0. */
  withBatchSampler(batchSampler: BatchSamplerLike): DataLoader<C> {
    return new DataLoader(this.dataset, { ...this.#options, batchSampler })
  }

  /**
   * Sets the number of the next iteration; later ones count on from there. Without it the sampler's epoch
   * is the number of iterations begun before.
   */
  setEpoch(epoch: number): void {
    this.#nextEpoch = wholeNumber('DataLoader.setEpoch(epoch)', epoch, 0)
  }

  /**
   * The next iteration, and it alone, leaves out the first `position` samples of the order that all ranks share: those
   * that were trained on before a checkpoint. `length` is what is left until it has begun. An iterable data set is read
   * and its samples dropped.
   */
  startAt(position: number): void {
    this.#skipped = wholeNumber('DataLoader.startAt(position)', position, 0)
    this.sampler?.startAt?.(position)
  }

  /** One epoch of batches. Leaving the loop early stops the batches under way. */
  [Symbol.asyncIterator](): AsyncGenerator<C, void, undefined> {
    this.sampler?.setEpoch?.(this.#nextEpoch)
    this.#nextEpoch += 1
    const skipped = this.#skipped
    this.#skipped = 0
    if (!this.sampler || !isMapStyle(this.dataset)) {
      return this.#streamed(this.dataset as IterableDataset<C>, skipped)
    }
    const toSkip = this.sampler.startAt ? 0 : skipped
    // The order is fixed here and not at the first batch: the sampler may be told of the next epoch before that.
    const batches = this.batchSampler ? without(this.batchSampler, toSkip) : this.#cut(this.sampler, toSkip)
    return this.#mapped(this.dataset, batches)
  }

  /** Lists of indices in the sampler's order, without the first `skipped`. */
  #cut(sampler: Sampler, skipped: number): Iterator<readonly number[]> {
    return this.#slices(sampler, sampler[Symbol.iterator](), skipped)
  }

  *#slices(sampler: Sampler, order: Iterator<number>, skipped: number): Generator<readonly number[], void, undefined> {
    try {
      take(order, skipped)
      while (true) {
        const own = sampler.nextBatchSize?.()
        const indices = take(order, own ?? this.batchSize)
        if (own === undefined ? !this.#isBatch(indices) : indices.length === 0) return
        yield indices
      }
    } finally {
      order.return?.()
    }
  }

  async *#mapped(dataset: Dataset<C>, batches: Iterator<readonly number[]>): AsyncGenerator<C, void, undefined> {
    const { collate } = this.#options
    const leaving = new AbortController()
    const signal = joined(leaving.signal, this.#options.signal)
    const read = async (indices: readonly number[]): Promise<C> => {
      if (!collate) return readBatch(dataset, indices, signal)
      const samples = await readSamples(dataset, indices)
      return asWorker(() => collate(samples))
    }
    const start = (): Promise<C> | undefined => {
      const { value, done } = batches.next()
      return done ? undefined : read(value)
    }
    try {
      yield* prefetch('DataLoader', start, this.#prefetch, signal)
    } finally {
      leaving.abort()
      batches.return?.()
    }
  }

  async *#streamed(source: IterableDataset<C>, skipped: number): AsyncGenerator<C, void, undefined> {
    const { collate = stack } = this.#options
    const samples = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
    let toSkip = skipped
    const next = async (): Promise<C | undefined> => {
      for (; toSkip > 0; toSkip--) if ((await samples.next()).done) return undefined
      const batch: C[] = []
      while (batch.length < this.batchSize) {
        const { value, done } = await samples.next()
        if (done) break
        batch.push(value)
      }
      return this.#isBatch(batch) ? collate(batch) : undefined
    }
    // A stream is read strictly in turn: each batch starts when the one before it is complete.
    let last: Promise<C | undefined> = Promise.resolve(undefined)
    const start = (): Promise<C | undefined> => {
      last = last.then(next)
      return last
    }
    const signal = joined(this.#options.signal)
    try {
      for await (const batch of prefetch('DataLoader', start, this.#prefetch, signal)) {
        if (batch === undefined) return
        yield batch
      }
    } finally {
      // Not awaited: a source that is stuck must not hold up the one who leaves.
      Promise.resolve(samples.return?.()).catch(() => {})
    }
  }

  #isBatch(items: readonly unknown[]): boolean {
    return items.length > 0 && (!this.dropLast || items.length === this.batchSize)
  }
}

function chooseSampler<C extends Columns>(dataset: Source<C>, options: DataLoaderOptions<C>): Sampler | undefined {
  const { sampler, shuffle = false } = options
  if (isMapStyle(dataset)) {
    if (sampler && shuffle) {
      throw new RondoError(
        'CONFLICT',
        'DataLoader: shuffle is true and a sampler is given too; a sampler already fixes the order. Choose one.',
      )
    }
    return sampler ?? (shuffle ? new RandomSampler(dataset.length) : new SequentialSampler(dataset.length))
  }
  if (!isObject(dataset) || !(Symbol.asyncIterator in dataset || Symbol.iterator in dataset)) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `DataLoader(dataset): got ${Object.prototype.toString.call(dataset)}; allowed are a Dataset (length and get) or an iterable of samples. Wrap arrays in an InMemoryDataset.`,
    )
  }
  if (sampler || shuffle) {
    throw new RondoError(
      'CONFLICT',
      `DataLoader: ${sampler ? 'a sampler' : 'shuffle: true'} is given for an iterable data set; its samples come in its own order. Leave it out and order the samples in the data set itself.`,
    )
  }
  return undefined
}

/** Throws CONFLICT beside an option that it decides itself, BAD_ARGUMENT for an object that is none. */
function checkBatchSampler<C extends Columns>(
  dataset: Source<C>,
  options: DataLoaderOptions<C>,
): BatchSamplerLike | undefined {
  const { batchSampler } = options
  if (batchSampler === undefined) return undefined
  const said = (['batchSize', 'shuffle', 'sampler', 'dropLast'] as const).filter((option) => options[option])
  if (said.length > 0 || !isMapStyle(dataset)) {
    const what = said.length > 0 ? said.join(' and ') : 'an iterable data set, which has no indices'
    throw new RondoError(
      'CONFLICT',
      `DataLoader: batchSampler is given with ${what}; a batch sampler decides order and batches alone. Allowed is one of the two. Remove the other.`,
    )
  }
  const missing = ['sampler', 'batchSize', 'dropLast'].filter((field) => !(field in Object(batchSampler)))
  if (missing.length === 0 && Symbol.iterator in batchSampler) return batchSampler
  throw new RondoError(
    'BAD_ARGUMENT',
    `DataLoader: batchSampler ${batchSampler?.constructor?.name ?? typeof batchSampler} has no ${missing.join(', ') || 'iterator'}. A batch sampler gives lists of indices and has sampler, batchSize and dropLast. Extend BatchSampler, or add the fields.`,
  )
}

/** What a batch sampler gives, without the first `skipped` samples. */
function* without(batchSampler: BatchSamplerLike, skipped: number): Generator<readonly number[], void, undefined> {
  let toSkip = skipped
  for (const indices of batchSampler) {
    if (indices.length > toSkip) yield indices.slice(toSkip)
    toSkip = Math.max(0, toSkip - indices.length)
  }
}

function take(order: Iterator<number>, count: number): number[] {
  const indices: number[] = []
  while (indices.length < count) {
    const { value, done } = order.next()
    if (done) break
    indices.push(value)
  }
  return indices
}

function joined(...signals: (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined))
}
