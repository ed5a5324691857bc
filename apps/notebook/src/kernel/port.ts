/**
 * What the notebook's shell needs of a kernel, whatever runs behind it: run code, stop it, ask what a name could
 * become. Types only; the worker's client implements it, the development page has a small one of its own.
 */

import type { ReadonlySignal } from '@preact/signals'
import type { KernelOutput } from '@rondo/kernel/output'
import type { Completion, ExecuteRequest } from './messages.ts'

/** `dead`: killed or crashed; nothing runs until `restart`. */
export type KernelState = 'starting' | 'idle' | 'busy' | 'dead'

export interface ExecuteResult {
  /** `interrupted` also when the kernel was killed or restarted under it. */
  status: 'ok' | 'error' | 'interrupted'
  milliseconds: number
}

/** Proposals for the text from `from` to the cursor. */
export interface Completions {
  from: number
  items: Completion[]
}

/** Answers what a name could become. */
export interface CompletionSource {
  /**
   * @param code The cell's whole text.
   * @param offset Where the cursor is, in UTF-16 units.
   * @param signal Aborted when the answer is no longer wanted; the promise may then never settle or resolve empty.
   */
  complete(code: string, offset: number, signal?: AbortSignal): Promise<Completions>
}

export interface KernelPort extends CompletionSource {
  readonly state: ReadonlySignal<KernelState>
  /** Loads what runs code, if it is not there yet; running something does so too. */
  prepare(): void
  /**
   * Runs one cell; requests run in the order in which they come. Never rejects: an error is an output and a
   * status. Outputs come before the promise resolves, and late ones (a timer's) after it, with the same callback.
   */
  execute(request: ExecuteRequest, onOutput: (output: KernelOutput) => void): Promise<ExecuteResult>
  /** Rejects what the running code awaits and stops the ranks that it launched. A loop that never yields goes on. */
  interrupt(): void
  /** Ends the kernel at once, also in the middle of a loop. Everything that it held is lost; state becomes `dead`. */
  kill(): void
  /** A fresh kernel: what runs or waits resolves as `interrupted`. Resolves when the new one is `idle`. */
  restart(): Promise<void>
}
