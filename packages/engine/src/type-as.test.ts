/** typeAs as a function and as a method of tensors. */
import { expect, test } from 'vitest'
import { selectAccelerator } from './accelerator/select.ts'
import { tf } from './tfjs.ts'
import { typeAs } from './type-as.ts'

test('typeAs gives new tensors the dtype of another', async () => {
  await selectAccelerator('cpu')
  const like = tf.tensor1d([1, 2], 'int32')
  expect(typeAs(tf.tensor1d([1.5, -2.5]), like).dtype).toBe('int32')
  const made = tf.ones([2, 3]).typeAs(like)
  expect([made.dtype, made.shape]).toEqual(['int32', [2, 3]])
  const same = tf.zeros([1])
  expect(same.typeAs(tf.scalar(1))).toBe(same)
})
