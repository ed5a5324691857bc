/**
 * How values of Rondo and tfjs cross between the kernel and the ranks: tensors and models as their numbers,
 * optimizers with their moments, data sets by reference to their source. Loaded with tfjs, so only when needed.
 */
import { type Recipe, recipeOf, recreate } from '@rondo/data'
import { Optimizer, type OptimizerState, optimizerOfKind, readTensors, type TensorData, tf } from '@rondo/engine'
import { Fabric } from '@rondo/fabric'
import type { ValueCodec } from '@rondo/kernel/fork'
import { trainerCodecs } from '@rondo/trainer'

interface TensorParts {
  shape: number[]
  dtype: tf.DataType
  data: TensorData | string[]
  /** For a tf.Variable: whether it trains; null for a tensor. */
  trainable: boolean | null
}

/** A tensor that came back from a rank: its values on the CPU, with what a bare array would lose. */
export type ReturnedTensor = (TensorData | string[]) & { shape: number[]; dtype: tf.DataType }

/** Data sets decoded before in this realm; they hold no tensors, and decoding 60,000 images takes a while. */
const MAX_KEPT_SOURCES = 4
const sources = new Map<string, Promise<object>>()

const tensorCodec = (decode: (parts: TensorParts) => unknown): ValueCodec => ({
  name: 'tensor',
  test: (value) => value instanceof tf.Tensor,
  async encode(value): Promise<TensorParts> {
    const tensor = value as tf.Tensor
    if (tensor.isDisposed) throw new Error('It was disposed before: build it again, or keep it with tf.keep(…).')
    if (tensor.dtype === 'complex64') throw new Error('Complex tensors cannot cross: pass tf.real(x) and tf.imag(x).')
    const data =
      tensor.dtype === 'string' ? ((await tensor.data()) as unknown as string[]) : (await readTensors([tensor]))[0]
    const trainable = tensor instanceof tf.Variable ? tensor.trainable : null
    return { shape: tensor.shape, dtype: tensor.dtype, data: data as TensorData, trainable }
  },
  decode: (parts) => decode(parts as TensorParts),
})

function toTensor({ shape, dtype, data, trainable }: TensorParts): tf.Tensor {
  // tfjs's cpu backend adopts the array it is given, and the bytes may be shared with other values.
  const values = (Array.isArray(data) ? data : data.slice()) as TensorData
  const tensor = tf.tensor(values, shape, dtype)
  if (trainable === null) return tensor
  const variable = tf.variable(tensor, trainable)
  tensor.dispose()
  return variable
}

function toReturned(parts: TensorParts): tf.Tensor | ReturnedTensor {
  // A variable is the state of something that goes on living here; a tensor is a result.
  if (parts.trainable !== null) return toTensor(parts)
  const { shape, dtype, data } = parts
  return Object.assign(data.slice(), { shape, dtype }) as ReturnedTensor
}

const layersModelCodec: ValueCodec = {
  name: 'layers model',
  test: (value) => value instanceof tf.LayersModel,
  async encode(value): Promise<tf.io.ModelArtifacts> {
    const model = value as tf.LayersModel
    if (model.layers.some(({ built }) => !built))
      throw new Error('It has no weights yet: give its first layer an inputShape, or call build first.')
    const saved: tf.io.ModelArtifacts[] = []
    const handler = tf.io.withSaveHandler(async (artifacts) => {
      saved.push(artifacts)
      return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } }
    })
    await model.save(handler, { includeOptimizer: model.optimizer != null })
    const [artifacts] = saved
    if (artifacts === undefined) throw new Error('invariant violation: save calls its handler')
    // Topology is JSON text in disguise: as text it needs no node a field.
    return { ...artifacts, modelTopology: JSON.stringify(artifacts.modelTopology) as unknown as object }
  },
  decode(parts) {
    const artifacts = parts as tf.io.ModelArtifacts
    const modelTopology = JSON.parse(artifacts.modelTopology as unknown as string) as object
    return tf.loadLayersModel(tf.io.fromMemory({ ...artifacts, modelTopology }))
  },
}

const optimizerCodec: ValueCodec = {
  name: 'optimizer',
  test: (value) => value instanceof Optimizer,
  encode: (value) => (value as Optimizer).state(),
  decode(parts) {
    const state = parts as OptimizerState
    const optimizer = optimizerOfKind(state.hyperparameters)
    optimizer.restore(state)
    return optimizer
  },
}

interface TfjsOptimizerParts {
  className: string
  config: tf.serialization.ConfigDict
  weights: Array<{ name: string; tensor: tf.Tensor }>
}

/** tfjs's own, with its moments where it has any. */
const tfjsOptimizerCodec: ValueCodec = {
  name: 'tf.train optimizer',
  test: (value) => value instanceof tf.Optimizer,
  async encode(value): Promise<TfjsOptimizerParts> {
    const optimizer = value as tf.Optimizer
    const weights = await optimizer.getWeights()
    return { className: optimizer.getClassName(), config: optimizer.getConfig(), weights }
  },
  async decode(parts) {
    const { className, config, weights } = parts as TfjsOptimizerParts
    const known = tf.serialization.SerializationMap.getMap().classNameMap[className]
    if (known === undefined) throw new Error(`tf has no optimizer called ${className}.`)
    const [Class, fromConfig] = known
    const optimizer = fromConfig(Class, config) as unknown as tf.Optimizer
    if (weights.length > 1) await optimizer.setWeights(weights)
    return optimizer
  },
}

/** Data sets, loaders and samplers of `rondo`. Other objects with a `get` are the notebook's own and cross as such. */
const dataCodec: ValueCodec = {
  name: 'data set or loader',
  test: (value) => recipeOf(value) !== null,
  encode: (value) => recipeOf(value),
  decode(parts) {
    const recipe = parts as Recipe
    return recipe.kind === 'mnist' ? fromSource(recipe) : recreate(recipe)
  },
}

function fromSource(recipe: Recipe): Promise<object> {
  const key = JSON.stringify(recipe)
  let source = sources.get(key)
  if (source === undefined) {
    source = recreate(recipe)
    source.catch(() => sources.delete(key))
    const [oldest] = sources.keys()
    if (sources.size >= MAX_KEPT_SOURCES && oldest !== undefined) sources.delete(oldest)
    sources.set(key, source)
  }
  return source
}

/** A Fabric belongs to where it was made; each rank has its own. */
const fabricCodec: ValueCodec = {
  name: 'Fabric',
  test: (value) => value instanceof Fabric,
  encode() {
    throw new Error(
      'A Fabric belongs to the place where it was made. A launched function gets that of its rank as first argument: pass it on to the functions that use it.',
    )
  },
  decode: () => undefined,
}

const others = [layersModelCodec, optimizerCodec, tfjsOptimizerCodec, dataCodec, fabricCodec, ...trainerCodecs]

/** For programs and their arguments, on both sides, and for what ranks give back, on the ranks' side. */
export const valueCodecs: readonly ValueCodec[] = [tensorCodec(toTensor), ...others]

/** For what ranks give back, on the kernel's side: tensors become arrays on the CPU that say their shape and dtype. */
export const resultCodecs: readonly ValueCodec[] = [tensorCodec(toReturned), ...others]
