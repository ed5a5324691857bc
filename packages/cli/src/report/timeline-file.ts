/**
 * `--timeline FILE`: what all ranks did, as Chrome trace JSON (the Trace Event Format's complete events, which
 * chrome://tracing and Perfetto load). A process a node, a few threads a rank: one a lane, more where spans of a lane
 * overlap, so that spans of a thread never do. All times on rank 0's clock. Not for: measuring (fabric, strategies).
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { LANES, type RunState, type TimelineEvent, type TimelineSpan } from '@rondo/protocol'

/** Thread ids that a rank has: six lanes with some rows each. */
const THREADS_PER_RANK = 256
const THREADS_PER_LANE = 32
const MICROSECONDS_PER_MS = 1000

interface RankSpans {
  clock: TimelineEvent['clock']
  /** On rank 0's clock. */
  spans: TimelineSpan[]
  leftOut: number
}

type TraceEvent = Readonly<Record<string, unknown>>

export class TimelineFile {
  readonly #path: string
  readonly #ranks = new Map<number, RankSpans>()
  #run: RunState | null = null

  constructor(path: string) {
    this.#path = path
  }

  state(run: RunState): void {
    this.#run = run
  }

  event(rank: number, { clock, spans, leftOut }: TimelineEvent): void {
    const known = this.#ranks.get(rank) ?? { clock, spans: [], leftOut: 0 }
    this.#ranks.set(rank, known)
    for (const span of spans) {
      known.spans.push({ ...span, start: span.start + clock.offsetMs, end: span.end + clock.offsetMs })
    }
    known.leftOut = leftOut
  }

  /** Writes what is known, whatever the end of the run. Returns the lines that people should know. */
  async finish(): Promise<string[]> {
    const ranks = [...this.#ranks].sort(([a], [b]) => a - b)
    const all = ranks.flatMap(([, known]) => known.spans)
    const zero = all.reduce((least, { start }) => Math.min(least, start), Number.POSITIVE_INFINITY)
    const events = ranks.flatMap(([rank, known]) => this.#eventsOf(rank, known, zero))
    const clocks = Object.fromEntries(ranks.map(([rank, { clock }]) => [`rank ${rank}`, clock]))
    const file = {
      traceEvents: events,
      displayTimeUnit: 'ms',
      otherData: {
        run: this.#run?.runId ?? '',
        clock: 'rank 0; offsets and errors in milliseconds, measured at the start of the run',
        clocks,
        spansLeftOut: Object.fromEntries(ranks.map(([rank, { leftOut }]) => [`rank ${rank}`, leftOut])),
      },
    }
    await mkdir(dirname(resolve(this.#path)), { recursive: true })
    await writeFile(this.#path, JSON.stringify(file))
    const error = Math.max(0, ...ranks.map(([, { clock }]) => clock.errorMs))
    const leftOut = ranks.reduce((sum, [, known]) => sum + known.leftOut, 0)
    const lines = [
      `timeline in ${this.#path}: ${all.length} spans, clocks within ${error.toFixed(2)} ms. Open it at ui.perfetto.dev`,
    ]
    if (leftOut > 0) lines.push(`${leftOut} later spans are not in it: a timeline shows the beginning of a long run`)
    return lines
  }

  #eventsOf(rank: number, { spans }: RankSpans, zero: number): TraceEvent[] {
    const seat = this.#run?.seats.find((candidate) => candidate.rank === rank)
    const pid = seat?.nodeRank ?? 0
    const events: TraceEvent[] = [named('process_name', pid, 0, `node ${pid} (${seat?.nodeLabel ?? ''})`)]
    LANES.forEach((lane, l) => {
      const own = spans.filter((span) => span.lane === lane).sort((a, b) => a.start - b.start)
      rowsOf(own).forEach((row, r) => {
        const tid = rank * THREADS_PER_RANK + l * THREADS_PER_LANE + Math.min(r, THREADS_PER_LANE - 1)
        events.push(named('thread_name', pid, tid, `rank ${rank} ${lane}${r === 0 ? '' : ` ${r + 1}`}`))
        events.push({ ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } })
        for (const { name, start, end, bytes } of row) {
          const [ts, stop] = [start - zero, end - zero].map((ms) => Math.round(ms * MICROSECONDS_PER_MS)) as [
            number,
            number,
          ]
          const args = { rank, ...(bytes === undefined ? {} : { bytes }) }
          events.push({ ph: 'X', name, cat: lane, pid, tid, ts, dur: stop - ts, args })
        }
      })
    })
    return events
  }
}

/** Puts spans, by start, into as few rows as hold them without overlap. */
function rowsOf(spans: readonly TimelineSpan[]): TimelineSpan[][] {
  const rows: TimelineSpan[][] = []
  for (const span of spans) {
    const free = rows.find((row) => (row.at(-1) as TimelineSpan).end <= span.start)
    if (free) free.push(span)
    else rows.push([span])
  }
  return rows
}

function named(name: string, pid: number, tid: number, value: string): TraceEvent {
  return { ph: 'M', name, pid, tid, args: { name: value } }
}
