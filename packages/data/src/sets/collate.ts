/**
 * Stacking samples to a batch, and taking one sample out again. The default of every loader; a loader
 * with samples of uneven shapes brings its own.
 */
import { invariant, RondoError } from '@rondo/protocol'
import { type Column, type Columns, copyInto, sizeOf, zeros } from './column.ts'

/**
 * Stacks samples column by column: shapes `[...s]` become `[samples.length, ...s]`.
 * Errors: BAD_ARGUMENT when samples differ in the number of columns, in a shape or in a dtype.
 */
export function collate<C extends Columns>(samples: readonly C[]): C {
  const first = samples[0]
  invariant(first, 'collate needs at least one sample')
  const batch = first.map((column) => zeros(column.dtype, [samples.length, ...column.shape]))
  samples.forEach((sample, row) => {
    if (sample.length !== batch.length) refuse(row, `it has ${sample.length} columns, sample 0 has ${batch.length}`)
    sample.forEach((column, c) => {
      const like = first[c] as Column
      if (column.dtype !== like.dtype || column.shape.join() !== like.shape.join()) {
        refuse(row, `its column ${c} is ${describe(column)}, that of sample 0 is ${describe(like)}`)
      }
      const size = sizeOf(column.shape)
      copyInto(batch[c] as Column, row * size, column, 0, size)
    })
  })
  return batch as unknown as C
}

/** Row `row` of each column of a batch, as views without the leading axis. */
export function rowOf<C extends Columns>(batch: C, row: number): C {
  return batch.map((column) => {
    const shape = column.shape.slice(1)
    const size = sizeOf(shape)
    return { ...column, shape, data: column.data.subarray(row * size, (row + 1) * size) }
  }) as unknown as C
}

function describe(column: Column): string {
  return `${column.dtype}[${column.shape.join(', ')}]`
}

function refuse(row: number, why: string): never {
  throw new RondoError(
    'BAD_ARGUMENT',
    `collate: sample ${row} of the batch does not stack: ${why}. Samples of one batch need equal columns, shapes and dtypes; crop or pad them in map(), or give the DataLoader its own collate.`,
  )
}
