/** Rates over a sliding window, against the plain quotient of the window's ends. */
import { expect, it } from 'vitest'
import { Throughput } from './throughput.ts'

it('has totals at once, and rates once the window is full', () => {
  const meter = new Throughput({ windowSize: 3, worldSize: 2, availableFlops: 100 })
  const update = (i: number) => meter.update({ time: i * 2, batches: i, samples: i * 8, lengths: i * 80, flops: 40 })
  update(1)
  expect(meter.compute()).toEqual({ time: 2, batches: 1, samples: 8, lengths: 80 })
  update(2)
  update(3)
  update(5)
  // The window holds times 4, 6 and 10.
  expect(meter.compute()).toEqual({
    time: 10,
    batches: 5,
    samples: 40,
    lengths: 400,
    'device/batches_per_sec': 0.5,
    batches_per_sec: 1,
    'device/samples_per_sec': 4,
    samples_per_sec: 8,
    'device/items_per_sec': 40,
    items_per_sec: 80,
    'device/flops_per_sec': 80 / 6,
    flops_per_sec: 160 / 6,
    'device/mfu': 80 / 6 / 100,
  })
  meter.reset()
  expect(meter.compute()).toEqual({})
})

it('tells no rates of all ranks for one rank', () => {
  const meter = new Throughput({ windowSize: 2, separator: '.' })
  meter.update({ time: 0, batches: 1, samples: 1 })
  meter.update({ time: 1, batches: 3, samples: 3 })
  expect(Object.keys(meter.compute())).toEqual([
    'time',
    'batches',
    'samples',
    'device.batches_per_sec',
    'device.samples_per_sec',
  ])
})

it.each([
  [{ windowSize: 1 }, /windowSize is 1/],
  [{ worldSize: 0 }, /worldSize is 0/],
  [{ availableFlops: -1 }, /availableFlops is -1/],
])('refuses %j', (options, message) => {
  expect(() => new Throughput(options)).toThrow(message)
})

it.each([
  [{ time: 1, batches: 2, samples: 1 }, /samples is 1.*at least batches, 2/],
  [{ time: 1, batches: 1, samples: 2, lengths: 1 }, /lengths is 1.*at least samples/],
  [{ time: 0, batches: 2, samples: 2 }, /time is 0.*grows/],
  [{ time: 2, batches: 0, samples: 2 }, /batches is 0.*grows/],
  [{ time: 2, batches: 2, samples: 2, lengths: 9 }, /lengths is 9.*nothing, as in the updates before/],
])('refuses the update %j', (update, message) => {
  const meter = new Throughput()
  meter.update({ time: 1, batches: 1, samples: 1 })
  expect(() => meter.update(update)).toThrow(message)
})
