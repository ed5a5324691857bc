/**
 * What is known of one rank so far, from its events: enough to give its part of the report even if it never
 * got to hand one in (stopped, lost, failed). Not for: files or the whole run (recorder.ts).
 */
import type { LinkReport, ProgressEvent, RankReport, Seat, SetupEvent, StepTimes } from '@rondo/protocol'

const PHASES = ['compute', 'readback', 'communication', 'exposedCommunication', 'apply', 'total'] as const

export class RankRecord {
  readonly rank: number
  setup: SetupEvent | null = null
  /** Handed in by the rank itself at its end. */
  report: RankReport | null = null
  links: LinkReport[] = []
  /** Latest step that was told, counted from 1 over the whole run. */
  step = 0
  readonly #times: StepTimes[] = []

  constructor(rank: number) {
    this.rank = rank
  }

  progress(event: ProgressEvent): void {
    this.#times.push(event.times)
    this.links = event.links
    this.step = Math.max(this.step, event.step)
  }

  /** The rank's own report, else one made of what it told before. */
  toReport(seat: Seat | undefined): RankReport {
    if (this.report !== null) return this.report
    const batch = this.setup?.batchSize ?? 0
    return {
      rank: this.rank,
      node: seat?.nodeLabel ?? '',
      localRank: seat?.localRank ?? 0,
      accelerator: this.setup?.accelerator ?? null,
      adapter: this.setup?.adapter ?? null,
      weightsHash: null,
      steps: this.step,
      samples: this.step * batch,
      bytesSent: this.links.reduce((sum, link) => sum + link.bytesSent, 0),
      bytesReceived: 0,
      msPerStep: this.#medians(),
      result: null,
    }
  }

  #medians(): StepTimes {
    const medians = PHASES.map((phase) => [phase, median(this.#times.map((times) => times[phase]))] as const)
    return Object.fromEntries(medians) as StepTimes
  }
}

/** 0 for no values; the mean of the middle two for an even number of them. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) return 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}
