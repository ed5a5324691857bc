/** The options of ModelCheckpoint, checked. Not for: when and what to save (model-checkpoint.ts). */
import { RondoError } from '@rondo/protocol'
import { type Duration, parseDuration } from '../options/duration.ts'
import { checkTemplate } from './checkpoint-name.ts'
import { checkMode, type Mode } from './monitor.ts'

/** Options of ModelCheckpoint; names and defaults are Lightning's. */
export interface ModelCheckpointOptions {
  /** Folder, relative to the run's; default `checkpoints` in the folder of the first logger. */
  dirpath?: string
  /** Template; default `{epoch}-{step}`. */
  filename?: string
  /** Name of a logged value; without it the newest is kept. */
  monitor?: string
  /** Print a line for each decision; default false. */
  verbose?: boolean
  /** Also keep the newest state as `last.ckpt`: a file of its own, or a link to the newest checkpoint. */
  saveLast?: boolean | 'link'
  /** How many to keep: −1 all, 0 none, k the best; default 1. */
  saveTopK?: number
  saveWeightsOnly?: boolean
  mode?: Mode
  /** `epoch=02` in the place of `02`; default true. */
  autoInsertMetricName?: boolean
  /** Save after every so many steps; 0 is never. Excludes the other two. */
  everyNTrainSteps?: number
  /** Save after so much time of training, by rank 0's clock, at the end of a step. Excludes the other two. */
  trainTimeInterval?: Duration
  /** Save after every so many epochs; 0 is never; default 1 where nothing else says when. */
  everyNEpochs?: number
  /** Save when the training epoch ends, not after validation; default by how often validation runs. */
  saveOnTrainEpochEnd?: boolean
  /** `-v1` for a taken name, in the place of overwriting; default true. */
  enableVersionCounter?: boolean
  /** Save also when training ends by an error; rank 0 alone writes. Default false. */
  saveOnException?: boolean
}

type Optional = 'dirpath' | 'monitor' | 'saveOnTrainEpochEnd' | 'trainTimeInterval'

export type ResolvedCheckpointOptions = Required<Omit<ModelCheckpointOptions, Optional>> &
  Pick<ModelCheckpointOptions, Optional>

const FLAGS = [
  'verbose',
  'saveWeightsOnly',
  'autoInsertMetricName',
  'saveOnTrainEpochEnd',
  'enableVersionCounter',
  'saveOnException',
] as const
const KNOWN: readonly string[] = [
  ...FLAGS,
  'dirpath',
  'filename',
  'monitor',
  'saveLast',
  'saveTopK',
  'mode',
  'everyNTrainSteps',
  'trainTimeInterval',
  'everyNEpochs',
]

/** @throws BAD_ARGUMENT per row of the refusals */
export function resolveCheckpointOptions(options: ModelCheckpointOptions): ResolvedCheckpointOptions {
  checkKinds(options)
  const { saveTopK = 1, monitor, everyNTrainSteps, everyNEpochs, trainTimeInterval, saveLast = false } = options
  if (!(Number.isSafeInteger(saveTopK) && saveTopK >= -1)) {
    throw bad(`saveTopK: ${String(saveTopK)}`, 'a whole number of at least −1 (−1 all, 0 none)', 'Correct it.')
  }
  if (saveTopK > 1 && monitor === undefined) {
    throw bad(
      `saveTopK: ${saveTopK}`,
      'more than 1 only with monitor, which says which ones are best',
      'Set monitor, such as "val_loss".',
    )
  }
  if (typeof saveLast !== 'boolean' && saveLast !== 'link') {
    throw bad(`saveLast: ${JSON.stringify(saveLast)}`, 'true, false and "link"', 'Use true for a file of its own.')
  }
  checkTriggers(options)
  const nothingSays = everyNTrainSteps === undefined && everyNEpochs === undefined && trainTimeInterval === undefined
  return {
    ...(options.dirpath === undefined ? {} : { dirpath: options.dirpath }),
    ...(monitor === undefined ? {} : { monitor }),
    ...(options.saveOnTrainEpochEnd === undefined ? {} : { saveOnTrainEpochEnd: options.saveOnTrainEpochEnd }),
    ...(trainTimeInterval === undefined ? {} : { trainTimeInterval }),
    filename: checkTemplate('ModelCheckpoint', options.filename ?? '{epoch}-{step}'),
    verbose: options.verbose ?? false,
    saveLast,
    saveTopK,
    saveWeightsOnly: options.saveWeightsOnly ?? false,
    mode: checkMode('ModelCheckpoint', options.mode ?? 'min'),
    autoInsertMetricName: options.autoInsertMetricName ?? true,
    everyNTrainSteps: everyNTrainSteps ?? 0,
    everyNEpochs: everyNEpochs ?? (nothingSays ? 1 : 0),
    enableVersionCounter: options.enableVersionCounter ?? true,
    saveOnException: options.saveOnException ?? false,
  }
}

/** Names that nobody knows, and values of the wrong kind. */
function checkKinds(options: ModelCheckpointOptions): void {
  const unknown = Object.keys(options).find((key) => !KNOWN.includes(key))
  if (unknown !== undefined) throw bad(unknown, `one of ${KNOWN.join(', ')}`, 'Correct the name.')
  for (const name of FLAGS) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'boolean')
      throw bad(`${name}: ${JSON.stringify(value)}`, 'true or false', 'Correct it.')
  }
  for (const name of ['dirpath', 'monitor'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'string')
      throw bad(`${name}: ${JSON.stringify(value)}`, 'a text', 'Correct it.')
  }
}

/** At most one of steps, epochs and time says when. */
function checkTriggers({ everyNTrainSteps, everyNEpochs, trainTimeInterval }: ModelCheckpointOptions): void {
  for (const [name, value] of Object.entries({ everyNTrainSteps, everyNEpochs })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue
    throw bad(`${name}: ${String(value)}`, 'a whole number of at least 0 (0 never)', 'Correct it.')
  }
  if (trainTimeInterval !== undefined) {
    const option = 'ModelCheckpoint({ trainTimeInterval })'
    if (parseDuration(trainTimeInterval, option) <= 0) {
      throw bad(
        `trainTimeInterval: ${JSON.stringify(trainTimeInterval)}`,
        'more than no time, such as "00:00:10:00" for ten minutes',
        'Correct it.',
      )
    }
  }
  const set = [
    ...((everyNTrainSteps ?? 0) > 0 ? [`everyNTrainSteps: ${everyNTrainSteps}`] : []),
    ...((everyNEpochs ?? 0) > 0 ? [`everyNEpochs: ${everyNEpochs}`] : []),
    ...(trainTimeInterval === undefined ? [] : [`trainTimeInterval: ${JSON.stringify(trainTimeInterval)}`]),
  ]
  if (set.length > 1) {
    throw bad(set.join(', '), 'one of the three', 'Keep one, or use a ModelCheckpoint for each.')
  }
}

function bad(what: string, allowed: string, advice: string): RondoError {
  return new RondoError('BAD_ARGUMENT', `ModelCheckpoint({ ${what} }): allowed is ${allowed}. ${advice}`)
}
