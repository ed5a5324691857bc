/**
 * What a controller tells this rank while its run goes on, in order, kept until the rank's program asks for it.
 * Not for: what a command means (the program that runs here decides).
 */
import { invariant, RondoError } from '@rondo/protocol'

/** Commands that may wait; a program that never asks must not fill the memory. */
const MAX_WAITING = 1_000

export interface RankCommand {
  commandId: string
  /** JSON, as the controller sent it; not checked by anybody yet. */
  data: unknown
}

interface Waiter {
  resolve: (command: RankCommand) => void
  reject: (error: unknown) => void
}

/** One reader at a time. `for await (const command of context.commands)` ends by the error that ends the run. */
export class CommandQueue implements AsyncIterable<RankCommand> {
  private readonly waiting: RankCommand[] = []
  private waiter: Waiter | null = null
  private end: RondoError | null = null

  /** Throws RATE_LIMITED when nobody has asked for the last 1,000. */
  push(command: RankCommand): void {
    const { waiter } = this
    if (waiter) {
      this.waiter = null
      waiter.resolve(command)
      return
    }
    if (this.waiting.length >= MAX_WAITING) {
      throw new RondoError(
        'RATE_LIMITED',
        `${MAX_WAITING} commands wait for this rank, which takes none. Its program has to read context.commands; stop the run.`,
      )
    }
    if (this.end === null) this.waiting.push(command)
  }

  /** The next command. Rejects with the signal's reason, or with the error of `close`. */
  next(signal?: AbortSignal): Promise<RankCommand> {
    invariant(this.waiter === null, 'one reader of commands at a time')
    if (signal?.aborted) return Promise.reject(signal.reason)
    const first = this.waiting.shift()
    if (first) return Promise.resolve(first)
    if (this.end) return Promise.reject(this.end)
    return new Promise<RankCommand>((resolve, reject) => {
      const onAbort = () => {
        this.waiter = null
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const settle = () => signal?.removeEventListener('abort', onAbort)
      this.waiter = {
        resolve: (command) => {
          settle()
          resolve(command)
        },
        reject: (error) => {
          settle()
          reject(error)
        },
      }
    })
  }

  /** No command comes any more: whoever waits, now or later, gets the error. */
  close(error: RondoError): void {
    if (this.end) return
    this.end = error
    this.waiting.length = 0
    const { waiter } = this
    this.waiter = null
    waiter?.reject(error)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RankCommand, void, undefined> {
    for (;;) yield await this.next()
  }
}
