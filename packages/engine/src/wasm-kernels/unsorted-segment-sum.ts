/** UnsortedSegmentSum, the gradient of gather and embedding lookups, which tfjs's wasm backend lacks. */
import type { tf } from '../tfjs.ts'
import { floatsOf, type Kernel } from './heap.ts'

/** inputs x [...ids, ...rest] of float32 or int32, segmentIds [...ids] of int32; out [numSegments, ...rest]. */
export const unsortedSegmentSum: Kernel = ({ inputs, attrs, backend }) => {
  const { x, segmentIds } = inputs as { x: tf.TensorInfo; segmentIds: tf.TensorInfo }
  const rest = x.shape.slice(segmentIds.shape.length)
  const numSegments = attrs.numSegments as number
  const out = backend.makeOutput([numSegments, ...rest], x.dtype)
  const width = rest.reduce((product, extent) => product * extent, 1)
  const ids = backend.typedArrayFromHeap(segmentIds)
  const values = floatsOf(backend, x)
  const sums = floatsOf(backend, out)
  sums.fill(0)
  for (let i = 0; i < ids.length; i++) {
    const segment = ids[i] as number
    // As tfjs and TensorFlow do: rows with an id outside the range take no part.
    if (segment < 0 || segment >= numSegments) continue
    for (let c = 0, from = i * width, to = segment * width; c < width; c++, from++, to++) {
      sums[to] = (sums[to] as number) + (values[from] as number)
    }
  }
  return out
}
