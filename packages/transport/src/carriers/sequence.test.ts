/** Order out of any arrival, with repetitions. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Sequence } from './sequence.ts'

it('hands every number over once and in order, whatever comes first and however often', () => {
  const arrivals = fc.integer({ min: 1, max: 40 }).chain((count) => {
    const all = Array.from({ length: count }, (_, number) => number)
    const shuffled = fc.shuffledSubarray(all, { minLength: count, maxLength: count })
    return fc.tuple(shuffled, fc.array(fc.nat(count - 1), { maxLength: 20 }))
  })
  fc.assert(
    fc.property(arrivals, ([order, repeated]) => {
      const sequence = new Sequence<number>()
      const seen: number[] = []
      const arrive = (number: number) => {
        if (sequence.put(number, number) !== 'next') return
        seen.push(number)
        for (let next = sequence.take(); next !== undefined; next = sequence.take()) seen.push(next)
      }
      for (const [index, number] of order.entries()) {
        arrive(number)
        const again = repeated[index]
        if (again !== undefined && order.indexOf(again) <= index) expect(sequence.put(again, again)).toBe('known')
      }
      expect(seen).toEqual([...order].sort((a, b) => a - b))
      expect(sequence.waiting).toBe(0)
    }),
  )
})
