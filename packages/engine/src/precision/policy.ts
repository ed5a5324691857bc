/**
 * Half precision as a scope: while a function runs under it, inputs and weights of matrix products and convolutions, and
 * what goes into and comes out of layers, are rounded to a 16-bit format; sums stay float32. Backward follows by itself:
 * each rounding's gradient is rounded, so it sees what it would if those values lay in 16 bits (Micikevicius et al. 2018,
 * "Mixed Precision Training", §3). Everything else is float32. Not for: weights (half-weights.ts), loss scales.
 */
import { tf } from '../tfjs.ts'
import type { HalfType } from './half.ts'
import { roundToHalf } from './round.ts'

/** Kernels that multiply and add: forward ones, and those of gradients that tfjs or people write by hand. */
const PRODUCTS: ReadonlySet<string> = new Set([
  'BatchMatMul',
  '_FusedMatMul',
  'Conv2D',
  'FusedConv2D',
  'Conv2DBackpropInput',
  'Conv2DBackpropFilter',
  'DepthwiseConv2dNative',
  'FusedDepthwiseConv2D',
  'DepthwiseConv2dNativeBackpropInput',
  'DepthwiseConv2dNativeBackpropFilter',
  'Conv3D',
  'Conv3DBackpropInputV2',
  'Conv3DBackpropFilterV2',
  'Einsum',
])
/** Inputs of fused kernels that are added or multiplied in after the sums. */
const AFTERWARDS: ReadonlySet<string> = new Set(['bias', 'preluActivationWeights'])

type GradFunc = (dy: tf.Tensor | tf.Tensor[], saved: tf.Tensor[], attrs: object) => Record<string, () => tf.Tensor>

/** The parts of tfjs's engine through which every operation goes (tfjs-core/src/engine.ts). */
interface HookedEngine {
  runKernel(name: string, inputs: Record<string, tf.Tensor>, attrs?: object): tf.Tensor | tf.Tensor[]
  addTapeNode(
    name: string,
    inputs: object,
    outputs: tf.Tensor[],
    gradient: GradFunc | null | undefined,
    saved: tf.Tensor[],
    attrs: object,
  ): void
}
type Apply = (this: tf.layers.Layer, inputs: unknown, kwargs?: object) => unknown

/** Scopes that are open, in the order of their beginnings; the last one counts. */
const open: Array<{ type: HalfType }> = []
/** Memory whose values are roundings already. Only fresh results are noted, which nobody writes into. */
const rounded: Record<HalfType, WeakSet<object>> = { f16: new WeakSet(), bf16: new WeakSet() }

/** The format that operations are under now; null for float32. */
export function currentHalfType(): HalfType | null {
  return open.at(-1)?.type ?? null
}

/**
 * Runs `fn` under a format, until its promise is settled if it returns one; null runs it as it is. Scopes may lie in
 * each other: the inner one counts.
 */
export function underPrecision<T>(type: HalfType | null, fn: () => T): T {
  if (type === null) return fn()
  hookPrecision()
  const scope = { type }
  open.push(scope)
  const close = (): void => {
    open.splice(open.indexOf(scope), 1)
  }
  let result: T
  try {
    result = fn()
  } catch (error) {
    close()
    throw error
  }
  if (!(result instanceof Promise)) {
    close()
    return result
  }
  return result.finally(close) as T
}

/** `value` with every float32 tensor in it rounded: tensors, arrays and plain objects of them. Others stay. */
export function roundTensors<T>(value: T, type: HalfType): T {
  if (value instanceof tf.Tensor) return rounding(value, type) as T
  if (Array.isArray(value)) return value.map((item) => roundTensors(item, type)) as T
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, roundTensors(item, type)])) as T
}

/** `x` itself where there is nothing to round. */
function rounding(x: tf.Tensor, type: HalfType): tf.Tensor {
  if (x.dtype !== 'float32' || (rounded[type].has(x.dataId) && !(x instanceof tf.Variable))) return x
  const result = roundToHalf(x, type)
  if (result.size > 0) rounded[type].add(result.dataId)
  return result
}

/** A model's forward under a format: floating inputs are cast on the way in, outputs come back as float32. */
export function forwardUnder<I, O>(type: HalfType | null, input: I, forward: (input: I) => O): O {
  if (type === null) return forward(input)
  return underPrecision(type, () => roundTensors(forward(roundTensors(input, type)), type))
}

let hooked = false

/**
 * Puts the scope between operations and kernels; once a realm, before anybody else lays hands on the engine. Outside of
 * scopes nothing changes.
 */
export function hookPrecision(): void {
  if (hooked) return
  hooked = true
  const engine = tf.engine() as unknown as HookedEngine
  const { runKernel, addTapeNode } = engine
  engine.runKernel = (name, inputs, attrs) => {
    const type = currentHalfType()
    if (type === null || !PRODUCTS.has(name)) return runKernel.call(engine, name, inputs, attrs)
    const own = Object.entries(inputs).map(([key, x]) => [key, AFTERWARDS.has(key) || !x ? x : rounding(x, type)])
    const result = runKernel.call(engine, name, Object.fromEntries(own), attrs)
    return roundTensors(result, type)
  }
  // Gradients that are written by hand (tf.customGrad, tfjs's fused operations) compute under the scope of the forward.
  engine.addTapeNode = (name, inputs, outputs, gradient, saved, attrs) => {
    const type = currentHalfType()
    const scoped: GradFunc | null | undefined =
      type === null || !gradient ? gradient : (dy, kept, own) => underPrecision(type, () => gradient(dy, kept, own))
    addTapeNode.call(engine, name, inputs, outputs, scoped, saved, attrs)
  }
  const layer = tf.layers.Layer.prototype as unknown as { apply: Apply }
  const { apply } = layer
  layer.apply = function applyUnderScope(inputs, kwargs) {
    const type = currentHalfType()
    if (type === null) return apply.call(this, inputs, kwargs)
    return roundTensors(apply.call(this, roundTensors(inputs, type), kwargs), type)
  }
}
