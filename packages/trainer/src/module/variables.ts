/**
 * The variables that a module holds: in its fields, in arrays and plain objects there, in tfjs models and layers, and
 * in modules inside it. Names are the paths to them, `encoder.layers[0].kernel`, the same on every rank.
 */
import { parametersOf, tf } from '@rondo/engine'
import { RondoError } from '@rondo/protocol'

/** Levels of nesting looked into; more is a mistake, such as a document tree in a field. */
const MAX_DEPTH = 32

export interface HeldVariables {
  /** Those that train, by path. */
  parameters: Record<string, tf.Variable>
  /** Those that belong to the model but get no gradient, such as moving averages. */
  buffers: Record<string, tf.Variable>
}

/** A module inside a module. */
interface ModuleLike {
  parameters(): Readonly<Record<string, tf.Variable>> | readonly tf.Variable[]
  buffers?(): Readonly<Record<string, tf.Variable>> | readonly tf.Variable[]
}

interface LayerLike {
  built: boolean
  trainableWeights: unknown[]
  weights: unknown[]
  getClassName(): string
}

/** Walks the fields of `root`, in the order in which they were made; a shared variable counts where it is met first. */
export function heldVariables(root: object): HeldVariables {
  const held: HeldVariables = { parameters: {}, buffers: {} }
  const seen = new Set<unknown>()
  const add = (path: string, variable: tf.Variable, trainable: boolean): void => {
    if (seen.has(variable)) return
    seen.add(variable)
    held[trainable ? 'parameters' : 'buffers'][path] = variable
  }
  const visit = (value: unknown, path: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return
    if (value instanceof tf.Variable) {
      add(path, value, value.trainable)
    } else if (!seen.has(value)) {
      seen.add(value)
      if (isLayersModel(value)) {
        for (const { name, variable, trainable } of parametersIn(value)) add(`${path}.${name}`, variable, trainable)
      } else if (isLayer(value)) {
        for (const { name, variable, trainable } of layerParameters(value, path)) {
          add(`${path}${name}`, variable, trainable)
        }
      } else if (isModule(value)) {
        for (const [name, variable] of entries(value.parameters())) add(`${path}.${name}`, variable, variable.trainable)
        for (const [name, variable] of entries(value.buffers?.() ?? {})) add(`${path}.${name}`, variable, false)
      } else if (Array.isArray(value)) {
        for (const [i, item] of value.entries()) visit(item, `${path}[${i}]`, depth + 1)
      } else if (isPlain(value)) {
        for (const [key, item] of Object.entries(value)) visit(item, `${path}.${key}`, depth + 1)
      }
    }
  }
  seen.add(root)
  for (const [key, value] of Object.entries(root)) visit(value, key, 0)
  return held
}

/** The tfjs models in the fields of `root` itself: what a default `forward` may apply. */
export function heldModels(root: object): Array<{ field: string; model: tf.LayersModel }> {
  return Object.entries(root).flatMap(([field, value]) => (isLayersModel(value) ? [{ field, model: value }] : []))
}

/** What `tf.sequential`, `tf.model` and loaded models have in common. */
export function isLayersModel(value: unknown): value is tf.LayersModel {
  const candidate = value as { layers?: unknown; trainableWeights?: unknown } | null
  return typeof value === 'object' && Array.isArray(candidate?.layers) && 'trainableWeights' in (candidate as object)
}

/** A model without weights, such as one of pooling layers alone, has no parameters and is no mistake here. */
function parametersIn(model: tf.LayersModel): ReturnType<typeof parametersOf> {
  return model.weights.length === 0 ? [] : parametersOf(model)
}

function isLayer(value: object): value is LayerLike {
  return 'trainableWeights' in value && 'built' in value && 'getClassName' in value
}

function layerParameters(layer: LayerLike, path: string): ReturnType<typeof parametersOf> {
  if (!layer.built) {
    throw new RondoError(
      'BAD_ARGUMENT',
      `Field ${path} of the module is a ${layer.getClassName()} layer without weights yet, so nothing of it could be trained. A layer in a field must be built. Put it into tf.sequential with an inputShape, or call layer.build(inputShape) in configureModel().`,
    )
  }
  if (layer.weights.length === 0) return []
  const asModel = { layers: [layer], trainableWeights: layer.trainableWeights } as unknown as tf.LayersModel
  return parametersOf(asModel).map((parameter) => ({ ...parameter, name: parameter.name.replace(/^layers\[0\]/, '') }))
}

function isModule(value: object): value is ModuleLike {
  const module = value as Partial<ModuleLike> & { forward?: unknown }
  return typeof module.parameters === 'function' && typeof module.forward === 'function'
}

function entries(variables: Readonly<Record<string, tf.Variable>> | readonly tf.Variable[]): [string, tf.Variable][] {
  return Object.entries(variables as Record<string, tf.Variable>)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
