/** What can be measured: N ranks in one group, wherever they run. Not for: how often and in which order. */
import type { BenchCarrier } from '../arguments.ts'

export interface World {
  readonly carrier: BenchCarrier
  readonly ranks: number
  /** What `raw` measures. */
  readonly yardstick: string
  /** Milliseconds, on the slowest rank, of `count` all-reduces of `bytes` per rank. */
  ring(bytes: number, count: number): Promise<number>
  /** Bytes per second that the bare carrier moves one way between two of the ranks. */
  raw(bytes: number): Promise<number>
  close(): Promise<void>
}
