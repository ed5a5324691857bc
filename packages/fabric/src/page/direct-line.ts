/**
 * The short way between ranks of a page and the controller of their run, when both are on that page: events are heard
 * at once and bytes are handed over without the server, so that a job goes on when the server is away. Not for:
 * joined machines, or for whoever else watches the session; they hear through the server.
 */
import type { RankEvent, WireError } from '@rondo/protocol'

/** Hears of ranks of this page before the server does. */
export interface DirectListener {
  onEvent(rank: number, event: RankEvent): void
  /** The run ends here, by whatever cause; ranks that are told to stop speak after this. */
  onStop(reason: string, error: WireError | null): void
}

/** What a controller may do with ranks of its own page. */
export interface DirectRanks {
  /** Hears the ranks of a run, also of one that has yet to start. Call the result to stop. */
  hear(runId: string, listener: DirectListener): () => void
  /** For ranks of this page, null for all of them. UNKNOWN_RUN when the run does not go on here. */
  commandRanks(runId: string, commandId: string, ranks: readonly number[] | null, data: unknown): void
  /** Bytes that a rank handed over, once; null when there are none of that name. */
  takeFile(runId: string, name: string): ArrayBuffer | null
  /** Ends the ranks of this page; resolves when they have tidied up. */
  stopRun(runId: string, reason: string, error: WireError | null): Promise<void>
}

/** Listeners and handed-over files by run. */
export class DirectLine {
  readonly #listeners = new Map<string, Set<DirectListener>>()
  readonly #files = new Map<string, Map<string, ArrayBuffer>>()

  hear(runId: string, listener: DirectListener): () => void {
    const set = this.#listeners.get(runId) ?? new Set()
    this.#listeners.set(runId, set)
    set.add(listener)
    return () => {
      set.delete(listener)
      if (set.size === 0) this.#listeners.delete(runId)
    }
  }

  /** Whether the run's controller is on this page. */
  isHeard(runId: string): boolean {
    return this.#listeners.has(runId)
  }

  tell(runId: string, rank: number, event: RankEvent): void {
    for (const listener of [...(this.#listeners.get(runId) ?? [])]) listener.onEvent(rank, event)
  }

  tellStop(runId: string, reason: string, error: WireError | null): void {
    for (const listener of [...(this.#listeners.get(runId) ?? [])]) listener.onStop(reason, error)
  }

  keep(runId: string, name: string, bytes: ArrayBuffer): void {
    const files = this.#files.get(runId) ?? new Map<string, ArrayBuffer>()
    this.#files.set(runId, files)
    files.set(name, bytes)
  }

  take(runId: string, name: string): ArrayBuffer | null {
    const files = this.#files.get(runId)
    const bytes = files?.get(name) ?? null
    files?.delete(name)
    return bytes
  }

  /** The run is over: nobody will ask for its files any more. */
  forget(runId: string): void {
    this.#files.delete(runId)
  }
}
