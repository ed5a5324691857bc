/**
 * From what a loop logged to numbers that everyone reads: reduces over ranks where asked, then fills metrics, history
 * and loggers. Not for: sums and counts (results.ts) or the exchange itself (sync.ts).
 */
import type { Run } from '../run.ts'
import type { ResolvedLog } from './log-options.ts'
import { type EpochValue, metricValues } from './metric-values.ts'
import type { Metrics } from './metrics.ts'
import { epochValue, type Result, type Results } from './results.ts'
import { LIST_FLAGS, listFlags, listsAgree, reduceTotals, type Total } from './sync.ts'

/** Keys of the step values that are to be reduced over ranks, in their order. */
export function stepSyncKeys(results: Results): string[] {
  return results
    .all()
    .flatMap((result) => (result.step !== null && isStepSynced(result) ? [result.name + result.options.suffix] : []))
}

/** Shows this rank's own values of a step to hooks of the batch, before the ranks have agreed on it. */
export function showStep(run: Run, results: Results): void {
  const { callbackMetrics } = run.trainer.board
  for (const { step, name, options } of results.all()) {
    if (step === null || !options.onStep) continue
    callbackMetrics[name + options.suffix] = step.value
    callbackMetrics[fullName(name, options, 'step')] = step.value
  }
}

/**
 * Publishes the values of a step. Collective when `sync`: then all ranks must call it.
 * @param took whether this rank had a batch
 * @param agreed whether all ranks are known to have the same `stepSyncKeys`
 * @param toLoggers whether loggers get this step
 */
export async function publishStep(
  run: Run,
  results: Results,
  { sync, took, agreed, toLoggers }: { sync: boolean; took: boolean; agreed: boolean; toLoggers: boolean },
): Promise<void> {
  const values: EpochValue[] = []
  const shared = new Map<string, Total>()
  for (const result of results.all()) {
    const { step, name, options } = result
    if (step === null || !options.onStep) continue
    result.step = null
    if (sync && isStepSynced(result)) {
      const total = options.reduceFx === 'mean' ? step.value * step.weight : step.value
      shared.set(name + options.suffix, { name, options, total, weight: step.weight })
    } else {
      values.push({ name, options, value: step.value })
    }
  }
  if (sync) {
    const { group, signal } = run.context
    values.push(...finished(await reduceTotals(shared, { group, signal, took, agreed, what: 'a training step' })))
  }
  publish(run, values, 'step', toLoggers)
}

/**
 * Publishes the values of an epoch, exact over all batches and, with syncDist, all ranks. Collective.
 * @returns the values by full name
 */
export async function publishEpoch(run: Run, results: Results, what: string): Promise<Metrics> {
  const several = run.worldSize > 1
  const values: EpochValue[] = []
  const shared = new Map<string, Total>()
  for (const { name, options, total, weight } of results.all()) {
    if (!options.onEpoch || weight === 0) continue
    if (several && options.syncDist && !options.rankZeroOnly) {
      shared.set(name + options.suffix, { name, options, total, weight })
    } else {
      values.push({ name, options, value: epochValue(options.reduceFx, total, weight) })
      if (several && !options.rankZeroOnly) hint(run, name)
    }
  }
  let metrics = results.allMetrics().size > 0
  if (several) {
    const { group, signal } = run.context
    const took = results.batches > 0
    const flags = [...listFlags([...shared.keys()], took), shared.size > 0 ? 1 : 0, metrics ? 1 : 0]
    const all = await group.allReduce(Int32Array.from(flags), { op: 'max', name: `logged in ${what}`, signal })
    const [any, anyMetrics] = all.subarray(LIST_FLAGS)
    const agreed = listsAgree(all.subarray(0, LIST_FLAGS))
    if (any === 1) values.push(...finished(await reduceTotals(shared, { group, signal, took, agreed, what })))
    metrics = anyMetrics === 1
  }
  if (metrics) values.push(...(await metricValues(run, results, what)))
  return publish(run, values, 'epoch', true)
}

function isStepSynced({ options }: Result): boolean {
  return options.onStep && options.syncDist && !options.rankZeroOnly
}

function finished(totals: ReadonlyMap<string, Total>): EpochValue[] {
  return [...totals.values()].map(({ name, options, total, weight }) => ({
    name,
    options,
    value: epochValue(options.reduceFx, total, weight),
  }))
}

function publish(run: Run, values: readonly EpochValue[], level: 'step' | 'epoch', toLoggers: boolean): Metrics {
  const { board } = run.trainer
  const recorded: Metrics = {}
  const logged: Metrics = {}
  for (const { name, options, value } of values) {
    const forked = fullName(name, options, level)
    board.callbackMetrics[name + options.suffix] = value
    board.callbackMetrics[forked] = value
    if (options.progBar) board.progressBarMetrics[forked] = value
    recorded[forked] = value
    if (options.logger && toLoggers) logged[forked] = value
  }
  if (run.scope.stage !== 'sanity') run.record(recorded, logged)
  return recorded
}

/** With `_step` or `_epoch` where both are kept. */
function fullName(name: string, { onStep, onEpoch, suffix }: ResolvedLog, level: 'step' | 'epoch'): string {
  return (onStep && onEpoch ? `${name}_${level}` : name) + suffix
}

function hint(run: Run, name: string): void {
  if (run.hinted.has(name)) return
  run.hinted.add(name)
  run.print(
    `log("${name}", …): the epoch's value is that of rank 0 alone. With syncDist: true it is that of all ${run.worldSize} ranks.`,
  )
}
