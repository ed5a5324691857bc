/** A disk in memory that counts its writes, can be full, and takes an append at its byte. For tests only. */
import type { FileSink, LoggerHost } from '../logger.ts'

export class Disk implements FileSink {
  readonly bytes = new Map<string, Uint8Array<ArrayBuffer>>()
  readonly calls: string[] = []
  full = false

  async write(path: string, content: string | Uint8Array): Promise<void> {
    this.#take('write')
    this.bytes.set(path, new Uint8Array(toBytes(content)))
  }

  async append(path: string, content: string | Uint8Array, at: number): Promise<void> {
    this.#take('append')
    const before = this.bytes.get(path) ?? new Uint8Array(0)
    if (at > before.byteLength) throw new Error(`a gap at ${at}: the file has ${before.byteLength} bytes`)
    this.bytes.set(path, Uint8Array.from([...before.subarray(0, at), ...toBytes(content)]))
  }

  async read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const found = this.bytes.get(path)
    if (!found) throw new Error(`no ${path}`)
    return found
  }

  async list(folder: string): Promise<string[]> {
    const below = [...this.bytes.keys()].filter((path) => path.startsWith(`${folder}/`))
    return [...new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0] as string))]
  }

  text(path: string): string | undefined {
    const found = this.bytes.get(path)
    return found && new TextDecoder().decode(found)
  }

  #take(call: string): void {
    if (this.full) throw new Error('disk full')
    this.calls.push(call)
  }
}

export function hostOn(sink: FileSink, writes = true): LoggerHost {
  return { sink, writes, hostname: 'lab pc' }
}

function toBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? new TextEncoder().encode(content) : content
}
