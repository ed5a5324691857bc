export { type CachedFetchOptions, cachedFetch } from './cached-fetch.ts'
export { type Cifar10, type Cifar100, decodeCifar10, decodeCifar100 } from './cifar.ts'
export { collate } from './collate.ts'
export { type Column, type Columns, column, type DType } from './column.ts'
export type { Dataset, IterableDataset } from './dataset.ts'
export {
  DistributedSampler,
  type DistributedSamplerOptions,
  DistributedSamplerWrapper,
  UnrepeatedDistributedSampler,
} from './distributed-sampler.ts'
export type { DownloadProgress } from './download.ts'
export { decodeIdx } from './idx.ts'
export { InMemoryDataset } from './in-memory.ts'
export { DataLoader, type DataLoaderOptions } from './loader.ts'
export { type MnistOptions, type MnistSample, type MnistSplit, mnist } from './mnist.ts'
export { type NormalizeOptions, normalize } from './normalize.ts'
export { getShuffleSeed, RandomSampler, type Sampler, SequentialSampler, setShuffleSeed } from './sampler.ts'
export { isDistributed, type ShardOptions, shardLoader } from './shard-loader.ts'
export { type MapOptions, MappedDataset, map, subset } from './views.ts'
