/**
 * How the trainer differentiates a loss: in the run's precision, and where asked for with batch normalisation over all
 * ranks and a look for values that are not finite. Not for: averaging (strategies) or when to do it (train-batch.ts).
 */
import { computeGradients, type KnownGradient, LinearLoss, type Parameter, SyncedBatchNorm, tf } from '@rondo/engine'
import type { FabricModel } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import { heldLayers } from '../module/layers.ts'
import type { Run } from '../run.ts'
import { AnomalyDetector } from './anomaly.ts'

interface LossAndGradients {
  loss: number
  gradients: KnownGradient[]
}

export class Backward {
  private readonly run: Run
  private readonly detector: AnomalyDetector | null
  private readonly synced: SyncedBatchNorm | null

  /** @throws UNSUPPORTED where batch normalisation cannot be shared */
  constructor(run: Run) {
    this.run = run
    const { detectAnomaly, syncBatchnorm } = run.options
    this.detector = detectAnomaly ? new AnomalyDetector(run) : null
    this.synced = syncBatchnorm && run.worldSize > 1 ? shareBatchNorm(run) : null
  }

  /** Whether every rank must have a batch whenever one has. */
  get needsAllRanks(): boolean {
    return this.synced !== null
  }

  /** Backward of a set-up model. Returns this rank's loss. */
  async through(model: FabricModel, lossFn: () => tf.Scalar, samples: number): Promise<number> {
    const { profiler } = this.run
    const work = (): Promise<number> => this.go(model, lossFn, samples)
    return profiler?.kernels ? profiler.kernels(work) : work()
  }

  private async go(model: FabricModel, lossFn: () => tf.Scalar, samples: number): Promise<number> {
    const { fabric } = this.run
    const precise = this.prepared(lossFn)
    try {
      if (this.synced === null || samples === 0) return await fabric.backward(precise, { model, samples })
      const { loss, gradients } = await this.apart(lossFn, model.parameters(), samples)
      const known = new LinearLoss(loss, gradients)
      try {
        await fabric.backward(() => known.value(), { model, samples })
        return loss
      } finally {
        known.dispose()
      }
    } finally {
      await this.detector?.look()
    }
  }

  /**
   * Loss and gradients of this rank; parameters that the loss does not use are left out. A loss scale is put on, so that
   * small gradients do not vanish in 16 bits on their way back, and taken off again.
   */
  async apart(lossFn: () => unknown, parameters: readonly Parameter[], samples: number): Promise<LossAndGradients> {
    const precise = this.prepared(lossFn)
    const scale = this.run.context.precision?.scaler?.scale ?? 1
    const scaled = scale === 1 ? precise : (): unknown => times(precise(), scale)
    try {
      const { loss, gradients } = this.synced
        ? await this.shared(this.synced, scaled, parameters, samples)
        : await plain(scaled, parameters)
      return scale === 1
        ? { loss, gradients }
        : { loss: loss / scale, gradients: gradients.map((known) => over(known, scale)) }
    } finally {
      await this.detector?.look()
    }
  }

  /** Whether what came out is finite on all ranks; they agree, where `detectAnomaly` asks for it. */
  async agree(): Promise<void> {
    await this.detector?.agree()
  }

  dispose(): void {
    this.synced?.dispose()
    this.detector?.dispose()
  }

  /** In the run's precision, and watched. */
  private prepared<T>(lossFn: () => T): () => T {
    const watched = this.detector ? this.detector.watched(lossFn) : lossFn
    return () => this.run.fabric.autocast(watched)
  }

  private shared(
    synced: SyncedBatchNorm,
    lossFn: () => unknown,
    parameters: readonly Parameter[],
    samples: number,
  ): Promise<LossAndGradients> {
    const { trainResults: results, options } = this.run
    const weight = options.gradientAverage === 'uniform' ? 1 : samples
    const logged = results.unsettled
    return synced.differentiate(lossFn, parameters, weight, () => results.rollback(logged))
  }
}

async function plain(lossFn: () => unknown, parameters: readonly Parameter[]): Promise<LossAndGradients> {
  const { loss, gradients, unused } = computeGradients(lossFn, parameters, { findUnused: true })
  const known = gradients.flatMap((gradient, i) =>
    unused.includes(i) ? [] : [{ variable: (parameters[i] as Parameter).variable, gradient }],
  )
  tf.dispose(unused.map((i) => gradients[i] as tf.Tensor))
  return { loss: await loss, gradients: known }
}

function times(loss: unknown, scale: number): unknown {
  return loss instanceof tf.Tensor ? tf.mul(loss, scale) : loss
}

function over({ variable, gradient }: KnownGradient, scale: number): KnownGradient {
  const unscaled = tf.div(gradient, scale)
  gradient.dispose()
  return { variable, gradient: unscaled }
}

function shareBatchNorm(run: Run): SyncedBatchNorm {
  const layers = heldLayers(run.module).filter(({ layer }) => layer.getClassName() === 'BatchNormalization')
  if (layers.length === 0) {
    run.print('Trainer({ syncBatchnorm: true }): the module holds no batch normalisation layer, so nothing is shared.')
  }
  if (run.models.some(({ replica }) => replica.syncWeights !== undefined)) {
    throw new RondoError(
      'UNSUPPORTED',
      'Trainer({ syncBatchnorm: true }): under this strategy each rank learns from its own batch for many steps, so there is no common gradient through the moments. Allowed are strategies that average gradients. Use strategy: "ddp", or leave syncBatchnorm out.',
    )
  }
  const { group, signal } = run.context
  return new SyncedBatchNorm(
    layers.map(({ layer }) => layer as never),
    (values, name) => group.allReduce(values, { op: 'sum', name, signal }),
  )
}
