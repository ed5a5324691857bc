/**
 * Prediction: what `predictStep` returns for every sample, in the data set's order, as one rank would give it. Each
 * rank predicts its share; the shares are joined on all ranks. Not for: metrics.
 */
import type { ProcessGroup } from '@rondo/collectives'
import { readTensors, type TensorData, tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'
import { BatchCursor } from '../loaders/batches.ts'
import type { Run } from '../run.ts'
import type { EvaluationLoader } from './evaluation.ts'
import { giveWay } from './give-way.ts'
import { callStep, isAsyncMethod } from './step-call.ts'

/** A tensor on the CPU. */
export interface TensorValues {
  rondo: 'tensor'
  shape: number[]
  dtype: string
  data: TensorData
}

/** One batch's output: tensors as values in the places where tensors were. */
export type Prediction = unknown

interface Share {
  /** By batch. */
  outputs: Prediction[]
  samples: number[]
}

/** Predicts all loaders; one list of batches for each. Collective. */
export async function predict(run: Run, loaders: readonly EvaluationLoader[]): Promise<Prediction[][]> {
  run.scope = { stage: 'predict', dataloaderIndex: null, batchSize: 1 }
  await run.hook('onPredictStart')
  await run.hook('onPredictEpochStart')
  const predictions: Prediction[][] = []
  for (const [index, { loader, limit }] of loaders.entries()) {
    const share = await predictShare(run, loader, limit, index)
    const dealt = run.worldSize > 1 && run.options.useDistributedSampler && loader.hasLength
    predictions.push(dealt ? await rejoin(run, share, loader.batchSize) : share.outputs)
  }
  await run.hook('onPredictEpochEnd')
  await run.hook('onPredictEnd')
  return predictions
}

async function predictShare(
  run: Run,
  loader: EvaluationLoader['loader'],
  limit: number,
  loaderIndex: number,
): Promise<Share> {
  const { module } = run
  const isAsync = isAsyncMethod(module.predictStep)
  const share: Share = { outputs: [], samples: [] }
  const cursor = new BatchCursor(loader, limit)
  try {
    for (let index = 0; ; index++) {
      run.checkInterrupt()
      const batch = await cursor.next()
      if (!batch) return share
      await run.hook('onPredictBatchStart', batch.tensors, index, loaderIndex)
      const outputs = await run.asAction(module, 'predictStep', () =>
        run.within('predictStep', () =>
          callStep(
            'predictStep',
            () => run.fabric.autocast(() => module.predictStep(batch.tensors, index, loaderIndex)),
            isAsync,
          ),
        ),
      )
      await run.hook('onPredictBatchEnd', outputs, batch.tensors, index, loaderIndex)
      share.outputs.push(await toValues(outputs))
      share.samples.push(batch.samples)
      await giveWay()
    }
  } finally {
    await cursor.close()
  }
}

/** Puts all ranks' samples into the data set's order (rank r has samples r, r+R, …) and cuts them into batches again. */
async function rejoin(run: Run, { outputs, samples }: Share, batchSize: number): Promise<Prediction[]> {
  const { group, signal } = run.context
  const rows = outputs.flatMap((output, i) => rowsOf(output, samples[i] as number, 'predictStep()'))
  const all = await gatherRows(group, rows, signal)
  const ordered: unknown[] = []
  const longest = Math.max(...all.map((list) => list.length))
  for (let k = 0; k < longest; k++) for (const list of all) if (k < list.length) ordered.push(list[k])
  const batches: Prediction[] = []
  for (let at = 0; at < ordered.length; at += batchSize) batches.push(stackRows(ordered.slice(at, at + batchSize)))
  return batches
}

function gatherRows(group: ProcessGroup, rows: unknown[], signal: AbortSignal): Promise<unknown[][]> {
  return group.allGatherObject(rows, { name: 'predictions', signal })
}

/** One output a sample. */
function rowsOf(output: Prediction, samples: number, path: string): unknown[] {
  if (isValues(output)) {
    const { shape, data, dtype } = output
    if (shape[0] === samples) {
      const size = data.length / samples
      return Array.from({ length: samples }, (_, i) => ({
        rondo: 'tensor',
        shape: shape.slice(1),
        dtype,
        data: data.slice(i * size, (i + 1) * size),
      }))
    }
  } else if (Array.isArray(output) && output.length === samples && !output.some(isValues)) {
    return output
  } else if (Array.isArray(output) || isPlain(output)) {
    const parts = Object.entries(output as object).map(
      ([key, part]) => [key, rowsOf(part, samples, `${path}.${key}`)] as const,
    )
    const row = (i: number): unknown => {
      const entries = parts.map(([key, list]) => [key, list[i]] as const)
      return Array.isArray(output)
        ? { list: entries.map(([, value]) => value) }
        : { record: Object.fromEntries(entries) }
    }
    return Array.from({ length: samples }, (_, i) => row(i))
  }
  const got = isValues(output) ? `a tensor of shape [${output.shape.join(', ')}]` : `a ${typeof output}`
  throw new RondoError(
    'BAD_ARGUMENT',
    `${path} is ${got} for a batch of ${samples}; on several ranks each part of a prediction needs one entry a sample, so that all can be put into order. Return tensors whose first axis is the batch, lists of that length, or run on one device.`,
  )
}

/** The inverse of `rowsOf`, for any number of rows above 0. */
function stackRows(rows: readonly unknown[]): Prediction {
  const [first] = rows
  if (isValues(first)) {
    const parts = rows as readonly TensorValues[]
    const size = first.data.length
    const data = new (first.data.constructor as new (length: number) => TensorData)(size * parts.length)
    for (const [i, part] of parts.entries()) data.set(part.data, i * size)
    return { rondo: 'tensor', shape: [parts.length, ...first.shape], dtype: first.dtype, data }
  }
  if (isPlain(first) && Array.isArray(first['list'])) {
    return first['list'].map((_, at) => stackRows(rows.map((row) => (row as { list: unknown[] }).list[at])))
  }
  if (isPlain(first) && isPlain(first['record'])) {
    const keys = Object.keys(first['record'])
    return Object.fromEntries(
      keys.map((key) => [key, stackRows(rows.map((row) => (row as { record: Record<string, unknown> }).record[key]))]),
    )
  }
  return [...rows]
}

/** Tensors off the device and freed; what is no tensor stays. */
async function toValues(output: unknown): Promise<Prediction> {
  if (output instanceof tf.Tensor) {
    const [data] = await readTensors([output])
    const { shape, dtype } = output
    output.dispose()
    return { rondo: 'tensor', shape, dtype, data }
  }
  if (Array.isArray(output)) return Promise.all(output.map(toValues))
  if (!isPlain(output)) return output
  const parts = await Promise.all(
    Object.entries(output).map(async ([key, part]) => [key, await toValues(part)] as const),
  )
  return Object.fromEntries(parts)
}

/** Tensors again, on this realm's device. */
export function fromValues(prediction: Prediction): unknown {
  if (isValues(prediction)) {
    const { data, shape, dtype } = prediction
    return tf.tensor(data, shape, dtype as 'float32')
  }
  if (Array.isArray(prediction)) return prediction.map(fromValues)
  if (!isPlain(prediction)) return prediction
  return Object.fromEntries(Object.entries(prediction).map(([key, part]) => [key, fromValues(part)]))
}

function isValues(value: unknown): value is TensorValues {
  return typeof value === 'object' && value !== null && (value as { rondo?: unknown }).rondo === 'tensor'
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
