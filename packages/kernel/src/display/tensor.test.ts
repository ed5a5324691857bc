/** Tensors: statistics against plain arithmetic, pictures pixel by pixel, text cut off. */
import { describe, expect, it } from 'vitest'
import { MIME, type TensorData } from '../output.ts'
import { describeValue } from './describe.ts'

const tensor = (values: ArrayLike<unknown>, shape: number[], dtype = 'float32') => ({
  shape,
  dtype,
  dataSync: () => values,
})
const data = (values: ArrayLike<unknown>, shape: number[], dtype?: string): TensorData =>
  describeValue(tensor(values, shape, dtype))[MIME.tensor] as TensorData

/** Pixels as [r, g, b, a]. */
function pixels({ picture }: TensorData): number[][] {
  const bytes = Uint8Array.from(atob(picture!.rgba), (character) => character.charCodeAt(0))
  return Array.from({ length: bytes.length / 4 }, (_, index) => [...bytes.subarray(index * 4, index * 4 + 4)])
}

describe('tensors', () => {
  it('have statistics of their finite values', () => {
    const values = Float32Array.from([1, 2, 3, 4, Number.NaN, Number.POSITIVE_INFINITY])
    const { min, max, mean, std, nonFinite, preview } = data(values, [2, 3])
    expect({ min, max, mean, nonFinite }).toEqual({ min: 1, max: 4, mean: 2.5, nonFinite: 2 })
    expect(std).toBeCloseTo(Math.sqrt(1.25), 12)
    expect(preview).toEqual([1, 2, 3, 4, null, null])
    expect(data([], [0])).toMatchObject({ min: null, mean: null, std: null, nonFinite: 0 })
  })

  it('are written with shape and first values', () => {
    expect(describeValue(tensor([1, 2, 3, 4], [2, 2], 'int32'))['text/plain']).toBe(
      'Tensor int32 [2, 2]\n[[1, 2],\n [3, 4]]',
    )
    expect(describeValue(tensor([0.1], []))['text/plain']).toBe('Tensor float32 []\n0.1')
    expect(describeValue(tensor(['a'], [1], 'string'))['text/plain']).toBe('Tensor string [1]\n["a"]')
    expect(describeValue(tensor(new Float32Array(1e5), [1e5]))['text/plain']).toBe(
      'Tensor float32 [100000]\n[0, 0, 0, 0, 0, 0, 0, 0, …]',
    )
    expect(describeValue({ x: tensor([1], [1]) })['text/plain']).toBe('{x: Tensor float32 [1]}')
  })

  it('that were disposed say so', () => {
    const gone = {
      shape: [2],
      dtype: 'float32',
      dataSync: () => {
        throw new Error('Tensor is disposed.')
      },
    }
    expect(describeValue(gone)).toEqual({ 'text/plain': 'Tensor float32 [2] (Tensor is disposed.)' })
  })

  it('are drawn when they look like a picture', () => {
    const grey = data(
      Float32Array.from({ length: 16 }, (_, index) => index / 15),
      [4, 4],
    )
    expect(grey.picture).toMatchObject({ width: 4, height: 4 })
    expect(pixels(grey)[15]).toEqual([255, 255, 255, 255])
    expect(pixels(grey)[5]).toEqual([85, 85, 85, 255])
    const colours = data(
      Int32Array.from({ length: 48 }, (_, index) => (index % 3 === 0 ? 200 : 10)),
      [4, 4, 3],
      'int32',
    )
    expect(pixels(colours)[7]).toEqual([200, 10, 10, 255])
    const signed = data(
      Float32Array.from({ length: 16 }, (_, index) => index - 8),
      [4, 4],
    )
    expect([pixels(signed)[0]![0], pixels(signed)[15]![0]]).toEqual([0, 255])
  })

  it('of many pictures become one', () => {
    const batch = data(new Float32Array(5 * 8 * 8).fill(1), [5, 8, 8, 1])
    expect(batch.picture).toMatchObject({ width: 3 * 9 - 1, height: 2 * 9 - 1 })
    const large = data(new Float32Array(4 * 600 * 600), [4, 600, 600])
    expect(large.picture!.width * large.picture!.height).toBeLessThanOrEqual(1 << 17)
  })

  it.each([[[100]], [[2, 2]], [[4, 400]], [[3, 4, 5]], [[2, 3, 4, 5, 6]]])('of shape %o are not drawn', (shape) => {
    const size = shape.reduce((product, length) => product * length, 1)
    expect(data(new Float32Array(size), shape).picture).toBeNull()
  })
})
