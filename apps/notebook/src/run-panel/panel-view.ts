/**
 * What the panel of a run shows, as plain data: computed from the live state, or read back from a notebook. Both
 * are drawn by the same component. Pure. Not for: markup.
 */
import type { StepTimes } from '@rondo/protocol'
import { formatDuration, plural, type RingModel, type Tone } from '@rondo/ui'
import {
  batchLine,
  figures,
  type LossHistory,
  metricName,
  metricText,
  ringBeat,
  ringCentre,
  ringModel,
  type Standing,
  shownMetrics,
  standing,
} from '@rondo/ui/session'
import { EMPTY_LANE, type GroupedLanes, groupLanes } from './lanes.ts'
import type { RunPanelState } from './panel-state.ts'

export interface RankView {
  rank: number
  node: string
  tone: Tone
  /** `waiting`, `working`, `done`, `failed` … */
  state: string
  /** The device that the rank reported to use; empty before it did. */
  device: string
}

export interface RunPanelView {
  title: string
  status: 'waiting' | 'running' | 'done' | 'failed' | 'stopped'
  headline: string
  /** The error's own words, or who is missing; else the effective batch, where something trains. */
  detail: string
  /** Null for a job that has not trained (yet). */
  training: {
    /** Whether a bar is wanted. */
    hasBar: boolean
    share: number | null
    text: string
    samplesPerSecond: string
    loss: string
    losses: LossHistory
    times: StepTimes | null
    hiddenMs: number
  } | null
  metrics: Array<[name: string, value: string]>
  ranks: RankView[]
  ring: { model: RingModel; centre: { title: string; detail: string }; beat: number | null }
  consoles: GroupedLanes
}

/** Who looks, and when. */
export interface Viewer {
  pageId: string
  /** Server clock minus page clock, ms. */
  clockSkew: number
  /** The page's clock, ms. */
  now: number
}

/** Metrics shown as tiles; all of them are in the cell's result or the run's files. */
const MAX_METRICS = 4

export function panelView(state: RunPanelState, { pageId, clockSkew, now }: Viewer): RunPanelView {
  const { run, title } = state
  const session = { pageId, clockSkew, snapshot: null, run }
  const shown = figures(session)
  const trains = run.pace !== null
  const ended = run.state.endedAt !== null
  return {
    title,
    status: run.state.status,
    ...sentences(state, shown.epoch, now),
    training: trains
      ? {
          hasBar: shown.hasBar,
          share: shown.share,
          text: shown.epoch === null ? shown.progress : `${shown.epoch} · ${shown.progress}`,
          samplesPerSecond: shown.samplesPerSecond,
          loss: shown.loss,
          losses: run.losses,
          times: shown.times,
          hiddenMs: shown.hiddenMs,
        }
      : null,
    metrics: shownMetrics(run)
      .slice(0, MAX_METRICS)
      .map(([name, value]) => [metricName(name), metricText(name, value)]),
    ranks: run.state.seats.map((seat) => ({
      rank: seat.rank,
      node: seat.nodeLabel,
      ...standingWords(standing(run, seat), trains),
      device: deviceOf(state, seat.rank),
    })),
    ring: { model: ringModel(session, now), centre: ringCentre(session), beat: ringBeat(session) },
    consoles: groupLanes(
      run.state.seats.map(({ rank }) => ({ rank, lane: state.lanes[rank] ?? EMPTY_LANE })),
      ended,
    ),
  }
}

function sentences(
  { run }: RunPanelState,
  epoch: string | null,
  now: number,
): Pick<RunPanelView, 'headline' | 'detail'> {
  const { status, seats, error, createdAt, startedAt, endedAt } = run.state
  const ranks = plural(seats.length, 'rank')
  const took = formatDuration((endedAt ?? now) - (startedAt ?? createdAt))
  switch (status) {
    case 'waiting': {
      const missing = seats.filter((seat) => seat.memberId === null)
      if (missing.length === 0) return { headline: `Starting ${ranks}, ${took}`, detail: '' }
      const nodes = [...new Set(missing.map((seat) => seat.nodeLabel))].join(', ')
      return {
        headline: `Waiting for ${missing.length} of ${ranks}, ${took}`,
        detail: `Expected: ${nodes}. It starts by itself when the last one is here.`,
      }
    }
    case 'running':
      return {
        headline: epoch === null ? `${ranks} at work, ${took}` : `Training, ${epoch}, ${took}`,
        detail: batchLine(run),
      }
    case 'done':
      return { headline: `Done on ${ranks} in ${took}`, detail: batchLine(run) }
    case 'stopped':
      return { headline: `Interrupted after ${took}`, detail: 'The next launch starts fresh ranks.' }
    case 'failed': {
      const who = error?.rank === undefined ? '' : ` in rank ${error.rank}${error.node ? ` on ${error.node}` : ''}`
      return { headline: `Failed${who} after ${took}`, detail: error?.message ?? '' }
    }
    default:
      return status satisfies never
  }
}

function standingWords(stands: Standing, trains: boolean): Pick<RankView, 'tone' | 'state'> {
  switch (stands) {
    case 'waiting':
      return { tone: 'wait', state: 'waiting' }
    case 'starting':
      return { tone: 'wait', state: 'starting' }
    case 'running':
      return { tone: 'work', state: trains ? 'training' : 'working' }
    case 'done':
      return { tone: 'ok', state: 'done' }
    case 'stopped':
      return { tone: 'wait', state: 'stopped' }
    case 'failed':
    case 'lost':
      return { tone: 'fail', state: stands }
    default:
      return stands satisfies never
  }
}

function deviceOf({ run }: RunPanelState, rank: number): string {
  const setup = run.ranks[rank]?.setup
  if (setup == null) return ''
  return `${setup.accelerator}${setup.adapter === null ? '' : `: ${setup.adapter}`}${setup.software ? ' (software)' : ''}`
}
