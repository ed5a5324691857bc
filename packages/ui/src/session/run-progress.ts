/**
 * What a page knows of one run beyond the server's snapshot: the ranks' own events, folded into the latest
 * figures, bounded curves and a bounded console. Pure. Not for: membership and connection (state.ts).
 */
import type {
  BarEvent,
  LinkReport,
  ProgressEvent,
  RankEvent,
  RankReport,
  RunState,
  SetupEvent,
  WireError,
} from '@rondo/protocol'
import { addLoss, type LossHistory, NO_LOSSES } from './loss-history.ts'

/** Console lines kept; older ones are counted and dropped. */
const MAX_CONSOLE_LINES = 400
/** Weight of the newest value in smoothed figures: calm to read, half-way to a change in two steps. */
const SMOOTHING = 0.3

export interface ConsoleLine {
  /** Counts all lines of the run, so that a line keeps its identity when older ones go. */
  id: number
  rank: number
  level: Extract<RankEvent, { kind: 'console' }>['level']
  text: string
}

export interface RankProgress {
  links: LinkReport[]
  ready: boolean
  setup: SetupEvent | null
  progress: ProgressEvent | null
  /** Smoothed samples per second. */
  samplesPerSecond: number
  report: RankReport | null
  error: WireError | null
}

export interface RunProgress {
  state: RunState
  ranks: Readonly<Record<number, RankProgress>>
  losses: LossHistory
  console: readonly ConsoleLine[]
  consoleCount: number
  metrics: Readonly<Record<string, number>>
  /** How rank 0 wants its progress shown; null where it does not say. */
  bar: BarEvent | null
  /** Highest global step that any rank reported. */
  step: number
  /** Page clock and step of the first and latest progress: what the estimate is made of. */
  pace: { firstAt: number; firstStep: number; lastAt: number; lastStep: number } | null
}

const NEW_RANK: RankProgress = {
  links: [],
  ready: false,
  setup: null,
  progress: null,
  samplesPerSecond: 0,
  report: null,
  error: null,
}

export function newRun(state: RunState): RunProgress {
  return {
    state,
    ranks: {},
    losses: NO_LOSSES,
    console: [],
    consoleCount: 0,
    metrics: {},
    bar: null,
    step: 0,
    pace: null,
  }
}

/** Folds one event of a rank into the run. `at` is the page's clock in ms. */
export function foldEvent(run: RunProgress, rank: number, event: RankEvent, at: number): RunProgress {
  const known = run.ranks[rank] ?? NEW_RANK
  const set = (change: Partial<RankProgress>) => ({ ...run.ranks, [rank]: { ...known, ...change } })
  switch (event.kind) {
    case 'ready':
      return { ...run, ranks: set({ ready: true, links: event.links }) }
    case 'setup':
      return { ...run, ranks: set({ setup: event }) }
    case 'progress':
      return {
        ...run,
        ranks: set({
          ready: true,
          progress: event,
          links: event.links.length > 0 ? event.links : known.links,
          samplesPerSecond: smooth(known.samplesPerSecond, event.samplesPerSecond),
        }),
        losses: event.loss === null ? run.losses : addLoss(run.losses, rank, event.step, event.loss),
        step: Math.max(run.step, event.step),
        pace: {
          firstAt: run.pace?.firstAt ?? at,
          firstStep: run.pace?.firstStep ?? event.step,
          lastAt: at,
          lastStep: Math.max(run.pace?.lastStep ?? 0, event.step),
        },
      }
    case 'console': {
      const line = { id: run.consoleCount, rank, level: event.level, text: event.text }
      return {
        ...run,
        console: [...run.console.slice(1 - MAX_CONSOLE_LINES), line],
        consoleCount: run.consoleCount + 1,
      }
    }
    case 'bar':
      return { ...run, bar: event }
    case 'message':
    case 'timeline':
      return run
    case 'metrics':
      return { ...run, metrics: { ...run.metrics, ...event.values } }
    case 'done':
      return { ...run, ranks: set({ report: event.report }) }
    case 'error':
      return { ...run, ranks: set({ error: event.error, report: event.report }) }
    default:
      return event satisfies never
  }
}

function smooth(before: number, now: number): number {
  return before === 0 ? now : before + SMOOTHING * (now - before)
}
