/**
 * What a rank prints, sent in few events: a loop that prints ten thousand lines must not cost its page the connection.
 * Takes the place of the rank worker's own console, which sends each line alone.
 */
import { MAX_CONSOLE_CHARS, type RankEvent } from '@rondo/protocol'

const LEVELS = ['log', 'info', 'warn', 'error', 'debug'] as const
export type Level = (typeof LEVELS)[number]

/**
 * Milliseconds between two events, in which lines wait for others: people see lines appear, the server sees twenty
 * events a second. A line after a pause waits for nothing: what follows may never yield to a timer.
 */
const WAIT_MS = 50
/** Characters after which nothing waits any more; with one more line it stays below what an event may hold. */
const FULL_CHARS = MAX_CONSOLE_CHARS / 2

export class RankConsole {
  readonly #emit: (event: RankEvent) => void
  readonly #text: (value: unknown) => string
  #level: Level = 'log'
  #lines: string[] = []
  #chars = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #timer: ReturnType<typeof setTimeout> | undefined
  // Taken now: code in the rank may put something else in their place.
  readonly #setTimeout = setTimeout.bind(globalThis)

  /** @param text how a value that is no string is written */
  constructor(emit: (event: RankEvent) => void, text: (value: unknown) => string) {
    this.#emit = emit
    this.#text = text
  }

  /** From now on `console.log` and its sisters in this worker are written here. */
  install(): void {
    for (const level of LEVELS) console[level] = (...values: unknown[]) => this.#log(level, values)
  }

  /** Whole lines, with or without the last line's end. */
  write(level: Level, text: string): void {
    if (level !== this.#level) this.flush()
    this.#level = level
    const lines = text.endsWith('\n') ? text.slice(0, -1) : text
    this.#lines.push(lines)
    this.#chars += lines.length + 1
    if (this.#chars >= FULL_CHARS || performance.now() - this.#sentAt >= WAIT_MS) this.flush()
    else this.#timer ??= this.#setTimeout(() => this.flush(), WAIT_MS)
  }

  /** Sends what waits, so that it comes before whatever is sent next. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#lines.length === 0) return
    this.#sentAt = performance.now()
    const text = this.#lines.join('\n')
    this.#lines = []
    this.#chars = 0
    for (let start = 0; start === 0 || start < text.length; start += MAX_CONSOLE_CHARS) {
      this.#emit({ kind: 'console', level: this.#level, text: text.slice(start, start + MAX_CONSOLE_CHARS) })
    }
  }

  #log(level: Level, values: readonly unknown[]): void {
    this.write(level, values.map((value) => (typeof value === 'string' ? value : this.#text(value))).join(' '))
  }
}
