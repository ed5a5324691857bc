/** Arithmetic with broadcasting, sums, copies and gathers of ours against tfjs's cpu backend, for any shapes. */
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { tf } from '../tfjs.ts'
import { agree } from './testing/agree.ts'

const RUNS = { numRuns: 60, seed: 7 }
const extent = fc.integer({ min: 1, max: 7 })
const shape = fc.array(extent, { minLength: 1, maxLength: 4 })

beforeAll(async () => {
  await selectAccelerator('cpu')
  await selectAccelerator('wasm', { threads: 1 })
})

test('sums, differences, products and quotients of any shapes that broadcast', () => {
  const pair = shape.chain((whole) =>
    fc.record({
      whole: fc.constant(whole),
      // Each operand has an axis or repeats along it; leading axes may be missing.
      aHas: fc.array(fc.boolean(), { minLength: whole.length, maxLength: whole.length }),
      bHas: fc.array(fc.boolean(), { minLength: whole.length, maxLength: whole.length }),
      bSkips: fc.integer({ min: 0, max: whole.length }),
    }),
  )
  fc.assert(
    fc.property(
      pair,
      fc.constantFrom('Add', 'Sub', 'Multiply', 'RealDiv'),
      fc.boolean(),
      ({ whole, aHas, bHas, bSkips }, kernel, swap) => {
        const a = whole.map((size, axis) => (aHas[axis] ? size : 1))
        const b = whole.map((size, axis) => (bHas[axis] ? size : 1)).slice(bSkips)
        agree({ kernel, inputs: swap ? { a: b, b: a } : { a, b }, attrs: {} }, (random) => 3 + random.normal())
      },
    ),
    { ...RUNS, numRuns: 200 },
  )
})

test('arithmetic on nothing gives nothing, and NaN stays where it stands', () => {
  agree({ kernel: 'Add', inputs: { a: [0, 3], b: [3] }, attrs: {} })
  agree({ kernel: 'Multiply', inputs: { a: [5, 9], b: [5, 1] }, attrs: {} }, (random) =>
    random.integer(5) === 0 ? Number.NaN : random.normal(),
  )
})

test('sums and means over any axes', () => {
  const cases = shape.chain((x) =>
    fc.record({ x: fc.constant(x), axis: fc.subarray(x.map((_, i) => i)), keepDims: fc.boolean() }),
  )
  fc.assert(
    fc.property(cases, fc.constantFrom('Sum', 'Mean'), ({ x, axis, keepDims }, kernel) => {
      if (axis.length > 0) agree({ kernel, inputs: { x }, attrs: { axis, keepDims } })
    }),
    { ...RUNS, numRuns: 150 },
  )
})

test.each([
  [[600, 40], [0]],
  [[600, 41], [0]],
  [[3, 5000], [1]],
  [[70_001], [0]],
])('sums of many values: %j over %j', (x, axis) => {
  for (const kernel of ['Sum', 'Mean']) agree({ kernel, inputs: { x }, attrs: { axis, keepDims: false } })
})

test('a sum of nothing is zero', () => {
  agree({ kernel: 'Sum', inputs: { x: [0, 3] }, attrs: { axis: [0], keepDims: false } })
})

test('slices of any shape', () => {
  const cuts = shape.chain((x) =>
    fc.record({ x: fc.constant(x), cut: fc.tuple(...x.map((size) => fc.tuple(fc.nat(size - 1), fc.nat(size)))) }),
  )
  fc.assert(
    fc.property(cuts, ({ x, cut }) => {
      const begin = cut.map(([from]) => from)
      const size = cut.map(([from, wish], axis) => Math.min(wish, (x[axis] as number) - from))
      agree({ kernel: 'Slice', inputs: { x }, attrs: { begin, size } })
    }),
    { ...RUNS, numRuns: 150 },
  )
})

test('what is split along any axis comes together again', () => {
  tf.setBackend('wasm')
  fc.assert(
    fc.property(shape, fc.nat(3), fc.nat(7), fc.nat(7), (x, axisWish, first, second) => {
      const axis = axisWish % x.length
      const whole = x.with(axis, (x[axis] as number) + first + second)
      const sizes = [first, x[axis] as number, second]
      agree({ kernel: 'SplitV', inputs: { x: whole }, attrs: { numOrSizeSplits: sizes, axis } })
      agree({ kernel: 'Concat', inputs: sizes.map((size) => x.with(axis, size)), attrs: { axis } })
    }),
    RUNS,
  )
})

test('gathers along any axis, and segment sums, its gradient', () => {
  const results = ['cpu', 'wasm'].map((backend) => {
    tf.setBackend(backend)
    return tf.tidy(() => {
      const x = tf.reshape(tf.cos(tf.range(0, 4 * 5 * 7)), [4, 5, 7])
      const ids = tf.tensor2d(
        [
          [3, 0],
          [2, 2],
          [1, 3],
        ],
        [3, 2],
        'int32',
      )
      const gathered = [0, 1, 2].map((axis) => tf.gather(x, ids, axis))
      const gradient = tf.grad((y: tf.Tensor) => tf.sum(tf.square(tf.gather(y, ids))))(x)
      return [...gathered, gradient].map((tensor) => ({ shape: tensor.shape, values: [...tensor.dataSync()] }))
    })
  })
  const [cpu = [], wasm = []] = results
  wasm.forEach(({ shape, values }, i) => {
    expect(shape).toEqual(cpu[i]?.shape)
    values.forEach((value, j) => {
      expect(value).toBeCloseTo(cpu[i]?.values[j] as number, 5)
    })
  })
  expect(() => tf.gather(tf.ones([3, 2]), tf.tensor1d([3], 'int32'))).toThrow(/not in/)
})
