/** Whoever can do the bench's work: PyTorch, or the engine in Node or in a browser. */
import type { Task } from './workloads.ts'

export interface Runner {
  /** With version, for the table. */
  name: string
  /** Milliseconds of each timed repetition. */
  run(task: Task): Promise<number[]>
  close(): Promise<void>
}
