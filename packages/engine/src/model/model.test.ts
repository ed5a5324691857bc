/** Structural names of parameters, values in and out, and the hash that ranks compare. */
import { createHash } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { tf } from '../tfjs.ts'
import { type Model, parametersOf } from './parameters.ts'
import { readTensors, signatureOf, weightsHash, writeTensors } from './tensors.ts'

beforeAll(async () => {
  await selectAccelerator('cpu')
})

const names = (model: Model) => parametersOf(model).map(({ name, trainable }) => (trainable ? name : `(${name})`))

test('paths are positions, not tfjs names, and the same for every build', () => {
  const build = () =>
    tf.sequential({
      layers: [
        tf.layers.conv2d({ inputShape: [8, 8, 1], filters: 2, kernelSize: 3 }),
        tf.layers.batchNormalization(),
        tf.layers.flatten(),
        tf.layers.dense({ units: 2 }),
      ],
    })
  const expected = [
    'layers[0].kernel',
    'layers[0].bias',
    'layers[1].gamma',
    'layers[1].beta',
    '(layers[1].moving_mean)',
    '(layers[1].moving_variance)',
    'layers[3].kernel',
    'layers[3].bias',
  ]
  expect(names(build())).toEqual(expected)
  expect(names(build())).toEqual(expected)
})

test('frozen layers are listed as not trainable', () => {
  const model = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [2], units: 2, trainable: false }), tf.layers.dense({ units: 1 })],
  })
  expect(names(model)).toEqual(['(layers[0].kernel)', '(layers[0].bias)', 'layers[1].kernel', 'layers[1].bias'])
})

test('nested models, wrappers and recurrent cells get a path into them; every name is unique', () => {
  const inner = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 2 })] })
  const nested = tf.sequential({ layers: [tf.layers.dense({ inputShape: [4], units: 3 }), inner] })
  expect(names(nested)).toEqual([
    'layers[0].kernel',
    'layers[0].bias',
    'layers[1].layers[0].kernel',
    'layers[1].layers[0].bias',
  ])
  const recurrent = tf.sequential({
    layers: [
      tf.layers.bidirectional({
        layer: tf.layers.lstm({ units: 2 }) as tf.RNN,
        inputShape: [5, 3],
        mergeMode: 'concat',
      }),
      tf.layers.dense({ units: 1 }),
    ],
  })
  const list = names(recurrent)
  expect(list).toHaveLength(8)
  expect(new Set(list).size).toBe(8)
  expect(list[0]).toMatch(/^layers\[0\]\.forwardLayer\./)
})

test('modules: arrays, records and buffers; shared variables once', () => {
  const w = tf.variable(tf.ones([2]))
  const mean = tf.variable(tf.zeros([2]))
  const module = { forward: (x: tf.Tensor) => x, parameters: () => ({ w, again: w }), buffers: () => [mean] }
  expect(names(module)).toEqual(['parameters.w', '(buffers[0])'])
  expect(names({ forward: (x: tf.Tensor) => x, parameters: () => [w] })).toEqual(['parameters[0]'])
})

test('what is no model, or not built, is refused by what it is', () => {
  expect(() => parametersOf(tf.layers.dense({ units: 1 }) as unknown as Model)).toThrow(/got a Dense/)
  expect(() => parametersOf(null as unknown as Model)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  expect(() => parametersOf({ forward: () => 0, parameters: () => [] })).toThrow(/no parameters/)
  const wrong = { forward: () => 0, parameters: () => [tf.ones([1])] } as unknown as Model
  expect(() => parametersOf(wrong)).toThrow(/parameters\[0\] is a Tensor/)
})

test('values survive a round trip and stay apart from the reader', async () => {
  const variables = [tf.variable(tf.tensor1d([1, 2])), tf.variable(tf.tensor1d([3, 4], 'int32'))]
  const values = await readTensors(variables)
  expect(values).toEqual([Float32Array.of(1, 2), Int32Array.of(3, 4)])
  const mine = [Float32Array.of(5, 6), Int32Array.of(7, 8)]
  writeTensors(variables, mine)
  mine[0]?.fill(0)
  values[0]?.fill(0)
  expect([...(variables[0]?.dataSync() ?? [])]).toEqual([5, 6])
  expect(() => writeTensors(variables, [mine[0] as Float32Array])).toThrow(
    expect.objectContaining({ code: 'PARAMETER_MISMATCH' }),
  )
})

test('the hash is SHA-256 over all bytes in order', async () => {
  const parameters = [
    { name: 'a', variable: tf.variable(tf.tensor1d([1, 2])), trainable: true },
    { name: 'b', variable: tf.variable(tf.tensor1d([3])), trainable: false },
  ]
  const expected = createHash('sha256')
    .update(Buffer.from(Float32Array.of(1, 2, 3).buffer))
    .digest('hex')
  expect(await weightsHash(parameters)).toBe(expected)
  expect(await weightsHash([...parameters].reverse())).not.toBe(expected)
  expect(signatureOf(parameters)[1]).toEqual({ name: 'b', shape: [1], dtype: 'float32', trainable: false })
})
