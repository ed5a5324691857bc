/**
 * A data set that lies in memory as whole columns. Batches are gathered by row without touching samples
 * one by one. Not for data larger than memory: write a `Dataset` that reads on demand.
 */
import { RondoError } from '@rondo/protocol'
import { remember } from '../recipe.ts'
import { rowOf } from './collate.ts'
import { type Column, type Columns, copyInto, sizeOf, zeros } from './column.ts'
import type { Dataset } from './dataset.ts'

export class InMemoryDataset<C extends Columns = Columns> implements Dataset<C> {
  readonly length: number
  readonly columns: C

  /**
   * `columns`: one or more, each `[n, ...sampleShape]` with the same n; they are kept, not copied.
   * Errors: BAD_ARGUMENT when there is none, one is a scalar, or the n differ.
   */
  constructor(columns: readonly [...C]) {
    const lengths = columns.map((column) => column.shape[0])
    const length = lengths[0]
    if (length === undefined || lengths.some((n) => n !== length)) {
      throw new RondoError(
        'BAD_ARGUMENT',
        `InMemoryDataset(columns): the columns hold [${lengths.map((n) => n ?? 'a scalar').join(', ')}] samples; give at least one column, all with the same first axis. Cut or extend the shorter ones.`,
      )
    }
    this.length = length
    this.columns = columns as unknown as C
    remember(this, () => ({ kind: 'memory', parts: { columns: this.columns } }))
  }

  /** Sample `index` as views into the columns. Errors: BAD_ARGUMENT outside 0..length-1. */
  get(index: number): C {
    this.#check(index)
    return rowOf(this.columns, index)
  }

  /** Gathers rows, `[indices.length, ...sampleShape]` per column, into fresh arrays. */
  getBatch(indices: ArrayLike<number>): C {
    for (let row = 0; row < indices.length; row++) this.#check(indices[row] as number)
    return this.columns.map((source) => this.#gather(source, indices)) as unknown as C
  }

  #gather(source: Column, indices: ArrayLike<number>): Column {
    const target = zeros(source.dtype, [indices.length, ...source.shape.slice(1)])
    const size = sizeOf(source.shape.slice(1))
    for (let row = 0; row < indices.length; row++) {
      copyInto(target, row * size, source, (indices[row] as number) * size, size)
    }
    return target
  }

  #check(index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.length) return
    throw new RondoError(
      'BAD_ARGUMENT',
      `get(${index}): this data set holds samples 0..${this.length - 1}. Check the sampler or subset that asked for it.`,
    )
  }
}
