/** What crosses between kernel and ranks arrives as it was: values, moments, weights, order. */
import { column, DataLoader, InMemoryDataset, map } from '@rondo/data'
import { adam, parametersOf, rmsprop, sgd, tf, weightsHash } from '@rondo/engine'
import { Fabric } from '@rondo/fabric'
import { decodeValue, encodeValue } from '@rondo/kernel/fork'
import { beforeAll, describe, expect, it } from 'vitest'
import { resultCodecs, valueCodecs } from './codecs.ts'

const copy = async <T>(value: T): Promise<T> =>
  (await decodeValue(await encodeValue(value, { codecs: valueCodecs }), { codecs: valueCodecs })) as T

beforeAll(async () => {
  await tf.setBackend('cpu')
})

describe('tensors', () => {
  it('keep values, shape, dtype and identity', async () => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2])
    const { a, b, words, flags } = await copy({
      a: x,
      b: x,
      words: tf.tensor(['é', 'b']),
      flags: tf.tensor([true, false]),
    })
    expect(a).toBe(b)
    expect([a.shape, a.dtype, [...a.dataSync()]]).toEqual([[2, 2], 'float32', [1, 2, 3, 4]])
    expect(words.dataSync()).toEqual(['é', 'b'])
    expect([flags.dtype, [...flags.dataSync()]]).toEqual(['bool', [1, 0]])
  })

  it('that are variables stay variables', async () => {
    const frozen = await copy(tf.variable(tf.ones([3]), false))
    expect(frozen).toBeInstanceOf(tf.Variable)
    expect(frozen.trainable).toBe(false)
  })

  it('leave nothing behind', async () => {
    const x = tf.ones([4])
    const before = tf.memory().numTensors
    const y = await copy(x)
    expect(tf.memory().numTensors).toBe(before + 1)
    tf.dispose([x, y])
  })

  it('come back from a rank as arrays that say their shape', async () => {
    const bytes = await encodeValue(
      { scores: tf.tensor2d([1, 2], [1, 2]), w: tf.variable(tf.ones([1])) },
      { codecs: valueCodecs },
    )
    const { scores, w } = (await decodeValue(bytes, { codecs: resultCodecs })) as { scores: unknown; w: unknown }
    expect(ArrayBuffer.isView(scores)).toBe(true)
    expect(scores).toMatchObject({ 0: 1, 1: 2, shape: [1, 2], dtype: 'float32' })
    expect(w).toBeInstanceOf(tf.Variable)
  })

  it('that were disposed are refused by path', async () => {
    const x = tf.ones([1])
    x.dispose()
    await expect(encodeValue({ cfg: { x } }, { codecs: valueCodecs, label: 'result' })).rejects.toThrow(
      /cfg\.x(.|\n)*disposed/,
    )
  })
})

describe('models', () => {
  it('keep topology and weights', async () => {
    const { layers } = tf
    const model = tf.sequential({
      layers: [
        layers.dense({ inputShape: [3], units: 4, activation: 'relu' }),
        layers.dense({ units: 2, trainable: false }),
      ],
    })
    const again = await copy(model)
    expect(again).toBeInstanceOf(tf.Sequential)
    expect(await weightsHash(parametersOf(again))).toBe(await weightsHash(parametersOf(model)))
    expect(again.layers.map(({ trainable }) => trainable)).toEqual([true, false])
    const x = tf.ones([1, 3])
    expect([...(again.predict(x) as tf.Tensor).dataSync()]).toEqual([...(model.predict(x) as tf.Tensor).dataSync()])
  })
})

describe('optimizers', () => {
  it.each([
    ['adam', () => adam({ learningRate: 0.5, beta1: 0.8 })],
    ['sgd', () => sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true })],
    ['rmsprop', () => rmsprop({ centered: true })],
    ['tf adam', () => tf.train.adam(0.3, 0.7)],
    ['tf momentum', () => tf.train.momentum(0.1, 0.9)],
  ])('%s goes on where it stopped', async (_, make) => {
    const step = (optimizer: ReturnType<typeof make>, w: tf.Variable) => {
      const gradient = tf.tensor1d([1, -2])
      if (optimizer instanceof tf.Optimizer) optimizer.applyGradients([{ name: w.name, tensor: gradient }])
      else optimizer.apply([{ name: 'w', variable: w, trainable: true }], [gradient])
    }
    const optimizer = make()
    const w = tf.variable(tf.tensor1d([1, 1]))
    step(optimizer, w)
    const copied = await copy({ optimizer, w })
    // tfjs finds variables by name, and a copy has a name of its own.
    step(optimizer, w)
    step(copied.optimizer, copied.w)
    expect([...copied.w.dataSync()]).toEqual([...w.dataSync()])
  })
})

it('loaders keep data, order and epoch', async () => {
  const data = new InMemoryDataset([column(Float32Array.from({ length: 8 }, (_, i) => i))])
  const loader = new DataLoader(data, { batchSize: 4, shuffle: true })
  loader.setEpoch(3)
  const again = await copy(loader)
  const first = async (from: typeof loader) => (await from[Symbol.asyncIterator]().next()).value?.[0].data
  expect(await first(again)).toEqual(await first(loader))
})

it('a function of the notebook inside of a data set crosses by its name, another is refused', async () => {
  const data = new InMemoryDataset([column(Float32Array.of(1, 2))])
  const double = ([x]: readonly [{ data: Float32Array }]) => [column(x.data.map((v) => 2 * v))] as const
  const mapped = map(data, double as never)
  const bytes = await encodeValue(mapped, { codecs: valueCodecs, names: { double } })
  const again = (await decodeValue(bytes, { codecs: valueCodecs, names: { double } })) as typeof data
  expect([...(await again.get(1))[0].data]).toEqual([4])
  await expect(encodeValue(mapped, { codecs: valueCodecs })).rejects.toThrow(/function/)
})

it('a Fabric is refused with what to do', async () => {
  const fabric = new Fabric()
  await expect(encodeValue({ fabric }, { codecs: valueCodecs })).rejects.toThrow(/first argument/)
})
