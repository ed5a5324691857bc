/** Each kernel of ours against tfjs's cpu backend, over random shapes, strides, paddings and batch sizes. */
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import type { Random } from '../seeds/random.ts'
import { tf } from '../tfjs.ts'
import { agree } from './testing/agree.ts'

const RUNS = { numRuns: 40, seed: 7 }
const small = (from: number, to: number) => fc.integer({ min: from, max: to })
const padding = fc.constantFrom('valid' as const, 'same' as const, 1, [
  [0, 0],
  [2, 1],
  [0, 2],
  [0, 0],
] as const)

beforeAll(async () => {
  await selectAccelerator('cpu')
  await selectAccelerator('wasm', { threads: 1 })
})

const conv = fc.record({
  batch: small(1, 3),
  height: small(3, 9),
  width: small(3, 9),
  channels: small(1, 9),
  out: small(1, 20),
  filter: fc.tuple(small(1, 3), small(1, 3)),
  strides: fc.tuple(small(1, 3), small(1, 3)),
  pad: padding,
})

/** Shapes of a convolution, or null where the filter does not fit. */
function convShapes(
  c: {
    batch: number
    height: number
    width: number
    channels: number
    out: number
    filter: number[]
    strides: [number, number]
    pad: unknown
  },
  depthwise = false,
) {
  const x: [number, number, number, number] = [c.batch, c.height, c.width, c.channels]
  const filterShape: [number, number, number, number] = [
    c.filter[0] as number,
    c.filter[1] as number,
    c.channels,
    c.out,
  ]
  const info = tf.backend_util.computeConv2DInfo(x, filterShape, c.strides, 1, c.pad as 'same', 'floor', depthwise)
  if (info.outHeight < 1 || info.outWidth < 1) return null
  const attrs = {
    strides: c.strides,
    pad: c.pad,
    dataFormat: 'NHWC',
    dimRoundingMode: 'floor',
    dilations: [1, 1],
    filterShape,
    inputShape: x,
  }
  return { x, filterShape, dy: info.outShape, attrs }
}

test('conv filter and input gradients', () => {
  fc.assert(
    fc.property(conv, (c) => {
      const shapes = convShapes(c)
      if (shapes === null) return
      const { x, dy, attrs, filterShape } = shapes
      agree({ kernel: 'Conv2DBackpropFilter', inputs: { x, dy }, attrs })
      agree({ kernel: 'Conv2DBackpropInput', inputs: { dy, filter: filterShape }, attrs })
    }),
    RUNS,
  )
})

test('a convolution whose windows exceed the scratch space is done in slices', () => {
  const common = { batch: 3, channels: 8, out: 1, filter: [3, 3], pad: 'same' }
  const filter = convShapes({ ...common, height: 72, width: 72, strides: [1, 1] })
  const input = convShapes({ ...common, height: 144, width: 144, strides: [2, 2] })
  if (filter === null || input === null) throw new Error('the filter fits both images')
  agree({ kernel: 'Conv2DBackpropFilter', inputs: { x: filter.x, dy: filter.dy }, attrs: filter.attrs })
  agree({ kernel: 'Conv2DBackpropInput', inputs: { dy: input.dy, filter: input.filterShape }, attrs: input.attrs })
  // tfjs's cpu backend takes its time for images of this size.
}, 90_000)

test('depthwise filter and input gradients', () => {
  fc.assert(
    fc.property(conv, (c) => {
      const shapes = convShapes({ ...c, channels: Math.min(c.channels, 4), out: Math.min(c.out, 3) }, true)
      if (shapes === null) return
      const { x, dy, attrs, filterShape } = shapes
      agree({ kernel: 'DepthwiseConv2dNativeBackpropFilter', inputs: { x, dy }, attrs })
      agree({ kernel: 'DepthwiseConv2dNativeBackpropInput', inputs: { dy, filter: filterShape }, attrs })
    }),
    RUNS,
  )
})

test('max-pool gradient, equal values included', () => {
  fc.assert(
    fc.property(conv, fc.boolean(), (c, equalValues) => {
      const input: [number, number, number, number] = [c.batch, c.height, c.width, c.channels]
      const pad = c.pad === 'same' ? 'same' : 'valid'
      const size = c.filter as [number, number]
      const info = tf.backend_util.computePool2DInfo(input, size, c.strides, 1, pad)
      const attrs = { filterSize: size, strides: c.strides, pad, dimRoundingMode: undefined }
      const fill = equalValues ? (random: Random) => random.integer(2) : undefined
      agree({ kernel: 'MaxPoolGrad', inputs: { dy: info.outShape, input, output: info.outShape }, attrs }, fill)
    }),
    RUNS,
  )
})

test('clones share memory, and neither copy sees what becomes of the other', () => {
  tf.setBackend('wasm')
  const original = tf.variable(tf.tensor1d([1, 2, 3]))
  const clone = original.clone()
  const cast = tf.cast(original, 'float32')
  original.assign(tf.tensor1d([4, 5, 6]))
  expect([...clone.dataSync()]).toEqual([1, 2, 3])
  clone.dispose()
  expect([...cast.dataSync()]).toEqual([1, 2, 3])
  expect([...original.dataSync()]).toEqual([4, 5, 6])
  expect([...tf.cast(tf.tensor1d([1.7, -1.7]), 'int32').dataSync()]).toEqual([1, -1])
})

test('segment sums leave out ids beyond the range', () => {
  for (const backend of ['cpu', 'wasm']) {
    tf.setBackend(backend)
    const sums = tf.tidy(() => [
      ...tf
        .unsortedSegmentSum(
          tf.tensor2d([
            [1, 2],
            [3, 4],
            [5, 6],
          ]),
          tf.tensor1d([1, 7, 1], 'int32'),
          3,
        )
        .dataSync(),
    ])
    expect(sums).toEqual([0, 0, 6, 8, 0, 0])
  }
})
