/**
 * The gradient of einsum, which tfjs 4.22 lacks on every backend although its multi-head attention layer is made
 * of einsums ("gradient function not found for Einsum"). Delete when tfjs registers one.
 */
import { tf } from '../tfjs.ts'
import { parseEinsum } from '../wasm-kernels/einsum.ts'

/** Makes einsum differentiable on all backends; harmless when repeated. */
export function registerEinsumGradient(): void {
  if (tf.getGradient('Einsum') === undefined) tf.registerGradient(einsumGradient)
}

/** d einsum / d operand: the output's gradient contracted with the other operand, spread over labels that were summed. */
const einsumGradient = {
  kernelName: 'Einsum',
  saveAllInputs: true,
  gradFunc: (dy: tf.Tensor | tf.Tensor[], saved: tf.Tensor[], attrs: Record<string, unknown>) => {
    const { terms, output } = parseEinsum(attrs['equation'] as string)
    const gradientOf = (index: number) => (): tf.Tensor => {
      const labels = terms[index] as string[]
      const operand = saved[index] as tf.Tensor
      const other = terms[1 - index]
      const present = labels.filter((label) => output.includes(label) || other?.includes(label))
      const inputs = [dy as tf.Tensor, ...(other === undefined ? [] : [saved[1 - index] as tf.Tensor])]
      const left = [output.join(''), ...(other === undefined ? [] : [other.join('')])].join(',')
      const gradient = tf.einsum(`${left}->${present.join('')}`, ...inputs)
      if (present.length === labels.length) return gradient
      const spread = operand.shape.map((extent, axis) => (present.includes(labels[axis] as string) ? extent : 1))
      return tf.broadcastTo(tf.reshape(gradient, spread), operand.shape)
    }
    return Object.fromEntries(terms.map((_, index) => [String(index), gradientOf(index)]))
  },
}
