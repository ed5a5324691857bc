/** The order of two collectives a bucket does not depend on which results come first. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TwoPhaseOrder } from './two-phase-order.ts'

/** What is submitted when bucket k's first result takes `delays[k]` turns and its second `delays[n + k]`. */
async function submitted(delays: readonly number[]): Promise<string[]> {
  const buckets = delays.length / 2
  const order = new TwoPhaseOrder()
  const seen: string[] = []
  const collective = async (name: string, turns: number): Promise<void> => {
    seen.push(name)
    for (let i = 0; i < turns; i++) await Promise.resolve()
  }
  await Promise.all(
    Array.from({ length: buckets }, async (_, k) => {
      await order.first(k, () => collective(`A${k}`, delays[k] as number))
      await order.second(k, k === buckets - 1, () => collective(`B${k}`, delays[buckets + k] as number))
    }),
  )
  return seen
}

it('is A0 A1 B0 A2 B1 …, whatever takes long', async () => {
  expect(await submitted([0, 0])).toEqual(['A0', 'B0'])
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat({ max: 30 }), { minLength: 8, maxLength: 8 }), async (delays) => {
      expect(await submitted(delays)).toEqual(['A0', 'A1', 'B0', 'A2', 'B1', 'A3', 'B2', 'B3'])
    }),
  )
})
