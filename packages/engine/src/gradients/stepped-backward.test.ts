/** The stepped backward gives the bits of the plain one, in the order in which they can be had, and leaves nothing behind. */
import { beforeEach, describe, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import type { Parameter } from '../model/parameters.ts'
import { readTensors } from '../model/tensors.ts'
import { tf } from '../tfjs.ts'
import { computeGradients } from './compute.ts'
import { SteppedBackward } from './stepped-backward.ts'

type Net = { parameters: Parameter[]; loss: () => tf.Tensor }

/** Parameters with values that are neither equal nor round. */
const weights = (...shapes: number[][]): Parameter[] =>
  shapes.map((shape, p) => {
    const values = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(1 + p + i * 0.7))
    return { name: `p${p}`, variable: tf.tidy(() => tf.variable(tf.tensor(values, shape))), trainable: true }
  })
const of = (parameters: Parameter[]): tf.Tensor[] => parameters.map(({ variable }) => variable)

/** Gradient that hands on its argument as it is, as a user's may. */
const handsOn = tf.customGrad((x) => ({ value: tf.mul(x as tf.Tensor, 1), gradFunc: (dy) => dy }))
/** The same tensor for both inputs. */
const twice = tf.customGrad((a, b) => ({
  value: tf.add(a as tf.Tensor, b as tf.Tensor),
  gradFunc: (dy) => [dy as tf.Tensor, dy as tf.Tensor],
}))

const NETS: Record<string, () => Net> = {
  'two layers': () => {
    const parameters = weights([3, 4], [4], [4, 2], [2])
    const [a, b, c, d] = of(parameters) as [tf.Tensor2D, tf.Tensor, tf.Tensor2D, tf.Tensor]
    return {
      parameters,
      loss: () => tf.mean(tf.square(tf.add(tf.matMul(tf.relu(tf.add(tf.matMul(tf.ones([5, 3]), a), b)), c), d))),
    }
  },
  'a weight used at both ends, and one used twice in one operation': () => {
    const parameters = weights([4, 4], [4, 4])
    const [a, b] = of(parameters) as [tf.Tensor2D, tf.Tensor2D]
    return { parameters, loss: () => tf.sum(tf.matMul(tf.matMul(tf.tanh(a), tf.mul(b, b)), a, false, true)) }
  },
  'outputs of a split that nobody uses': () => {
    const parameters = weights([2, 6])
    const [a] = of(parameters) as [tf.Tensor2D]
    return { parameters, loss: () => tf.sum(tf.softmax(tf.split(a, 3, 1)[1] as tf.Tensor2D)) }
  },
  'custom gradients that hand tensors on': () => {
    const parameters = weights([3], [3])
    const [a, b] = of(parameters) as [tf.Tensor, tf.Tensor]
    return { parameters, loss: () => tf.sum(tf.mul(twice(handsOn(a), b), handsOn(twice(a, a)))) }
  },
  'tf.grads inside the loss': () => {
    const parameters = weights([3], [3])
    const [a, b] = of(parameters) as [tf.Tensor, tf.Tensor]
    const inner = tf.grad((x) => tf.sum(tf.mul(tf.pow(x, 3), b)))
    return { parameters, loss: () => tf.sum(tf.mul(inner(a), b)) }
  },
  'gather, concat, layer norm and cross-entropy': () => {
    const parameters = weights([5, 4], [4], [8, 3])
    const [table, gain, head] = of(parameters) as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D]
    return {
      parameters,
      loss: () => {
        const rows = tf.gather(table, tf.tensor1d([0, 3, 3, 1], 'int32'))
        const centred = tf.sub(rows, tf.mean(rows, 1, true))
        const normal = tf.mul(tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), 1e-5))), gain)
        const labels = tf.oneHot(tf.tensor1d([0, 2, 1, 1], 'int32'), 3)
        return tf.losses.softmaxCrossEntropy(labels, tf.matMul(tf.concat([normal, rows], 1), head))
      },
    }
  },
}

async function plain({ parameters, loss }: Net) {
  const { gradients, loss: value } = computeGradients(loss, parameters)
  const values = await readTensors(gradients)
  tf.dispose(gradients)
  return { values, loss: await value }
}

async function stepped({ parameters, loss }: Net) {
  const backward = new SteppedBackward(loss, parameters)
  const values: unknown[] = []
  const order: number[] = []
  while (!backward.done) {
    for (const [index, gradient] of backward.next()) {
      order.push(index)
      values[index] = (await readTensors([gradient]))[0]
      gradient.dispose()
    }
    // Another turn may run between two operations, and make tensors of its own.
    await Promise.resolve()
    tf.ones([3]).dispose()
  }
  return { values, order, loss: await backward.loss }
}

describe.each(['cpu', 'wasm'])('on %s', (accelerator) => {
  beforeEach(async () => {
    await selectAccelerator(accelerator, { threads: 1 })
  })

  test.each(Object.keys(NETS))('%s: the same bits, nothing left behind', async (name) => {
    const net = (NETS[name] as () => Net)()
    const before = tf.memory().numTensors
    const wanted = await plain(net)
    const { values, order, loss } = await stepped(net)
    expect(values).toEqual(wanted.values)
    expect(loss).toBe(wanted.loss)
    expect([...order].sort()).toEqual(net.parameters.map((_, i) => i))
    expect(tf.memory().numTensors).toBe(before)
    tf.dispose(of(net.parameters))
  })

  test('the last layer is finished first, long before the tape is at its end', () => {
    const net = (NETS['two layers'] as () => Net)()
    const backward = new SteppedBackward(net.loss, net.parameters)
    const order: number[][] = []
    while (!backward.done) {
      const ready = backward.next()
      order.push(ready.map(([index]) => index))
      tf.dispose(ready.map(([, gradient]) => gradient))
    }
    expect(order.flat()).toEqual([3, 2, 1, 0])
    expect(order.findIndex((ready) => ready.includes(2))).toBeLessThan(order.length - 3)
    tf.dispose(of(net.parameters))
  })

  test('unused parameters are refused before the first gradient, or come first as zeros', async () => {
    const parameters = weights([2], [3])
    const [a] = of(parameters) as [tf.Tensor]
    const loss = () => tf.sum(tf.square(a))
    const before = tf.memory().numTensors
    expect(() => new SteppedBackward(loss, parameters)).toThrow(/p1 got no gradient/)
    expect(() => new SteppedBackward(() => tf.scalar(1), parameters)).toThrow(/p0, p1 got no gradient/)
    expect(tf.memory().numTensors).toBe(before)
    const backward = new SteppedBackward(loss, parameters, { findUnused: true })
    expect(backward.unused).toEqual([1])
    const [[index, zeros] = [-1, null]] = backward.next()
    expect([index, [...(zeros?.dataSync() ?? [])]]).toEqual([1, [0, 0, 0]])
    zeros?.dispose()
    backward.dispose()
    await backward.loss
    expect(tf.memory().numTensors).toBe(before)
    tf.dispose(of(parameters))
  })

  test('errors free everything: in forward, of an operation without gradient, in the middle of backward', async () => {
    const parameters = weights([4])
    const [a] = of(parameters) as [tf.Tensor1D]
    const before = tf.memory().numTensors
    const thrower = () => {
      tf.sum(tf.square(a))
      throw new Error('in the loss')
    }
    expect(() => new SteppedBackward(thrower, parameters)).toThrow('in the loss')
    expect(() => new SteppedBackward(() => tf.mul(a, a), parameters)).toThrow(/shape \[4\]/)
    expect(() => new SteppedBackward(() => tf.sum(tf.topk(a, 2).values), parameters)).toThrow(/no gradient for TopK/)
    expect(tf.memory().numTensors).toBe(before)

    const broken = (gradFunc: () => tf.Tensor) =>
      tf.customGrad((x, save) => {
        ;(save as tf.GradSaveFunc)([x as tf.Tensor])
        return { value: tf.mul(x as tf.Tensor, 2), gradFunc }
      })
    const cases: Array<[() => tf.Tensor, RegExp]> = [
      [() => tf.ones([2]), /must be float32 \[4\]/],
      [
        () => {
          throw new Error('in the gradient')
        },
        /in the gradient/,
      ],
    ]
    for (const [gradFunc, message] of cases) {
      const backward = new SteppedBackward(() => tf.sum(tf.square(broken(gradFunc)(tf.square(a)))), parameters)
      expect(() => {
        while (!backward.done) tf.dispose(backward.next().map(([, gradient]) => gradient))
      }).toThrow(message)
      backward.dispose()
      await backward.loss
      expect(tf.memory().numTensors).toBe(before)
    }
    // The next backward is none the wiser.
    const again = await stepped({ parameters, loss: () => tf.sum(tf.square(a)) })
    expect(again.order).toEqual([0])
    tf.dispose(of(parameters))
  })
})
