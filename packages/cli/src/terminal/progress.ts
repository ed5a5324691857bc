/**
 * The progress of an epoch over all ranks: the mean of their losses, the sum of their rates, the time left.
 * Holds the last report of each rank. Not for: printing (run-view.ts).
 */
import type { BarEvent, ProgressEvent } from '@rondo/protocol'
import { bar, count, duration, metric } from './format.ts'

/** Cells of the bar: leaves room for the figures on 80 columns. */
const BAR_CELLS = 20

export class EpochProgress {
  readonly #last = new Map<number, ProgressEvent>()
  #bar: BarEvent | null = null
  #epochSince = 0
  #epoch = -1

  /** @param now ms, any monotonic clock */
  update(rank: number, event: ProgressEvent, now: number): void {
    if (event.epoch > this.#epoch) {
      this.#epoch = event.epoch
      this.#epochSince = now - event.times.total
    }
    this.#last.set(rank, event)
  }

  /** What rank 0 wants shown beside the bar from now on. */
  beside(event: BarEvent): void {
    this.#bar = event
  }

  /** Whether a bar is wanted. */
  get shown(): boolean {
    return this.#bar?.shown ?? true
  }

  /** Whether the bar of a finished epoch stays. */
  get leaves(): boolean {
    return this.#bar?.leave ?? true
  }

  /** `epoch 1/3 · val_loss 0.3210`; empty where nothing was logged for the bar. */
  get values(): string {
    const values = this.#values()
    return this.#bar === null || values.length === 0 ? '' : [this.#name(this.#bar.epoch), ...values].join(' · ')
  }

  /** Mean of the ranks' latest losses in this epoch, null before the first. */
  get loss(): number | null {
    const losses = this.#current().flatMap((event) => (event.loss === null ? [] : [event.loss]))
    return losses.length === 0 ? null : losses.reduce((sum, loss) => sum + loss, 0) / losses.length
  }

  /** Samples per second of the world. */
  get samplesPerSecond(): number {
    return this.#current().reduce((sum, event) => sum + event.samplesPerSecond, 0)
  }

  /** Steps that every reporting rank has done in this epoch. */
  get step(): number {
    const steps = this.#current().map((event) => event.stepInEpoch)
    return steps.length === 0 ? 0 : Math.min(...steps)
  }

  /** True when every one of `worldSize` ranks is through the present epoch. */
  isEpochDone(worldSize: number): boolean {
    const current = this.#current()
    return current.length === worldSize && current.every((event) => event.stepInEpoch === event.stepsPerEpoch)
  }

  /** `epoch 1/3 ━━━─── 50 % · loss 0.2100 · 1,234 samples/s · 0:12 left`, or `in 0:24` once the epoch is done. */
  text(now: number): string {
    const event = this.#current()[0]
    if (event === undefined) return ''
    const parts: string[] = []
    const name = this.#name(event.epoch)
    const total = event.stepsPerEpoch
    const seconds = Math.max(0, now - this.#epochSince) / 1000
    if (total === null) parts.push(`${name} step ${count(this.step)}`)
    else parts.push(`${name} ${bar(this.step / total, BAR_CELLS)} ${Math.floor((100 * this.step) / total)} %`)
    if (this.loss !== null) parts.push(`loss ${metric(this.loss)}`)
    parts.push(`${count(this.samplesPerSecond)} samples/s`)
    if (total !== null && this.step > 0) {
      const left = (seconds / this.step) * (total - this.step)
      parts.push(this.step === total ? `in ${duration(seconds)}` : `${duration(left)} left`)
    }
    parts.push(...this.#values())
    return parts.join(' · ')
  }

  #name(epoch: number): string {
    const epochs = this.#current()[0]?.epochs ?? null
    return `epoch ${epoch + 1}${epochs === null ? '' : `/${epochs}`}`
  }

  #values(): string[] {
    return Object.entries(this.#bar?.values ?? {}).map(([name, value]) => `${name} ${metric(value ?? Number.NaN)}`)
  }

  #current(): ProgressEvent[] {
    return [...this.#last.values()].filter((event) => event.epoch === this.#epoch)
  }
}
