/**
 * What `this.log` takes, and its refusals: everything about one call that needs no other call. Semantics: Lightning's
 * `LightningModule.log`. Not for: keeping and reducing values (results.ts).
 */
import { tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'

/** A number, or a tensor of one element. */
export type LogValue = number | tf.Tensor

export const REDUCTIONS = ['mean', 'min', 'max', 'sum'] as const
export type Reduction = (typeof REDUCTIONS)[number]

/** How `this.log` keeps, reduces and shows a value; names are Lightning's. */
export interface LogOptions {
  /** Show beside the progress bar; default false. */
  progBar?: boolean
  /** Give it to the loggers; default true. */
  logger?: boolean
  /** Keep each step's value; default in training steps only. */
  onStep?: boolean
  /** Reduce over the epoch; default everywhere else. */
  onEpoch?: boolean
  /** How values of an epoch and of ranks become one; default `mean`, weighted by batch sizes. */
  reduceFx?: Reduction
  /** Reduce over all ranks; default on in validation and test, off in training. */
  syncDist?: boolean
  /** The ranks to reduce over, this one among them; default all. A rank that is not in its list keeps its own value. */
  syncDistGroup?: readonly number[]
  /** With several loaders, add `/dataloader_idx_N` to the name; default true. */
  addDataloaderIdx?: boolean
  /** Weight of this value in means; default the batch's leading dimension. */
  batchSize?: number
  /** Only rank 0 keeps it; it can't be monitored. */
  rankZeroOnly?: boolean
}

/** Where a value is logged: which loop, and which hook of it. */
export interface LogPlace {
  stage: 'train' | 'validate' | 'test'
  hook: string
  /** False in hooks of an epoch, which have no step. */
  inStep: boolean
  /** Position of the loader; null unless there are several. */
  dataloaderIndex: number | null
  /** Weight of a value when the call gives none. */
  batchSize: number
  worldSize: number
}

export type ResolvedLog = Required<Omit<LogOptions, 'addDataloaderIdx' | 'batchSize' | 'syncDistGroup'>> & {
  batchSize: number
  syncDistGroup: readonly number[] | null
  suffix: string
}

const KNOWN: ReadonlySet<string> = new Set([
  'progBar',
  'logger',
  'onStep',
  'onEpoch',
  'reduceFx',
  'syncDist',
  'syncDistGroup',
  'addDataloaderIdx',
  'batchSize',
  'rankZeroOnly',
])

/**
 * Fills in what depends on the place.
 * @param hasLogger whether any logger is there
 * @throws BAD_ARGUMENT per row of the refusals table, UNSUPPORTED for options of Lightning that are not there
 */
export function resolveLog(name: unknown, options: LogOptions, place: LogPlace, hasLogger: boolean): ResolvedLog {
  if (typeof name !== 'string' || name === '') {
    throw refuse(`log(name, value): name is ${show(name)}; it must be a text that is not empty. Name the value.`)
  }
  for (const key of Object.keys(options)) if (!KNOWN.has(key)) throw unknownOption(name, key)
  const inTraining = place.stage === 'train'
  const onStep = options.onStep ?? (inTraining && place.inStep && !(options.onEpoch === true && !place.inStep))
  const onEpoch = options.onEpoch ?? (!inTraining || !place.inStep)
  if (!onStep && !onEpoch) {
    throw refuse(
      `log("${name}", …): onStep and onEpoch are both false, so nothing would be kept. Set at least one of them to true.`,
    )
  }
  if (onStep && !place.inStep) {
    throw refuse(
      `log("${name}", …, { onStep: true }) in ${place.hook}: this hook belongs to an epoch and has no step. Allowed is onEpoch; leave onStep out.`,
    )
  }
  const reduceFx = options.reduceFx ?? 'mean'
  if (!REDUCTIONS.includes(reduceFx)) {
    throw refuse(
      `log("${name}", …, { reduceFx: ${show(reduceFx)} }): allowed are ${REDUCTIONS.join(', ')}. Choose one, or log a number that you reduced yourself.`,
    )
  }
  if (options.batchSize !== undefined && !(Number.isFinite(options.batchSize) && options.batchSize > 0)) {
    throw refuse(
      `log("${name}", …, { batchSize: ${show(options.batchSize)} }): it must be a number above 0. Pass the number of samples behind the value.`,
    )
  }
  const addIndex = options.addDataloaderIdx ?? true
  if (addIndex && place.dataloaderIndex !== null && name.includes('dataloader_idx')) {
    throw refuse(
      `log("${name}", …): the name contains "dataloader_idx", which is added by itself when there are several loaders. Take it out of the name, or set addDataloaderIdx: false.`,
    )
  }
  if (options.logger === true && !hasLogger) {
    throw refuse(
      `log("${name}", …, { logger: true }): the trainer has no logger (logger: false, or fastDevRun). Leave the option out, or give Trainer a logger.`,
    )
  }
  return {
    progBar: options.progBar ?? false,
    logger: options.logger ?? true,
    onStep,
    onEpoch,
    reduceFx,
    syncDist: options.syncDist ?? !inTraining,
    syncDistGroup: readGroup(name, options.syncDistGroup, place.worldSize),
    rankZeroOnly: options.rankZeroOnly ?? false,
    batchSize: options.batchSize ?? place.batchSize,
    suffix: addIndex && place.dataloaderIndex !== null ? `/dataloader_idx_${place.dataloaderIndex}` : '',
  }
}

/** Options that a metric object decides itself. */
const METRIC_DECIDES = ['reduceFx', 'batchSize', 'syncDist', 'syncDistGroup', 'rankZeroOnly', 'onStep'] as const

/**
 * As `resolveLog`, for a metric object: it is kept for the epoch, and merges over ranks by itself.
 * @throws BAD_ARGUMENT for options that say otherwise
 */
export function resolveMetricLog(name: unknown, options: LogOptions, place: LogPlace, hasLogger: boolean): ResolvedLog {
  const given = METRIC_DECIDES.find((key) => options[key] !== undefined && options[key] !== (key === 'syncDist'))
  if (given !== undefined || options.onEpoch === false) {
    throw refuse(
      `log("${String(name)}", metric, { ${given ?? 'onEpoch'}: ${show(options[given ?? 'onEpoch'])} }): a metric object is reduced over batches and ranks by its own states, and its value is that of the epoch. Allowed are progBar, logger and addDataloaderIdx. Leave the option out, or log a number.`,
    )
  }
  const { reduceFx: _, batchSize: __, syncDist: ___, ...rest } = options
  return resolveLog(name, { ...rest, onStep: false, onEpoch: true, syncDist: true }, place, hasLogger)
}

/** Returns the value if it can be logged. Throws BAD_ARGUMENT naming its shape or kind. */
export function checkValue(name: string, value: unknown): LogValue {
  if (typeof value === 'number') return value
  if (value instanceof tf.Tensor && value.size === 1) return value
  const got = value instanceof tf.Tensor ? `a tensor of shape [${value.shape.join(', ')}]` : show(value)
  throw refuse(
    `log("${name}", value): value is ${got}; it must be a number, a tensor with one element or a Metric. Reduce it first, for example with .mean().`,
  )
}

function readGroup(name: string, group: unknown, worldSize: number): readonly number[] | null {
  if (group === undefined || group === null) return null
  const isRank = (rank: unknown): boolean =>
    Number.isInteger(rank) && (rank as number) >= 0 && (rank as number) < worldSize
  if (Array.isArray(group) && group.length > 0 && group.every(isRank) && new Set(group).size === group.length) {
    return group as number[]
  }
  throw refuse(
    `log("${name}", …, { syncDistGroup: ${JSON.stringify(group) ?? String(group)} }): allowed is a list of different ranks from 0 to ${worldSize - 1}. Leave it out to reduce over all ranks.`,
  )
}

function unknownOption(name: string, key: string): RondoError {
  if (key === 'metricAttribute') {
    return new RondoError(
      'UNSUPPORTED',
      `log("${name}", …, { ${key} }): ${key} is not part of this version. Allowed are ${[...KNOWN].join(', ')}. Leave it out; a metric object keeps its state by itself.`,
    )
  }
  return refuse(`log("${name}", …): option ${key} is not known. Allowed are ${[...KNOWN].join(', ')}. Correct it.`)
}

function refuse(message: string): RondoError {
  return new RondoError('BAD_ARGUMENT', message)
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'object' && value !== null) return `an object (${value.constructor?.name ?? 'plain'})`
  return String(value)
}
