/**
 * The way from code that only controls (a notebook's kernel) to ranks: whoever hosts the code sets a launcher, and
 * `fabric.launch(fn)`, `notebookLauncher` and a Trainer's `fit` use it. Not for: choosing devices or moving code,
 * which is what launchers do.
 */
import type { ProcessGroupBackend } from '@rondo/protocol'

/** Any function that can be launched. */
export type LaunchFunction = (...args: never[]) => unknown

/** Ranks that shall run a function. */
export interface LaunchRequest {
  fn: LaunchFunction
  /** Ship all of them, as they are, and give them to `callLaunched` in each rank: the last one is Rondo's own, plain data. */
  args: readonly unknown[]
  /** How it was asked for, for messages: `fabric.launch`, `trainer.fit`, `notebookLauncher` … */
  call: string
  /** The function's name, for people. */
  name: string
  /** A name of @rondo/strategies, never `auto`. */
  strategy: string
  /** Ranks in all, slot numbers, or every slot that is there. */
  devices: number | readonly number[] | 'auto'
  accelerator: string | null
  precision: string | null
  processGroupBackend: ProcessGroupBackend
}

/** A slot as whoever starts ranks knows it. */
export interface SlotStatus {
  /** The number that `devices` takes. */
  index: number
  node: string
  busy: boolean
  /** Where it is busy or waits; null where nobody says. */
  session: string | null
  /** Busy slots of the same machine: they share its adapter. */
  load: number
}

export interface Launcher {
  /**
   * Runs the function on fresh or warm ranks; resolves with what it returned on rank 0. Rejects before anything
   * starts when something cannot cross (NOT_CLONEABLE) or devices are missing (NOT_ENOUGH_DEVICES). An error thrown
   * in a rank carries that `rank`. May be called any number of times, one after another.
   */
  launch(request: LaunchRequest): Promise<unknown>
  /** Slots that a launch could use now. */
  slots(): Promise<number>
  /** These slots one by one; absent where they are only counted. */
  list?(): Promise<readonly SlotStatus[]>
}

let installed: Launcher | null = null

/** Makes this realm a controller; null takes it back. */
export function setLauncher(launcher: Launcher | null): void {
  installed = launcher
}

/** The launcher of this realm; null in ranks, scripts and pages that have none. */
export function currentLauncher(): Launcher | null {
  return installed
}
