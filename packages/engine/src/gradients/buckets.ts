/**
 * Gradients of many parameters as a few flat arrays, so that a step costs a handful of device reads and of
 * messages instead of one each. Reverse parameter order, because backward produces the last layer first; the
 * first bucket is small so that the ring starts early (Li et al. 2020, "PyTorch Distributed", §4.2). Not for:
 * sending (collectives) or weighting by samples (strategies: pass `scale` = n here, divide by Σn after the sum).
 */
import { invariant } from '@rondo/protocol'
import type { Parameter } from '../model/parameters.ts'
import { tf } from '../tfjs.ts'
import { deviceBackend } from '../webgpu-kernels/device.ts'
import { joinOnDevice } from '../webgpu-kernels/join.ts'
import { readTensor } from '../webgpu-kernels/readback.ts'

/** Bytes of a bucket: large enough to fill a link, small enough that several overlap with the readback. */
const DEFAULT_BUCKET_BYTES = 4 * 1024 * 1024
const DEFAULT_FIRST_BUCKET_BYTES = 1024 * 1024
const BYTES_PER_VALUE = 4

export interface BucketOptions {
  /** Bytes; a single larger parameter gets a bucket of its own. */
  bucketCapBytes?: number
  /** Bytes of the first bucket. */
  firstBucketBytes?: number
}

interface Slot {
  /** Position in the parameter list. */
  index: number
  shape: number[]
  size: number
  /** Values before this one in the bucket. */
  offset: number
}

export class GradientBuckets {
  /** Which parameters lie in which bucket, in the order in which they lie there. */
  readonly plan: ReadonlyArray<readonly Slot[]>
  private readonly count: number

  /** @param parameters the trainable ones, in order; `flatten` takes gradients in the same order. */
  constructor(parameters: readonly Parameter[], options: BucketOptions = {}) {
    this.count = parameters.length
    this.plan = planBuckets(
      parameters.map(({ variable }) => variable.shape),
      options.firstBucketBytes ?? DEFAULT_FIRST_BUCKET_BYTES,
      options.bucketCapBytes ?? DEFAULT_BUCKET_BYTES,
    )
  }

  /** Number of values of each bucket. */
  get sizes(): number[] {
    return this.plan.map((slots) => slots.reduce((sum, { size }) => sum + size, 0))
  }

  /**
   * Lays gradients into one 1-D tensor a bucket, times `scale`, on the device. Consumes (disposes of) the
   * gradients; a bucket of one tensor and scale 1 is that tensor's memory, not a copy.
   */
  flatten(gradients: readonly tf.Tensor[], scale = 1): tf.Tensor1D[] {
    invariant(gradients.length === this.count, `${gradients.length} gradients for ${this.count} parameters`)
    return this.plan.map((_, bucket) => this.flattenBucket(bucket, gradients, scale))
  }

  /** One bucket alone, as soon as its gradients are there; `gradients` by position, those of others may be missing. */
  flattenBucket(bucket: number, gradients: ReadonlyArray<tf.Tensor | undefined>, scale = 1): tf.Tensor1D {
    const own = (this.plan[bucket] ?? []).map(({ index, size }) => ({ size, gradient: gradients[index] }))
    const flat = tf.tidy(() => {
      const parts = own.map(({ gradient, size }) => {
        invariant(gradient, `a gradient of bucket ${bucket} is missing`)
        return tf.reshape(gradient, [size]) as tf.Tensor1D
      })
      const joined = parts.length === 1 ? (parts[0] as tf.Tensor1D) : join(parts)
      return scale === 1 ? joined : (tf.mul(joined, scale) as tf.Tensor1D)
    })
    for (const { gradient } of own) gradient?.dispose()
    return flat
  }

  /** Takes a flat bucket off the device in one asynchronous read and disposes of it. The array is the caller's. */
  async readback(bucket: tf.Tensor1D): Promise<Float32Array<ArrayBuffer>> {
    try {
      const device = deviceBackend()
      if (device !== null) return await readTensor(device, bucket)
      const values = (await bucket.data()) as Float32Array<ArrayBuffer>
      // cpu and webgl may hand out storage that other tensors share; wasm always copies.
      return tf.getBackend() === 'wasm' ? values : values.slice()
    } finally {
      bucket.dispose()
    }
  }

  /** Turns reduced buckets, all of them in order, back into one new tensor for each parameter, in order. */
  unflatten(buckets: readonly Float32Array[]): tf.Tensor[] {
    invariant(buckets.length === this.plan.length, `${buckets.length} arrays for ${this.plan.length} buckets`)
    const gradients = new Array<tf.Tensor>(this.count)
    buckets.forEach((values, i) => {
      for (const [index, gradient] of this.unflattenBucket(i, values)) gradients[index] = gradient
    })
    return gradients
  }

  /** One bucket alone, so that its parameters can be uploaded while the next is still in the ring. */
  unflattenBucket(bucket: number, values: Float32Array): Array<[index: number, gradient: tf.Tensor]> {
    const slots = this.plan[bucket]
    invariant(
      slots !== undefined && values.length === this.sizes[bucket],
      `bucket ${bucket} of ${values.length} values`,
    )
    return slots.map(({ index, shape, size, offset }) => [
      index,
      tf.tensor(values.slice(offset, offset + size), shape, 'float32'),
    ])
  }
}

/** tfjs joins on webgpu by dispatches of a few tensors each, and joins the results again. */
function join(parts: tf.Tensor1D[]): tf.Tensor1D {
  const device = deviceBackend()
  return device === null ? tf.concat1d(parts) : joinOnDevice(device, parts)
}

/** Groups shapes from last to first until a bucket's bytes are reached. */
function planBuckets(shapes: readonly number[][], firstBytes: number, capBytes: number): Slot[][] {
  const buckets: Slot[][] = []
  let filled = 0
  for (let index = shapes.length - 1; index >= 0; index--) {
    const shape = shapes[index] as number[]
    const size = shape.reduce((product, extent) => product * extent, 1)
    const limit = buckets.length <= 1 ? firstBytes : capBytes
    const last = buckets.at(-1)
    if (last === undefined || (filled + size) * BYTES_PER_VALUE > limit) {
      buckets.push([{ index, shape, size, offset: 0 }])
      filled = size
    } else {
      last.push({ index, shape, size, offset: filled })
      filled += size
    }
  }
  return buckets
}
