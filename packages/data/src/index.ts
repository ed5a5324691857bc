export { type CachedFetchOptions, cachedFetch } from './fetch/cached-fetch.ts'
export type { DownloadProgress } from './fetch/download.ts'
export { type Cifar10, type Cifar100, decodeCifar10, decodeCifar100 } from './formats/cifar.ts'
export { decodeIdx } from './formats/idx.ts'
export { DataLoader, type DataLoaderOptions } from './loader/loader.ts'
export { isDistributed, type ShardOptions, shardLoader } from './loader/shard-loader.ts'
export { type MnistOptions, type MnistSample, type MnistSplit, mnist } from './mnist/mnist.ts'
export { BalancedSampler, splitBy } from './order/balanced-sampler.ts'
export { BatchSampler, type BatchSamplerLike } from './order/batch-sampler.ts'
export {
  DistributedSampler,
  type DistributedSamplerOptions,
  DistributedSamplerWrapper,
  UnrepeatedDistributedSampler,
} from './order/distributed-sampler.ts'
export { getShuffleSeed, RandomSampler, type Sampler, SequentialSampler, setShuffleSeed } from './order/sampler.ts'
export { setWorkerSeed } from './order/worker-random.ts'
export { type Recipe, recipeOf } from './recipe.ts'
export { recreate } from './recreate.ts'
export { collate } from './sets/collate.ts'
export { type Column, type Columns, column, type DType } from './sets/column.ts'
export type { Dataset, IterableDataset } from './sets/dataset.ts'
export { InMemoryDataset } from './sets/in-memory.ts'
export { type NormalizeOptions, normalize } from './sets/normalize.ts'
export { type MapOptions, MappedDataset, map, subset } from './sets/views.ts'
