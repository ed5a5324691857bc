/**
 * The trainer's arguments: what each may be, and its default. Names and defaults are Lightning's. What is not there
 * yet is refused in unsupported.ts; what a number of batches means is worked out in limits.ts.
 */
import type { Logger } from '@rondo/loggers'
import { RondoError } from '@rondo/protocol'
import type { Strategy } from '@rondo/strategies'
import type { Callback } from '../callbacks/callback.ts'
import { type Duration, parseDuration } from './duration.ts'
import { type BatchCount, checkCount } from './limits.ts'
import { checkSupported } from './unsupported.ts'

export interface TrainerOptions {
  accelerator?: string
  strategy?: string | Strategy
  devices?: number | string | readonly number[]
  numNodes?: number
  precision?: string | number
  /** true: the run's own metrics; false: none; or loggers of one's own, written to on rank 0. */
  logger?: boolean | Logger | readonly Logger[]
  callbacks?: Partial<Callback> | ReadonlyArray<Partial<Callback>>
  /** n batches of each loop in one epoch, without logger, checkpoint, early stop and sanity check; true is 1. */
  fastDevRun?: boolean | number
  /** Default 1000 where neither maxSteps nor maxTime is given, else no end; −1 is no end. */
  maxEpochs?: number
  minEpochs?: number
  maxSteps?: number
  minSteps?: number
  maxTime?: Duration
  limitTrainBatches?: BatchCount
  limitValBatches?: BatchCount
  limitTestBatches?: BatchCount
  limitPredictBatches?: BatchCount
  /** Train on the first so many batches, unshuffled, and validate on the same. */
  overfitBatches?: BatchCount
  /** How often to validate within an epoch: a fraction of it, or every so many batches. */
  valCheckInterval?: BatchCount
  checkValEveryNEpoch?: number
  /** Validation batches before training; −1 for all. */
  numSanityValSteps?: number
  logEveryNSteps?: number
  accumulateGradBatches?: number
  useDistributedSampler?: boolean
  /** false pads evaluation data so that ranks get equally many; some samples then count twice. */
  exactEvaluation?: boolean
  gradientAverage?: 'weighted' | 'uniform'
  /** Folder for checkpoints, relative to the run's. */
  defaultRootDir?: string
  enableCheckpointing?: boolean
  enableModelSummary?: boolean
}

export interface ResolvedTrainerOptions {
  logger: boolean | readonly Logger[]
  /** Batches of each loop of a fastDevRun; 0 when it is none. */
  fastDevRun: number
  /** Infinity for no end. */
  maxEpochs: number
  minEpochs: number
  maxSteps: number
  minSteps: number
  /** Milliseconds; Infinity for no end. */
  maxTimeMs: number
  limits: Record<'train' | 'validate' | 'test' | 'predict', BatchCount>
  overfitBatches: BatchCount
  valCheckInterval: BatchCount
  checkValEveryNEpoch: number
  numSanityValSteps: number
  logEveryNSteps: number
  accumulateGradBatches: number
  useDistributedSampler: boolean
  exactEvaluation: boolean
  gradientAverage: 'weighted' | 'uniform'
  defaultRootDir: string
  enableCheckpointing: boolean
  enableModelSummary: boolean
}

/** Epochs when nothing else ends training. */
const DEFAULT_MAX_EPOCHS = 1_000

/** Every argument that is there. `accelerator` to `precision` are checked by Fabric. */
export const TRAINER_ARGUMENTS = [
  'accelerator',
  'strategy',
  'devices',
  'numNodes',
  'precision',
  'logger',
  'callbacks',
  'fastDevRun',
  'maxEpochs',
  'minEpochs',
  'maxSteps',
  'minSteps',
  'maxTime',
  'limitTrainBatches',
  'limitValBatches',
  'limitTestBatches',
  'limitPredictBatches',
  'overfitBatches',
  'valCheckInterval',
  'checkValEveryNEpoch',
  'numSanityValSteps',
  'logEveryNSteps',
  'accumulateGradBatches',
  'useDistributedSampler',
  'exactEvaluation',
  'gradientAverage',
  'defaultRootDir',
  'enableCheckpointing',
  'enableModelSummary',
] as const satisfies ReadonlyArray<keyof TrainerOptions>

/**
 * Checks all arguments and fills in defaults.
 * @throws BAD_ARGUMENT for a bad value or an unknown name, UNSUPPORTED for a known one that is not there yet
 */
export function resolveTrainerOptions(options: TrainerOptions): ResolvedTrainerOptions {
  checkSupported(options as Record<string, unknown>, TRAINER_ARGUMENTS)
  const whole = (name: keyof TrainerOptions, fallback: number, least: number): number => {
    const value = options[name] ?? fallback
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
    throw refuse(name, value, `a whole number of at least ${least}`)
  }
  const flag = (name: keyof TrainerOptions, fallback: boolean): boolean => {
    const value = options[name] ?? fallback
    if (typeof value === 'boolean') return value
    throw refuse(name, value, 'true or false')
  }
  const count = (name: keyof TrainerOptions, fallback: number): BatchCount =>
    checkCount(name, (options[name] ?? fallback) as BatchCount)
  const endless = (value: number): number => (value === -1 ? Number.POSITIVE_INFINITY : value)

  const devRun = options.fastDevRun ?? false
  const fastDevRun = typeof devRun === 'boolean' ? Number(devRun) : whole('fastDevRun', 0, 0)
  const maxSteps = endless(whole('maxSteps', -1, -1))
  const maxTimeMs = options.maxTime === undefined ? Number.POSITIVE_INFINITY : parseDuration(options.maxTime)
  const otherEnd = Number.isFinite(maxSteps) || Number.isFinite(maxTimeMs)
  const maxEpochs = endless(whole('maxEpochs', otherEnd ? -1 : DEFAULT_MAX_EPOCHS, -1))
  const { gradientAverage = 'weighted', defaultRootDir = '' } = options
  if (gradientAverage !== 'weighted' && gradientAverage !== 'uniform') {
    throw refuse('gradientAverage', gradientAverage, '"weighted" or "uniform"')
  }
  if (typeof defaultRootDir !== 'string') throw refuse('defaultRootDir', defaultRootDir, 'a folder name')
  return {
    logger: fastDevRun > 0 ? false : readLogger(options.logger),
    fastDevRun,
    maxEpochs: fastDevRun > 0 ? 1 : maxEpochs,
    minEpochs: whole('minEpochs', 0, 0),
    maxSteps: fastDevRun > 0 ? Math.min(maxSteps, fastDevRun) : maxSteps,
    minSteps: whole('minSteps', 0, 0),
    maxTimeMs,
    limits: {
      train: count('limitTrainBatches', 1),
      validate: count('limitValBatches', 1),
      test: count('limitTestBatches', 1),
      predict: count('limitPredictBatches', 1),
    },
    overfitBatches: count('overfitBatches', 0),
    valCheckInterval: count('valCheckInterval', 1),
    checkValEveryNEpoch: whole('checkValEveryNEpoch', 1, 1),
    numSanityValSteps: fastDevRun > 0 ? 0 : whole('numSanityValSteps', 2, -1),
    logEveryNSteps: whole('logEveryNSteps', 50, 0),
    accumulateGradBatches: whole('accumulateGradBatches', 1, 1),
    useDistributedSampler: flag('useDistributedSampler', true),
    exactEvaluation: flag('exactEvaluation', true),
    gradientAverage,
    defaultRootDir: defaultRootDir.replace(/\/+$/, ''),
    enableCheckpointing: flag('enableCheckpointing', true) && fastDevRun === 0,
    enableModelSummary: flag('enableModelSummary', true),
  }
}

function readLogger(value: TrainerOptions['logger']): boolean | readonly Logger[] {
  if (value === undefined || typeof value === 'boolean') return value ?? true
  const list = (Array.isArray(value) ? value : [value]) as Logger[]
  const wrong = list.find((logger) => typeof (logger as Partial<Logger> | null)?.logMetrics !== 'function')
  if (wrong !== undefined) throw refuse('logger', wrong, 'true, false, a Logger (with logMetrics) or a list of these')
  return list.length > 0 ? list : false
}

function refuse(name: string, value: unknown, allowed: string): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `Trainer({ ${name}: ${show(value)} }): allowed is ${allowed}. Correct it, or leave it out for the default.`,
  )
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
