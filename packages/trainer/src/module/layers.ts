/**
 * The tfjs layers that a module holds, with the paths by which people find them: `net.layers[1]`. Not for: their
 * weights (variables.ts).
 */
import { isLayersModel } from './variables.ts'

/** What is needed of a tfjs layer. */
export interface HeldLayer {
  layers?: HeldLayer[]
  layer?: HeldLayer
  forwardLayer?: HeldLayer
  backwardLayer?: HeldLayer
  name: string
  getClassName(): string
  call(inputs: unknown, kwargs: Record<string, unknown>): unknown
}

/** Levels of nesting looked into. */
const MAX_DEPTH = 32

/** Each layer once, where it is met first; containers before what they hold. */
export function heldLayers(root: object): Array<{ path: string; layer: HeldLayer }> {
  const found: Array<{ path: string; layer: HeldLayer }> = []
  const seen = new Set<unknown>([root])
  const add = (layer: HeldLayer, path: string): void => {
    if (seen.has(layer)) return
    seen.add(layer)
    found.push({ path, layer })
    for (const [i, inner] of (Array.isArray(layer.layers) ? layer.layers : []).entries())
      add(inner, `${path}.layers[${i}]`)
    for (const part of ['layer', 'forwardLayer', 'backwardLayer'] as const) {
      const inner = layer[part]
      if (inner && isLayer(inner)) add(inner, `${path}.${part}`)
    }
  }
  const visit = (value: unknown, path: string, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > MAX_DEPTH || seen.has(value)) return
    if (isLayersModel(value) || isLayer(value)) {
      add(value as unknown as HeldLayer, path)
      return
    }
    seen.add(value)
    const prototype: unknown = Object.getPrototypeOf(value)
    const isModule = typeof (value as { parameters?: unknown }).parameters === 'function'
    if (!Array.isArray(value) && !isModule && prototype !== Object.prototype && prototype !== null) return
    for (const [key, item] of Object.entries(value)) {
      visit(item, Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`, depth + 1)
    }
  }
  for (const [key, value] of Object.entries(root)) visit(value, key, 0)
  return found
}

function isLayer(value: object): boolean {
  return (
    'getClassName' in value && 'trainableWeights' in value && typeof (value as unknown as HeldLayer).call === 'function'
  )
}
