/**
 * The timeline of a run (`rondo run --timeline`): what each rank did when. Spans are measured where the work is done
 * and travel in batches, with the rank's distance from rank 0's clock. Not for: the file that is made of them (cli).
 */
import * as v from 'valibot'

/** What can go on at once in one rank; each is a row of the timeline or more. */
export const LANES = ['data', 'compute', 'readback', 'communication', 'apply', 'barrier'] as const
export type Lane = (typeof LANES)[number]

/** Spans of one event: some 50 KiB of JSON. */
export const MAX_SPANS_PER_EVENT = 512
/** Spans of a whole run: a trace viewer still opens the file, of some 50 MB. Each rank has its share. */
export const MAX_TIMELINE_SPANS = 400_000
/** Spans of one rank, however few there are. */
export const MAX_SPANS_PER_RANK = 50_000
const MAX_NAME_CHARS = 80

/** One thing that a rank did. Times are milliseconds of `performance.now()` in its worker. */
export interface TimelineSpan {
  lane: Lane
  /** "forward", "all-reduce bucket 3". */
  name: string
  start: number
  end: number
  /** Payload, where the span moves any. */
  bytes?: number | undefined
}

/** Takes a span when it is over. */
export type SpanSink = (span: TimelineSpan) => void

const Finite = v.pipe(v.number(), v.finite())
const Amount = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))

export const TimelineEventSchema = v.object({
  kind: v.literal('timeline'),
  /** Milliseconds to add to a time of this rank to get rank 0's, and by how much that may be wrong. */
  clock: v.object({ offsetMs: Finite, errorMs: Finite }),
  spans: v.pipe(
    v.array(
      v.object({
        lane: v.picklist(LANES),
        name: v.pipe(v.string(), v.maxLength(MAX_NAME_CHARS)),
        start: Finite,
        end: Finite,
        bytes: v.optional(Amount),
      }),
    ),
    v.maxLength(MAX_SPANS_PER_EVENT),
  ),
  /** Spans of this rank that were left out so far, because it had its share. */
  leftOut: Amount,
})
export type TimelineEvent = v.InferOutput<typeof TimelineEventSchema>
