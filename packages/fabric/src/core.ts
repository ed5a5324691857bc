/**
 * What the verbs of one Fabric share: its rank, what its options came to, and what was set up so far. Not for: the
 * verbs themselves, which lie in a folder each (setup, training, collectives, logging).
 */
import { selectAccelerator } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import type { RankContext } from './context.ts'
import type { FabricDataLoader } from './fabric-loader.ts'
import type { FabricModel, FabricOptimizer } from './fabric-model.ts'
import { checkNotLaunched, type NotebookPlan } from './launch/plan.ts'
import type { ResolvedOptions } from './options.ts'
import type { EpochPosition } from './reporter.ts'
import type { RankPrecision } from './training/rank-precision.ts'

export class FabricCore {
  readonly context: RankContext
  readonly options: ResolvedOptions
  /** What is to be launched; null where ranks are there or cannot be. */
  readonly plan: NotebookPlan | null
  /** Ranks of this node that launch() asks for; null where they are there already. */
  readonly wanted: number | null
  launched = false
  readonly models: FabricModel[] = []
  readonly optimizers: FabricOptimizer[] = []
  /** As they were passed to setup. */
  readonly takenOptimizers = new Set<object>()
  readonly loaders: FabricDataLoader[] = []
  /** Samples of the batch last drawn from any loader. */
  lastBatchSize: number | null = null
  lastLoss = Number.NaN
  /** Where the training data is, and what of it the reporter was told. */
  position: EpochPosition | null = null
  reported: EpochPosition | null = null
  /** Backward passes before the setup event went out. */
  backwards = 0
  /** Models inside noBackwardSync: their gradients only add up. */
  readonly skipsSync = new Set<FabricModel>()
  /** Set once a strategy was named that cannot skip, so that it is named once. */
  toldOfSync = false
  /** What the precision comes to here; null before anybody asked. */
  precision: RankPrecision | null = null
  /** All ranks have compared theirs. */
  precisionAgreed = false

  constructor(context: RankContext, options: ResolvedOptions, plan: NotebookPlan | null, wanted: number | null = null) {
    this.context = context
    this.options = options
    this.plan = plan
    this.wanted = wanted
  }

  get rank(): number {
    return this.context.group.rank
  }

  get worldSize(): number {
    return this.context.group.worldSize
  }

  /** Selects the accelerator unless the right one is on already. */
  async prepareDevice(): Promise<void> {
    const { context } = this
    const { accelerator } = this.options
    const chosen = context.accelerator
    if (chosen && (accelerator === 'auto' || chosen.name === accelerator)) return
    const threads = context.env['OMP_NUM_THREADS']
    context.accelerator = await selectAccelerator(accelerator, {
      localRanks: context.localWorldSize,
      ...(threads === undefined ? {} : { threads: Number(threads) }),
      onDeviceLost: (error) => context.deviceLost(error),
    })
  }

  /** Throws NOT_LAUNCHED when `call` needs ranks that are not ready; one rank needs no launch. */
  async requireLaunch(call: string): Promise<void> {
    if (this.launched || (this.worldSize === 1 && this.plan === null && this.wanted === null)) return
    if (this.plan) {
      await checkNotLaunched(this.plan, call)
      this.launched = true
      return
    }
    if (this.wanted !== null) {
      throw new RondoError(
        'NOT_LAUNCHED',
        `${call}: Fabric({ devices: ${this.wanted} }) called it before launch, so its other ranks are not there. Call await fabric.launch() first.`,
        { rank: 0 },
      )
    }
    throw new RondoError(
      'NOT_LAUNCHED',
      `${call}: rank ${this.rank} of ${this.worldSize} called it before launch. Call await fabric.launch() first; "rondo run --help" shows how ranks are started.`,
      { rank: this.rank },
    )
  }
}
