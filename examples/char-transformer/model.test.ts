/** The transformer's gradients on cpu and wasm agree with each other and with finite differences; it cannot look ahead. */
import { computeGradients, parametersOf, readTensors, selectAccelerator, tf, writeTensors } from '@rondo/engine'
import { describe, expect, test } from 'vitest'
import { CharTransformer } from './model.ts'
import { ALPHABET, encode, windows, writeText } from './text.ts'

const SHAPE = { vocabulary: 7, context: 5, width: 8, depth: 2, heads: 2 }
/** Step of the central difference: large enough for float32, small enough for a smooth loss. */
const STEP = 1e-2

/** The same weights on every backend, large enough that no gradient is lost in rounding. */
function fillWeights(net: CharTransformer): void {
  const variables = Object.values(net.parameters())
  writeTensors(
    variables,
    variables.map(({ size }, v) => Float32Array.from({ length: size }, (_, i) => Math.sin(i * 1.7 + v) * 0.4)),
  )
}

async function gradientsOn(accelerator: string): Promise<{ loss: number; gradients: Float32Array[] }> {
  await selectAccelerator(accelerator, { threads: 1 })
  const net = new CharTransformer(SHAPE)
  fillWeights(net)
  const [x, y] = [
    tf.tensor2d(
      [
        [0, 1, 2, 3, 4],
        [6, 5, 4, 0, 1],
      ],
      [2, 5],
      'int32',
    ),
    tf.tensor2d(
      [
        [1, 2, 3, 4, 5],
        [5, 4, 0, 1, 6],
      ],
      [2, 5],
      'int32',
    ),
  ]
  const parameters = parametersOf(net)
  const before = tf.memory().numTensors
  const result = computeGradients(() => net.loss(x, y), parameters)
  const gradients = (await readTensors(result.gradients)) as Float32Array[]
  const loss = await result.loss
  tf.dispose(result.gradients)
  expect(tf.memory().numTensors).toBe(before)

  for (const [p, { name, variable }] of parameters.entries()) {
    const values = (await variable.data()).slice() as Float32Array<ArrayBuffer>
    const at = (p * 3) % variable.size
    const lossAt = (value: number): number => {
      writeTensors([variable], [values.map((old, i) => (i === at ? value : old))])
      return tf.tidy(() => net.loss(x, y).dataSync()[0] as number)
    }
    const [centre] = [values[at] as number]
    const slope = (lossAt(centre + STEP) - lossAt(centre - STEP)) / (2 * STEP)
    writeTensors([variable], [values])
    expect(Math.abs(slope - (gradients[p]?.[at] as number)), `${name}[${at}] on ${accelerator}`).toBeLessThan(5e-3)
  }
  tf.dispose([x, y])
  net.dispose()
  return { loss, gradients }
}

test('cpu and wasm give the same loss and gradients, and finite differences agree', async () => {
  const cpu = await gradientsOn('cpu')
  const wasm = await gradientsOn('wasm')
  expect(Math.abs(cpu.loss - wasm.loss)).toBeLessThan(1e-5)
  cpu.gradients.forEach((gradient, p) => {
    const worst = gradient.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (wasm.gradients[p]?.[i] ?? 1))),
      0,
    )
    expect(worst, `parameter ${p}`).toBeLessThan(1e-5)
  })
})

describe('the model', () => {
  test('scores of a character do not depend on those that follow it, and short inputs are taken', async () => {
    await selectAccelerator('cpu')
    const net = new CharTransformer(SHAPE)
    fillWeights(net)
    const scores = (characters: number[]): number[] =>
      Array.from(tf.tidy(() => net.forward(tf.tensor2d([characters], [1, characters.length], 'int32')).dataSync()))
    const whole = scores([3, 1, 4, 1, 5])
    expect(scores([3, 1, 4, 2, 6]).slice(0, 3 * 7)).toEqual(whole.slice(0, 3 * 7))
    scores([3, 1, 4]).forEach((score, i) => {
      expect(score).toBeCloseTo(whole[i] as number, 5)
    })
    expect(() => scores([0, 1, 2, 3, 4, 5])).toThrow(/at most 5/)
    net.dispose()
  })

  test('a width that the heads do not divide is refused', () => {
    expect(() => new CharTransformer({ ...SHAPE, heads: 3 })).toThrow(/multiple/)
  })
})

describe('the text', () => {
  test('is the same each time, in the alphabet, and cut so that targets are the characters after', () => {
    const text = writeText(500, 3)
    expect(writeText(500, 3)).toBe(text)
    expect(writeText(500, 4)).not.toBe(text)
    expect(text.length).toBeGreaterThanOrEqual(500)
    const { length, columns } = windows(text, 16)
    expect(length).toBe(Math.floor((text.length - 1) / 16))
    const [inputs, targets] = columns
    expect([...inputs.data.slice(1)]).toEqual([...targets.data.slice(0, -1)])
    expect(Array.from(inputs.data, (code) => ALPHABET[code]).join('')).toBe(text.slice(0, length * 16))
    expect(() => encode('é')).toThrow(/alphabet/)
  })
})
