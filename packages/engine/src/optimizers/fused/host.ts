/**
 * One parameter's step on host memory: a vector loop over the wasm heap, and the plain loop for what it leaves and on
 * the cpu backend. Not for: webgpu (device.ts) and webgl (the optimizer's tfjs operations).
 */
import { allocateHost, hostView, wasmBackend } from '../../host-memory.ts'
import type { BackendWasm, tf } from '../../tfjs.ts'
import { floatsAt, moduleOf, offsetOf } from '../../wasm-kernels/heap.ts'
import { optimizerPrograms } from '../../wasm-kernels/simd/optimizer-programs.ts'
import { type FusedRule, MAX_SCALARS, type Scalars } from './formula.ts'

const FLOAT_BYTES = 4
/** Values that a vector loop takes at a time. */
const LANES = 4

/** Where a gradient's values lie: a byte offset on the wasm heap, or an array. */
export type HostGradient = number | Float32Array

/** The gradient of a tensor in host memory; null where the backend has none. */
export function gradientOf(tensor: tf.Tensor): HostGradient | null {
  const view = hostView(tensor)
  const wasm = wasmBackend()
  return wasm !== null && view !== null ? offsetOf(wasm, tensor) : view
}

/** Lends a flat array to `use` in a form that `updateOnHost` takes: copied once to the heap on wasm, else as it is. */
export function lendBucket(
  values: Float32Array,
  use: (gradientAt: (offset: number, size: number) => HostGradient) => void,
): void {
  const wasm = wasmBackend()
  if (wasm === null) {
    use((offset, size) => values.subarray(offset, offset + size))
    return
  }
  const memory = moduleOf(wasm)
  const start = memory._malloc(values.length * FLOAT_BYTES) >>> 0
  try {
    floatsAt(wasm, start, values.length).set(values)
    use((offset) => start + offset * FLOAT_BYTES)
  } finally {
    memory._free(start)
  }
}

/** Moves the variable and its slots by one step. False, with nothing done, where they are not in host memory. */
export function updateOnHost(
  rule: FusedRule,
  variable: tf.Variable,
  slots: readonly tf.Tensor[],
  gradient: HostGradient,
  scalars: Scalars,
): boolean {
  if ([variable, ...slots].some((tensor) => hostView(tensor) === null)) return false
  const output = allocateHost(variable.shape)
  if (output === null) return false
  const wasm = wasmBackend()
  const { size } = variable
  const from = wasm === null ? 0 : runVectorLoop(wasm, { rule, variable, slots, gradient, output, scalars })
  if (from < size) {
    rule.updateHost({
      value: hostView(variable) as Float32Array,
      gradient: typeof gradient === 'number' ? floatsAt(wasm as BackendWasm, gradient, size) : gradient,
      next: hostView(output) as Float32Array,
      slots: slots.map((slot) => hostView(slot) as Float32Array),
      scalars,
      from,
    })
  }
  variable.assign(output)
  output.dispose()
  return true
}

interface LoopCall {
  rule: FusedRule
  variable: tf.Variable
  slots: readonly tf.Tensor[]
  gradient: HostGradient
  output: tf.Tensor
  scalars: Scalars
}

/** Where each heap keeps the scalars of a call. */
const scalarAreas = new WeakMap<BackendWasm, number>()

/** @returns how many values are done */
function runVectorLoop(wasm: BackendWasm, { rule, variable, slots, gradient, output, scalars }: LoopCall): number {
  const programs = optimizerPrograms(wasm)
  const vectors = Math.floor(variable.size / LANES)
  if (programs === null || vectors === 0 || typeof gradient !== 'number') return 0
  let area = scalarAreas.get(wasm)
  if (area === undefined) {
    area = moduleOf(wasm)._malloc(MAX_SCALARS * FLOAT_BYTES) >>> 0
    scalarAreas.set(wasm, area)
  }
  floatsAt(wasm, area, MAX_SCALARS).set(scalars)
  const at = (tensor: tf.Tensor | undefined): number => (tensor === undefined ? 0 : offsetOf(wasm, tensor))
  const [s0, s1, s2] = slots
  programs[rule.formula.loop](at(variable), gradient, at(output), at(s0), at(s1), at(s2), area, vectors)
  return vectors * LANES
}
