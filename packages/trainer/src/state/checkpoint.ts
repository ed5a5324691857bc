/**
 * A trainer's state as one file: safetensors, with everything that is no tensor as JSON beside them. Files lie in the
 * run's folder; where no run is (one device in a notebook, a test), in this page's memory.
 */
import {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  type OptimizerState,
  type RandomState,
  type SafetensorsContent,
  safetensorsParts,
} from '@rondo/engine'
import { type RankContext, type RunFiles, SafetensorsIO } from '@rondo/fabric'
import { RondoError } from '@rondo/protocol'
import type { LrScheduleState } from '../module/lr-schedule.ts'
import { BackgroundFiles, joinParts } from './background-files.ts'
import type { FitProgress } from './progress.ts'
import type { TrainerState } from './state.ts'

/** Metadata key of the JSON part. */
const KEY = 'rondo.trainer'
/** Begins the names of arrays inside of plain data, such as a callback's state. */
const ARRAYS = 'arrays/'
/** Newest layout that this version reads. */
const FORMAT = 3

interface JsonPart {
  format: number
  weightsOnly: boolean
  state: Omit<TrainerState, 'weights' | 'optimizers' | 'rankOptimizers' | 'replicas'>
  /** Name of the strategy that each replica's state is of. */
  replicas?: string[]
  optimizers: SavedHyperparameters[]
  rankOptimizers?: SavedHyperparameters[][]
}

type SavedHyperparameters = Pick<OptimizerState, 'hyperparameters'>

const memory = new Map<string, Uint8Array<ArrayBuffer>>()

const memoryFiles: RunFiles = {
  async write(name, bytes) {
    memory.set(name, bytes)
  },
  async remove(name) {
    memory.delete(name)
  },
  async list(folder) {
    const prefix = folder === '' ? '' : `${folder}/`
    return [...memory.keys()].flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
  },
  async link(name, target) {
    memory.set(name, await memoryFiles.read(target))
  },
  async read(name) {
    const bytes = memory.get(name)
    if (bytes) return bytes
    throw new RondoError(
      'BAD_FILE',
      `${name}: there is no such checkpoint in this page. Those that are: ${[...memory.keys()].join(', ') || 'none'}.`,
    )
  },
}

/** Where this rank's checkpoints are: every place that paths may name, or what a CheckpointIO plugin keeps. */
export function checkpointFiles(context: RankContext): RunFiles {
  if (context.config === null) return memoryFiles
  const { checkpointIO: io, files, places } = context
  if (io instanceof SafetensorsIO) {
    const { write, read, remove } = places
    const whole = { ...files, write, read, ...(files.remove && { remove }) }
    const { writeParts } = files
    if (!writeParts) return whole
    // Other places take a file in one piece.
    return {
      ...whole,
      writeParts: (path, parts) => (path.includes(':') ? write(path, joinParts(parts)) : writeParts(path, parts)),
    }
  }
  return {
    write: (path, bytes) => io.saveCheckpoint(decodeSafetensors(bytes, path), path),
    async read(path) {
      const { tensors, metadata } = await io.loadCheckpoint(path)
      return encodeSafetensors(tensors, metadata)
    },
    remove: (path) => io.removeCheckpoint(path),
  }
}

const background = new WeakMap<RankContext, BackgroundFiles>()

/** The same with writes beside training; one queue for each rank. */
export function backgroundFiles(context: RankContext): BackgroundFiles {
  const known = background.get(context) ?? new BackgroundFiles(() => checkpointFiles(context))
  background.set(context, known)
  return known
}

/** The whole file in one piece; see checkpointParts. */
export function encodeCheckpoint(state: TrainerState, weightsOnly: boolean): Uint8Array<ArrayBuffer> {
  const { tensors, metadata } = checkpointContent(state, weightsOnly)
  return encodeSafetensors(tensors, metadata)
}

/** The file in pieces that follow one another: the state's own arrays, which must not change until it is stored. */
export function checkpointParts(state: TrainerState, weightsOnly: boolean): Uint8Array<ArrayBuffer>[] {
  const { tensors, metadata } = checkpointContent(state, weightsOnly)
  return safetensorsParts(tensors, metadata)
}

function checkpointContent(state: TrainerState, weightsOnly: boolean): SafetensorsContent {
  const { weights, optimizers, rankOptimizers, replicas, ...rest } = state
  const tensors: NamedTensor[] = weights.map((tensor) => ({ ...tensor, name: `weights/${tensor.name}` }))
  const kept = weightsOnly ? [] : optimizers
  const add = (folder: string, list: ReadonlyArray<{ tensors: readonly NamedTensor[] }>): void => {
    for (const [i, owner] of list.entries()) {
      for (const tensor of owner.tensors) tensors.push({ ...tensor, name: `${folder}/${i}/${tensor.name}` })
    }
  }
  add('optimizers', kept)
  rankOptimizers.forEach((own, i) => {
    add(`ranks/${i + 1}/optimizers`, own)
  })
  add('replicas', replicas)
  const json: JsonPart = {
    format: FORMAT,
    weightsOnly,
    state: rest as JsonPart['state'],
    replicas: replicas.map(({ strategy }) => strategy),
    optimizers: kept.map(onlyHyperparameters),
    rankOptimizers: rankOptimizers.map((own) => own.map(onlyHyperparameters)),
  }
  const text = JSON.stringify(json, (key, value: unknown) => {
    if (!ArrayBuffer.isView(value)) return encodeNumber(key, value)
    const data = value as NamedTensor['data']
    const name = `${ARRAYS}${tensors.length}`
    tensors.push({ name, shape: [data.length], data })
    return { $array: name }
  })
  return { tensors, metadata: { [KEY]: text } }
}

/** @throws BAD_FILE for a file that is no checkpoint, or a newer one */
export function decodeCheckpoint(
  path: string,
  bytes: Uint8Array<ArrayBuffer>,
): { state: TrainerState; weightsOnly: boolean } {
  const { tensors, metadata } = decodeSafetensors(bytes)
  const text = metadata[KEY]
  if (text === undefined) {
    throw new RondoError(
      'BAD_FILE',
      `${path} is no checkpoint of a Trainer: it lacks the entry ${KEY}. Allowed are files that ModelCheckpoint or trainer.saveCheckpoint wrote. Files of fabric.save are read by fabric.load.`,
    )
  }
  const arrays = new Map(tensors.flatMap(({ name, data }) => (name.startsWith(ARRAYS) ? [[name, data]] : [])))
  const json = JSON.parse(text, (key, value: unknown) => {
    const array = (value as { $array?: unknown } | null)?.$array
    return typeof array === 'string' ? arrays.get(array) : decodeNumber(key, value)
  }) as JsonPart
  if (json.format > FORMAT) {
    throw new RondoError(
      'BAD_FILE',
      `${path} has format ${json.format}, and this version reads up to ${FORMAT}. Use the version of Rondo that wrote it, or a newer one.`,
    )
  }
  const below = (prefix: string): NamedTensor[] =>
    tensors
      .filter(({ name }) => name.startsWith(prefix))
      .map((tensor) => ({ ...tensor, name: tensor.name.slice(prefix.length) }))
  return {
    weightsOnly: json.weightsOnly,
    state: {
      // Older files have none.
      ...{ extra: {} },
      ...json.state,
      format: FORMAT,
      progress: progressOf(json.state.progress),
      hyperParameters: json.state.hyperParameters ?? {},
      lossScaler: json.state.lossScaler ?? null,
      replicas: (json.replicas ?? []).map((strategy, i) => ({ strategy, tensors: below(`replicas/${i}/`) })),
      weights: below('weights/'),
      optimizers: json.optimizers.map((saved, i) => ({ ...saved, tensors: below(`optimizers/${i}/`) })),
      rankOptimizers: (json.rankOptimizers ?? []).map((own, r) =>
        own.map((saved, i) => ({ ...saved, tensors: below(`ranks/${r + 1}/optimizers/${i}/`) })),
      ),
    },
  }
}

function onlyHyperparameters({ hyperparameters }: OptimizerState): SavedHyperparameters {
  return { hyperparameters }
}

/** What format 2 said otherwise: one schedule, and of each rank only its random state. */
interface OldProgress {
  schedule: LrScheduleState | null
  random: Array<RandomState | null>
}

/** Files of format 1 have no progress: their weights can be used, and fit says so. */
function progressOf(saved: FitProgress | (FitProgress & OldProgress) | null | undefined): FitProgress | null {
  if (saved === null || saved === undefined) return null
  if (!('random' in saved)) return saved
  const { schedule, random, ...rest } = saved
  const sampler = { seed: rest.shuffleSeed, epoch: 0, position: rest.batches * rest.batchSize }
  return {
    ...rest,
    schedules: [schedule],
    accumulateGradBatches: 1,
    ranks: random.map((state) => ({ sampler, random: state })),
  }
}

/** JSON has no word for these, and a diverged run has them. */
function encodeNumber(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? { $number: String(value) } : value
}

function decodeNumber(_: string, value: unknown): unknown {
  const text = (value as { $number?: unknown } | null)?.$number
  return typeof text === 'string' ? Number(text) : value
}
