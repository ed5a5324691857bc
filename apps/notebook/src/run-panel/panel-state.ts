/**
 * What the panel under a launching cell knows of its job, and how each thing that happens changes it. Pure. One
 * run of the session may serve many launches on warm ranks; each launch has a panel of its own, which begins with
 * `newRunPanel` and ends with the action `end`. Not for: sentences and figures (panel-view.ts).
 */
import type { RankEvent, RunState, WireError } from '@rondo/protocol'
import { foldEvent, hasEnded, newRun, type RunProgress } from '@rondo/ui/session'
import { addLine, EMPTY_LANE, type Lane } from './lanes.ts'

export interface RunPanelState {
  /** What the cell called, as people wrote it: `fabric.launch(train)`. */
  title: string
  /** The seats and what their ranks report. Status, times and error are the job's, not the warm run's. */
  run: RunProgress
  /** By rank. */
  lanes: Readonly<Record<number, Lane>>
}

export type RunPanelAction =
  /** The session's run as the server tells it: who sits where and who is missing. */
  | { type: 'run'; run: RunState }
  /** `at`: the page's clock, ms. */
  | { type: 'event'; rank: number; event: RankEvent; at: number }
  /** The job is over. `at`: the page's clock, ms. */
  | { type: 'end'; status: 'done' | 'failed' | 'stopped'; error: WireError | null; at: number }

/**
 * A panel for a job that begins now. `at` is the page's clock in ms: warm ranks began their run long before, so all
 * times of a panel are counted from here.
 */
export function newRunPanel(title: string, run: RunState, at: number): RunPanelState {
  const started = run.status === 'waiting' ? null : at
  return { title, run: newRun({ ...run, createdAt: at, startedAt: started, endedAt: null, error: null }), lanes: {} }
}

export function runPanelReducer(state: RunPanelState, action: RunPanelAction): RunPanelState {
  const { run } = state
  switch (action.type) {
    case 'run': {
      if (hasEnded(run)) return state
      const { createdAt, startedAt } = run.state
      // The run's own end is not the job's: the launch says how it ended, with the error that people should read.
      const status = action.run.status === 'waiting' ? 'waiting' : 'running'
      return {
        ...state,
        run: { ...run, state: { ...action.run, status, createdAt, startedAt, endedAt: null, error: null } },
      }
    }
    case 'event': {
      if (hasEnded(run) && action.event.kind !== 'console') return state
      const { rank, event, at } = action
      if (event.kind === 'console') {
        return { ...state, lanes: { ...state.lanes, [rank]: addLine(state.lanes[rank] ?? EMPTY_LANE, event) } }
      }
      const started = run.state.startedAt === null ? { ...run, state: { ...run.state, startedAt: at } } : run
      return { ...state, run: foldEvent(started, rank, event, at) }
    }
    case 'end': {
      if (hasEnded(run)) return state
      const { status, error, at } = action
      const seats = run.state.seats.map((seat) => ({
        ...seat,
        state: endState(seat.state, status, error !== null && error.rank === seat.rank),
      }))
      return { ...state, run: { ...run, state: { ...run.state, status, error, endedAt: at, seats } } }
    }
    default:
      return action satisfies never
  }
}

type SeatState = RunState['seats'][number]['state']

/** A warm rank goes on living after its job; in the panel it is the job that ends. */
function endState(seat: SeatState, status: 'done' | 'failed' | 'stopped', culprit: boolean): SeatState {
  if (seat === 'lost') return seat
  if (culprit) return 'failed'
  return status === 'done' ? 'done' : seat
}

/** Actions that come many times a second and may be shown in batches. */
export function isFrequent(action: RunPanelAction): boolean {
  return action.type === 'event' && action.event.kind !== 'error'
}
