/**
 * The table of all arguments: what each takes and its default, today's and those of Lightning 1.x. Environment
 * variables, flags and the constructor all read it. Not for: what follows from values together (options.ts, legacy.ts).
 */
import { RondoError } from '@rondo/protocol'
import { callbacksFromText } from '../callbacks/named.ts'
import {
  batchCount,
  check,
  duration,
  either,
  flag,
  given,
  type Kind,
  number,
  objects,
  oneOf,
  optional,
  slots,
  text,
  whole,
} from './kinds.ts'
import type { LegacyTrainerOptions, TrainerOptions } from './types.ts'
import { checkPossible, nearest } from './unsupported.ts'

export interface Argument {
  readonly kind: Kind
  /** As a person would write it; null for none. */
  readonly default: unknown
}

const argument = (kind: Kind, fallback: unknown): Argument => ({ kind, default: fallback })

/** Today's arguments. `maxEpochs` is 1000 only where nothing else ends training. */
export const ARGUMENTS = {
  accelerator: argument(text('a name, such as "webgpu" or "auto"'), 'auto'),
  strategy: argument(either(text('a strategy\'s name, such as "ddp"'), objects('a Strategy object')), 'auto'),
  devices: argument(slots, 'auto'),
  numNodes: argument(whole(1), 1),
  precision: argument(either(text('a name, such as "32-true"'), { ...number, read: () => undefined }), '32-true'),
  plugins: argument(optional(either(objects('plugin objects'), pluginNames())), null),
  logger: argument(either(flag, objects('a Logger (with logMetrics) or a list of these')), true),
  callbacks: argument(
    objects(
      'an object with hooks, made with new EarlyStopping({ … }) or the like, or a list of these',
      callbacksFromText,
    ),
    null,
  ),
  fastDevRun: argument(either(whole(0), flag), false),
  maxEpochs: argument(whole(-1), 1_000),
  minEpochs: argument(whole(0), null),
  maxSteps: argument(whole(-1), -1),
  minSteps: argument(whole(0), null),
  maxTime: argument(optional(duration), null),
  limitTrainBatches: argument(batchCount, 1),
  limitValBatches: argument(batchCount, 1),
  limitTestBatches: argument(batchCount, 1),
  limitPredictBatches: argument(batchCount, 1),
  overfitBatches: argument(batchCount, 0),
  valCheckInterval: argument(batchCount, 1),
  checkValEveryNEpoch: argument(whole(1), 1),
  numSanityValSteps: argument(whole(-1), 2),
  logEveryNSteps: argument(whole(0), 50),
  accumulateGradBatches: argument(whole(1), 1),
  gradientClipVal: argument(optional(number), null),
  gradientClipAlgorithm: argument(oneOf('norm', 'value'), 'norm'),
  useDistributedSampler: argument(flag, true),
  balanceBatches: argument(flag, false),
  reloadDataloadersEveryNEpochs: argument(whole(0), 0),
  exactEvaluation: argument(flag, true),
  gradientAverage: argument(oneOf('weighted', 'uniform'), 'weighted'),
  deterministic: argument(either(flag, oneOf('warn')), false),
  benchmark: argument(flag, false),
  inferenceMode: argument(flag, true),
  profiler: argument(optional(either(oneOf('simple', 'advanced'), objects('a profiler'))), null),
  detectAnomaly: argument(flag, false),
  barebones: argument(flag, false),
  syncBatchnorm: argument(flag, false),
  defaultRootDir: argument(text('a folder name'), ''),
  enableCheckpointing: argument(flag, true),
  enableProgressBar: argument(flag, true),
  enableModelSummary: argument(flag, true),
} as const satisfies Record<Exclude<keyof TrainerOptions, keyof LegacyTrainerOptions>, Argument>

/** Spellings of Lightning 1.x, with 1.x's defaults. */
export const LEGACY_ARGUMENTS = {
  gpus: argument(optional(slots), null),
  numProcesses: argument(whole(1), 1),
  distributedBackend: argument(optional(text('a name, such as "ddp"')), null),
  replaceSamplerDdp: argument(flag, true),
  autoSelectGpus: argument(flag, false),
  ampLevel: argument(optional(oneOf('O0', 'O1', 'O2', 'O3')), null),
  resumeFromCheckpoint: argument(optional(text('the path of a checkpoint')), null),
  weightsSummary: argument(optional(oneOf('top', 'full')), 'top'),
  progressBarRefreshRate: argument(whole(0), null),
  checkpointCallback: argument(flag, true),
} as const satisfies Record<keyof LegacyTrainerOptions, Argument>

const ALL: Readonly<Record<string, Argument>> = { ...ARGUMENTS, ...LEGACY_ARGUMENTS }

/** Every argument that a Trainer takes, today's first. */
export const TRAINER_ARGUMENTS: readonly string[] = Object.keys(ALL)

/** Where null does not mean "as if it were not there": it has a meaning, or is refused as a wrong type. */
const NULL_COUNTS = ['gpus', 'devices', 'weightsSummary', 'checkValEveryNEpoch', 'reloadDataloadersEveryNEpochs']

/** Table entry of a name; undefined for a name that is none. */
export function argumentOf(name: string): Argument | undefined {
  return Object.hasOwn(ALL, name) ? ALL[name] : undefined
}

/**
 * What was really given: names are known, values of their kind, and what only says "default" is gone.
 * @throws BAD_ARGUMENT for a bad value or an unknown name, UNSUPPORTED for what no browser can do
 */
export function checkArguments(options: Readonly<Record<string, unknown>>): TrainerOptions {
  const checked: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (value === null && !NULL_COUNTS.includes(name) && isKnown(name))) continue
    const entry = argumentOf(name)
    if (entry) {
      check(given(name, value), entry.kind, value)
      checked[name] = value
    } else if (!checkPossible(name, value)) {
      throw unknownName(name)
    }
  }
  return checked as TrainerOptions
}

function isKnown(name: string): boolean {
  return argumentOf(name) !== undefined
}

function unknownName(name: string): RondoError {
  const near = nearest(name, TRAINER_ARGUMENTS)
  return new RondoError(
    'BAD_ARGUMENT',
    `Trainer({ ${name} }): there is no such argument. Allowed are ${TRAINER_ARGUMENTS.join(', ')}. ${near ? `Did you mean ${near}?` : 'Correct the name.'}`,
  )
}

/** Names of strategies, as 1.x had them in plugins: one, or a list. */
function pluginNames(): Kind {
  const isName = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''
  return {
    allowed: 'the name of a strategy, such as "ddp_sharded", or a list of these',
    accepts: (value) =>
      Array.isArray(value)
        ? value.every((item) => isName(item) || (typeof item === 'object' && item !== null))
        : isName(value),
    read: (given) => given.split(',').flatMap((piece) => (piece.trim() ? [piece.trim()] : [])),
  }
}
