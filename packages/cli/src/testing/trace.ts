/**
 * Reads a trace as chrome://tracing and Perfetto do, and holds it against the rules of the Trace Event Format that a
 * viewer relies on. For tests of whatever writes one, under any test runner.
 */
export interface TraceSpan {
  ph: 'X'
  name: string
  cat: string
  pid: number
  tid: number
  /** Microseconds. */
  ts: number
  dur: number
  args: { rank: number; bytes?: number }
}

type TraceEvent = TraceSpan | { ph: 'M'; name: string; pid: number; tid: number }

export interface ReadTrace {
  spans: TraceSpan[]
  otherData: Record<string, unknown>
  /** What breaks a rule: every event complete, threads and processes named first, in order, spans nested or apart. */
  faults: string[]
}

export function readTrace(text: string): ReadTrace {
  const { traceEvents, otherData } = JSON.parse(text) as {
    traceEvents: TraceEvent[]
    otherData: ReadTrace['otherData']
  }
  const faults: string[] = []
  const names = new Set<string>()
  const threads = new Map<string, TraceSpan[]>()
  for (const event of traceEvents) {
    const { pid, tid } = event
    if (![pid, tid].every(Number.isInteger)) faults.push(`pid ${pid}, tid ${tid}`)
    if (event.ph === 'M') {
      names.add(event.name === 'process_name' ? `process ${pid}` : `${event.name} ${pid}/${tid}`)
      continue
    }
    const { ph, name, ts, dur } = event
    const complete = ph === 'X' && name !== '' && [ts, dur].every((time) => Number.isSafeInteger(time) && time >= 0)
    if (!complete) faults.push(`incomplete: ${JSON.stringify(event)}`)
    if (!names.has(`process ${pid}`) || !names.has(`thread_name ${pid}/${tid}`))
      faults.push(`no name for ${pid}/${tid}`)
    const thread = threads.get(`${pid}/${tid}`) ?? []
    thread.push(event)
    threads.set(`${pid}/${tid}`, thread)
  }
  for (const thread of threads.values()) faults.push(...faultsOf(thread))
  return { spans: [...threads.values()].flat(), otherData, faults }
}

/** Of one thread: spans that begin before the one before them, or end outside of the one that they began in. */
function faultsOf(thread: readonly TraceSpan[]): string[] {
  const faults: string[] = []
  const open: number[] = []
  let before = 0
  for (const { name, ts, dur } of thread) {
    if (ts < before) faults.push(`${name} at ${ts} comes after ${before}`)
    before = ts
    while (open.length > 0 && (open.at(-1) as number) <= ts) open.pop()
    if (ts + dur > (open.at(-1) ?? Number.POSITIVE_INFINITY)) faults.push(`${name} at ${ts} ends outside`)
    open.push(ts + dur)
  }
  return faults
}
