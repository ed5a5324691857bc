/**
 * Data sets made from data sets without copying them: mapped (each sample or batch transformed when it is
 * read) and subset (some of the samples, renumbered).
 */
import { RondoError } from '@rondo/protocol'
import { asWorker } from '../order/worker-random.ts'
import { remember } from '../recipe.ts'
import { rowOf } from './collate.ts'
import type { Awaitable, Columns } from './column.ts'
import { type Dataset, readBatch } from './dataset.ts'

export interface MapOptions {
  /** `true`: the function gets whole batches (`[n, ...shape]`) and keeps n. Default `false`: single samples. */
  batched?: boolean
}

/** Applies a function whenever samples are read; nothing is computed for samples nobody asks for. */
export class MappedDataset<C extends Columns, D extends Columns> implements Dataset<D> {
  readonly getBatch?: (indices: ArrayLike<number>, signal?: AbortSignal) => Promise<D>
  readonly #base: Dataset<C>
  readonly #fn: (columns: C) => Awaitable<D>
  readonly #batched: boolean

  constructor(base: Dataset<C>, fn: (columns: C) => Awaitable<D>, options: MapOptions = {}) {
    this.#base = base
    this.#fn = fn
    this.#batched = options.batched ?? false
    remember(this, () => ({ kind: 'map', parts: { base, fn, batched: this.#batched } }))
    if (this.#batched) {
      this.getBatch = async (indices, signal) => {
        const columns = await readBatch(base, indices, signal)
        return asWorker(() => fn(columns))
      }
    }
  }

  get length(): number {
    return this.#base.length
  }

  async get(index: number): Promise<D> {
    if (!this.#batched) {
      const sample = await this.#base.get(index)
      return asWorker(() => this.#fn(sample))
    }
    const columns = await readBatch(this.#base, [index])
    return rowOf(await asWorker(() => this.#fn(columns)), 0)
  }
}

/** `dataset` with `fn` applied to each sample, or with `batched` to each batch (much cheaper). */
export function map<C extends Columns, D extends Columns>(
  dataset: Dataset<C>,
  fn: (columns: C) => Awaitable<D>,
  options: MapOptions = {},
): Dataset<D> {
  return new MappedDataset(dataset, fn, options)
}

/**
 * The samples `indices` of a data set, renumbered from 0; an index may occur more than once.
 * Errors: BAD_ARGUMENT when an index is not in the data set.
 */
export function subset<C extends Columns>(dataset: Dataset<C>, indices: Iterable<number>): Dataset<C> {
  const chosen = [...indices]
  const wrong = chosen.find((index) => !Number.isInteger(index) || index < 0 || index >= dataset.length)
  if (wrong !== undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `subset(dataset, indices): ${wrong} is not in the data set; allowed are whole numbers 0..${dataset.length - 1}. Leave it out.`,
    )
  }
  const inner = (index: number): number => {
    const found = chosen[index]
    if (found !== undefined) return found
    throw new RondoError(
      'BAD_ARGUMENT',
      `get(${index}): this subset holds samples 0..${chosen.length - 1}. Check the sampler that asked for it.`,
    )
  }
  const part: Dataset<C> = {
    length: chosen.length,
    get: (index) => dataset.get(inner(index)),
    getBatch: (indices, signal) => readBatch(dataset, Array.from(indices, inner), signal),
  }
  remember(part, () => ({ kind: 'subset', parts: { base: dataset, indices: Int32Array.from(chosen) } }))
  return part
}
