/** Prints what the model is made of when a fit begins, on rank 0. Semantics are Lightning's `ModelSummary`. */
import { RondoError } from '@rondo/protocol'
import { namedVariables } from '../../loops/prepare.ts'
import type { RondoModule } from '../../module/module.ts'
import type { Trainer } from '../../trainer.ts'
import { Callback } from '../callback.ts'
import { ALL_DEPTHS, modelRows } from './model-rows.ts'
import { summaryTable } from './summary-table.ts'

/** Options of ModelSummary. */
export interface ModelSummaryOptions {
  /** Levels that are shown: 1 the module's fields, 2 their layers …; −1 all, 0 no table; default 1. */
  maxDepth?: number
}

export class ModelSummary extends Callback {
  readonly options: ModelSummaryOptions
  private readonly maxDepth: number

  /** @throws BAD_ARGUMENT for a depth that is none */
  constructor(options: ModelSummaryOptions = {}) {
    super()
    const { maxDepth = 1, ...rest } = options
    const [unknown] = Object.keys(rest)
    if (unknown !== undefined || !(Number.isSafeInteger(maxDepth) && maxDepth >= ALL_DEPTHS)) {
      const got = unknown ?? `maxDepth: ${String(maxDepth)}`
      throw new RondoError(
        'BAD_ARGUMENT',
        `ModelSummary({ ${got} }): allowed is maxDepth, a whole number of at least −1 (−1 all levels, 0 none). Correct it.`,
      )
    }
    this.options = { ...options }
    this.maxDepth = maxDepth
  }

  override onFitStart(trainer: Trainer, module: RondoModule): void {
    if (trainer.globalRank === 0 && this.maxDepth !== 0) console.info(describeModel(module, this.maxDepth))
  }

  override stateDict(): Record<string, unknown> {
    return {}
  }
}

/** The table as text. `maxDepth`: −1 all levels. */
export function describeModel(module: RondoModule, maxDepth: number): string {
  const all = namedVariables({ module })
  const total = (trains: boolean): number =>
    all.reduce((sum, { variable, trainable }) => sum + (trainable === trains ? variable.size : 0), 0)
  // Every type of a variable here takes four bytes: float32 and int32.
  const bytes = all.reduce((sum, { variable }) => sum + variable.size * (variable.dtype === 'bool' ? 1 : 4), 0)
  const totals = { trainable: total(true), nonTrainable: total(false), bytes }
  return summaryTable(module.constructor.name, modelRows(module, maxDepth), totals)
}
