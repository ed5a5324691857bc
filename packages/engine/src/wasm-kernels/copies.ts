/**
 * Slice, SplitV and Concat of floats as copies of rows. tfjs's wasm backend copies row by row in JavaScript (17 ms for
 * a third of 4096×192 where this takes 0.3). Other types stay with tfjs.
 */
import { type BackendWasm, tf } from '../tfjs.ts'
import { FLOAT_BYTES, type Kernel, type KernelCall, offsetOf, originalKernel } from './heap.ts'
import { simdPrograms } from './simd/instance.ts'
import type { SimdPrograms } from './simd/programs.ts'

/** Replaces Slice. attrs.begin, attrs.size (-1: to the end). */
export function slice(): Kernel {
  const original = originalKernel('Slice')
  return (call) => {
    const { inputs, attrs, backend } = call
    const x = inputs.x as tf.TensorInfo
    const programs = x.dtype === 'float32' ? simdPrograms(backend) : null
    if (programs === null) return original(call)
    const [begin, size] = tf.slice_util.parseSliceParams(x as tf.Tensor, attrs.begin, attrs.size) as [
      number[],
      number[],
    ]
    tf.slice_util.assertParamsValid(x as tf.Tensor, begin, size)
    return sliceOf(backend, programs, x, begin, size)
  }
}

function sliceOf(
  backend: BackendWasm,
  programs: SimdPrograms,
  x: tf.TensorInfo,
  begin: number[],
  size: number[],
): tf.TensorInfo {
  const out = backend.makeOutput(size, 'float32')
  if (tf.util.sizeFromShape(size) === 0) return out
  // After the last axis that is cut, everything lies side by side.
  let cut = x.shape.length - 1
  while (cut > 0 && size[cut] === x.shape[cut]) cut--
  const strides = x.shape.map((_, axis) => x.shape.slice(axis + 1).reduce((product, extent) => product * extent, 1))
  const start = begin.reduce((sum, index, axis) => sum + index * (strides[axis] as number), 0)
  const columns = (size[cut] ?? 1) * (strides[cut] ?? 1)
  const rows = cut > 0 ? (size[cut - 1] as number) : 1
  const fromRow = cut > 0 ? (strides[cut - 1] as number) : 0
  const xAt = offsetOf(backend, x)
  let to = offsetOf(backend, out)
  const run = (axis: number, offset: number): void => {
    if (axis >= cut - 1) {
      const from = xAt + offset * FLOAT_BYTES
      programs.copyRows(from, to, rows, columns, fromRow * FLOAT_BYTES, columns * FLOAT_BYTES)
      to += rows * columns * FLOAT_BYTES
      return
    }
    for (let i = 0; i < (size[axis] as number); i++) run(axis + 1, offset + i * (strides[axis] as number))
  }
  run(0, start)
  return out
}

/** Replaces SplitV. attrs.numOrSizeSplits, attrs.axis. */
export function splitV(): Kernel {
  const original = originalKernel('SplitV')
  return ((call: KernelCall) => {
    const { inputs, attrs, backend } = call
    const x = inputs.x as tf.TensorInfo
    const programs = x.dtype === 'float32' ? simdPrograms(backend) : null
    if (programs === null) return original(call)
    const [axis] = tf.util.parseAxisParam(attrs.axis, x.shape) as [number]
    const sizes = tf.backend_util.prepareSplitSize(x as tf.Tensor, attrs.numOrSizeSplits, axis)
    const begin = x.shape.map(() => 0)
    return sizes.map((extent) => {
      const size = x.shape.with(axis, extent)
      const part = sliceOf(backend, programs, x, [...begin], size)
      begin[axis] = (begin[axis] as number) + extent
      return part
    })
  }) as unknown as Kernel
}

/** Replaces Concat. inputs by number, attrs.axis. */
export function concat(): Kernel {
  const original = originalKernel('Concat')
  return (call) => {
    const { inputs, attrs, backend } = call
    const tensors = Object.values(inputs) as tf.TensorInfo[]
    const programs = tensors.every(({ dtype }) => dtype === 'float32') ? simdPrograms(backend) : null
    if (programs === null) return original(call)
    const shapes = tensors.map(({ shape }) => shape)
    const [axis] = tf.util.parseAxisParam(attrs.axis, shapes[0] as number[]) as [number]
    tf.backend_util.assertParamsConsistent(shapes, axis)
    const shape = tf.backend_util.computeOutShape(shapes, axis)
    const out = backend.makeOutput(shape, 'float32')
    const rows = shape.slice(0, axis).reduce((product, extent) => product * extent, 1)
    const toRow = (tf.util.sizeFromShape(shape) / Math.max(1, rows)) * FLOAT_BYTES
    let to = offsetOf(backend, out)
    for (const tensor of tensors) {
      const columns = tf.util.sizeFromShape(tensor.shape) / Math.max(1, rows)
      programs.copyRows(offsetOf(backend, tensor), to, rows, columns, columns * FLOAT_BYTES, toRow)
      to += columns * FLOAT_BYTES
    }
    return out
  }
}
