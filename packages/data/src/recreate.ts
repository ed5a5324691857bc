/** Makes what a recipe describes. Not for: describing (recipe.ts). */
import { DataLoader } from './loader/loader.ts'
import { mnist } from './mnist/mnist.ts'
import { RandomSampler, type Sampler, SequentialSampler } from './order/sampler.ts'
import type { Recipe } from './recipe.ts'
import type { Columns } from './sets/column.ts'
import type { Dataset } from './sets/dataset.ts'
import { InMemoryDataset } from './sets/in-memory.ts'
import { map, subset } from './sets/views.ts'

/**
 * The object that a recipe describes; parts are what the recipe's parts have become. A data set that is referred to
 * by its source is loaded again, from the cache where the browser has one.
 */
export async function recreate({ kind, parts }: Recipe): Promise<object> {
  switch (kind) {
    case 'mnist':
      return mnist(parts)
    case 'memory':
      return new InMemoryDataset(parts.columns as Columns)
    case 'map':
      return map(parts.base as Dataset, parts.fn as (columns: Columns) => Columns, { batched: parts.batched })
    case 'subset':
      return subset(parts.base as Dataset, parts.indices)
    case 'sequential':
      return new SequentialSampler(parts.length)
    case 'random':
      return new RandomSampler(parts.length, parts.seed === null ? {} : { seed: parts.seed })
    case 'loader': {
      const { dataset, batchSize, dropLast, prefetch, sampler, collate, epoch } = parts
      const loader = new DataLoader(dataset as Dataset, {
        batchSize,
        dropLast,
        prefetch,
        ...(sampler === null ? {} : { sampler: sampler as Sampler }),
        ...(typeof collate === 'function' ? { collate: collate as (samples: readonly Columns[]) => Columns } : {}),
      })
      loader.setEpoch(epoch)
      return loader
    }
    default:
      return kind satisfies never
  }
}
