/**
 * The timeline of a run (`--timeline`): what each rank did when. Spans are measured where the work is done and
 * travel in batches; all times are on one clock, rank 0's. Not for: the file that is made of them (cli).
 */

/** What can go on at once in one rank; each is a row of the timeline. */
export const LANES = ['data', 'compute', 'readback', 'communication', 'apply', 'barrier'] as const
export type Lane = (typeof LANES)[number]

/** One thing that a rank did. Times are `performance.now()` of the rank's worker, milliseconds. */
export interface TimelineSpan {
  lane: Lane
  /** "forward", "bucket 3". */
  name: string
  start: number
  end: number
  /** Payload, where the span moves any. */
  bytes?: number
}

/** Takes a span when it is over. */
export type SpanSink = (span: TimelineSpan) => void
