/** The bench's own processes: started, asked for one answer at a time, ended. Not for: what they are asked. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { RondoError } from '@rondo/protocol'
import type { Cleanup } from '../../packages/cli/src/process/cleanup.ts'
import { within } from '../allreduce/deadline.ts'

/** A process that takes orders `In` and answers with `Out`. */
export class Helper<In extends { kind: string }, Out extends { kind: string }> {
  readonly #child: ChildProcess
  readonly #name: string
  readonly #signal: AbortSignal

  private constructor(child: ChildProcess, name: string, signal: AbortSignal) {
    this.#child = child
    this.#name = name
    this.#signal = signal
  }

  static start<In extends { kind: string }, Out extends { kind: string }>(
    file: string,
    options: { cleanup: Cleanup; signal: AbortSignal; flags?: string[] },
  ): Helper<In, Out> {
    const execArgv = ['--import', import.meta.resolve('tsx'), ...(options.flags ?? [])]
    const child = fork(join(import.meta.dirname, file), [], { execArgv, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    options.cleanup.add(child, async () => {
      child.kill()
      await ended
    })
    return new Helper<In, Out>(child, file, options.signal)
  }

  /** Sends an order, if any, and waits for the answer of that kind. */
  async ask<K extends Out['kind']>(answer: K, limitMs: number, order?: In): Promise<Extract<Out, { kind: K }>> {
    const came = new Promise<Extract<Out, { kind: K }>>((resolve, reject) => {
      const onMessage = (message: Out & { reason?: string }): void => {
        if (message.kind !== answer && message.kind !== 'failed') return
        stop()
        if (message.kind === answer) resolve(message as unknown as Extract<Out, { kind: K }>)
        else reject(new RondoError('INTERNAL', `${this.#name}: ${message.reason}. Try again with fewer --members.`))
      }
      const onExit = (code: number | null): void => {
        stop()
        reject(new RondoError('INTERNAL', `${this.#name} ended with code ${code}. What it said stands above.`))
      }
      const stop = (): void => {
        this.#child.off('message', onMessage)
        this.#child.off('exit', onExit)
      }
      this.#child.on('message', onMessage)
      this.#child.once('exit', onExit)
    })
    if (order !== undefined) this.#child.send(order)
    return within(came, limitMs, `${this.#name}: ${answer}`, this.#signal)
  }
}
