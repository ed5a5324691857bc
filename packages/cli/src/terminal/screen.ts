/**
 * The terminal as lines that stay and one status line below them that is redrawn. Without a terminal (a
 * file, a pipe) there is no status line. Not for: what to say (the other files of this folder).
 */
import { appendFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

/** The part of a stream that is needed; tests bring their own. */
export interface Out {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const CLEAR_LINE = '\r\u001B[2K'

export class Screen {
  readonly interactive: boolean
  readonly #out: Out
  readonly #debugFile: string | undefined
  #status = ''

  /** @param debugFile where lines go that only `--debug` asks for; the terminal without it */
  constructor(out: Out = process.stdout, debugFile?: string) {
    this.#out = out
    this.#debugFile = debugFile
    this.interactive = out.isTTY === true
  }

  /** Prints text that stays; it may have several lines. */
  line(text = ''): void {
    if (this.#status === '') this.#out.write(`${text}\n`)
    else this.#out.write(`${CLEAR_LINE}${text}\n${this.#status}`)
  }

  /** Prints text that is only there because somebody debugs. */
  debug(text: string): void {
    if (this.#debugFile === undefined) this.line(text)
    else appendFileSync(this.#debugFile, `${stripVTControlCharacters(text)}\n`)
  }

  /** Draws the status line, cut to the terminal's width; nothing happens without a terminal. */
  status(text: string): void {
    if (!this.interactive) return
    const room = Math.max(10, (this.#out.columns ?? 80) - 1)
    const plain = stripVTControlCharacters(text)
    const shown = plain.length <= room ? text : plain.slice(0, room)
    if (shown === this.#status) return
    this.#status = shown
    this.#out.write(`${CLEAR_LINE}${shown}`)
  }

  /** Takes the status line away. */
  clear(): void {
    if (this.#status === '') return
    this.#status = ''
    this.#out.write(CLEAR_LINE)
  }
}
