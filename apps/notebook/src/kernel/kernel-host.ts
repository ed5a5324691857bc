/**
 * The kernel with everything that this app gives to its cells: modules, magics, launching, displays. Not for: the
 * worker's own events (worker.ts).
 */
import { type CellKernel, Kernel, type MimeBundle } from '@rondo/kernel'
import { createDisplay } from '@rondo/kernel/display'
import { DistMagics } from './dist-magics.ts'
import { createImporter, libraryOf } from './imports.ts'
import { createLauncher } from './launcher.ts'
import { createLibraries } from './libraries.ts'
import type { FromKernel, ToKernel } from './messages.ts'
import { OutputQueue } from './output-queue.ts'
import { PageRequests } from './page-requests.ts'
import { RankValues } from './rank-values.ts'

export interface KernelHostOptions {
  /** Origin of the server that the page came from. */
  origin: string
  /** Opens modules of the served folder; empty without a session. */
  token: string
  post(message: FromKernel, transfer?: Transferable[]): void
}

export class KernelHost {
  readonly #post: KernelHostOptions['post']
  readonly #requests: PageRequests
  readonly #outputs: OutputQueue
  readonly #magics: DistMagics
  readonly #kernel: CellKernel
  readonly #interruptLibraries: () => void
  /** Resolves when the modules that proposals asked for are there. */
  readonly #modulesRead: () => Promise<void>
  /** The execution that a request belongs to when the kernel cannot tell: library code loses track of it. */
  #lastExecution = ''

  constructor({ origin, token, post }: KernelHostOptions) {
    this.#post = post
    this.#requests = new PageRequests(post)
    this.#outputs = new OutputQueue((items) => post({ type: 'outputs', items }))
    const execution = (): string => this.#kernel.currentExecution() ?? this.#lastExecution
    const launcher = createLauncher(() => this.#kernel, execution, this.#requests)
    const say = (text: string): void =>
      this.#outputs.push(execution(), { kind: 'stream', name: 'stderr', text: `${text}\n` })
    const libraries = createLibraries(launcher, say)
    this.#interruptLibraries = libraries.interrupt
    this.#modulesRead = libraries.peeked
    const importModule = createImporter({ origin, token, ...libraries })
    this.#magics = new DistMagics({
      requests: this.#requests,
      names: () => this.#kernel.scope.values,
      openModule: importModule,
    })
    const display = createDisplay({ show: (bundle, options) => this.#kernel.display(bundle, options) })
    const describe = (value: unknown): MimeBundle =>
      value instanceof RankValues ? value.bundle(display.describe) : display.describe(value)
    this.#kernel = new Kernel({
      importModule,
      onOutput: (executionId, output) => this.#outputs.push(executionId, output),
      describe,
      text: display.text,
      globals: display.globals,
      moduleForCompletion: (specifier) => {
        const library = libraryOf(specifier)
        return library === null ? null : libraries.peek(library)
      },
      runMagic: (magic, context) => this.#magics.run(magic, context),
    })
  }

  receive(message: Exclude<ToKernel, { type: 'init' }>): void {
    switch (message.type) {
      case 'execute':
        void this.#execute(message)
        return
      case 'interrupt':
        this.#kernel.interrupt()
        this.#interruptLibraries()
        return
      case 'complete':
        void this.#complete(message)
        return
      case 'reply':
        this.#requests.reply(message)
        return
      default:
        message satisfies never
    }
  }

  /** Something thrown that no cell awaits. */
  reportUnhandled(reason: unknown): void {
    this.#kernel.reportUnhandled(reason)
  }

  async #complete({ requestId, code, offset }: Extract<ToKernel, { type: 'complete' }>): Promise<void> {
    let list = this.#kernel.complete(code, offset)
    if (list.items.length === 0) {
      await this.#modulesRead()
      list = this.#kernel.complete(code, offset)
    }
    this.#post({ type: 'completions', requestId, ...list })
  }

  async #execute({ executionId, cellId, cellNumber, code }: Extract<ToKernel, { type: 'execute' }>): Promise<void> {
    this.#lastExecution = executionId
    const magic = this.#magics.forPlainCell(code)
    const request = { executionId, cellId, cellNumber, code, ...(magic === undefined ? {} : { magic }) }
    const { status, milliseconds } = await this.#kernel.execute(request)
    this.#outputs.flush()
    this.#post({ type: 'done', executionId, status, milliseconds })
  }
}
