/**
 * Signals and relay messages that arrive before this page's rank is ready for them: pages start at
 * different times. Bounded, and nothing is kept for a run that was closed. Not for: messages in general,
 * the server keeps none.
 */
import type { Relay, Signal } from '@rondo/protocol'

/** Messages kept in all; a handshake with 63 peers is some 1,000 signals. Beyond that the oldest goes. */
const MAX_KEPT = 2_048
/** Closed runs remembered. */
const MAX_CLOSED = 64

type Kept = { kind: 'signal'; message: Signal } | { kind: 'relay'; message: Relay }

export class EarlyMessages {
  #kept: Kept[] = []
  readonly #closed = new Set<string>()

  keepSignal(message: Signal): void {
    this.#keep({ kind: 'signal', message })
  }

  keepRelay(message: Relay): void {
    this.#keep({ kind: 'relay', message })
  }

  /** Hands over, in order, what came for this rank of this generation. */
  replay(
    run: { runId: string; generation: number },
    rank: number,
    to: { signal(message: Signal): void; relay(message: Relay): void },
  ): void {
    this.#closed.delete(run.runId)
    const isMeant = ({ message }: Kept) =>
      message.runId === run.runId && message.generation === run.generation && message.to === rank
    const meant = this.#kept.filter(isMeant)
    this.#kept = this.#kept.filter((kept) => !isMeant(kept))
    for (const kept of meant) {
      if (kept.kind === 'signal') to.signal(kept.message)
      else to.relay(kept.message)
    }
  }

  close(runId: string): void {
    this.#kept = this.#kept.filter(({ message }) => message.runId !== runId)
    this.#closed.add(runId)
    const oldest = this.#closed.values().next().value
    if (this.#closed.size > MAX_CLOSED && oldest !== undefined) this.#closed.delete(oldest)
  }

  #keep(kept: Kept): void {
    if (this.#closed.has(kept.message.runId)) return
    this.#kept.push(kept)
    if (this.#kept.length > MAX_KEPT) this.#kept.shift()
  }
}
