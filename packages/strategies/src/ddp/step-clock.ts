/**
 * Where the time of a step goes: compute, readback, communication, apply. Phases may overlap, so each counts the
 * time in which at least one of its kind goes on; communication beside which nothing else goes on is exposed. A turn,
 * in which this thread takes and sends frames between two kernels, is work and no waiting: it is no phase of its own.
 */
import type { SpanSink, StepTimes } from '@rondo/protocol'

const PHASES = ['compute', 'readback', 'communication', 'apply'] as const
type Phase = (typeof PHASES)[number]

const nothing = (): Record<Phase, number> => ({ compute: 0, readback: 0, communication: 0, apply: 0 })

/** All figures in milliseconds. One clock a replica; a step lasts from the first backward to the end of step(). */
export class StepClock {
  private readonly spans: SpanSink | null
  private spent = nothing()
  private exposed = 0
  private inTurn = false
  /** How many of each phase go on now. */
  private readonly open = nothing()
  /** Up to when `spent` and `exposed` are counted. */
  private counted = 0
  private stepStarted: number | null = null

  /** @param spans is told of each phase when it is over, for a timeline */
  constructor(spans: SpanSink | null = null) {
    this.spans = spans
  }

  startStep(): void {
    this.stepStarted ??= performance.now()
  }

  /**
   * Starts a phase; the returned function ends it (further calls do nothing). The timeline shows it as `name`, or not at
   * all where that is null.
   */
  enter(phase: Phase, name: string | null, bytes?: number): () => void {
    const start = this.count()
    this.open[phase] += 1
    let over = false
    return () => {
      if (over) return
      over = true
      const end = this.count()
      this.open[phase] -= 1
      if (name !== null) this.spans?.({ lane: phase, name, start, end, ...(bytes === undefined ? {} : { bytes }) })
    }
  }

  /** Runs `work`, a turn for frames: time that is neither computing nor waiting. */
  async turn(work: () => Promise<void>): Promise<void> {
    this.count()
    this.inTurn = true
    try {
      await work()
    } finally {
      this.count()
      this.inTurn = false
    }
  }

  /** Shows on the timeline what began at `start` and ends now, pauses included; counts nothing. */
  mark(phase: Phase, name: string, start: number): void {
    this.spans?.({ lane: phase, name, start, end: performance.now() })
  }

  /** Returns the figures of the step and starts the next. */
  finishStep(): { times: StepTimes; hiddenMs: number } {
    const now = this.count()
    const total = this.stepStarted === null ? 0 : now - this.stepStarted
    const times = { ...this.spent, exposedCommunication: this.exposed, total }
    const hiddenMs = Math.max(0, this.spent.communication - this.exposed)
    this.spent = nothing()
    this.exposed = 0
    this.stepStarted = null
    return { times, hiddenMs }
  }

  private count(): number {
    const now = performance.now()
    const passed = now - this.counted
    for (const phase of PHASES) if (this.open[phase] > 0) this.spent[phase] += passed
    const { compute, readback, communication, apply } = this.open
    if (communication > 0 && compute + readback + apply === 0 && !this.inTurn) this.exposed += passed
    this.counted = now
    return now
  }
}
