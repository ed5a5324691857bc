import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeCifar10, decodeCifar100 } from './cifar.ts'

const PLANE = 1024

/** A record whose pixel (p) of plane c is (7p + c + salt) mod 256. */
function record(labels: number[], salt: number): number[] {
  return [
    ...labels,
    ...Array.from({ length: 3 * PLANE }, (_, i) => (7 * (i % PLANE) + Math.floor(i / PLANE) + salt) & 255),
  ]
}

it('CIFAR-10: planes become channel-last pixels, files join in order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { minLength: 2, maxLength: 4 }), (labels) => {
      const files = [labels.slice(0, 1), labels.slice(1)]
      let salt = 0
      const decoded = decodeCifar10(...files.map((part) => Uint8Array.from(part.flatMap((l) => record([l], salt++)))))
      expect(decoded.images.shape).toEqual([labels.length, 32, 32, 3])
      expect([...decoded.labels.data]).toEqual(labels)
      const wrong = decoded.images.data.findIndex((value, i) => {
        const [row, inner] = [Math.floor(i / (3 * PLANE)), i % (3 * PLANE)]
        return value !== ((7 * Math.floor(inner / 3) + (inner % 3) + row) & 255)
      })
      expect(wrong).toBe(-1)
    }),
    { numRuns: 20 },
  )
})

it('CIFAR-100: coarse and fine labels', () => {
  const decoded = decodeCifar100(Uint8Array.from([...record([19, 99], 0), ...record([3, 42], 1)]))
  expect([...decoded.coarseLabels.data, ...decoded.labels.data]).toEqual([19, 3, 99, 42])
})

it.each([
  ['empty', new Uint8Array(0), 0, /0 bytes/],
  [
    'cut',
    Uint8Array.from([...record([1], 0), ...record([1], 0).slice(1)]),
    3073,
    /1 records of 3073 bytes and 3072 more/,
  ],
  ['label', Uint8Array.from([...record([1], 0), ...record([10], 0)]), 3073, /label 10, allowed are 0..9/],
])('refuses a file that is %s', (_, bytes, offset, reason) => {
  const decode = () => decodeCifar10(Uint8Array.from(record([0], 0)), bytes)
  expect(decode).toThrow(expect.objectContaining({ code: 'BAD_FILE', details: expect.objectContaining({ offset }) }))
  expect(decode).toThrow(reason)
  expect(decode).toThrow(/^CIFAR-10 file 1: /)
})
