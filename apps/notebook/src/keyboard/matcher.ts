/**
 * Turns key strokes into commands: looks them up for the current mode, and waits for the second stroke of `D D`.
 * Pure but for the time it is told. Not for: what commands do.
 */
import type { Mode } from '../model/selection.ts'
import { BINDINGS, type CommandName } from './bindings.ts'
import { resolveStroke } from './stroke.ts'

/** Longest pause inside a sequence such as `D D`, ms; Jupyter waits about as long. */
const SEQUENCE_MS = 1000

export class KeyMatcher {
  readonly #rows: readonly { keys: readonly string[]; where: string; command: CommandName }[]
  #pending: { stroke: string; at: number } | null = null

  constructor(mac: boolean) {
    this.#rows = BINDINGS.map(({ keys, where, command }) => ({
      keys: keys.map((key) => resolveStroke(key, mac)),
      where,
      command,
    }))
  }

  /**
   * @param now Milliseconds of any clock.
   * @returns The command, `pending` when this may be the first stroke of a sequence, or null.
   */
  press(stroke: string, mode: Mode, now: number): CommandName | 'pending' | null {
    const pending = this.#pending
    this.#pending = null
    const rows = this.#rows.filter(({ where }) => where === 'both' || where === mode)
    if (pending !== null && now - pending.at <= SEQUENCE_MS) {
      const sequence = rows.find(({ keys }) => keys.length === 2 && keys[0] === pending.stroke && keys[1] === stroke)
      if (sequence !== undefined) return sequence.command
    }
    const single = rows.find(({ keys }) => keys.length === 1 && keys[0] === stroke)
    if (single !== undefined) return single.command
    if (rows.some(({ keys }) => keys.length === 2 && keys[0] === stroke)) {
      this.#pending = { stroke, at: now }
      return 'pending'
    }
    return null
  }

  /** Forgets a first stroke, for when the focus or the mode changes. */
  reset(): void {
    this.#pending = null
  }
}
