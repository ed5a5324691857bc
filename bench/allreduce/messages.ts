/** What the bench, its pages and their workers say to each other. */
import type { Place } from '@rondo/collectives'
import type { BenchCarrier } from '../arguments.ts'
import type { HookChoice } from '../fewer-bytes/methods.ts'
import type { RawPipe } from '../raw-link.ts'

export type TabCarrier = Exclude<BenchCarrier, 'memory'>

export type WorkerTask =
  /** Takes the links that the page makes, and joins the group. */
  | {
      task: 'start'
      rank: number
      worldSize: number
      generation: number
      nodeLabels: string[]
      places: Place[]
      timeoutMs: number
      port: MessagePort
      /** That all its links must have: a page without isolation falls back to ports. */
      carrier: TabCarrier
    }
  /** The bare channel or port of the yardstick; of ranks 0 and 1 only. */
  | { task: 'pipe'; pipe: RawPipe }
  | MeasureTask

export type MeasureTask =
  /** One way, `bytes` after `primeBytes` that are not timed. The sender answers with milliseconds. */
  | {
      task: 'raw'
      side: 'send' | 'receive'
      bytes: number
      primeBytes: number
      /** Of one message: what is fastest on this carrier. */
      messageBytes: number
      timeoutMs: number
    }
  /** Messages of `bytes` there and back, one after the other. The side that sends first answers with the median's milliseconds. */
  | { task: 'echo'; side: 'send' | 'receive'; bytes: number; count: number; timeoutMs: number }
  /** Both sides send at once and wait for the other's message, over and over. Answers with the milliseconds of one. */
  | { task: 'exchange'; side: 'send' | 'receive'; bytes: number; count: number; timeoutMs: number }
  /**
   * `count` all-reduces, one after the other, of `bytes` per rank. Answers with the milliseconds of all. `cold` leaves out
   * what otherwise comes before the clock starts.
   */
  | { task: 'ring'; bytes: number; count: number; cold: boolean }
  /** `count` steps of `bytes` of gradients through a communication hook. Answers with the milliseconds of all. */
  | { task: 'gradients'; choice: HookChoice; bytes: number; count: number }
  /** Answers with the steps that the newest all-reduce took. */
  | { task: 'steps' }

export interface JoinOptions {
  session: string
  token: string
  /** Those of this page. */
  ranks: number[]
  carrier: TabCarrier
  /** Milliseconds for all ranks to join and to be linked. */
  timeoutMs: number
}

export interface BenchPage {
  /** Joins the session, with a worker for each of its ranks, and stands by for its run. */
  join(options: JoinOptions): Promise<void>
  /** Resolves when its ranks are in the group and their yardstick, if they have one, is handed over. */
  ready(): Promise<void>
  /** The task on each of its ranks; the longest answer. */
  measure(task: MeasureTask): Promise<number>
}

declare global {
  var benchPage: BenchPage
}
