/**
 * Distributed data parallel: every rank holds the whole model and sees its share of the data; gradients are
 * averaged, each rank steps its own optimizer, and the replicas stay bit-identical (PyTorch DDP, Li et al.
 * 2020). Not for: the step itself (replica.ts).
 */
import { GradientBuckets, type Model, type Parameter, parametersOf, readTensors, writeTensors } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { Replica, Strategy, StrategyContext } from '../strategy.ts'
import { DdpReplica } from './replica.ts'
import { verifyParameters } from './verify.ts'

const BYTES_PER_MB = 1024 * 1024
const BYTES_PER_VALUE = 4
/** Buckets that a model is cut into: the last one to be computed, which nothing can hide, is then a small part. */
const BUCKETS_OF_A_MODEL = 8
/** One message of a link: smaller buckets would cost turns and save nothing. */
const SMALLEST_BUCKET_BYTES = 64 * 1024

export interface DdpOptions {
  /**
   * Most MiB of one gradient bucket; PyTorch's default is 25. Without it buckets also close at an eighth of the model,
   * so that a small model's late layers travel while its early ones are computed.
   */
  bucketCapMb?: number
  /** Sends late layers' buckets while early layers are computed. False: backward first, then the buckets; same bits. */
  overlap?: boolean
  /** MiB of the first bucket, small so that the ring starts early. */
  firstBucketMb?: number
  /** Sends zeros for parameters that got no gradient instead of refusing the step. */
  findUnusedParameters?: boolean
  /** `weighted` is Σ(g·n)/Σn; `uniform` is the sum divided by the world size, as PyTorch does. */
  gradientAverage?: 'weighted' | 'uniform'
  /** Makes rank 0's initial weights everyone's. Only for tests and experiments may this be off. */
  initSync?: boolean
}

export class DdpStrategy implements Strategy {
  readonly name = 'ddp'
  readonly options: Required<DdpOptions>
  private readonly splitsEvenly: boolean

  constructor(options: DdpOptions = {}) {
    this.splitsEvenly = options.bucketCapMb === undefined
    this.options = {
      bucketCapMb: positive('bucketCapMb', options.bucketCapMb ?? 25),
      firstBucketMb: positive('firstBucketMb', options.firstBucketMb ?? 1),
      overlap: options.overlap ?? true,
      findUnusedParameters: options.findUnusedParameters ?? false,
      gradientAverage: options.gradientAverage ?? 'weighted',
      initSync: options.initSync ?? true,
    }
  }

  async setupModel(model: Model, context: StrategyContext): Promise<Replica> {
    const { group, signal } = context
    const all = parametersOf(model)
    const trainable = all.filter((parameter) => parameter.trainable)
    if (trainable.length === 0) {
      throw new RondoError(
        'BAD_ARGUMENT',
        'setup(model): the model has no trainable parameter. A model needs at least one; unfreeze a layer or pass the model that is to be trained.',
      )
    }
    await verifyParameters(group, all, signal)
    if (this.options.initSync && group.worldSize > 1) {
      const values = await readTensors(all.map(({ variable }) => variable))
      for (const [i, value] of values.entries()) {
        values[i] = await group.broadcast(value, { src: 0, name: `weights ${all[i]?.name}`, signal })
      }
      writeTensors(
        all.map(({ variable }) => variable),
        values,
      )
    }
    const share = this.splitsEvenly ? evenShare(trainable) : Number.POSITIVE_INFINITY
    const buckets = new GradientBuckets(trainable, {
      bucketCapBytes: Math.min(share, this.options.bucketCapMb * BYTES_PER_MB),
      firstBucketBytes: Math.min(share, this.options.firstBucketMb * BYTES_PER_MB),
    })
    const watched = group.worldSize > 1 && ((await context.devices?.watch()) ?? false)
    const devices = watched ? (context.devices ?? null) : null
    return new DdpReplica({ context, parameters: trainable, buckets, options: this.options, hook: null, devices })
  }
}

/** Bytes of a bucket when the model is cut into equal ones. */
function evenShare(parameters: readonly Parameter[]): number {
  const bytes = parameters.reduce((sum, { variable }) => sum + variable.size * BYTES_PER_VALUE, 0)
  return Math.max(SMALLEST_BUCKET_BYTES, bytes / BUCKETS_OF_A_MODEL)
}

function positive(option: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value
  throw new RondoError(
    'BAD_ARGUMENT',
    `${option} is ${value}; it must be a number of MiB above 0. Leave it out for the default.`,
  )
}
