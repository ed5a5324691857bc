/**
 * One call of `log` where it stands: which loop and hook, whether values are kept there at all, what is said once. Not
 * for: what the options mean (log-options.ts) or keeping values (results.ts).
 */
import { RondoError } from '@rondo/protocol'
import { Metric } from '../metrics/metric.ts'
import type { Run } from '../run.ts'
import { checkValue, type LogOptions, type LogPlace, resolveLog, resolveMetricLog } from './log-options.ts'

/** Hooks and steps that belong to one batch. */
const STEP_PLACES = /(Batch(Start|End)|Step(End)?)$|^on(BeforeZeroGrad|AfterBackward|BeforeOptimizerStep)$/
/** Hooks without an epoch whose values could be reduced. */
const OUTSIDE_EPOCHS = /^on(Fit|Sanity|Exception)|^onTrain(Start|End)$|^on(Validation|Test)End$|^(setup|teardown)$/

/** @throws BAD_ARGUMENT where nothing can be kept, and per row of the refusals of log-options.ts */
export function logCall(run: Run, name: string, value: unknown, options: LogOptions): void {
  const { place } = run
  const { stage, dataloaderIndex, batchSize } = run.scope
  if (stage === 'predict') {
    throw refuse(
      `log("${String(name)}", …) in predict: nothing is reduced there. Allowed is log in the steps and hooks of fit, validate and test. Return values from predictStep instead.`,
    )
  }
  if (run.options.barebones) {
    throw refuse(
      `log("${String(name)}", …) under Trainer({ barebones: true }): logging is one of the things that are off. Allowed is log without barebones. Take the call out, or leave barebones out.`,
    )
  }
  if (OUTSIDE_EPOCHS.test(place)) {
    throw refuse(
      `log("${String(name)}", …) in ${place}: no epoch is under way. Allowed is log in steps, and in hooks of batches and epochs. Log it there.`,
    )
  }
  const inStep = STEP_PLACES.test(place)
  const at: LogPlace = {
    stage: stage === 'sanity' ? 'validate' : stage,
    hook: place,
    inStep,
    dataloaderIndex,
    batchSize: inStep ? batchSize : 1,
    worldSize: run.worldSize,
  }
  const hasLogger = run.hasLogger || run.options.fastDevRun > 0
  const results = at.stage === 'train' ? run.trainResults : run.evaluationResults
  if (value instanceof Metric) {
    results.addMetric(name, place, value, resolveMetricLog(name, options, at, hasLogger))
    return
  }
  const resolved = resolveLog(name, options, at, hasLogger)
  const checked = checkValue(name, value)
  if (resolved.rankZeroOnly) {
    const { rankZeroNames } = run.trainer.board
    if (!rankZeroNames.includes(name)) rankZeroNames.push(name)
    if (run.rank !== 0) return
  }
  if (inStep && options.batchSize === undefined) warnOfLeading(run, name)
  if (typeof checked !== 'number' && checked.dtype !== 'float32' && once(run, `integer ${name}`)) {
    run.print(`log("${name}", …): the value is ${checked.dtype} and is kept as a float.`)
  }
  results.add(name, place, checked, resolved)
}

function warnOfLeading(run: Run, name: string): void {
  const { leading } = run.scope
  if (!leading || !once(run, 'leading')) return
  console.warn(
    `log("${name}", …): the tensors of the batch disagree about its size (leading dimensions ${leading.join(', ')}), and the first is taken. Where that is wrong, pass batchSize.`,
  )
}

function once({ noted }: Run, what: string): boolean {
  if (noted.has(what)) return false
  noted.add(what)
  return true
}

function refuse(message: string): RondoError {
  return new RondoError('BAD_ARGUMENT', message)
}
