/**
 * One kernel on two backends: the same inputs from one seed, the results held against each other. Not for: whole nets
 * (coverage.test.ts).
 */
import { expect } from 'vitest'
import { Random } from '../../seeds/random.ts'
import { tf } from '../../tfjs.ts'

export interface Call {
  kernel: string
  /** Shapes; a list of them where the kernel takes a list. */
  inputs: Record<string, number[]> | number[][]
  attrs: Record<string, unknown>
}

/** Runs a kernel on a backend with inputs of the given shapes, filled from one seed. */
function values(backend: string, { kernel, inputs, attrs }: Call, fill: (random: Random) => number): number[] {
  tf.setBackend(backend)
  const random = new Random(3)
  return tf.tidy(() => {
    const tensors = Object.fromEntries(
      Object.entries(inputs).map(([name, shape]) => {
        const data = Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => fill(random))
        return [name, tf.tensor(data, shape)]
      }),
    )
    const given: object = Array.isArray(inputs) ? Object.values(tensors) : tensors
    const out = tf.engine().runKernel(kernel, given as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as
      | tf.Tensor
      | tf.Tensor[]
    return [out].flat().flatMap((tensor) => [...tensor.dataSync()])
  })
}

/** Fails where wasm's result is further from cpu's than rounding explains. NaN and infinity must stand in the same places. */
export function agree(call: Call, fill: (random: Random) => number = (random) => random.normal()): void {
  const expected = values('cpu', call, fill)
  const actual = values('wasm', call, fill)
  expect(actual.length).toBe(expected.length)
  const special = (value: number): number => (Number.isFinite(value) ? 0 : value)
  expect(actual.map(special)).toEqual(expected.map(special))
  const numbers = expected.flatMap((value, i) =>
    Number.isFinite(value) ? [[value, actual[i] as number] as const] : [],
  )
  const scale = 1 + numbers.reduce((most, [value]) => Math.max(most, Math.abs(value)), 0)
  const worst = numbers.reduce((most, [value, other]) => Math.max(most, Math.abs(value - other)), 0)
  expect(worst / scale).toBeLessThan(1e-5)
}
