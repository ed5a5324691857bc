/**
 * One rank's part of the timeline: keeps spans for a moment and tells them in batches, so that little is lost when the
 * rank is. Bounded: beyond its share it only counts. Not for: measuring spans, or the file.
 */
import {
  MAX_SPANS_PER_EVENT,
  MAX_SPANS_PER_RANK,
  MAX_TIMELINE_SPANS,
  type RankEvent,
  type TimelineSpan,
} from '@rondo/protocol'
import type { ClockOffset } from './clock-offset.ts'

/** Milliseconds that spans wait for company; what a lost rank did in its last moment is lost. */
const BATCH_MS = 500

export class RankTimeline {
  private readonly emit: (event: RankEvent) => void
  private readonly clock: ClockOffset
  private readonly most: number
  private waiting: TimelineSpan[] = []
  private kept = 0
  private leftOut = 0
  private lastTold = performance.now()
  private closing = false

  constructor(emit: (event: RankEvent) => void, clock: ClockOffset, worldSize: number) {
    this.emit = emit
    this.clock = clock
    this.most = Math.min(MAX_SPANS_PER_RANK, Math.floor(MAX_TIMELINE_SPANS / worldSize))
  }

  /** Takes a span that is over. */
  readonly add = (span: TimelineSpan): void => {
    if (this.kept === this.most) {
      this.leftOut += 1
      return
    }
    this.kept += 1
    this.waiting.push(span)
    const due = this.closing || performance.now() - this.lastTold > BATCH_MS
    if (due || this.waiting.length === MAX_SPANS_PER_EVENT) this.flush()
  }

  /** Tells everything, and from now on each span at once: those that end because the run does are the last. */
  close(): void {
    this.closing = true
    this.flush()
  }

  private flush(): void {
    this.lastTold = performance.now()
    if (this.waiting.length === 0 && this.leftOut === 0) return
    this.emit({ kind: 'timeline', clock: this.clock, spans: this.waiting, leftOut: this.leftOut })
    this.waiting = []
  }
}
