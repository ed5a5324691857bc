/** Figures of a running or finished run as people read them. Pure. Not for: sentences. */
import type { ProgressEvent, StepTimes } from '@rondo/protocol'
import { formatCount, formatDuration, formatFigure, formatLoss, formatShare } from '../format.ts'
import type { RunProgress } from './run-progress.ts'
import { hasEnded, myRanks, type SessionView } from './session-view.ts'

export interface Figures {
  /** `epoch 2 of 5`, or null before the first step. */
  epoch: string | null
  /** Whether a bar is wanted. */
  hasBar: boolean
  /** 0..1 over the run, or over the epoch when the number of epochs is unknown; null when nothing is known. */
  share: number | null
  /** `61 % · 0:41 left`. */
  progress: string
  samplesPerSecond: string
  loss: string
  /** The step's parts on one rank of this page, else on the first rank that reports. */
  times: StepTimes | null
  hiddenMs: number
  timesOf: number | null
}

export function figures(state: SessionView): Figures {
  const { run } = state
  const lead = run === null ? null : leadProgress(run)
  const shown = run === null ? null : shownRank(run, myRanks(state))
  const times = shown === null ? null : (run?.ranks[shown]?.progress ?? null)
  const share = lead === null ? null : run?.state.status === 'done' ? 1 : shareDone(lead)
  return {
    epoch: lead === null ? null : `epoch ${lead.epoch + 1}${lead.epochs === null ? '' : ` of ${lead.epochs}`}`,
    hasBar: run?.bar?.shown ?? true,
    share,
    progress: progressText(run, lead, share),
    samplesPerSecond: run === null || lead === null ? '–' : samplesRate(run),
    loss: run === null ? '–' : meanLoss(run),
    times: times?.times ?? null,
    hiddenMs: times?.hiddenMs ?? 0,
    timesOf: shown,
  }
}

/** The progress event that is furthest on. */
export function leadProgress(run: RunProgress): ProgressEvent | null {
  let lead: ProgressEvent | null = null
  for (const { progress } of Object.values(run.ranks)) {
    if (progress !== null && (lead === null || progress.step > lead.step)) lead = progress
  }
  return lead
}

function shownRank(run: RunProgress, mine: number[]): number | null {
  const reporting = (rank: number) => run.ranks[rank]?.progress != null
  return mine.find(reporting) ?? run.state.seats.map((seat) => seat.rank).find(reporting) ?? null
}

/** Of the whole run, or of the epoch when the script does not say how many there will be. */
function shareDone({ epoch, epochs, stepInEpoch, stepsPerEpoch }: ProgressEvent): number | null {
  if (!stepsPerEpoch || epochs === 0) return null
  if (epochs === null) return Math.min(1, stepInEpoch / stepsPerEpoch)
  return Math.min(1, (epoch * stepsPerEpoch + stepInEpoch) / (epochs * stepsPerEpoch))
}

function progressText(run: RunProgress | null, lead: ProgressEvent | null, share: number | null): string {
  if (run === null || lead === null) return 'not started'
  if (run.state.status === 'done') return `${formatCount(run.step)} steps`
  if (share === null) return `step ${formatCount(run.step)}`
  if (lead.epochs === null) return `${formatShare(share, 0)} of the epoch`
  const left = hasEnded(run) ? null : remainingMs(run, share)
  return `${formatShare(share, 0)}${left === null ? '' : ` · ${formatDuration(left)} left`}`
}

/** Remaining time at the pace since the first step; null until a few steps were seen. */
function remainingMs({ pace, step }: RunProgress, share: number): number | null {
  if (pace === null || pace.lastStep - pace.firstStep < 3 || share <= 0) return null
  const perStep = (pace.lastAt - pace.firstAt) / (pace.lastStep - pace.firstStep)
  return perStep * (step / share - step)
}

function samplesRate(run: RunProgress): string {
  const sum = Object.values(run.ranks).reduce((total, rank) => total + rank.samplesPerSecond, 0)
  return formatFigure(sum)
}

function meanLoss(run: RunProgress): string {
  const losses = Object.values(run.ranks).flatMap(({ progress }) => (progress?.loss == null ? [] : [progress.loss]))
  return losses.length === 0 ? '–' : formatLoss(losses.reduce((a, b) => a + b, 0) / losses.length)
}

/** Metrics in reading order: test before validation before training, shares before losses. */
export function headlineMetrics(metrics: Readonly<Record<string, number>>): Array<[name: string, value: number]> {
  const order = (name: string) => (/test/i.test(name) ? 0 : /val/i.test(name) ? 1 : 2) + (/loss/i.test(name) ? 0.5 : 0)
  return Object.entries(metrics).sort(([a], [b]) => order(a) - order(b))
}

/** What was logged for the progress bar, in that order, and then the other metrics. */
export function shownMetrics({ bar, metrics }: RunProgress): Array<[name: string, value: number]> {
  const beside = Object.entries(bar?.values ?? {}).map(([name, value]): [string, number] => [name, value ?? Number.NaN])
  const known = new Set(beside.map(([name]) => name))
  return [...beside, ...headlineMetrics(metrics).filter(([name]) => !known.has(name))]
}

/** A metric as people read it: shares as per cent. */
export function metricText(name: string, value: number): string {
  return /acc|precision|recall|f1/i.test(name) && value >= 0 && value <= 1 ? formatShare(value) : formatLoss(value)
}

/** `test_accuracy` → `test accuracy`. */
export function metricName(name: string): string {
  return name.replaceAll(/[_/.-]+/g, ' ')
}
