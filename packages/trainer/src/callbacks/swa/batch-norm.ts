/**
 * Moving averages of batch-norm layers, made anew for weights that never were trained: the mean over all batches of all
 * ranks, as torch.optim.swa_utils.update_bn. Not for: going through the batches (loops/train-pass.ts).
 */
import { readTensors, tf, writeTensors } from '@rondo/engine'

/** What this file needs of tfjs's layer. */
export interface BatchNormLayer {
  momentum: number
  movingMean: { val?: tf.Variable; read(): tf.Tensor }
  movingVariance: { val?: tf.Variable; read(): tf.Tensor }
}

const CLASS_NAME = 'BatchNormalization'
/** Levels looked into; more is a mistake, such as a document tree in a field. */
const MAX_DEPTH = 32

/** Every batch-norm layer in the fields of a module: in models, wrappers, arrays, plain objects and modules there. */
export function batchNormLayers(root: object): BatchNormLayer[] {
  const found: BatchNormLayer[] = []
  const seen = new Set<unknown>()
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || seen.has(value) || depth > MAX_DEPTH) return
    seen.add(value)
    if (value instanceof tf.Tensor) return
    const layer = value as { getClassName?: () => string; layers?: unknown; layer?: unknown; forward?: unknown }
    if (typeof layer.getClassName === 'function') {
      if (layer.getClassName() === CLASS_NAME) found.push(value as BatchNormLayer)
      visit(layer.layers, depth + 1)
      visit(layer.layer, depth + 1)
    } else if (depth === 0 || Array.isArray(value) || isPlain(value) || typeof layer.forward === 'function') {
      for (const item of Object.values(value)) visit(item, depth + 1)
    }
  }
  visit(root, 0)
  return found
}

/**
 * Makes the layers' averages anew.
 * @param pass runs all batches of this rank in training mode, calling back before each; returns how many there were
 * @param gather gives every rank's value; collective
 */
export async function renewAverages(
  layers: readonly BatchNormLayer[],
  pass: (before: (index: number) => void) => Promise<number>,
  gather: <T>(value: T) => Promise<T[]>,
): Promise<void> {
  const momenta = layers.map(({ momentum }) => momentum)
  const variables = layers.flatMap((layer) => [variableOf(layer.movingMean), variableOf(layer.movingVariance)])
  const before = await readTensors(variables)
  writeTensors(
    variables,
    variables.map(({ size }) => new Float32Array(size)),
  )
  try {
    const batches = await pass((index) => {
      // Batch n changes a mean of n batches by 1/(n + 1).
      for (const layer of layers) layer.momentum = index / (index + 1)
    })
    const values = (await readTensors(variables)) as Float32Array[]
    const all = await gather({ batches, values })
    const total = all.reduce((sum, one) => sum + one.batches, 0)
    writeTensors(variables, total === 0 ? before : variables.map((_, i) => weightedMean(all, i, total)))
  } finally {
    layers.forEach((layer, i) => {
      layer.momentum = momenta[i] as number
    })
  }
}

function weightedMean(
  all: ReadonlyArray<{ batches: number; values: readonly Float32Array[] }>,
  index: number,
  total: number,
): Float32Array {
  const size = all[0]?.values[index]?.length ?? 0
  return Float32Array.from({ length: size }, (_, k) =>
    all.reduce((sum, { batches, values }) => sum + (batches / total) * (values[index]?.[k] ?? 0), 0),
  )
}

/** tfjs's LayerVariable reads its variable itself. */
function variableOf(weight: BatchNormLayer['movingMean']): tf.Variable {
  return weight.val ?? (weight.read() as tf.Variable)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
