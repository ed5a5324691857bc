/**
 * One pass over this rank's share of a loader, as tensors on the device, with one look ahead: whoever accumulates
 * gradients must know which batch is the last. The tensors of a batch are disposed when the next one is drawn.
 */
import type { Column, Columns, DataLoader } from '@rondo/data'
import { tf } from '@rondo/engine'

export interface DrawnBatch {
  tensors: tf.Tensor[]
  samples: number
  /** Leading dimensions of the tensors, where they disagree. */
  leading: readonly number[] | null
}

export class BatchCursor {
  private readonly iterator: AsyncIterator<Columns>
  private readonly limit: number
  private ahead: Promise<IteratorResult<Columns>>
  private current: tf.Tensor[] = []
  private drawn = 0

  /** `limit`: batches at most. */
  constructor(loader: DataLoader, limit: number) {
    this.iterator = loader[Symbol.asyncIterator]()
    this.limit = limit
    this.ahead = this.pull()
  }

  /** Whether `next` will give a batch. */
  async hasNext(): Promise<boolean> {
    return (await this.ahead).done !== true
  }

  /** The next batch, or null at the end. Frees the one before. */
  async next(): Promise<DrawnBatch | null> {
    tf.dispose(this.current)
    this.current = []
    const { done, value } = await this.ahead
    if (done === true) return null
    this.drawn += 1
    this.ahead = this.pull()
    this.current = value.map(toTensor)
    const leading = value.map(({ shape }) => shape[0] ?? 1)
    const disagree = leading.some((size) => size !== leading[0])
    return { tensors: this.current, samples: value[0]?.shape[0] ?? 0, leading: disagree ? leading : null }
  }

  /** Frees the last batch and stops those under way. */
  async close(): Promise<void> {
    tf.dispose(this.current)
    this.current = []
    await this.iterator.return?.()
  }

  private pull(): Promise<IteratorResult<Columns>> {
    const next =
      this.drawn < this.limit ? this.iterator.next() : Promise.resolve({ done: true as const, value: undefined })
    // A failure is reported when its turn comes, not as an unhandled rejection meanwhile.
    next.catch(() => {})
    return next
  }
}

/** Uploads a column; uint8 becomes int32, the smallest integer tfjs has. */
function toTensor(column: Column): tf.Tensor {
  const { data, shape, dtype } = column
  return dtype === 'float32' ? tf.tensor(data, shape, 'float32') : tf.tensor(Int32Array.from(data), shape, 'int32')
}
