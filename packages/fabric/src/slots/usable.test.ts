/** Free slots that work, and the least busy of them: each refusal, and real directories. */
import { RondoError } from '@rondo/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { type SlotStatus, setLauncher } from '../launch/launcher.ts'
import { memoryLauncher } from '../testing/memory-launcher.ts'
import { type SlotDirectory, slotDirectory } from './directory.ts'
import { findUsableDevices, leastBusySlots } from './usable.ts'

const slot = (index: number, more: Partial<SlotStatus> = {}): SlotStatus => ({
  index,
  node: index < 2 ? 'desk' : 'laptop',
  busy: false,
  session: 'lab',
  load: 0,
  ...more,
})

interface Tried extends SlotDirectory {
  tried: number[]
}

function directory(
  slots: readonly SlotStatus[],
  broken: readonly number[] = [],
  error = new Error('out of memory'),
): Tried {
  const tried: number[] = []
  return {
    tried,
    list: async () => slots,
    async probe(index) {
      tried.push(index)
      if (broken.includes(index)) throw error
    },
  }
}

const four = [slot(0), slot(1), slot(2), slot(3)]

describe('findUsableDevices', () => {
  it.each([
    [0, [], []],
    [1, [0], [0]],
    [3, [0, 1, 2], [0, 1, 2]],
    [4, [0, 1, 2, 3], [0, 1, 2, 3]],
    [-1, [0, 1, 2, 3], [0, 1, 2, 3]],
  ])('of four free ones gives for %s: %j', async (count, found, tried) => {
    const made = directory(four)
    expect(await findUsableDevices(count, made)).toEqual(found)
    expect(made.tried).toEqual(tried)
  })

  it('looks at all by default, and passes over busy and broken ones', async () => {
    const made = directory([slot(0, { busy: true }), slot(1), slot(2), slot(3)], [2])
    expect(await findUsableDevices(undefined, made)).toEqual([1, 3])
    expect(made.tried).toEqual([1, 2, 3])
    expect(await findUsableDevices(0, directory([]))).toEqual([])
  })

  it.each<[string, number, SlotDirectory, RegExp]>([
    ['NOT_ENOUGH_DEVICES', 1, directory([]), /findUsableDevices\(1\).*no slots here.*join the session/],
    ['NOT_ENOUGH_DEVICES', -1, directory([]), /no slots here/],
    ['NOT_ENOUGH_DEVICES', 5, directory(four), /5 wanted, and there are 4 slots here.*at most 4/],
    [
      'NOT_ENOUGH_DEVICES',
      3,
      directory([slot(0, { busy: true }), slot(1), slot(2, { busy: true, session: 'b' }), slot(3)]),
      /3 wanted, and 2 are free.*slot 0 on desk \(busy in session lab\); slot 2 on laptop \(busy in session b\)/,
    ],
    ['NOT_ENOUGH_DEVICES', 4, directory(four, [3]), /slot 3 on laptop \(out of memory\)/],
    ['BAD_ARGUMENT', -2, directory(four), /whole number of at least 0, or -1/],
    ['BAD_ARGUMENT', 1.5, directory(four), /whole number of at least 0, or -1/],
    ['CONFLICT', 1, directory(four, [0], new RondoError('CONFLICT', 'ranks are here')), /ranks are here/],
  ])('refuses with %s: %s', async (code, count, made, message) => {
    await expect(findUsableDevices(count, made)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
  })

  it('tries this page’s own device where there is nothing else', async () => {
    expect(await findUsableDevices()).toEqual([0])
    await expect(findUsableDevices(2)).rejects.toMatchObject({ code: 'NOT_ENOUGH_DEVICES' })
  })

  it('tries the slots of a notebook by launches of one slot each', async () => {
    const made = memoryLauncher(2)
    setLauncher({
      launch: async (request) => {
        made.requests.push(request)
        if (String(request.devices) === '1') throw new Error('lost')
      },
      slots: async () => 2,
      list: async () => [slot(0), slot(1), slot(2, { busy: true })],
    })
    expect(await findUsableDevices()).toEqual([0])
    expect(made.requests.map(({ devices, call }) => [devices, call])).toEqual([
      [[0], 'findUsableDevices'],
      [[1], 'findUsableDevices'],
    ])
  })
})

describe('leastBusySlots', () => {
  const some = [slot(0, { load: 2 }), slot(1, { busy: true, load: 2 }), slot(2, { load: 1 }), slot(3)]
  it.each([
    [1, [3]],
    [2, [2, 3]],
    [3, [0, 2, 3]],
    [-1, [0, 2, 3]],
  ])('takes %s: %j', (count, chosen) => {
    expect(leastBusySlots(some, count, 'gpus')).toEqual(chosen)
  })

  it.each<[number, readonly SlotStatus[], RegExp]>([
    [0, some, /0 slots are to be chosen/],
    [-2, some, /whole number from 1/],
    [4, some, /4 wanted, and 3 are free.*slot 1 on desk \(busy in session lab\)/],
    [5, some, /there are 4 slots here/],
    [-1, [], /no slots here/],
    [-1, [slot(0, { busy: true })], /all wanted, and 0 are free/],
  ])('refuses %s of %j', (count, slots, message) => {
    expect(() => leastBusySlots(slots, count, 'gpus')).toThrow(message)
  })
})

afterEach(() => setLauncher(null))

it('has the slots of the launcher, where one lists them', async () => {
  setLauncher({ launch: async () => {}, slots: async () => 1, list: async () => [slot(7)] })
  expect(await slotDirectory().list()).toEqual([slot(7)])
})
