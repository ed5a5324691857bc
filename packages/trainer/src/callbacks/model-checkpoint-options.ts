/** The options of ModelCheckpoint, checked. Not for: when and what to save (model-checkpoint.ts). */
import { RondoError } from '@rondo/protocol'
import { checkMode, type Mode } from './monitor.ts'

export interface ModelCheckpointOptions {
  /** Folder, relative to the run's; default `<defaultRootDir>/checkpoints`. */
  dirpath?: string
  /** Template; default `{epoch}-{step}`. */
  filename?: string
  /** Name of a logged value; without it the newest is kept. */
  monitor?: string
  verbose?: boolean
  /** Also write each checkpoint as `last.ckpt`. */
  saveLast?: boolean
  /** How many to keep: −1 all, 0 none, k the best; default 1. */
  saveTopK?: number
  saveWeightsOnly?: boolean
  mode?: Mode
  /** `epoch=02` in the place of `02`; default true. */
  autoInsertMetricName?: boolean
  everyNTrainSteps?: number
  everyNEpochs?: number
  /** Save when the training epoch ends, not after validation; default by how often validation runs. */
  saveOnTrainEpochEnd?: boolean
  /** `-v1` for a taken name, in the place of overwriting; default true. */
  enableVersionCounter?: boolean
}

export type ResolvedCheckpointOptions = Required<
  Omit<ModelCheckpointOptions, 'dirpath' | 'monitor' | 'saveOnTrainEpochEnd'>
> &
  Pick<ModelCheckpointOptions, 'dirpath' | 'monitor' | 'saveOnTrainEpochEnd'>

const ABSENT = ['trainTimeInterval', 'saveOnException']

/** @throws BAD_ARGUMENT per row of the refusals, UNSUPPORTED for options that are not there yet */
export function resolveCheckpointOptions(options: ModelCheckpointOptions): ResolvedCheckpointOptions {
  const given = options as Record<string, unknown>
  const absent = ABSENT.find((name) => given[name])
  if (absent)
    throw unsupported(
      `ModelCheckpoint({ ${absent} }): ${absent} is not part of this version. Allowed are everyNTrainSteps and everyNEpochs. Use one of them.`,
    )
  if ((options.saveLast as unknown) === 'link') {
    throw unsupported(
      'ModelCheckpoint({ saveLast: "link" }): files of a run have no links. Allowed are true and false. Use true for a copy.',
    )
  }
  const { saveTopK = 1, everyNTrainSteps = 0, monitor } = options
  if (!(Number.isSafeInteger(saveTopK) && saveTopK >= -1)) {
    throw bad(`saveTopK: ${String(saveTopK)}`, 'a whole number of at least −1 (−1 all, 0 none)', 'Correct it.')
  }
  if (!isCount(everyNTrainSteps))
    throw bad(`everyNTrainSteps: ${String(everyNTrainSteps)}`, 'a whole number of at least 0', 'Correct it.')
  if (options.everyNEpochs !== undefined && !isCount(options.everyNEpochs)) {
    throw bad(`everyNEpochs: ${String(options.everyNEpochs)}`, 'a whole number of at least 0', 'Correct it.')
  }
  if (everyNTrainSteps > 0 && (options.everyNEpochs ?? 0) > 0) {
    throw bad(
      `everyNTrainSteps: ${everyNTrainSteps}, everyNEpochs: ${options.everyNEpochs}`,
      'one of the two',
      'Use two ModelCheckpoints for both.',
    )
  }
  if (saveTopK > 1 && monitor === undefined) {
    throw bad(
      `saveTopK: ${saveTopK}`,
      'more than 1 only with monitor, which says which ones are best',
      'Set monitor, such as "val_loss".',
    )
  }
  return {
    ...(options.dirpath === undefined ? {} : { dirpath: options.dirpath }),
    ...(monitor === undefined ? {} : { monitor }),
    ...(options.saveOnTrainEpochEnd === undefined ? {} : { saveOnTrainEpochEnd: options.saveOnTrainEpochEnd }),
    filename: options.filename ?? '{epoch}-{step}',
    verbose: options.verbose ?? false,
    saveLast: options.saveLast ?? false,
    saveTopK,
    saveWeightsOnly: options.saveWeightsOnly ?? false,
    mode: checkMode('ModelCheckpoint', options.mode ?? 'min'),
    autoInsertMetricName: options.autoInsertMetricName ?? true,
    everyNTrainSteps,
    everyNEpochs: options.everyNEpochs ?? (everyNTrainSteps > 0 ? 0 : 1),
    enableVersionCounter: options.enableVersionCounter ?? true,
  }
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function bad(what: string, allowed: string, advice: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `ModelCheckpoint({ ${what} }): allowed is ${allowed}. ${advice}`)
}

function unsupported(message: string): RondoError {
  return new RondoError('UNSUPPORTED', message)
}
