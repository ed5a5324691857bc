/** Rondo's own WebGPU kernels on a device (the software adapter): the same numbers as on the processor. */
import { expect, test } from '@playwright/test'
import { GpuLab } from './support/gpu-lab.ts'
import type { GpuPrograms, Trained } from './support/gpu-page.ts'

declare const gpu: GpuPrograms

let lab: GpuLab

test.beforeAll(async () => {
  lab = await GpuLab.open()
})
test.afterAll(async () => {
  await lab.close()
})

/** The largest difference, relative above 1; the lists must be of one shape. */
function worst(actual: readonly number[][], expected: readonly number[][]): number {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ length }) => length))
  const differences = actual.flatMap((values, i) =>
    values.map((value, j) => Math.abs(value - (expected[i]?.[j] as number)) / Math.max(1, Math.abs(value))),
  )
  return differences.reduce((most, difference) => Math.max(most, difference), 0)
}

function expectClose(actual: Trained, expected: Trained): void {
  expect(actual.state.map(([name]) => name)).toEqual(expected.state.map(([name]) => name))
  const values = ({ weights, state }: Trained): number[][] => [...weights, ...state.map(([, slot]) => slot)]
  expect(worst(values(actual), values(expected))).toBeLessThan(2e-6)
}

for (const kind of ['sgd', 'momentum', 'nesterov', 'adam', 'adamw', 'rmsprop', 'centered'] as const) {
  test(`${kind}: the fused step of webgpu gives what the processor gives, in buckets, in tensors and in operations`, async () => {
    const train = (...call: Parameters<GpuPrograms['train']>): Promise<Trained> =>
      lab.page.evaluate((all) => gpu.train(...all), call)
    const expected = await train(kind, 'cpu', 'tensors', true)
    expectClose(await train(kind, 'webgpu', 'buckets', true), expected)
    expectClose(await train(kind, 'webgpu', 'tensors', true), expected)
    expectClose(await train(kind, 'webgpu', 'buckets', false), expected)
  })
}

test('gradients are joined, scaled and read back by bucket', async () => {
  const { arrays, expected, leaked } = await lab.page.evaluate(() => gpu.buckets())
  expect(worst(arrays, expected)).toBeLessThan(1e-6)
  expect(leaked).toBe(0)
})

for (const variant of ['tiled', 'tiled-f16'] as const) {
  test(`matrix products, ${variant}: any shape, batch and transposition`, async () => {
    const { supported, worst: difference, ours } = await lab.page.evaluate((name) => gpu.matMul(name), variant)
    test.skip(!supported, 'this adapter has no shader-f16')
    expect(difference).toBeLessThan(variant === 'tiled' ? 1e-5 : 2e-2)
    expect(ours).toBe(1)
  })
}

for (const subgroups of [false, true]) {
  test(`gradients by convolution filters, ${subgroups ? 'by subgroup sums' : 'by a tree'}`, async () => {
    const { supported, worst: difference } = await lab.page.evaluate((use) => gpu.filterGradient(use), subgroups)
    test.skip(!supported, 'this adapter has no subgroups')
    expect(difference).toBeLessThan(1e-5)
  })
}

test('values are rounded to 16 bits as the processor rounds them, by webgpu and by webgl', async () => {
  for (const accelerator of ['webgpu', 'webgl']) {
    for (const type of ['f16', 'bf16'] as const) {
      const result = await lab.page.evaluate((call) => gpu.roundHalf(...call), [accelerator, type] as const)
      expect(result, `${type} on ${accelerator}`).toEqual({ wrong: [], size: 70_001 })
    }
  }
})
