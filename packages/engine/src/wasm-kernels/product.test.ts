/** Our matrix products against tfjs's cpu backend: ragged sizes, sizes beyond a block, NaN, nothing at all, memory. */
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { selectAccelerator } from '../accelerator/select.ts'
import { wasmBackend } from '../host-memory.ts'
import type { Random } from '../seeds/random.ts'
import { tf } from '../tfjs.ts'
import { moduleOf } from './heap.ts'
import { assemble } from './simd/assembler.ts'
import { plainMultiplyAdd } from './simd/gemm-programs.ts'
import { programsWith } from './simd/programs.ts'
import { agree, type Call } from './testing/agree.ts'

const size = (most: number) => fc.integer({ min: 1, max: most })

function call(m: number, k: number, n: number, batches: [number, number], turned: [boolean, boolean]): Call {
  const [transposeA, transposeB] = turned
  const a = [batches[0], ...(transposeA ? [k, m] : [m, k])]
  const b = [batches[1], ...(transposeB ? [n, k] : [k, n])]
  return { kernel: 'BatchMatMul', inputs: { a, b }, attrs: { transposeA, transposeB } }
}

beforeAll(async () => {
  await selectAccelerator('cpu')
  await selectAccelerator('wasm', { threads: 1 })
})

test('products of any small size, turned, in batches and with one operand for all of a batch', () => {
  const batches = fc.constantFrom<[number, number]>([1, 1], [3, 3], [1, 3], [3, 1])
  fc.assert(
    fc.property(size(70), size(70), size(70), batches, fc.boolean(), fc.boolean(), (m, k, n, batch, a, b) =>
      agree(call(m, k, n, batch, [a, b])),
    ),
    { numRuns: 60, seed: 7 },
  )
})

test.each([
  [3, 600, 13],
  [67, 257, 261],
  [130, 5, 530],
  [129, 300, 9],
])('%i × %i · %i goes over several blocks and ragged edges', (m, k, n) => {
  for (const a of [false, true]) for (const b of [false, true]) agree(call(m, k, n, [1, 1], [a, b]))
})

test('NaN and infinity reach the rows and columns they stand in, and no others', () => {
  const fill = (random: Random): number => {
    const kind = random.integer(30)
    return kind === 0 ? Number.NaN : kind === 1 ? Number.POSITIVE_INFINITY : random.normal()
  }
  for (const turned of [true, false]) agree(call(5, 7, 9, [1, 1], [turned, turned]), fill)
})

test('a product of nothing is empty, a sum of nothing is zero', () => {
  tf.setBackend('wasm')
  const product = (a: number[], b: number[]) =>
    tf.tidy(() => {
      const out = tf.matMul(tf.ones(a), tf.ones(b))
      return { shape: out.shape, values: [...out.dataSync()] }
    })
  expect(product([2, 0], [0, 3])).toEqual({ shape: [2, 3], values: [0, 0, 0, 0, 0, 0] })
  expect(product([0, 2], [2, 3])).toEqual({ shape: [0, 3], values: [] })
  expect(product([2, 2], [2, 0])).toEqual({ shape: [2, 0], values: [] })
})

test('a bias is added in the same pass', () => {
  const attrs = { transposeA: false, transposeB: false, activation: 'linear' }
  for (const n of [1, 8, 13]) {
    agree({ kernel: '_FusedMatMul', inputs: { a: [1, 6, 5], b: [1, 5, n], bias: [n] }, attrs })
  }
})

test('gradients of a product agree with finite differences', () => {
  tf.setBackend('wasm')
  const [a, b, way] = [tf.randomNormal([5, 7]), tf.randomNormal([7, 9]), tf.randomNormal([5, 7])]
  const loss = (x: tf.Tensor) => tf.sum(tf.square(tf.matMul(x as tf.Tensor2D, b as tf.Tensor2D))) as tf.Scalar
  const step = 1e-2
  const [slope, expected] = tf.tidy(() => {
    const at = (distance: number) => loss(tf.add(a, tf.mul(way, distance))).dataSync()[0] as number
    const along = tf.sum(tf.mul(tf.grad(loss)(a), way)).dataSync()[0] as number
    return [along, (at(step) - at(-step)) / (2 * step)] as [number, number]
  })
  expect(Math.abs(slope - expected) / Math.abs(expected)).toBeLessThan(1e-3)
  tf.dispose([a, b, way])
})

test('a thousand products leave no tensor behind and do not let the heap grow', () => {
  tf.setBackend('wasm')
  const backend = wasmBackend()
  if (backend === null) throw new Error('wasm was selected')
  const [a, b] = [tf.ones([64, 300]), tf.ones([300, 33])] as [tf.Tensor2D, tf.Tensor2D]
  const again = () => tf.matMul(a, b).dispose()
  again()
  const tensors = tf.memory().numTensors
  const bytes = moduleOf(backend).HEAPU8.length
  for (let i = 0; i < 1_000; i++) again()
  expect(tf.memory().numTensors).toBe(tensors)
  expect(moduleOf(backend).HEAPU8.length).toBe(bytes)
  tf.dispose([a, b])
})

test('the programs for engines without relaxed SIMD are valid, on plain and on shared memory', () => {
  for (const shared of [false, true]) {
    expect(WebAssembly.validate(assemble(programsWith(plainMultiplyAdd), shared))).toBe(true)
  }
})
