/**
 * What a launch or a distributed cell tells while it goes on, for the panel under its cell. Types only.
 */
import type { KernelOutput } from '@rondo/kernel/output'
import type { RankEvent, RunState, WireError } from '@rondo/protocol'

export type PoolEvent =
  /** The ranks are chosen. `warm` ones are there already, others are being started. First of all events. */
  | { type: 'open'; run: RunState; warm: boolean }
  /** Who sits where has changed. */
  | { type: 'run'; run: RunState }
  /** All ranks stand and have the job. Milliseconds since it was asked for. */
  | { type: 'started'; milliseconds: number }
  /** Console, progress, metrics, setup, links … of one rank; never `message`. */
  | { type: 'rank'; rank: number; event: RankEvent }
  /** What `display(…)` shows in a rank. */
  | { type: 'output'; rank: number; output: KernelOutput }
  /** This rank's part is over. Milliseconds of its own code. */
  | { type: 'rank-ended'; rank: number; ok: boolean; milliseconds: number }
  /** Last of all events. The error names its rank where one threw it. */
  | { type: 'ended'; status: 'done' | 'failed' | 'stopped'; milliseconds: number; error: WireError | null }

export interface JobListeners {
  /** Aborting is the first press of Stop. */
  signal?: AbortSignal
  onEvent?: (event: PoolEvent) => void
}
