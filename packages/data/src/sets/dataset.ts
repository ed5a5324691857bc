/**
 * What a data set is: anything with a length and samples by index (map style), or a stream of samples
 * without a length (iterable style). Not how it is ordered or cut into batches: see samplers and loader.
 */
import { asWorker } from '../order/worker-random.ts'
import { collate } from './collate.ts'
import type { Awaitable, Columns } from './column.ts'

/**
 * Samples by index. `C` is the tuple of columns of a sample, e.g. `[Column<'float32'>, Column<'int32'>]`.
 */
export interface Dataset<C extends Columns = Columns> {
  /** Number of samples. */
  readonly length: number
  /** Sample `index`, 0 ≤ index < length, without a batch axis. */
  get(index: number): Awaitable<C>
  /**
   * Several samples at once, each column stacked to `[indices.length, ...sampleShape]`, in the given order.
   * Optional; give it where gathering many is cheaper than stacking one by one.
   */
  getBatch?(indices: ArrayLike<number>, signal?: AbortSignal): Awaitable<C>
}

/** A stream of samples with no known length. Every rank that iterates it sees all of it. */
export type IterableDataset<C extends Columns = Columns> = AsyncIterable<C> | Iterable<C>

/** True when samples can be asked for by index. */
export function isMapStyle<C extends Columns>(source: Dataset<C> | IterableDataset<C>): source is Dataset<C> {
  return isObject(source) && 'get' in source && typeof source.get === 'function' && 'length' in source
}

/** False for what callers without types may pass by mistake, `undefined` above all. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Reads the samples at `indices` as one batch, by the data set's fast path when it has one. */
export async function readBatch<C extends Columns>(
  dataset: Dataset<C>,
  indices: ArrayLike<number>,
  signal?: AbortSignal,
): Promise<C> {
  const { getBatch } = dataset
  if (getBatch) return asWorker(() => getBatch.call(dataset, indices, signal))
  return collate(await readSamples(dataset, indices))
}

/** Reads the samples at `indices` one by one, all in flight together. */
export function readSamples<C extends Columns>(dataset: Dataset<C>, indices: ArrayLike<number>): Promise<C[]> {
  return Promise.all(Array.from(indices, (index) => asWorker(() => dataset.get(index))))
}
