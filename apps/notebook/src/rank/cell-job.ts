/**
 * Cells of persistent ranks: each rank has a kernel of its own, whose scope stays from cell to cell. Not for: telling
 * how a cell ended (program.ts).
 */
import { Fabric, type RankContext } from '@rondo/fabric'
import { type CellKernel, Kernel } from '@rondo/kernel'
import { createDisplay } from '@rondo/kernel/display'
import { encodeValue, ForkError } from '@rondo/kernel/fork'
import type { CellError, MimeBundle } from '@rondo/kernel/output'
import { interruptTrainers } from '@rondo/trainer'
import { valueCodecs } from '../kernel/codecs.ts'
import { deliver } from './deliver.ts'
import type { CellJob } from './messages.ts'
import { rankImporter } from './modules.ts'
import type { Outlet } from './outlet.ts'

/** A cell's error as its kernel showed it. */
export class CellThrew extends Error {
  readonly cellError: CellError | null
  readonly interrupted: boolean

  constructor(cellError: CellError | null, interrupted: boolean) {
    super(cellError?.message ?? 'interrupted')
    this.cellError = cellError
    this.interrupted = interrupted
  }
}

export class RankCells {
  readonly #kernel: CellKernel
  readonly #display = createDisplay({ show: (bundle, options) => this.#kernel.display(bundle, options) })
  #outlet: Outlet | null = null
  #error: CellError | null = null
  /** The value that was described last; a cell's result is described right before it is given out. */
  #described: unknown
  #result: { value: unknown; bundle: MimeBundle } | null = null

  /** Cells find `fabric`, `rank` and `worldSize` in their scope. */
  private constructor(fabric: Fabric, token: string) {
    this.#kernel = new Kernel({
      importModule: rankImporter(token),
      describe: (value) => {
        this.#described = value
        return this.#display.describe(value)
      },
      text: this.#display.text,
      globals: { ...this.#display.globals, fabric, rank: fabric.globalRank, worldSize: fabric.worldSize },
      onOutput: (_executionId, output) => {
        if (output.kind === 'error') this.#error = output.error
        else if (output.kind === 'result') this.#result = { value: this.#described, bundle: output.data }
        else this.#outlet?.push(output)
      },
    })
  }

  static async start(token: string): Promise<RankCells> {
    const fabric = new Fabric({ strategy: 'ddp' })
    await fabric.launch()
    return new RankCells(fabric, token)
  }

  /** Resolves with the file of the encoded last value, rejects with CellThrew. */
  async run(job: CellJob, context: RankContext, outlet: Outlet): Promise<string> {
    const { files, group } = context
    const code = new TextDecoder().decode(await files.read(job.file))
    this.#outlet = outlet
    this.#error = null
    this.#result = null
    const { cellId, cellNumber } = job
    const { status } = await this.#kernel.execute({ executionId: `job-${job.job}`, cellId, cellNumber, code })
    if (status !== 'ok') throw new CellThrew(this.#error, status === 'interrupted')
    const file = `jobs/${job.job}.${group.rank}.bin`
    await deliver(context, file, new Uint8Array(await this.#encodeResult()))
    return file
  }

  interrupt(): void {
    this.#kernel.interrupt()
    interruptTrainers()
  }

  reportUnhandled(reason: unknown): void {
    this.#kernel.reportUnhandled(reason)
  }

  /** What cannot go to the notebook is shown there as the text that it has here. */
  async #encodeResult(): Promise<ArrayBuffer> {
    const result = this.#result
    const options = { codecs: valueCodecs, names: this.#kernel.scope.values, call: '%%distributed', label: 'value' }
    try {
      return await encodeValue(result?.value, options)
    } catch (error) {
      if (!(error instanceof ForkError)) throw error
      return encodeValue(String(result?.bundle['text/plain'] ?? ''))
    }
  }
}
