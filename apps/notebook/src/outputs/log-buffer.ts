/**
 * Lines of a row of stream outputs, kept up to date at the cost of what is new. Pure in effect: the same outputs
 * give the same lines, however many steps they took. Not for: what of it is on the screen (log-view.tsx).
 */
import type { CellOutput } from '../model/notebook.ts'
import { type AnsiStyle, hasEscapes, parseAnsi } from './ansi.ts'

export type StreamOutput = Extract<CellOutput, { kind: 'stream' }>

export interface LogLine {
  text: string
  stream: StreamOutput['name']
  /** The terminal style in which the line begins. */
  style: AnsiStyle | null
}

/** One output as it was read last, and where its lines begin. */
interface Part {
  output: StreamOutput
  firstLine: number
  /** True when its first characters belong to the last line of the part before. */
  joined: boolean
  /** Style before its first character. */
  style: AnsiStyle | null
}

export class LogBuffer {
  readonly lines: LogLine[] = []
  #parts: Part[] = []
  /** Style after the last character. */
  #style: AnsiStyle | null = null
  /** True while the last line has no line feed yet. */
  #open = false

  /** Takes over the outputs: what stayed is kept, what grew is read on, what changed is read again. */
  update(outputs: readonly StreamOutput[]): void {
    let same = 0
    while (same < outputs.length && this.#parts[same]?.output === outputs[same]) same += 1
    const known = this.#parts[same]
    const next = outputs[same]
    if (known !== undefined && next !== undefined && same === this.#parts.length - 1 && grew(known.output, next)) {
      this.#read(next.text.slice(known.output.text.length), next.name)
      known.output = next
      same += 1
    } else if (known !== undefined) {
      while (this.#parts[same]?.joined) same -= 1
      this.#cut(same)
    }
    for (const output of outputs.slice(same)) this.#begin(output)
  }

  #begin(output: StreamOutput): void {
    const joined = this.#open && this.lines.at(-1)?.stream === output.name
    if (!joined) this.#open = false
    this.#parts.push({ output, firstLine: this.lines.length, joined, style: this.#style })
    this.#read(output.text, output.name)
  }

  /** Forgets the parts from `from` on; that part must not be joined to the one before. */
  #cut(from: number): void {
    const first = this.#parts[from]
    if (first === undefined) return
    this.lines.length = first.firstLine
    this.#style = first.style
    this.#open = false
    this.#parts.length = from
  }

  #read(text: string, stream: LogLine['stream']): void {
    if (text === '') return
    const pieces = text.split('\n')
    const closed = pieces.at(-1) === ''
    if (closed) pieces.pop()
    for (const piece of pieces) {
      const last = this.lines.at(-1)
      if (this.#open && last !== undefined) {
        last.text += piece
        this.#open = false
      } else {
        this.lines.push({ text: piece, stream, style: this.#style })
      }
      if (hasEscapes(piece)) this.#style = parseAnsi(piece, this.#style).style
    }
    this.#open = !closed
  }
}

function grew(before: StreamOutput, after: StreamOutput): boolean {
  return before.name === after.name && after.text.startsWith(before.text)
}
