/**
 * Einsum on wasm, where tfjs has no kernel, as one batched product. One or two operands, no repeated label
 * within one, no ellipsis: what tfjs's own einsum accepts. Its gradient is in gradients/einsum-gradient.ts.
 */
import { tf } from '../tfjs.ts'
import type { Kernel } from './heap.ts'

export interface Equation {
  /** Labels of each operand. */
  terms: string[][]
  output: string[]
}

/** Labels of a checked equation such as `bic,bjc->bij`. */
export function parseEinsum(equation: string): Equation {
  const [left = '', right = ''] = equation.replace(/\s/g, '').split('->')
  return { terms: left.split(',').map((term) => [...term]), output: [...right] }
}

/** Sums away all labels but `keep` (a subset of `labels`) and puts the axes in the order of `keep`. */
function reduceTo(x: tf.Tensor, labels: string[], keep: string[]): tf.Tensor {
  const gone = labels.flatMap((label, axis) => (keep.includes(label) ? [] : [axis]))
  const left = labels.filter((label) => keep.includes(label))
  const summed = gone.length === 0 ? x : tf.sum(x, gone)
  const order = keep.map((label) => left.indexOf(label))
  return order.every((axis, i) => axis === i) ? summed : tf.transpose(summed, order)
}

/** a · b contracted over what only both operands have, labels in common kept as batch where the output names them. */
function contract([aLabels, bLabels]: [string[], string[]], output: string[], a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const extent = new Map<string, number>()
  for (const [labels, x] of [
    [aLabels, a],
    [bLabels, b],
  ] as const) {
    labels.forEach((label, axis) => {
      extent.set(label, x.shape[axis] as number)
    })
  }
  const shared = aLabels.filter((label) => bLabels.includes(label))
  const batch = shared.filter((label) => output.includes(label))
  const summed = shared.filter((label) => !output.includes(label))
  const onlyA = aLabels.filter((label) => !shared.includes(label) && output.includes(label))
  const onlyB = bLabels.filter((label) => !shared.includes(label) && output.includes(label))
  const size = (labels: string[]) => labels.reduce((product, label) => product * (extent.get(label) as number), 1)
  const left = tf.reshape(reduceTo(a, aLabels, [...batch, ...onlyA, ...summed]), [
    size(batch),
    size(onlyA),
    size(summed),
  ])
  const right = tf.reshape(reduceTo(b, bLabels, [...batch, ...summed, ...onlyB]), [
    size(batch),
    size(summed),
    size(onlyB),
  ])
  const labels = [...batch, ...onlyA, ...onlyB]
  const product = tf.reshape(
    tf.matMul(left, right),
    labels.map((label) => extent.get(label) as number),
  )
  return reduceTo(product, labels, output)
}

/** Einsum as a kernel for wasm: inputs are the operands in order, attrs.equation as in `tf.einsum`. */
export const einsum: Kernel = ({ inputs, attrs }) => {
  const { terms, output } = parseEinsum(attrs.equation as string)
  const [a, b] = Object.values(inputs) as [tf.Tensor, tf.Tensor | undefined]
  const [aLabels = [], bLabels] = terms
  return tf.tidy(() => {
    const result =
      b === undefined || bLabels === undefined
        ? reduceTo(a, aLabels, output)
        : contract([aLabels, bLabels], output, a, b)
    return result === a ? tf.clone(a) : result
  })
}
