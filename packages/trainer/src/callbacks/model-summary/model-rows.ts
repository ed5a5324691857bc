/**
 * What a module is made of, as rows of a table: fields, the layers in them, their parameters and shapes. A parameter
 * that is shared counts where it is met first, and in each part that has it once. Not for: drawing (summary-table.ts).
 */
import { parametersOf, tf } from '@rondo/engine'
import { isLayersModel } from '../../module/variables.ts'

export interface ModelRow {
  /** Path: `net`, `net.layers[0]`. */
  name: string
  /** Class: `Sequential`, `Dense`, `Variable`. */
  type: string
  parameters: number
  /** Of those the ones that train. */
  trainable: number
  /** Shape without the values' number, null where it is open; empty where nothing is known. */
  inSizes: string
  outSizes: string
  /** 1 for a field of the module. */
  depth: number
}

/** All levels. */
export const ALL_DEPTHS = -1

/** What this file needs of a tfjs layer. */
interface LayerLike {
  getClassName(): string
  layers?: LayerLike[]
  layer?: LayerLike
  forwardLayer?: LayerLike
  backwardLayer?: LayerLike
  weights: unknown[]
  trainableWeights: unknown[]
  input?: unknown
  output?: unknown
}

/** @param maxDepth levels below the module; −1 all, 0 none */
export function modelRows(root: object, maxDepth: number): ModelRow[] {
  const rows: ModelRow[] = []
  const seen = new Set<unknown>([root])
  const goesOn = (depth: number): boolean => maxDepth === ALL_DEPTHS || depth <= maxDepth
  const visitFields = (owner: object, prefix: string, depth: number): void => {
    if (!goesOn(depth)) return
    for (const [key, value] of Object.entries(owner)) visit(value, prefix === '' ? key : `${prefix}.${key}`, depth)
  }
  const visit = (value: unknown, name: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    if (value instanceof tf.Variable) {
      seen.add(value)
      const trainable = value.trainable ? value.size : 0
      const shape = sizes(value.shape)
      rows.push({ name, type: 'Variable', parameters: value.size, trainable, inSizes: '', outSizes: shape, depth })
    } else if (isLayer(value)) {
      seen.add(value)
      visitLayer(value, name, depth)
    } else if (isModule(value)) {
      seen.add(value)
      rows.push({ name, type: value.constructor.name, ...countsOf(value), inSizes: '', outSizes: '', depth })
      visitFields(value, name, depth + 1)
    } else if (Array.isArray(value)) {
      for (const [i, item] of value.entries()) visit(item, `${name}[${i}]`, depth)
    } else if (isPlain(value)) {
      for (const [key, item] of Object.entries(value)) visit(item, `${name}.${key}`, depth)
    }
  }
  const visitLayer = (layer: LayerLike, name: string, depth: number): void => {
    if (!goesOn(depth)) return
    const shapes = { inSizes: shapesOf(layer, 'input'), outSizes: shapesOf(layer, 'output') }
    rows.push({ name, type: layer.getClassName(), ...countsOf(layer), ...shapes, depth })
    layer.layers?.forEach((inner, i) => {
      visitLayer(inner, `${name}.layers[${i}]`, depth + 1)
    })
    for (const part of ['layer', 'forwardLayer', 'backwardLayer'] as const) {
      const inner = layer[part]
      if (inner !== undefined && isLayer(inner)) visitLayer(inner, `${name}.${part}`, depth + 1)
    }
  }
  visitFields(root, '', 1)
  return rows
}

function countsOf(part: object): Pick<ModelRow, 'parameters' | 'trainable'> {
  if (isLayer(part) && part.weights.length === 0) return { parameters: 0, trainable: 0 }
  if (!isLayer(part) && variablesOf(part).length === 0) return { parameters: 0, trainable: 0 }
  // A layer is a model of itself alone.
  const model =
    isLayer(part) && !isLayersModel(part) ? { layers: [part], trainableWeights: part.trainableWeights } : part
  const all = parametersOf(model as unknown as tf.LayersModel)
  const sum = (some: typeof all): number => some.reduce((total, { variable }) => total + variable.size, 0)
  return { parameters: sum(all), trainable: sum(all.filter(({ trainable }) => trainable)) }
}

function variablesOf(part: object): unknown[] {
  const { parameters, buffers } = part as { parameters?: () => object; buffers?: () => object }
  return [...Object.values(parameters?.call(part) ?? {}), ...Object.values(buffers?.call(part) ?? {})]
}

/** `[?, 784]`, or several of them. tfjs throws where a layer is used several times, or never: then there is no one shape. */
function shapesOf(layer: LayerLike, which: 'input' | 'output'): string {
  try {
    const ends = [layer[which]].flat() as Array<{ shape?: unknown } | undefined>
    return ends.flatMap((end) => (Array.isArray(end?.shape) ? [sizes(end.shape)] : [])).join(', ')
  } catch {
    return ''
  }
}

function sizes(shape: readonly unknown[]): string {
  return `[${shape.map((size) => (size === null ? '?' : String(size))).join(', ')}]`
}

function isLayer(value: object): value is LayerLike {
  return typeof (value as Partial<LayerLike>).getClassName === 'function' && 'weights' in value
}

function isModule(value: object): boolean {
  const module = value as { parameters?: unknown; forward?: unknown }
  return typeof module.parameters === 'function' && typeof module.forward === 'function'
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
