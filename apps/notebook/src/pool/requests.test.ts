/** Magics' numbers: what contradicts itself or names no rank is refused with the way out. */
import { expect, it } from 'vitest'
import { requireRanks, wantedDevices } from './requests.ts'

it('takes a count, slots, or everything', () => {
  expect(wantedDevices({ numProcesses: 3, slots: null })).toBe(3)
  expect(wantedDevices({ numProcesses: null, slots: [1, 0] })).toEqual([1, 0])
  expect(wantedDevices({ numProcesses: 2, slots: [1, 0] })).toEqual([1, 0])
  expect(wantedDevices({ numProcesses: null, slots: null })).toBe('auto')
  expect(() => wantedDevices({ numProcesses: 3, slots: [0] })).toThrow(/--num-processes is 3.*--gpu-ids names 1/)
})

it('takes ranks in the order given, each once', () => {
  expect(requireRanks(null, 3)).toEqual([0, 1, 2])
  expect(requireRanks([2, 0, 2], 3)).toEqual([2, 0])
})

it.each([[[3]], [[-1, 0]], [[0.5]], [[]]])('refuses %j of three ranks', (ranks) => {
  expect(() => requireRanks(ranks, 3)).toThrow(/ranks 0 to 2/)
})
