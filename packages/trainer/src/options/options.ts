/**
 * From what people gave to what the loops read: environment under the code, old spellings made new, values checked,
 * defaults filled in, and what follows from one argument for others. Not for: the table of arguments (arguments.ts).
 */
import type { Logger } from '@rondo/loggers'
import { RondoError } from '@rondo/protocol'
import { ARGUMENTS, checkArguments } from './arguments.ts'
import { BAREBONES_NOTE, bare } from './barebones.ts'
import { parseDuration } from './duration.ts'
import { fromEnvironment, withDefaults } from './environment.ts'
import { given } from './kinds.ts'
import { modernise } from './legacy.ts'
import type { BatchCount } from './limits.ts'
import type { LegacyTrainerOptions, ResolvedTrainerOptions, TrainerOptions } from './types.ts'

export type { ResolvedTrainerOptions, TrainerOptions } from './types.ts'

export interface TrainerArguments {
  /** What counts, in today's spelling: made anew from these, a trainer is the same. */
  options: Omit<TrainerOptions, keyof LegacyTrainerOptions>
  resolved: ResolvedTrainerOptions
  /** Lines to print once: what was taken as what. */
  notes: string[]
}

/**
 * Checks all arguments and fills in defaults.
 * @param environment where `PL_TRAINER_<ARGUMENT>` may stand
 * @throws BAD_ARGUMENT for a bad value or an unknown name, CONFLICT for arguments that contradict each other,
 * UNSUPPORTED for what is not there
 */
export function readTrainerOptions(
  options: TrainerOptions,
  environment: Readonly<Record<string, unknown>> = {},
): TrainerArguments {
  const inCode = checkArguments(options as Record<string, unknown>)
  const modern = modernise(withDefaults(inCode, fromEnvironment(environment)))
  const { notes, autoSelect, resumeFromCheckpoint } = modern
  const isBare = modern.options.barebones === true
  if (isBare) notes.push(BAREBONES_NOTE)
  checkBalance(modern.options)
  const resolved = resolve(isBare ? bare(modern.options) : modern.options)
  const all = { ...resolved, autoSelect, resumeFromCheckpoint }
  if (all.benchmark) notes.push('Trainer({ benchmark: true }): no effect; TensorFlow.js has no kernels to choose from.')
  if (!all.inferenceMode)
    notes.push('Trainer({ inferenceMode: false }): no effect; steps may call tf.grads at any time.')
  return { options: modern.options, resolved: all, notes }
}

type Own = Omit<ResolvedTrainerOptions, 'autoSelect' | 'resumeFromCheckpoint'>

function resolve(options: TrainerOptions): Own {
  const value = <N extends keyof typeof ARGUMENTS>(name: N): NonNullable<TrainerOptions[N]> =>
    (options[name] ?? ARGUMENTS[name].default) as NonNullable<TrainerOptions[N]>
  const fastDevRun = Number(value('fastDevRun'))
  const dev = fastDevRun > 0
  const maxSteps = endless(value('maxSteps'))
  const maxTimeMs = options.maxTime ? parseDuration(options.maxTime) : Number.POSITIVE_INFINITY
  const otherEnd = Number.isFinite(maxSteps) || Number.isFinite(maxTimeMs)
  const maxEpochs = endless(otherEnd ? (options.maxEpochs ?? -1) : value('maxEpochs'))
  const limit = (count: BatchCount): BatchCount => (dev ? { batches: fastDevRun } : count)
  return {
    logger: dev ? false : readLogger(options.logger),
    fastDevRun,
    maxEpochs: dev ? 1 : maxEpochs,
    minEpochs: options.minEpochs ?? 0,
    maxSteps: dev ? Math.min(maxSteps, fastDevRun) : maxSteps,
    minSteps: options.minSteps ?? 0,
    maxTimeMs,
    limits: {
      train: limit(value('limitTrainBatches')),
      validate: limit(value('limitValBatches')),
      test: limit(value('limitTestBatches')),
      predict: limit(value('limitPredictBatches')),
    },
    overfitBatches: value('overfitBatches'),
    valCheckInterval: dev ? 1 : value('valCheckInterval'),
    checkValEveryNEpoch: dev ? 1 : value('checkValEveryNEpoch'),
    numSanityValSteps: dev ? 0 : value('numSanityValSteps'),
    logEveryNSteps: value('logEveryNSteps'),
    accumulateGradBatches: value('accumulateGradBatches'),
    gradientClipVal: options.gradientClipVal && options.gradientClipVal > 0 ? options.gradientClipVal : null,
    gradientClipAlgorithm: value('gradientClipAlgorithm'),
    useDistributedSampler: value('useDistributedSampler'),
    balanceBatches: value('balanceBatches'),
    reloadDataloadersEveryNEpochs: value('reloadDataloadersEveryNEpochs'),
    exactEvaluation: value('exactEvaluation'),
    gradientAverage: value('gradientAverage'),
    deterministic: value('deterministic'),
    benchmark: value('benchmark'),
    inferenceMode: value('inferenceMode'),
    profiler: options.profiler ?? null,
    detectAnomaly: value('detectAnomaly'),
    barebones: value('barebones'),
    syncBatchnorm: value('syncBatchnorm'),
    plugins: [options.plugins ?? []].flat() as object[],
    defaultRootDir: value('defaultRootDir').replace(/\/+$/, ''),
    enableCheckpointing: value('enableCheckpointing') && !dev,
    enableProgressBar: value('enableProgressBar'),
    enableModelSummary: value('enableModelSummary'),
  }
}

/** Unequal batches need the average that counts samples, and an order that we deal. */
function checkBalance({ balanceBatches, gradientAverage, useDistributedSampler }: TrainerOptions): void {
  if (balanceBatches !== true) return
  const clash =
    gradientAverage === 'uniform'
      ? 'gradientAverage: "uniform"'
      : useDistributedSampler === false
        ? 'useDistributedSampler: false'
        : null
  if (clash === null) return
  throw new RondoError(
    'CONFLICT',
    `Trainer({ balanceBatches: true, ${clash} }): ranks get batches of different sizes, dealt by the trainer and averaged by samples. Allowed is one of the two. Remove ${clash}, or balanceBatches.`,
  )
}

function endless(value: number): number {
  return value === -1 ? Number.POSITIVE_INFINITY : value
}

function readLogger(value: TrainerOptions['logger']): boolean | readonly Logger[] {
  if (value === undefined || typeof value === 'boolean') return value ?? true
  const list = (Array.isArray(value) ? value : [value]) as Logger[]
  const wrong = list.find((logger) => typeof (logger as Partial<Logger> | null)?.logMetrics !== 'function')
  if (wrong === undefined) return list.length > 0 ? list : false
  throw new RondoError(
    'BAD_ARGUMENT',
    `${given('logger', wrong)}: allowed is true, false, a Logger (with logMetrics) or a list of these. Correct it, or leave it out for the default.`,
  )
}
