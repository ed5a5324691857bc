/**
 * Gathers a kernel's outputs into few messages: text of one stream becomes one piece, and while output streams
 * there is at most one message a frame's time. Not for: limiting what is shown (outputs/).
 */
import type { KernelOutput } from '@rondo/kernel/output'

/** Milliseconds between two messages: one frame of a 60 Hz display. */
const FLUSH_INTERVAL_MS = 16
/** Characters of one piece of text; longer ones are cut into several for the page to take in its stride. */
const MAX_PIECE_CHARS = 262_144

export interface QueuedOutput {
  executionId: string
  output: KernelOutput
}

export class OutputQueue {
  readonly #send: (items: QueuedOutput[]) => void
  #items: QueuedOutput[] = []
  #lastFlush = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | null = null

  constructor(send: (items: QueuedOutput[]) => void) {
    this.#send = send
  }

  push(executionId: string, output: KernelOutput): void {
    const last = this.#items.at(-1)
    const joins =
      last?.executionId === executionId &&
      last.output.kind === 'stream' &&
      output.kind === 'stream' &&
      last.output.name === output.name &&
      last.output.text.length + output.text.length <= MAX_PIECE_CHARS
    if (joins) last.output = { ...output, text: (last.output as typeof output).text + output.text }
    else this.#items.push({ executionId, output })
    // A loop that never yields lets no timer fire: then the loop's own output sends what is due.
    if (performance.now() - this.#lastFlush >= FLUSH_INTERVAL_MS) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_INTERVAL_MS)
  }

  /** Sends what is waiting; called before a cell counts as done. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#lastFlush = performance.now()
    if (this.#items.length === 0) return
    const items = this.#items
    this.#items = []
    this.#send(items)
  }
}
