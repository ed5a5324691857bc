/**
 * Counts steps and samples of a rank and tells the session how training goes: progress events while it runs,
 * medians for the report. Not for: measuring a step (strategies) or showing it (apps, cli).
 */
import { tf } from '@rondo/engine'
import type { LinkReport, RankEvent, StepTimes } from '@rondo/protocol'
import type { StepReport } from '@rondo/strategies'

/** Milliseconds between two progress events of a rank: smooth to the eye, and far below the server's rate limit. */
const PROGRESS_INTERVAL_MS = 200
/** Steps kept for the medians; older ones are overwritten. */
const KEPT_STEPS = 4_096

const PHASES = ['compute', 'readback', 'communication', 'exposedCommunication', 'apply', 'total'] as const

/** Where the script is in its data, as the training loader sees it. */
export interface EpochPosition {
  epoch: number
  stepsPerEpoch: number | null
  /** When its first batch was drawn; `performance.now()`. */
  startedAt: number
}

/** A step as it is told; `at` by `performance.now()`. */
interface Told {
  report: StepReport
  loss: number
  at: number
}

export class StepReporter {
  private readonly emit: (event: RankEvent) => void
  private readonly links: () => LinkReport[]
  private readonly kept: StepTimes[] = []
  private position: EpochPosition | null = null
  private stepInEpoch = 0
  private lastSent = 0
  private trainingSince: number | null = null
  private epochSamples = 0
  /** The last step, while nothing was told of it. */
  private withheld: Told | null = null
  /** Total number of epochs, from `fabric.epochs`; null while the script has not said it. */
  epochs: number | null = null
  steps = 0
  samples = 0

  constructor(emit: (event: RankEvent) => void, links: () => LinkReport[]) {
    this.emit = emit
    this.links = links
  }

  /** A loader began an epoch; steps from now on count towards it. */
  startEpoch(position: EpochPosition): void {
    this.position = position
    this.stepInEpoch = 0
    this.epochSamples = 0
  }

  /** One optimizer step is done. The first and the last step of an epoch are always told. */
  step(report: StepReport, loss: number): void {
    const now = performance.now()
    this.trainingSince ??= now - report.times.total
    this.kept[this.steps % KEPT_STEPS] = report.times
    this.steps += 1
    this.stepInEpoch += 1
    this.samples += report.samples
    this.epochSamples += report.samples
    const last = this.stepInEpoch === this.position?.stepsPerEpoch
    this.withheld = { report, loss, at: now }
    if (last || this.stepInEpoch === 1 || now - this.lastSent >= PROGRESS_INTERVAL_MS) this.flush()
  }

  /** Tells the last step if nobody heard of it: at the end of a job, whose last step may be in the middle of an epoch. */
  flush(): void {
    if (!this.withheld) return
    const { report, loss, at } = this.withheld
    const { position } = this
    this.withheld = null
    this.lastSent = at
    const seconds = (at - (position?.startedAt ?? this.trainingSince ?? at)) / 1000
    const { numTensors, numBytes } = tf.memory()
    this.emit({
      kind: 'progress',
      epoch: position?.epoch ?? 0,
      epochs: this.epochs,
      step: this.steps,
      stepInEpoch: this.stepInEpoch,
      stepsPerEpoch: position?.stepsPerEpoch ?? null,
      loss: Number.isFinite(loss) ? loss : null,
      samplesPerSecond: seconds > 0 ? this.epochSamples / seconds : 0,
      times: report.times,
      hiddenMs: report.hiddenMs,
      links: this.links(),
      memory: { tensors: numTensors, bytes: numBytes },
    })
  }

  /** Medians over the (last 4,096) steps, milliseconds; zeros before the first. */
  medians(): StepTimes {
    const median = (phase: (typeof PHASES)[number]): number => {
      const sorted = this.kept.map((times) => times[phase]).sort((a, b) => a - b)
      const middle = sorted.length >> 1
      if (sorted.length === 0) return 0
      return sorted.length % 2 === 1
        ? (sorted[middle] as number)
        : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
    }
    return {
      compute: median('compute'),
      readback: median('readback'),
      communication: median('communication'),
      exposedCommunication: median('exposedCommunication'),
      apply: median('apply'),
      total: median('total'),
    }
  }
}
