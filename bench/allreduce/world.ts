/** What can be measured: N ranks in one group, wherever they run. Not for: how often and in which order. */
import type { BenchCarrier } from '../arguments.ts'

export interface Yardstick {
  /** What it is, for readers of the figures. */
  readonly of: string
  /** Bytes per second one way. */
  measure(bytes: number): Promise<number>
}

export interface World {
  readonly carrier: BenchCarrier
  readonly ranks: number
  /** Milliseconds, on the slowest rank, of `count` all-reduces of `bytes` per rank. */
  ring(bytes: number, count: number): Promise<number>
  /** The bare carrier between two of the ranks; null where there is none. */
  readonly yardstick: Yardstick | null
  close(): Promise<void>
}
