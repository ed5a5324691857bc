/** What can be measured: N ranks in one group, wherever they run. Not for: how often and in which order. */
import type { BenchCarrier } from '../arguments.ts'
import type { HookChoice } from '../fewer-bytes/methods.ts'

export interface Yardstick {
  /** What it is, for readers of the figures. */
  readonly of: string
  /** Bytes per second one way. */
  measure(bytes: number): Promise<number>
  /** Milliseconds of a message of so many bytes one way: half its way there and back. */
  oneWayMs(bytes: number): Promise<number>
  /** Milliseconds until two ranks that send such a message at once have the other's: what one step of all-reduces is. */
  exchangeMs(bytes: number): Promise<number>
}

export interface World {
  readonly carrier: BenchCarrier
  readonly ranks: number
  /** Milliseconds, on the slowest rank, of `count` all-reduces of `bytes` per rank. */
  ring(bytes: number, count: number): Promise<number>
  /** The same for one all-reduce, with nothing before it: in a new world the very first. */
  cold(bytes: number): Promise<number>
  /** Steps of the newest all-reduce. */
  steps(): Promise<number>
  /** Milliseconds, on the slowest rank, of `count` steps' gradients through a communication hook; in tabs only. */
  gradients?(choice: HookChoice, bytes: number, count: number): Promise<number>
  /** The bare carrier between two of the ranks; null where there is none. */
  readonly yardstick: Yardstick | null
  close(): Promise<void>
}
