/**
 * Files of a run with writes that go on beside training: one at a time, everything else in order behind it, and a
 * failure told by whatever comes next. Not for: what is in a file.
 */
import type { RunFiles } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'

export class BackgroundFiles {
  readonly #files: () => RunFiles
  /** Settles when nothing is under way; never rejects. */
  #last: Promise<void> = Promise.resolve()
  #failure: RondoError | null = null

  /** @param files asked again each time */
  constructor(files: () => RunFiles) {
    this.#files = files
  }

  /**
   * Starts a write and returns as soon as the one before it is whole: at most one snapshot is held, and training waits
   * only for a disk that is slower than the interval between two saves. Errors: those of writes before.
   */
  async begin(name: string, parts: ReadonlyArray<Uint8Array<ArrayBuffer>>): Promise<void> {
    await this.settle()
    this.#enqueue(name, () => {
      const files = this.#files()
      return files.writeParts ? files.writeParts(name, parts) : files.write(name, joinParts(parts))
    })
  }

  /** Runs `work` once what was begun is whole, and not at all when that failed: a checkpoint outlives a bad successor. */
  after(name: string, work: (files: RunFiles) => Promise<void>): void {
    this.#enqueue(name, () => work(this.#files()))
  }

  /** Resolves when everything is whole. Errors: STORAGE_FAILED naming the file that could not be written, once. */
  async settle(): Promise<void> {
    await this.#last
    const failure = this.#failure
    this.#failure = null
    if (failure) throw failure
  }

  /** The same files, each call behind what is under way. */
  get files(): RunFiles {
    const files = this.#files()
    const behind = async <T>(work: () => Promise<T>): Promise<T> => {
      await this.#last
      return work()
    }
    return {
      write: (name, bytes) => behind(() => files.write(name, bytes)),
      read: (name) => behind(() => files.read(name)),
      ...(files.list && { list: (folder) => behind(async () => (await files.list?.(folder)) ?? []) }),
      ...(files.remove && { remove: (name) => behind(async () => files.remove?.(name)) }),
      ...(files.link && { link: (name, target) => behind(async () => files.link?.(name, target)) }),
    }
  }

  #enqueue(name: string, work: () => Promise<void>): void {
    this.#last = this.#last.then(async () => {
      if (this.#failure) return
      try {
        await work()
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause)
        this.#failure = new RondoError(
          'STORAGE_FAILED',
          `${name}: this checkpoint could not be stored: ${why} Those before it are kept. Make room, or save elsewhere.`,
          { cause },
        )
      }
    })
  }
}

/** One array of many. */
export function joinParts(parts: ReadonlyArray<Uint8Array<ArrayBuffer>>): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.byteLength
  }
  return whole
}
