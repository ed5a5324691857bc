/** A record frees what was born while it was open, and nothing else. */
import { afterEach, beforeAll, expect, it } from 'vitest'
import { recordTensors, type TensorRecord } from './tensor-record.ts'
import { tf } from './tfjs.ts'

let record: TensorRecord | null = null
beforeAll(() => tf.setBackend('cpu'))
afterEach(() => void record?.disposeAll())

it('frees tensors, variables and what variables were assigned, and keeps what was there before', () => {
  const old = tf.tensor1d([1, 2])
  const oldVariable = tf.variable(tf.scalar(1), true, 'old')
  const before = tf.memory()
  record = recordTensors()
  const born = tf.variable(tf.scalar(3), true, 'born')
  born.assign(tf.scalar(4))
  oldVariable.assign(tf.scalar(5))
  tf.tidy(() => tf.keep(tf.add(old, 1)))
  tf.add(old, 2).dispose()
  // Two initial or assigned values of `born`, one of the old variable, `born` itself and the kept sum.
  expect(record.live).toBe(5)
  record.disposeAll()
  expect(born.isDisposed).toBe(true)
  expect(old.isDisposed).toBe(false)
  expect(oldVariable.isDisposed).toBe(false)
  expect(oldVariable.dataSync()[0]).toBe(5)
  expect(tf.memory().numTensors).toBe(before.numTensors)
  tf.dispose([old, oldVariable])
})

it('forgets what was disposed, so that a long job does not grow it', () => {
  record = recordTensors()
  const a = tf.scalar(1)
  for (let i = 0; i < 1_000; i++) tf.tidy(() => void tf.mul(tf.add(a, i), 2))
  expect(record.live).toBe(1)
})

it('ends once, and then records nothing', () => {
  record = recordTensors()
  tf.scalar(1)
  expect(record.disposeAll()).toBe(1)
  const later = tf.scalar(2)
  expect(record.disposeAll()).toBe(0)
  expect(later.isDisposed).toBe(false)
  later.dispose()
  expect(() => recordTensors().disposeAll()).not.toThrow()
})
