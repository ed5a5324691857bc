/**
 * The one import of a user's script. Names are those of Lightning Fabric and PyTorch where they exist there.
 */
export { type ProcessGroup } from '@rondo/collectives'
export {
  type Batch as ColumnBatch,
} from '@rondo/data'
export {} from '@rondo/engine'
export {
  Fabric,
  FabricDataLoader,
  FabricModel,
  FabricOptimizer,
  type FabricOptions,
  exit,
} from '@rondo/fabric'
export { RondoError } from '@rondo/protocol'
export { DdpStrategy, type DdpOptions } from '@rondo/strategies'
