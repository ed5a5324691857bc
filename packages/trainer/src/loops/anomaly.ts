/**
 * `detectAnomaly`: after each backward, the first operation that gave a NaN or an infinity is looked for, with the layer
 * it belongs to; all ranks stop with the same message. Not for: watching kernels (engine).
 */
import { type Finding, KernelWatch } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { type HeldLayer, heldLayers } from '../module/layers.ts'
import type { Run } from '../run.ts'

export class AnomalyDetector {
  private readonly run: Run
  private readonly watch = new KernelWatch()
  private readonly restore: Array<() => void> = []
  private finding: Finding | null = null

  /** Takes over the calls of the module's layers, until `dispose`. */
  constructor(run: Run) {
    this.run = run
    for (const { path, layer } of heldLayers(run.module)) this.name(layer, `${path} (${layer.getClassName()})`)
  }

  /** A loss that is watched, with its way back. */
  watched<T>(lossFn: () => T): () => T {
    return () => this.watch.during(lossFn)
  }

  /** Looks through what ran since the last time. */
  async look(): Promise<void> {
    this.finding = (await this.watch.first()) ?? this.finding
  }

  /** @throws NOT_FINITE on all ranks, when any of them found something. Collective. */
  async agree(): Promise<void> {
    const { run, finding } = this
    this.finding = null
    const all = await run.trainer.gather(finding)
    const rank = all.findIndex((one) => one !== null)
    if (rank < 0) return
    throw notFinite(all[rank] as Finding, rank, run)
  }

  dispose(): void {
    for (const restore of this.restore.splice(0)) restore()
  }

  private name(layer: HeldLayer, place: string): void {
    const own = Object.getOwnPropertyDescriptor(layer, 'call')
    const plain = layer.call
    layer.call = (inputs, kwargs) => this.watch.within(place, () => plain.call(layer, inputs, kwargs))
    this.restore.push(() => {
      if (own) Object.defineProperty(layer, 'call', own)
      else Reflect.deleteProperty(layer, 'call')
    })
  }
}

function notFinite({ kernel, phase, place, shape, nan, infinite }: Finding, rank: number, run: Run): RondoError {
  const what = [nan > 0 ? `${nan} NaN` : '', infinite > 0 ? `${infinite} infinite` : '']
    .filter((part) => part !== '')
    .join(' and ')
  const where = place === '' ? 'outside of any layer (in a step)' : `in layer ${place}`
  const on = run.worldSize > 1 ? `on rank ${rank}, ` : ''
  const { currentEpoch, globalStep } = run.trainer
  return new RondoError(
    'NOT_FINITE',
    `detectAnomaly: ${on}in epoch ${currentEpoch} after step ${globalStep}, ${phase === 'forward' ? `operation ${kernel} of the forward` : `operation ${kernel} of the backward`} ${where} gave ${what} of [${shape.join(', ')}] values; everything before it was finite. Values must be finite. Look at its input: a log or division of 0, an exponential of large numbers, a learning rate that is too high.`,
    { rank, details: { kernel, phase, place, shape, nan, infinite } },
  )
}
