/** The loss scale's walk: growth, back-off, state, and what is refused. */
import { expect, it } from 'vitest'
import { LossScaler } from './loss-scaler.ts'

const walk = (scaler: LossScaler, steps: number, overflowed = false): number => {
  for (let i = 0; i < steps; i++) scaler.update(overflowed)
  return scaler.scale
}

it('starts at 65536, halves at an infinity, and 2000 clean steps in a row double it', () => {
  const scaler = new LossScaler()
  expect(scaler.scale).toBe(65_536)
  expect(walk(scaler, 1, true)).toBe(32_768)
  expect(walk(scaler, 1999)).toBe(32_768)
  expect(walk(scaler, 1)).toBe(65_536)
  expect(walk(new LossScaler(), 2000)).toBe(131_072)
})

it('begins to count anew after every infinity', () => {
  const scaler = new LossScaler()
  walk(scaler, 1999)
  walk(scaler, 1, true)
  expect(walk(scaler, 1999)).toBe(32_768)
  expect(walk(scaler, 1)).toBe(65_536)
})

it('does not grow beyond what a float32 holds', () => {
  const scaler = new LossScaler({ initScale: 2 ** 127, growthInterval: 1 })
  expect(walk(scaler, 1)).toBe(2 ** 127)
})

it('goes on from its state as if it had not stopped', () => {
  const scaler = new LossScaler({ growthInterval: 3 })
  walk(scaler, 1, true)
  walk(scaler, 2)
  const other = new LossScaler()
  other.loadStateDict(JSON.parse(JSON.stringify(scaler.stateDict())))
  expect(walk(other, 1)).toBe(65_536)
  expect(scaler.scale).toBe(32_768)
})

it.each([
  [{ initScale: 0 }, /scale is 0.*above 0/],
  [{ initScale: Number.POSITIVE_INFINITY }, /scale/],
  [{ growthFactor: 1 }, /growthFactor is 1.*above 1/],
  [{ backoffFactor: 1 }, /backoffFactor is 1/],
  [{ growthInterval: 1.5 }, /growthInterval is 1.5.*whole number/],
])('refuses %j', (options, message) => {
  expect(() => new LossScaler(options)).toThrow(message)
})

it('refuses a state that is none', () => {
  expect(() => new LossScaler().loadStateDict({ scale: 2 } as never)).toThrow(/growthFactor is undefined/)
  expect(() => new LossScaler().loadStateDict(null as never)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
})
