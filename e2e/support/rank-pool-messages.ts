/** What the rank pool's tests may ask of their page. */
import type { KernelOutput } from '@rondo/kernel/output'
import type { SlotInfo } from '../../apps/notebook/src/kernel/messages.ts'
import type { PoolEvent } from '../../apps/notebook/src/pool/events.ts'
import type { PoolState } from '../../apps/notebook/src/pool/rank-pool.ts'

export interface OpenOptions {
  session: string
  joinToken: string
  /** null: the page only brings its slots, as a joined machine does. */
  controlToken: string | null
  slots: number
  label: string
}

export interface CellSeen {
  status: 'ok' | 'error' | 'interrupted'
  milliseconds: number
  outputs: KernelOutput[]
}

export interface RankPoolPage {
  open(options: OpenOptions): Promise<void>
  /** Runs a cell to its end. Cells are numbered from 1 in the order of the calls. */
  cell(code: string): Promise<CellSeen>
  /** The first press of Stop. */
  interrupt(): void
  /** A further press. */
  stop(): Promise<void>
  slots(): SlotInfo[]
  state(): PoolState
  /** What the pool told of the running or last cell. */
  events(): PoolEvent[]
}

declare global {
  var rankPoolPage: RankPoolPage
}
