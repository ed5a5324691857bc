/**
 * A model's parameters as one ordered list with structural names. tfjs numbers its layers per page, so its
 * names differ between ranks; a path such as `layers[2].kernel` is the same on every rank. Not for: values
 * (tensors.ts).
 */
import { RondoError } from '@rondo/protocol'
import { tf } from '../tfjs.ts'

export interface Parameter {
  /** Structural path, by position: `layers[2].kernel`, `layers[0].cell.bias`, `parameters.w1`. */
  name: string
  variable: tf.Variable
  /** False for buffers such as moving averages: they are saved and broadcast, but get no gradient. */
  trainable: boolean
}

/** Variables in order; a record's keys become their names. */
export type Variables = readonly tf.Variable[] | Readonly<Record<string, tf.Variable>>

/** A model that is not a tfjs LayersModel. */
export interface ModuleLike {
  // biome-ignore lint/suspicious/noExplicitAny: a user's forward takes and returns what it likes
  forward(...inputs: any[]): any
  parameters(): Variables
  /** Variables that belong to the model but get no gradient, such as moving averages. */
  buffers?(): Variables
}

export type Model = tf.LayersModel | ModuleLike

/** What this file needs of a tfjs layer: its weights, and the layers inside containers and wrappers. */
interface LayerLike {
  layers?: LayerLike[]
  layer?: LayerLike
  forwardLayer?: LayerLike
  backwardLayer?: LayerLike
  built?: boolean
  name: string
  weights: LayerWeight[]
}
interface LayerWeight {
  originalName: string
  val: tf.Variable
}

/**
 * Lists a model's parameters in structural order; a variable that is shared appears once, where it is met first.
 * @throws RondoError BAD_ARGUMENT for something that is no model, or one without built weights.
 */
export function parametersOf(model: Model): Parameter[] {
  const list = new Map<tf.Variable, Parameter>()
  if (isModule(model)) {
    const add = (prefix: string, variables: Variables | undefined, trains: boolean) => {
      for (const [key, variable] of named(prefix, variables ?? [])) {
        if (!(variable instanceof tf.Variable)) throw notAVariable(key, variable)
        if (!list.has(variable)) list.set(variable, { name: key, variable, trainable: trains && variable.trainable })
      }
    }
    add('parameters', model.parameters(), true)
    add('buffers', model.buffers?.(), false)
  } else if (isLayersModel(model)) {
    const trainable = new Set(model.trainableWeights.map((weight) => (weight as unknown as LayerWeight).val))
    walk((model as unknown as LayerLike).layers ?? [], 'layers', (name, variable) => {
      if (!list.has(variable)) list.set(variable, { name, variable, trainable: trainable.has(variable) })
    })
  } else {
    throw new RondoError(
      'BAD_ARGUMENT',
      `setup(model): got ${describe(model)}. A model is a tf.LayersModel, or an object with forward() and parameters(). ` +
        'Pass the model itself, not its layers or its output.',
    )
  }
  if (list.size > 0) return [...list.values()]
  throw new RondoError(
    'BAD_ARGUMENT',
    'setup(model): the model has no parameters yet. It must be built before it is set up. ' +
      'Give its first layer an inputShape, or return variables from parameters().',
  )
}

function isModule(model: unknown): model is ModuleLike {
  const module = model as Partial<ModuleLike> | null
  return typeof module?.forward === 'function' && typeof module.parameters === 'function'
}

function isLayersModel(model: unknown): model is tf.LayersModel {
  const candidate = model as { layers?: unknown; trainableWeights?: unknown } | null
  return Array.isArray(candidate?.layers) && 'trainableWeights' in (candidate as object)
}

function named(prefix: string, variables: Variables): Array<[string, tf.Variable]> {
  if (Array.isArray(variables)) return variables.map((variable, i) => [`${prefix}[${i}]`, variable])
  return Object.entries(variables as Record<string, tf.Variable>).map(([key, variable]) => [
    `${prefix}.${key}`,
    variable,
  ])
}

function walk(layers: LayerLike[], path: string, add: (name: string, variable: tf.Variable) => void): void {
  layers.forEach((layer, i) => {
    visit(layer, `${path}[${i}]`, add)
  })
}

/** Containers and wrappers first go into their parts, so that a path says where a weight sits. */
function visit(layer: LayerLike, path: string, add: (name: string, variable: tf.Variable) => void): void {
  if (Array.isArray(layer.layers)) walk(layer.layers, `${path}.layers`, add)
  for (const part of ['layer', 'forwardLayer', 'backwardLayer'] as const) {
    const inner = layer[part]
    if (inner !== undefined && Array.isArray(inner.weights)) visit(inner, `${path}.${part}`, add)
  }
  const taken = new Set<string>()
  layer.weights.forEach((weight, i) => {
    const role = weight.originalName.split('/').pop() || `weights[${i}]`
    const unique = taken.has(role) ? `${role}[${i}]` : role
    taken.add(unique)
    add(`${path}.${unique}`, weight.val)
  })
}

function notAVariable(key: string, value: unknown): RondoError {
  return new RondoError(
    'BAD_ARGUMENT',
    `setup(model): ${key} is ${describe(value)}. parameters() and buffers() return tf.Variable objects. ` +
      'Make each weight with tf.variable(initialValue).',
  )
}

function describe(value: unknown): string {
  if (value === null || typeof value !== 'object') return value === undefined ? 'nothing' : `a ${typeof value}`
  return `a ${value.constructor?.name ?? 'plain object'}`
}
