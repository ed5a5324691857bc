/** The figures of a benchmark as a file, with the machine that they are from. */
import { existsSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { dirname, resolve } from 'node:path'
import { RondoError } from '@rondo/protocol'

/** Averages over 1, 5 and 15 minutes before and after. */
export interface Loads {
  before: number[]
  after: number[]
}

export class JsonReport {
  readonly #file: string
  readonly #before = loadavg()

  private constructor(file: string) {
    this.#file = file
  }

  /** Null when none is asked for. @throws BAD_ARGUMENT when it could not be written at the end */
  static at(file: string | undefined): JsonReport | null {
    if (file === undefined) return null
    if (existsSync(dirname(resolve(file)))) return new JsonReport(file)
    throw new RondoError(
      'BAD_ARGUMENT',
      `--json=${file}: there is no folder ${dirname(file)}. Make it first, or name another file.`,
    )
  }

  write(benchmark: string, words: readonly string[], browser: string | null, figures: Record<string, unknown>): void {
    const loads: Loads = { before: this.#before, after: loadavg() }
    const report = {
      benchmark,
      command: ['npm run bench --', benchmark, ...words].join(' '),
      at: new Date().toISOString(),
      machine: {
        processor: cpus()[0]?.model ?? 'unknown',
        cores: cpus().length,
        memoryBytes: totalmem(),
        platform: `${process.platform} ${process.arch}`,
        node: process.version,
        browser,
      },
      loadAverages: loads,
      ...figures,
    }
    writeFileSync(this.#file, `${JSON.stringify(report, null, 2)}\n`)
    console.error(`Figures are in ${this.#file}.`)
  }
}
