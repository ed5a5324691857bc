/** Process groups over links. Imports `@rondo/protocol` and `@rondo/transport`. */
export { CODECS, type Codec, type CodecName } from './codecs/codec.ts'
export type { AllReduceAlgorithm, CostModel, LinkCost } from './cost-model.ts'
export { createProcessGroup, type ProcessGroupOptions, singleProcessGroup } from './create-process-group.ts'
export { DTYPES, type DTypeName, type NumericArray } from './dtype.ts'
export type { FlightRecord, FlightRecorder } from './flight-recorder.ts'
export { decodeObject, encodeObject } from './object-codec.ts'
export type {
  AllReduceOptions,
  OperationOptions,
  ProcessGroup,
  ReduceOptions,
  SourceOptions,
} from './process-group.ts'
export { REDUCE_OPS, type ReduceOp } from './reduce.ts'
export { subGroup } from './sub-group.ts'
export type { LinkClass, Place } from './topology.ts'
