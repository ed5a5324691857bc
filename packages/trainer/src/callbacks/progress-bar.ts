/**
 * Shows how a fit gets on: a bar in the terminal, a bar and a table in pages, with the values that were logged with
 * `progBar`. Rank 0 tells; who watches the run draws. Named as Lightning's `TQDMProgressBar`. Not for: how far a rank is,
 * which every rank reports anyway (fabric), or drawing (cli, apps).
 */
import { RondoError } from '@rondo/protocol'
import type { RondoModule } from '../module/module.ts'
import type { Trainer } from '../trainer.ts'
import { Callback } from './callback.ts'

/** Options of ProgressBar; names are Lightning's. */
export interface ProgressBarOptions {
  /** Batches between two updates of the values; 0 shows no bar; default 1. */
  refreshRate?: number
  /** Whether the bar of a finished epoch stays in the terminal; default true. */
  leave?: boolean
}

/** Milliseconds between two updates: smooth to the eye, and far below the server's rate limit. */
const INTERVAL_MS = 200
/** Longer names are cut by nobody, and the protocol takes none of them. */
const MAX_NAME_CHARS = 200

export class ProgressBar extends Callback {
  readonly options: ProgressBarOptions
  private readonly refreshRate: number
  private lastTold = Number.NEGATIVE_INFINITY

  /** @throws BAD_ARGUMENT */
  constructor(options: ProgressBarOptions = {}) {
    super()
    const { refreshRate = 1, leave = true, ...rest } = options
    const [unknown] = Object.keys(rest)
    if (
      unknown !== undefined ||
      !(Number.isSafeInteger(refreshRate) && refreshRate >= 0) ||
      typeof leave !== 'boolean'
    ) {
      const got =
        unknown ?? (typeof leave === 'boolean' ? `refreshRate: ${String(refreshRate)}` : `leave: ${String(leave)}`)
      throw new RondoError(
        'BAD_ARGUMENT',
        `ProgressBar({ ${got} }): allowed are refreshRate, a whole number of batches (0 for no bar), and leave, true or false. Correct it.`,
      )
    }
    this.options = { ...options }
    this.refreshRate = refreshRate
  }

  /** Comes after values are published. */
  override get watchesMetrics(): boolean {
    return true
  }

  override onFitStart(trainer: Trainer): void {
    this.tell(trainer, false)
  }

  override onTrainBatchEnd(
    trainer: Trainer,
    _module: RondoModule,
    _outputs: unknown,
    _batch: unknown,
    index: number,
  ): void {
    const due = this.refreshRate > 0 && (index + 1) % this.refreshRate === 0
    if (due && performance.now() - this.lastTold >= INTERVAL_MS && hasValues(trainer)) this.tell(trainer, false)
  }

  override onTrainEpochEnd(trainer: Trainer): void {
    if (this.refreshRate > 0 && hasValues(trainer)) this.tell(trainer, true)
  }

  override stateDict(): Record<string, unknown> {
    return {}
  }

  private tell(trainer: Trainer, epochDone: boolean): void {
    if (trainer.globalRank !== 0) return
    this.lastTold = performance.now()
    const { leave = true } = this.options
    trainer.fitControls?.tell({
      kind: 'bar',
      shown: this.refreshRate > 0,
      leave,
      epoch: trainer.currentEpoch,
      epochDone,
      values: barValues(trainer.progressBarMetrics),
    })
  }
}

/** No bar: what a fit with `enableProgressBar: false` tells. */
export function hideBar(trainer: Trainer): void {
  new ProgressBar({ refreshRate: 0 }).onFitStart(trainer)
}

function hasValues({ progressBarMetrics }: Trainer): boolean {
  return Object.keys(progressBarMetrics).length > 0
}

function barValues(metrics: Readonly<Record<string, number>>): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [
      name.slice(0, MAX_NAME_CHARS),
      Number.isFinite(value) ? value : null,
    ]),
  )
}
