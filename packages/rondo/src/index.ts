/**
 * The one import of a user's script. Names are those of Lightning Fabric and PyTorch where they exist there.
 */
export type { ProcessGroup } from '@rondo/collectives'
export {
  type Column,
  type Columns,
  cachedFetch,
  collate,
  column,
  DataLoader,
  type DataLoaderOptions,
  type Dataset,
  DistributedSampler,
  DistributedSamplerWrapper,
  decodeCifar10,
  decodeCifar100,
  decodeIdx,
  InMemoryDataset,
  type IterableDataset,
  MappedDataset,
  map,
  mnist,
  normalize,
  RandomSampler,
  type Sampler,
  SequentialSampler,
  subset,
  UnrepeatedDistributedSampler,
} from '@rondo/data'
export { adam, adamw, decodeSafetensors, encodeSafetensors, type Optimizer, rmsprop, sgd } from '@rondo/engine'
export {
  type Batch,
  currentRankContext,
  debugLauncher,
  env,
  exit,
  Fabric,
  FabricDataLoader,
  FabricModel,
  FabricOptimizer,
  type FabricOptions,
  type NotebookLauncherOptions,
  notebookLauncher,
  parseDevices,
  parseGpus,
} from '@rondo/fabric'
export { RondoError } from '@rondo/protocol'
export { type DdpOptions, DdpStrategy } from '@rondo/strategies'
export {
  type AnyBatch,
  type BatchCount,
  Callback,
  DataModule,
  EarlyStopping,
  type EarlyStoppingOptions,
  type HistoryRow,
  LearningRateMonitor,
  type LogOptions,
  ModelCheckpoint,
  type ModelCheckpointOptions,
  type OptimizerConfig,
  RondoModule,
  type StepOutput,
  Trainer,
  type TrainerOptions,
} from '@rondo/trainer'
