/** `--log-dir`: what each rank prints, also as files `rank.<r>/stdout` and `stderr`. Not for: the terminal. */
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import type { RankEvent } from '@rondo/protocol'

type ConsoleEvent = Extract<RankEvent, { kind: 'console' }>

export class RankLogs {
  readonly #folder: string
  readonly #streams = new Map<string, WriteStream>()

  /** @param folder made with the first line */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** `warn` and `error` go to stderr, as terminal programs do. */
  write(rank: number, event: ConsoleEvent): void {
    const name = event.level === 'warn' || event.level === 'error' ? 'stderr' : 'stdout'
    this.#stream(rank, name).write(`${event.text}\n`)
  }

  async close(): Promise<void> {
    const streams = [...this.#streams.values()]
    for (const stream of streams) stream.end()
    await Promise.all(streams.map((stream) => finished(stream).catch(() => undefined)))
  }

  #stream(rank: number, name: 'stdout' | 'stderr'): WriteStream {
    const key = `${rank}/${name}`
    const known = this.#streams.get(key)
    if (known !== undefined) return known
    const folder = join(this.#folder, `rank.${rank}`)
    mkdirSync(folder, { recursive: true })
    const stream = createWriteStream(join(folder, name))
    this.#streams.set(key, stream)
    return stream
  }
}
