/** The char-transformer task: the example's model and text in a small size, test loss in nats a character. */
import { Random, tf } from '@rondo/engine'
import { CharTransformer } from '../../examples/char-transformer/model.ts'
import { ALPHABET, encode, writeText } from '../../examples/char-transformer/text.ts'
import type { Task } from './training.ts'

const SHAPE = { vocabulary: ALPHABET.length, context: 32, width: 48, depth: 2, heads: 4 }
const GLOBAL_BATCH = 16
const LEARNING_RATE = 2e-3
const TRAINING_CHARACTERS = 100_000
const TEST_CHARACTERS = 8_000

export function charTask(steps: number, ranks: number): Task {
  const { context } = SHAPE
  const train = encode(writeText(TRAINING_CHARACTERS, 1))
  const test = encode(writeText(TEST_CHARACTERS, 2))
  const share = GLOBAL_BATCH / ranks
  const windows = (text: Int32Array, starts: readonly number[]): tf.Tensor[] =>
    [0, 1].map((shift) =>
      tf.tensor2d(
        Int32Array.from(starts.flatMap((start) => [...text.subarray(start + shift, start + shift + context)])),
        [starts.length, context],
        'int32',
      ),
    )
  return {
    steps,
    build: () => ({ model: new CharTransformer(SHAPE), optimizer: tf.train.adam(LEARNING_RATE) }),
    batch(seed, step, rank) {
      const random = new Random(100_000 * seed + step)
      const starts = Array.from({ length: GLOBAL_BATCH }, () => random.integer(train.length - context - 1))
      const own = starts.slice(Math.floor(rank * share), Math.floor((rank + 1) * share))
      return { inputs: windows(train, own), samples: own.length }
    },
    loss: (model, [characters, next]) =>
      (model.module as unknown as CharTransformer).loss(characters as tf.Tensor, next as tf.Tensor),
    async score(model) {
      const count = Math.floor((test.length - 1) / context)
      const inputs = windows(
        test,
        Array.from({ length: count }, (_, i) => i * context),
      )
      const loss = tf.tidy(() => (model.module as unknown as CharTransformer).loss(inputs[0]!, inputs[1]!))
      const [nats] = await loss.data()
      tf.dispose([...inputs, loss])
      return nats as number
    },
  }
}
