/**
 * Which messages are still due, from whom and of which sizes: everybody can work out what everybody sends, so a
 * message that differs is wrong, and it is noticed at its arrival, even when its turn has not come.
 */
import { FRAME_HEADER_BYTES } from '@rondo/protocol'
import type { Frame } from '../algorithm.ts'

export class Expected {
  readonly #sizes = new Map<number, number[]>()
  readonly #arrived = new Map<number, number>()
  /** Messages whose turn has not come. */
  readonly #kept = new Map<number, Frame[]>()

  /** After what was announced before, `from` sends one more message of `bytes` payload bytes. */
  add(from: number, bytes: number): void {
    const sizes = this.#sizes.get(from)
    if (sizes === undefined) this.#sizes.set(from, [bytes])
    else sizes.push(bytes)
  }

  /** Takes note of a message; a returned text says what is wrong with it. */
  arrive(from: number, frame: Frame): string | undefined {
    const at = this.#arrived.get(from) ?? 0
    const expected = this.#sizes.get(from)?.[at]
    if (expected === undefined) return 'nothing was expected from it'
    const got = frame.byteLength - FRAME_HEADER_BYTES
    if (got !== expected) return `${got} payload bytes came where ${expected} were expected`
    this.#arrived.set(from, at + 1)
    return undefined
  }

  /** As `arrive`, and keeps the message until `take` asks for it. */
  keep(from: number, frame: Frame): string | undefined {
    const wrong = this.arrive(from, frame)
    if (wrong !== undefined) return wrong
    const kept = this.#kept.get(from)
    if (kept === undefined) this.#kept.set(from, [frame])
    else kept.push(frame)
    return undefined
  }

  /** The first kept message of `from`; undefined when there is none. */
  take(from: number): Frame | undefined {
    return this.#kept.get(from)?.shift()
  }

  /** Ranks from which something has still to arrive. */
  waitingFor(): number[] {
    return [...this.#sizes]
      .filter(([from, sizes]) => (this.#arrived.get(from) ?? 0) < sizes.length)
      .map(([from]) => from)
  }
}
