/** PyTorch's curves on one rank: every loss to 1e-5, and the final weights, on cpu and wasm. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { computeGradients } from '../gradients/compute.ts'
import { parametersOf } from '../model/parameters.ts'
import { readTensors } from '../model/tensors.ts'
import { tf } from '../tfjs.ts'
import { decodeTensor, type ParityReference, parityRun } from './parity.ts'

const FIXTURES = new URL('../../../../e2e/fixtures/parity/', import.meta.url)

describe.each(['cpu', 'wasm'])('on %s', (accelerator) => {
  test.each(['mlp-sgd', 'cnn-adam'])('%s follows PyTorch', async (file) => {
    await selectAccelerator(accelerator, { threads: 1 })
    const reference = JSON.parse(readFileSync(new URL(`${file}.json`, FIXTURES), 'utf8')) as ParityReference
    const { model, optimizer, batch, loss } = parityRun(reference)
    const parameters = parametersOf(model)
    let tensors = 0
    for (let step = 0; step < reference.steps; step++) {
      const { x, y } = batch(step)
      const result = computeGradients(() => loss(x, y), parameters)
      optimizer.apply(parameters, result.gradients)
      tf.dispose([x, y, ...result.gradients])
      expect(Math.abs((await result.loss) - (reference.lossFloat32[step] as number))).toBeLessThan(1e-5)
      if (step === 1) tensors = tf.memory().numTensors
    }
    expect(tf.memory().numTensors).toBe(tensors)
    const values = await readTensors(parameters.map(({ variable }) => variable))
    Object.values(reference.final).forEach((tensor, i) => {
      const wanted = decodeTensor(tensor)
      const worst = wanted.reduce((most, value, j) => Math.max(most, Math.abs(value - (values[i]?.[j] as number))), 0)
      expect(worst).toBeLessThan(1e-4)
    })
    optimizer.dispose()
    tf.dispose(Object.values(model.parameters()))
  })
})
