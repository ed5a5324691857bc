/**
 * What a launch or a distributed cell tells while it goes on, for the panel under its cell. Types only.
 */
import type { KernelOutput } from '@rondo/kernel/output'
import type { RankEvent, Seat } from '@rondo/protocol'

export type PoolEvent =
  /** The ranks are chosen; `warm` ranks are there already, others are being started. */
  | { type: 'open'; runId: string; seats: readonly Seat[]; warm: boolean }
  /** All ranks stand and the job has been sent. Milliseconds since it was asked for. */
  | { type: 'started'; milliseconds: number }
  /** Console, progress, metrics, setup, links … of one rank; never `message`. */
  | { type: 'rank'; rank: number; event: RankEvent }
  /** `display(…)` and what else a rank shows. */
  | { type: 'output'; rank: number; output: KernelOutput }
  /** This rank's part is over. Milliseconds of its own code. */
  | { type: 'rank-ended'; rank: number; ok: boolean; milliseconds: number }
  | { type: 'ended'; status: 'done' | 'failed' | 'stopped'; milliseconds: number }

export interface JobListeners {
  /** Aborting is the first press of Stop, see {@link RankPool.stop}. */
  signal?: AbortSignal
  onEvent?: (event: PoolEvent) => void
}
