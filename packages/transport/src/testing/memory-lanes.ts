/**
 * Two ends of a lane in one thread, with what networks do to lanes: delay that may change, silence, death. Order
 * within a lane is kept. Not for: links as such (memory-link.ts makes whole ones).
 */
import type { Lane, LaneListener } from '../carriers/lane.ts'

type Message = { frame: ArrayBuffer } | { word: unknown } | { gone: string }

export class MemoryLane implements Lane {
  readonly opened = Promise.resolve()
  /** Milliseconds from here to the other end, for what is sent from now on. */
  delayMs: number
  /** Frames handed over here, for tests that count them. */
  framesSent = 0
  #twin!: MemoryLane
  #listener: LaneListener | null = null
  #queue: Array<{ due: number; message: Message }> = []
  #scheduled = false
  #held = false
  #closed = false

  private constructor(delayMs: number) {
    this.delayMs = delayMs
  }

  static pair(delayMs = 0): [MemoryLane, MemoryLane] {
    const [left, right] = [new MemoryLane(delayMs), new MemoryLane(delayMs)]
    left.#twin = right
    right.#twin = left
    return [left, right]
  }

  listen(listener: LaneListener): void {
    this.#listener = listener
  }

  send(frame: Uint8Array<ArrayBuffer>): boolean {
    if (this.#closed) return false
    this.framesSent += 1
    this.#push({ frame: frame.slice().buffer })
    return true
  }

  say(word: number | object): void {
    if (!this.#closed) this.#push({ word: structuredClone(word) })
  }

  /** What was sent arrives first. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#push({ gone: 'the lane was closed' })
  }

  /** Holds back what goes from here to the other end, without a word. */
  hold(held: boolean): void {
    this.#held = held
    this.#schedule()
  }

  /** Both ends see it at once, and what was on its way is lost. */
  die(): void {
    for (const end of [this, this.#twin]) {
      end.#closed = true
      end.#queue = []
      end.#listener?.onGone('the lane died')
    }
  }

  #push(message: Message): void {
    this.#queue.push({ due: performance.now() + this.delayMs, message })
    this.#schedule()
  }

  #schedule(): void {
    const first = this.#queue[0]
    if (this.#scheduled || this.#held || !first) return
    this.#scheduled = true
    const rest = first.due - performance.now()
    if (rest > 0) setTimeout(() => this.#drain(), rest)
    else queueMicrotask(() => this.#drain())
  }

  #drain(): void {
    this.#scheduled = false
    for (let next = this.#queue[0]; next && !this.#held && next.due <= performance.now(); next = this.#queue[0]) {
      this.#queue.shift()
      this.#twin.#take(next.message)
    }
    this.#schedule()
  }

  #take(message: Message): void {
    if ('frame' in message) this.#listener?.onFrame(message.frame)
    else if ('word' in message) this.#listener?.onWord(message.word)
    else this.#listener?.onGone(message.gone)
  }
}
