/** Half precision as a scope: what is rounded, forward and backward, against float64; and what is left alone. */
import { beforeEach, describe, expect, it, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { computeGradients } from '../gradients/compute.ts'
import { SteppedBackward } from '../gradients/stepped-backward.ts'
import { Random } from '../seeds/random.ts'
import { tf } from '../tfjs.ts'
import { type HalfType, roundHalf } from './half.ts'
import { currentHalfType, roundTensors, underPrecision } from './policy.ts'

const TYPES: readonly HalfType[] = ['f16', 'bf16']

function normal(shape: number[], seed: number): tf.Tensor {
  const random = new Random(seed)
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
    shape,
  )
}

const valuesOf = (tensor: tf.Tensor): number[] => [...tensor.dataSync()]

/** [m, k] × [k, n] in float64, of values rounded before, the sums rounded after. */
function product(a: number[], b: number[], m: number, k: number, n: number, type: HalfType): number[] {
  const half = (value: number | undefined): number => roundHalf(value as number, type)
  return Array.from({ length: m * n }, (_, i) => {
    let sum = 0
    for (let j = 0; j < k; j++) sum += half(a[Math.floor(i / n) * k + j]) * half(b[j * n + (i % n)])
    return half(sum)
  })
}

const transposed = (a: number[], rows: number, columns: number): number[] =>
  Array.from({ length: a.length }, (_, i) => a[(i % rows) * columns + Math.floor(i / rows)] as number)

/** Equal but for sums that lie so close to a tie that float32 falls on the other side: one last place. */
function expectRounded(actual: readonly number[], wanted: readonly number[], type: HalfType): void {
  expect(actual).toHaveLength(wanted.length)
  const place = type === 'f16' ? 2 ** -10 : 2 ** -7
  const off = actual.filter((value, i) => value !== wanted[i])
  expect(off.length).toBeLessThanOrEqual(Math.ceil(wanted.length / 50))
  actual.forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] as number))).toBeLessThanOrEqual(place * Math.abs(wanted[i] as number))
    expect(roundHalf(value, type)).toBe(value)
  })
}

describe.each(['cpu', 'wasm'])('on %s', (accelerator) => {
  beforeEach(async () => {
    await selectAccelerator(accelerator, { threads: 1 })
  })

  test.each(TYPES)('%s: products and their gradients are those of rounded values with exact sums', (type) => {
    const [m, k, n] = [5, 37, 7]
    const [a, b, dy] = [normal([m, k], 1), normal([k, n], 2), normal([m, n], 3)]
    const { grads, value } = tf.valueAndGrads((x: tf.Tensor, w: tf.Tensor) =>
      tf.sum(
        tf.mul(
          underPrecision(type, () => tf.matMul(x, w)),
          dy,
        ),
      ),
    )([a, b]) as { grads: [tf.Tensor, tf.Tensor]; value: tf.Tensor }
    value.dispose()
    const [av, bv, dyv] = [valuesOf(a), valuesOf(b), valuesOf(dy)]
    const y = underPrecision(type, () => tf.matMul(a, b))
    expectRounded(valuesOf(y), product(av, bv, m, k, n, type), type)
    expectRounded(valuesOf(grads[0]), product(dyv, transposed(bv, k, n), m, n, k, type), type)
    expectRounded(valuesOf(grads[1]), product(transposed(av, m, k), dyv, k, m, n, type), type)
    expect(valuesOf(tf.matMul(a, b))).not.toEqual(valuesOf(y))
    expect(currentHalfType()).toBeNull()
  })

  test.each(TYPES)("%s: tfjs's fused operations and their hand-written gradients are rounded too", (type) => {
    const [x, w, bias] = [normal([4, 9], 1), normal([9, 3], 2), normal([3], 3)]
    const fused = (p: tf.Tensor, q: tf.Tensor, r: tf.Tensor): tf.Tensor =>
      tf.fused.matMul({ a: p as tf.Tensor2D, b: q as tf.Tensor2D, bias: r, activation: 'linear' })
    const plain = (p: tf.Tensor, q: tf.Tensor, r: tf.Tensor): tf.Tensor => tf.add(tf.matMul(p, q), r)
    const gradients = (f: typeof fused): number[][] =>
      tf
        .grads((p: tf.Tensor, q: tf.Tensor, r: tf.Tensor) =>
          tf.sum(
            tf.square(
              roundTensors(
                underPrecision(type, () => f(p, q, r)),
                type,
              ),
            ),
          ),
        )([x, w, bias])
        .map(valuesOf)
    const [dx, dw] = gradients(fused) as [number[], number[]]
    for (const value of [...dx, ...dw]) expect(roundHalf(value, type)).toBe(value)
    const rough = gradients(plain) as [number[], number[]]
    dx.forEach((value, i) => {
      expect(value).toBeCloseTo(rough[0][i] as number, type === 'f16' ? 1 : 0)
    })
  })

  test.each(TYPES)('%s: convolutions and layers: what goes in and comes out is a 16-bit value', (type) => {
    const net = tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [6, 6, 2], filters: 3, kernelSize: 3, activation: 'tanh' }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.flatten(),
        tf.layers.dense({ units: 4 }),
        tf.layers.softmax(),
      ],
    })
    const x = normal([2, 6, 6, 2], 4)
    const seen: number[] = []
    const dense = net.layers[3] as tf.layers.Layer
    const call = dense.call.bind(dense)
    dense.call = (inputs, kwargs) => {
      seen.push(...valuesOf((Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor))
      return call(inputs, kwargs)
    }
    const run = (): number[] => valuesOf(net.apply(x, { training: true }) as tf.Tensor)
    const half = underPrecision(type, run)
    for (const value of [...half, ...seen]) expect(roundHalf(value, type)).toBe(value)
    const full = run()
    expect(half).not.toEqual(full)
    const conv = underPrecision(type, () =>
      tf.conv2d(x as tf.Tensor4D, normal([3, 3, 2, 5], 6) as tf.Tensor4D, 1, 'same'),
    )
    const exact = tf.conv2d(
      roundTensors(x, type) as tf.Tensor4D,
      roundTensors(normal([3, 3, 2, 5], 6), type) as tf.Tensor4D,
      1,
      'same',
    )
    expectRounded(
      valuesOf(conv),
      valuesOf(exact).map((value) => roundHalf(value, type)),
      type,
    )
  })

  it('gives both ways of going backward the same bits, and leaves no tensor behind', async () => {
    const net = tf.sequential({
      layers: [tf.layers.dense({ inputShape: [6], units: 8, activation: 'relu' }), tf.layers.dense({ units: 3 })],
    })
    const parameters = net.trainableWeights.map((weight, i) => ({
      name: `p${i}`,
      variable: (weight as unknown as { val: tf.Variable }).val,
      trainable: true,
    }))
    const x = normal([5, 6], 1)
    const loss = (): tf.Tensor =>
      tf.mean(tf.square(underPrecision('bf16', () => net.apply(x, { training: true }) as tf.Tensor)))
    const before = tf.memory().numTensors
    const plain = computeGradients(loss, parameters)
    const wanted = plain.gradients.map(valuesOf)
    tf.dispose(plain.gradients)
    const stepped: number[][] = []
    const backward = new SteppedBackward(loss, parameters)
    while (!backward.done) {
      for (const [index, gradient] of backward.next()) {
        stepped[index] = valuesOf(gradient)
        gradient.dispose()
      }
    }
    expect(await backward.loss).toBe(await plain.loss)
    expect(stepped).toEqual(wanted)
    expect(tf.memory().numTensors).toBe(before)
  })
})

it('leaves operations that are no products alone, and whole numbers everywhere', () => {
  const x = tf.tensor1d([1.00390625, Math.PI])
  const y = underPrecision('bf16', () => tf.add(tf.mul(x, 1), 0))
  expect(valuesOf(y)).toEqual(valuesOf(x))
  const labels = tf.tensor1d([70_001], 'int32')
  expect(roundTensors({ x: [x], labels, name: 'n' }, 'f16')).toMatchObject({ labels, name: 'n' })
})

it('sees the values of a weight that was written into in place', () => {
  const weight = tf.variable(underPrecision('bf16', () => tf.matMul(tf.ones([1, 1]), tf.ones([1, 1]))))
  const use = (): number[] => valuesOf(underPrecision('bf16', () => tf.matMul(tf.ones([1, 1]), weight as tf.Tensor2D)))
  expect(use()).toEqual([1])
  ;(weight.dataSync() as Float32Array)[0] = Math.PI
  weight.assign(tf.tensor2d([[Math.PI]]))
  expect(use()).toEqual([3.140625])
})

it('lasts until a promise is settled, ends with an error, and nests', async () => {
  expect(underPrecision(null, () => currentHalfType())).toBeNull()
  const waiting = underPrecision('f16', async () => {
    await Promise.resolve()
    return currentHalfType()
  })
  expect(currentHalfType()).toBe('f16')
  expect(await waiting).toBe('f16')
  expect(currentHalfType()).toBeNull()
  expect(() =>
    underPrecision('f16', () => {
      expect(underPrecision('bf16', currentHalfType)).toBe('bf16')
      expect(currentHalfType()).toBe('f16')
      throw new Error('inside')
    }),
  ).toThrow('inside')
  expect(currentHalfType()).toBeNull()
})
