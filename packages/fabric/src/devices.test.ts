/** Device parsing against the golden table of both readings, and the refusals around it. */
import { describe, expect, it } from 'vitest'
import { parseCpuDevices, parseDevices, parseGpus } from './devices.ts'

const SLOTS = 4
const ALL = [0, 1, 2, 3]
/** A refusal is given as the words its message must hold. */
type Expected = number[] | null | RegExp

const GOLDEN: Array<[value: unknown, gpus: Expected, devices: Expected]> = [
  [null, null, /neither a whole number/],
  [0, null, /at least one device/],
  [3, [0, 1, 2], [0, 1, 2]],
  [-1, ALL, ALL],
  [-2, /no device/, /no device/],
  [[0], [0], [0]],
  [
    [1, 3],
    [1, 3],
    [1, 3],
  ],
  [[], /no device/, /at least one device/],
  ['0', [0], /at least one device/],
  ['3', [3], [0, 1, 2]],
  ['1, 3', [1, 3], [1, 3]],
  ['-1', ALL, ALL],
  ['0,', [0], [0]],
  [' 2 ', [2], [0, 1]],
  [[1, 1], [1, 1], /slot 1 is named more than once/],
  [[7], /slot 7, but there are 0 to 3/, /slot 7, but there are 0 to 3/],
  [5, /0 to 4, but there are 0 to 3/, /0 to 4, but there are 0 to 3/],
  ['a', /"a" is not a number/, /"a" is not a number/],
]

function check(parse: () => number[] | null, expected: Expected): void {
  if (expected instanceof RegExp) expect(parse).toThrowError(expect.objectContaining({ code: 'BAD_DEVICES' }))
  if (expected instanceof RegExp) expect(parse).toThrow(expected)
  else expect(parse()).toEqual(expected)
}

describe.each(GOLDEN)('%j on four slots', (value, gpus, devices) => {
  it('reads as gpus', () => check(() => parseGpus(value, SLOTS), gpus))
  it('reads as devices', () => check(() => parseDevices(value, SLOTS), devices))
})

/** Further inputs, each by the rules alone. */
const MORE: Array<[value: unknown, gpus: Expected, devices: Expected]> = [
  [1, [0], [0]],
  [4, ALL, ALL],
  ['4', /slot 4, but/, ALL],
  ['5', /slot 5, but/, /0 to 4, but/],
  ['+2', [2], [0, 1]],
  ['', /no device/, /"" is not a number/],
  [',', /no device/, /no device/],
  [' , 3 ,', [3], [3]],
  ['3,1,3', [3, 1, 3], /slot 3 is named more than once/],
  ['1,a', /"a" is not a number/, /"a" is not a number/],
  ['1.5', /"1.5" is not a number/, /"1.5" is not a number/],
  ['1e1', /"1e1" is not a number/, /"1e1" is not a number/],
  ['-2', /slot -2, but/, /no device/],
  ['-1,', /slot -1, but/, /slot -1, but/],
  [' -1 ', /slot -1, but/, ALL],
  ['00', [0], /no device/],
  [
    [2, 0],
    [2, 0],
    [2, 0],
  ],
  [[-1], /slot -1, but/, /slot -1, but/],
  [[0.5], /not a whole number/, /not a whole number/],
  [[0, null], /not a whole number/, /not a whole number/],
  [[0, 4], /slot 0, 4, but/, /slot 0, 4, but/],
  [Number.NaN, /neither a whole number/, /neither a whole number/],
  [Number.POSITIVE_INFINITY, /neither a whole number/, /neither a whole number/],
  [true, /neither a whole number/, /neither a whole number/],
  ['auto', /"auto" is not a number/, ALL],
  ['AUTO', /"AUTO" is not a number/, /"AUTO" is not a number/],
  [{}, /neither a whole number/, /neither a whole number/],
]

describe.each(MORE)('%j on four slots, by the rules', (value, gpus, devices) => {
  it('reads as gpus', () => check(() => parseGpus(value, SLOTS), gpus))
  it('reads as devices', () => check(() => parseDevices(value, SLOTS), devices))
})

it('says how many are wanted and there, where there are none or one', () => {
  expect(() => parseDevices(1, 0)).toThrow(/there is none/)
  expect(() => parseDevices('0,1', 1)).toThrow(/there is only 0/)
  expect(() => parseDevices(-1, 0)).toThrow(/no device/)
})

describe('refusals beyond the table', () => {
  it.each([true, false, 1.5, undefined, [0, '1'], [true], { count: 2 }])(
    '%j is the wrong type for devices',
    (value) => {
      expect(() => parseDevices(value, SLOTS)).toThrow(/Allowed is/)
    },
  )
  it.each([true, 2.5, undefined])('%j is the wrong type for gpus', (value) => {
    expect(() => parseGpus(value, SLOTS)).toThrow(/Allowed is/)
  })
  it('takes a negative number inside a list as an unknown slot', () => {
    expect(() => parseDevices('-1,0', SLOTS)).toThrow(/slot -1, 0, but/)
  })
  it('reads " 0 " as zero devices', () => {
    expect(() => parseDevices(' 0 ', SLOTS)).toThrow(/at least one device/)
  })
  it('takes all slots for "auto"', () => {
    expect(parseDevices('auto', SLOTS)).toEqual(ALL)
  })
  it('names the option as the caller knows it', () => {
    expect(() => parseDevices('x', SLOTS, { option: '--devices' })).toThrow(/^--devices is "x"/)
  })
})

describe('cpu and wasm', () => {
  it.each([
    [3, 3],
    ['2', 2],
  ])('counts %j', (value, count) => expect(parseCpuDevices(value)).toBe(count))
  it.each([0, -1, 1.5, '0', 'two', [0], null])('refuses %j', (value) => {
    expect(() => parseCpuDevices(value)).toThrow(/whole number above 0/)
  })
})
