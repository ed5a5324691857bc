/**
 * `tensor.typeAs(x)`: the tensor with x's dtype, as PyTorch's `type_as`; there are no devices to place it on. Not for:
 * precision (precision/).
 */
import { tf } from './tfjs.ts'

declare module '@tensorflow/tfjs-core/dist/tensor' {
  interface Tensor {
    /** A tensor of these values with the dtype of `like`. */
    typeAs<T extends tf.Tensor>(this: T, like: tf.Tensor): T
  }
}

/** `value` in the dtype of `like`; the same tensor where it has it already. */
export function typeAs<T extends tf.Tensor>(value: T, like: tf.Tensor): T {
  return value.dtype === like.dtype ? value : (tf.cast(value, like.dtype) as T)
}

Object.defineProperty(tf.Tensor.prototype, 'typeAs', {
  value(this: tf.Tensor, like: tf.Tensor): tf.Tensor {
    return typeAs(this, like)
  },
  configurable: true,
  writable: true,
})
