/**
 * What a rank shows, on its way to the notebook: text becomes console events, which every watcher of the session
 * understands; displays become messages; what is too large for a message goes through a file of the run.
 */
import type { RankContext } from '@rondo/fabric'
import type { KernelOutput } from '@rondo/kernel/output'
import { MAX_RESULT_BYTES } from '@rondo/protocol'
import type { RankConsole } from './console.ts'
import { deliver } from './deliver.ts'
import type { RankMessage } from './messages.ts'

/** Bytes of an output's JSON above which it goes through a file; the message around it needs some room. */
const MAX_INLINE_BYTES = MAX_RESULT_BYTES - 1_024

export class Outlet {
  readonly #context: RankContext
  readonly #console: RankConsole
  readonly #job: number
  #files = 0
  /** Files under way; later outputs wait, so that all come in order. */
  #pending: Promise<void> | null = null

  constructor(context: RankContext, console: RankConsole, job: number) {
    this.#context = context
    this.#console = console
    this.#job = job
  }

  push(output: KernelOutput): void {
    if (output.kind === 'stream') {
      this.#console.write(output.name === 'stderr' ? 'error' : 'log', output.text)
      return
    }
    this.#console.flush()
    const text = JSON.stringify(output)
    // A character takes three bytes at most, so that most outputs need no counting.
    const isLarge = text.length > MAX_INLINE_BYTES / 3 && new TextEncoder().encode(text).length > MAX_INLINE_BYTES
    if (!isLarge && this.#pending === null) this.#send({ type: 'output', job: this.#job, output })
    else this.#later(isLarge ? () => this.#throughFile(text) : () => this.#output(output))
  }

  /** Resolves when everything is on its way. */
  async flush(): Promise<void> {
    this.#console.flush()
    await this.#pending
  }

  #later(work: () => Promise<void> | void): void {
    const next = (this.#pending ?? Promise.resolve()).then(work)
    this.#pending = next
    void next.then(() => {
      if (this.#pending === next) this.#pending = null
    })
  }

  #output(output: KernelOutput): void {
    this.#send({ type: 'output', job: this.#job, output })
  }

  async #throughFile(text: string): Promise<void> {
    this.#files += 1
    const file = `jobs/${this.#job}.${this.#context.group.rank}.${this.#files}.json`
    try {
      await deliver(this.#context, file, new TextEncoder().encode(text))
      this.#send({ type: 'output-file', job: this.#job, file })
    } catch (error) {
      this.#console.write('error', `An output of ${text.length} characters could not be shown: ${String(error)}`)
    }
  }

  #send(message: RankMessage): void {
    this.#context.emit({ kind: 'message', data: message })
  }
}
