/**
 * Saves a document some time after it changed, at once when the page is hidden, and says where that stands. One
 * write at a time; a change during a write is written after it. Not for: where to (library.ts).
 */
import { effect, type ReadonlySignal, signal } from '@preact/signals'
import { RondoError } from '@rondo/protocol'
import type { NotebookDocument } from '../model/document.ts'
import type { SaveOptions } from './library.ts'

/** Quiet time after the last change, ms. */
const QUIET_MS = 800
/** Streaming output changes all the time: saved at least this often, ms. */
const MAX_WAIT_MS = 5_000
/** A write that took long is followed by a pause of this many times as long. */
const PAUSE_FACTOR = 10

export type SaveState =
  | { kind: 'saved'; at: number }
  | { kind: 'unsaved' }
  | { kind: 'saving' }
  | { kind: 'failed'; error: RondoError }

export class Autosave {
  readonly state: ReadonlySignal<SaveState>
  readonly #state: ReturnType<typeof signal<SaveState>>
  readonly #document: NotebookDocument
  readonly #write: (options: SaveOptions) => Promise<void>
  readonly #stopWatching: () => void
  readonly #onHide = () => {
    if (document.visibilityState === 'hidden') void this.flush()
  }
  #savedRevision: number
  #timer: ReturnType<typeof setTimeout> | null = null
  #firstChange: number | null = null
  #lastWriteMs = 0
  #writing: Promise<void> | null = null

  /**
   * @param write Stores the document as it is when called.
   * @param savedAt When what the document holds now was stored, Unix ms.
   */
  constructor(notebook: NotebookDocument, savedAt: number, write: (options: SaveOptions) => Promise<void>) {
    this.#document = notebook
    this.#write = write
    this.#savedRevision = notebook.revision.peek()
    this.#state = signal<SaveState>({ kind: 'saved', at: savedAt })
    this.state = this.#state as ReadonlySignal<SaveState>
    this.#stopWatching = effect(() => {
      if (notebook.revision.value !== this.#savedRevision) this.#schedule()
    })
    globalThis.document?.addEventListener('visibilitychange', this.#onHide)
  }

  get isDirty(): boolean {
    return this.#document.revision.peek() !== this.#savedRevision
  }

  /** Writes now what is not written yet; with `keep` in any case. Failures are in `state`, never thrown. */
  async flush(options: SaveOptions = {}): Promise<void> {
    this.#cancel()
    while (this.#writing !== null) await this.#writing
    if (!this.isDirty && options.keep !== true) return
    this.#writing = this.#save(options).finally(() => {
      this.#writing = null
    })
    await this.#writing
    if (this.isDirty && this.#state.peek()?.kind !== 'failed') this.#schedule()
  }

  /** Writes what is left, then stops watching. */
  async dispose(): Promise<void> {
    this.#stopWatching()
    globalThis.document?.removeEventListener('visibilitychange', this.#onHide)
    await this.flush()
    this.#cancel()
  }

  async #save(options: SaveOptions): Promise<void> {
    const revision = this.#document.revision.peek()
    const started = performance.now()
    this.#state.value = { kind: 'saving' }
    try {
      await this.#write(options)
      this.#savedRevision = revision
      this.#state.value = this.isDirty ? { kind: 'unsaved' } : { kind: 'saved', at: Date.now() }
    } catch (error) {
      const known = error instanceof RondoError
      this.#state.value = {
        kind: 'failed',
        error: known ? error : new RondoError('STORAGE_FAILED', String(error), { cause: error }),
      }
    }
    this.#lastWriteMs = performance.now() - started
  }

  #schedule(): void {
    const now = performance.now()
    this.#firstChange ??= now
    if (this.#state.peek()?.kind === 'saved') this.#state.value = { kind: 'unsaved' }
    if (this.#timer !== null) clearTimeout(this.#timer)
    const quiet = Math.max(QUIET_MS, PAUSE_FACTOR * this.#lastWriteMs)
    const latest = Math.max(0, this.#firstChange + Math.max(MAX_WAIT_MS, quiet) - now)
    this.#timer = setTimeout(() => void this.flush(), Math.min(quiet, latest))
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#firstChange = null
  }
}
