/**
 * Distributed data parallel: every rank holds the whole model and sees its share of the data; gradients are
 * averaged, each rank steps its own optimizer, and the replicas stay bit-identical (PyTorch DDP, Li et al.
 * 2020). Not for: the step itself (replica.ts) or how gradients travel (hooks/).
 */
import { GradientBuckets, type Model, type Parameter } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { equalStart } from '../equal-start.ts'
import { type PostLocalSGDState, postLocalSGDState } from '../local-sgd/post-local-hook.ts'
import { PostLocalReplica } from '../local-sgd/post-local-replica.ts'
import { refuseLossScale } from '../loss-scale.ts'
import { number, wholeNumber } from '../options.ts'
import type { OwnSettings, Replica, Strategy, StrategyContext } from '../strategy.ts'
import { castHook } from './hooks/cast.ts'
import type { CommHook } from './hooks/comm-hook.ts'
import type { OwnCommHook } from './hooks/own-hook.ts'
import { type CommHookName, type CommHookOptions, type CommHookWrapper, makeCommHook } from './hooks/resolve.ts'
import { DdpReplica } from './replica.ts'

const BYTES_PER_MB = 1024 * 1024
const BYTES_PER_VALUE = 4
/** Buckets that a model is cut into: the last one to be computed, which nothing can hide, is then a small part. */
const BUCKETS_OF_A_MODEL = 8
/** One message of a link: smaller buckets would cost turns and save nothing. */
const SMALLEST_BUCKET_BYTES = 64 * 1024

/** Options of DDPStrategy; names are PyTorch's DistributedDataParallel's. */
export interface DdpOptions extends OwnSettings {
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
  /**
   * How gradients travel: `fp32` (default), `fp16`, `bf16`, `int8`, `powerSGD`, `topK`, `post_localSGD`, or a function
   * `(bucket, ctx) => Promise<bucket>`.
   */
  ddpCommHook?: CommHookName | (string & {}) | OwnCommHook
  /** The same under a shorter name. */
  commHook?: CommHookName | (string & {}) | OwnCommHook
  /** The hook's options: `{ matrixApproximationRank: 2 }` for powerSGD, anything for a function. */
  ddpCommState?: unknown
  /** Format of the hook's messages: `fp16` or `bf16`. */
  ddpCommWrapper?: CommHookWrapper
  /** Steps between averages of the weights; with ddpCommHook `post_localSGD` only, and needed there. */
  modelAveragingPeriod?: number
}

/** What the step itself goes by. */
export type DdpSettings = Required<
  Pick<
    DdpOptions,
    'bucketCapMb' | 'firstBucketMb' | 'overlap' | 'findUnusedParameters' | 'gradientAverage' | 'initSync'
  >
>

/**
 * Distributed data parallel: every rank holds the whole model, gradients are averaged each step in buckets (Li et al. 2020),
 * and all ranks make the same step. Throws BAD_ARGUMENT or CONFLICT for options that are wrong or exclude each other.
 */
export class DdpStrategy implements Strategy {
  readonly name: string
  declare readonly accelerator?: string
  declare readonly precision?: string | number
  declare readonly checkpointIO?: object
  declare readonly environment?: object
  readonly options: DdpSettings
  private readonly hook: CommHookOptions
  private readonly averagingPeriod: number | null
  private readonly splitsEvenly: boolean

  /** Throws BAD_ARGUMENT for an option that is not allowed. `name`: of the case that DDP serves too, such as one device. */
  constructor(options: DdpOptions = {}, name = 'ddp') {
    this.name = name
    const { accelerator, precision, checkpointIO, environment } = options
    Object.assign(this, { accelerator, precision, checkpointIO, environment })
    this.splitsEvenly = options.bucketCapMb === undefined
    this.options = {
      bucketCapMb: positive('bucketCapMb', options.bucketCapMb ?? 25),
      firstBucketMb: positive('firstBucketMb', options.firstBucketMb ?? 1),
      overlap: options.overlap ?? true,
      findUnusedParameters: options.findUnusedParameters ?? false,
      gradientAverage: options.gradientAverage ?? 'weighted',
      initSync: options.initSync ?? true,
    }
    this.hook = hookOptions(options)
    // Every model gets a hook of its own; one is made here so that a wrong option is refused where it stands.
    const hook = makeCommHook(this.hook)
    this.averagingPeriod = averagingPeriod(options.modelAveragingPeriod, hook?.name === 'post_localSGD')
  }

  async setupModel(model: Model, context: StrategyContext): Promise<Replica> {
    if (this.averagingPeriod !== null) refuseLossScale('ddpCommHook "post_localSGD"', context)
    const { all, trainable } = await equalStart(model, context, this.options.initSync)
    const share = this.splitsEvenly ? evenShare(trainable) : Number.POSITIVE_INFINITY
    const buckets = new GradientBuckets(trainable, {
      bucketCapBytes: Math.min(share, this.options.bucketCapMb * BYTES_PER_MB),
      firstBucketBytes: Math.min(share, this.options.firstBucketMb * BYTES_PER_MB),
    })
    const watched =
      this.averagingPeriod === null && context.group.worldSize > 1 && ((await context.devices?.watch()) ?? false)
    const devices = watched ? (context.devices ?? null) : null
    const hook = makeCommHook(this.hook)
    const fallback = this.formatOf(context)
    const { options } = this
    const replica = new DdpReplica({ context, parameters: trainable, buckets, options, hook, fallback, devices })
    if (this.averagingPeriod === null) return replica
    return new PostLocalReplica(replica, all, context, {
      start: postLocalSGDState((this.hook.state ?? {}) as Partial<PostLocalSGDState>).startLocalSGDIter,
      period: this.averagingPeriod,
    })
  }

  /** How gradients travel when neither hook nor wrapper was chosen: as the precision says. */
  private formatOf({ precision }: StrategyContext): CommHook | null {
    if (this.hook.hook !== undefined || this.hook.wrapper !== undefined) return null
    const format = precision?.gradientFormat ?? null
    return format === null ? null : castHook(format === 'f16' ? 'fp16' : 'bf16')
  }
}

/** Bytes of a bucket when the model is cut into equal ones. */
function evenShare(parameters: readonly Parameter[]): number {
  const bytes = parameters.reduce((sum, { variable }) => sum + variable.size * BYTES_PER_VALUE, 0)
  return Math.max(SMALLEST_BUCKET_BYTES, bytes / BUCKETS_OF_A_MODEL)
}

function hookOptions(options: DdpOptions): CommHookOptions {
  const { ddpCommHook, commHook, ddpCommState, ddpCommWrapper } = options
  if (ddpCommHook !== undefined && commHook !== undefined) {
    throw new RondoError(
      'CONFLICT',
      'DDPStrategy got ddpCommHook and commHook, which are one option. Allowed is one of them. Keep ddpCommHook.',
    )
  }
  const hook = ddpCommHook ?? commHook
  if (hook === undefined && ddpCommState !== undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'DDPStrategy got ddpCommState without ddpCommHook; the state holds options of a hook. Name the hook too, or leave the state out.',
    )
  }
  return { hook, state: ddpCommState, wrapper: ddpCommWrapper }
}

function averagingPeriod(period: number | undefined, needed: boolean): number | null {
  const rule = wholeNumber(1)
  if (needed && period === undefined) {
    throw new RondoError(
      'BAD_ARGUMENT',
      'ddpCommHook "post_localSGD" needs modelAveragingPeriod: after its start only averages of the weights keep nodes together. Set it to a whole number of steps, such as modelAveragingPeriod: 8.',
    )
  }
  if (period === undefined) return null
  if (!needed) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `modelAveragingPeriod is ${period} without ddpCommHook "post_localSGD"; other hooks keep all weights equal. Leave it out, or use that hook.`,
    )
  }
  if (rule.fits(period)) return period
  throw new RondoError(
    'BAD_ARGUMENT',
    `modelAveragingPeriod is ${period}; it must be ${rule.allowed} steps. Correct it, such as modelAveragingPeriod: 8.`,
  )
}

function positive(option: string, value: number): number {
  if (number('', (mb) => mb > 0).fits(value)) return value
  throw new RondoError(
    'BAD_ARGUMENT',
    `${option} is ${value}; it must be a number of MiB above 0. Leave it out for the default.`,
  )
}
