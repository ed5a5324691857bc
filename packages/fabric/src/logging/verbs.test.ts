/** call, log, print, rankZeroFirst and rankZeroOnly. */
import { tf } from '@rondo/engine'
import type { Logger } from '@rondo/loggers'
import { afterEach, expect, it, vi } from 'vitest'
import { Fabric } from '../fabric.ts'
import { rankFromEnvironment, rankZeroOnly } from '../rank-zero-only.ts'
import { runRanks } from '../testing/ranks.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

it('calls each callback in order, skips who has no such hook, warns of what is no function', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const order: unknown[] = []
  class Broken {
    onStart = 5
  }
  const fabric = new Fabric({
    callbacks: [
      { onStart: async (...args: unknown[]) => order.push(['first', ...args]) },
      {},
      new Broken(),
      { onStart: (one: number) => order.push(['last', one]) },
    ],
  })
  expect(await fabric.call('onStart', 1, 'two')).toBeUndefined()
  expect(order).toEqual([
    ['first', 1, 'two'],
    ['last', 1],
  ])
  expect(warn.mock.calls).toEqual([[expect.stringMatching(/Broken\.onStart.*number/)]])
  await fabric.call('onNothing')
})

it('cuts named arguments to what the method declares', async () => {
  const got: unknown[] = []
  const given = { a: 1, b: 2, c: [3] }
  const fabric = new Fabric({
    callbacks: [
      {
        onX({ a }: { a: number }) {
          // biome-ignore lint/complexity/noArguments: what was really passed is what is tested
          got.push([a, arguments[0]])
        },
      },
      {
        onX({ c: [c] = [0], b = 4, ...rest }: { c?: number[]; b?: number; [key: string]: unknown }) {
          got.push([c, b, rest])
        },
      },
      { onX: (all: object) => got.push(all) },
    ],
  })
  await fabric.call('onX', given)
  expect(got).toEqual([[1, { a: 1 }], [3, 2, { a: 1 }], given])
})

it('a callback that throws ends the call', async () => {
  const last = vi.fn()
  const fabric = new Fabric({
    callbacks: [
      {
        onX() {
          throw new Error('not today')
        },
      },
      { onX: last },
    ],
  })
  await expect(fabric.call('onX')).rejects.toThrow('not today')
  expect(last).not.toHaveBeenCalled()
})

function notes(): Logger & { lines: unknown[] } {
  const lines: unknown[] = []
  return {
    lines,
    name: 'notes',
    rootDir: '',
    logDir: '',
    attach() {},
    version: 0,
    logHyperparams() {},
    logMetrics: (metrics, step) => void lines.push([{ ...metrics }, step]),
    save: async () => {},
    finalize: async () => {},
  }
}

it('log gives numbers to every logger on rank 0, tensors as numbers, and nothing elsewhere', async () => {
  const logged = await runRanks(2, async ({ context }) => {
    const loggers = [notes(), notes()]
    const fabric = new Fabric({ loggers }, context)
    await fabric.launch()
    expect(fabric.logger).toBe(loggers[0])
    await fabric.log('loss', tf.scalar(0.5), 3)
    await fabric.logDict({ a: 1, b: Number.NaN })
    await expect(fabric.log('x', tf.ones([2]))).rejects.toThrow(/shape \[2\].*one element/)
    await expect(fabric.log('x', 'much' as never)).rejects.toThrow(new RegExp(`rank ${context.group.rank}`))
    return loggers.map(({ lines }) => lines)
  })
  const lines = [
    [{ loss: 0.5 }, 3],
    [{ a: 1, b: Number.NaN }, 0],
  ]
  expect(logged).toEqual([
    [lines, lines],
    [[], []],
  ])
  await expect(new Fabric().log('loss', 1)).resolves.toBeUndefined()
})

it('prints on local rank 0 only', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  await runRanks(3, async ({ context }) => new Fabric({}, context).print('hello', context.group.rank))
  expect(log.mock.calls).toEqual([['hello', 0]])
})

it('rankZeroFirst lets rank 0 go first, whatever it takes, and gives each its own value', async () => {
  const order: number[] = []
  const values = await runRanks(
    3,
    async ({ context }) => {
      const fabric = new Fabric({}, context)
      await fabric.launch()
      const { rank } = context.group
      return fabric.rankZeroFirst(async () => {
        // Longer than the step time-out.
        if (rank === 0) await new Promise((resolve) => setTimeout(resolve, 450))
        order.push(rank)
        return rank * 10
      })
    },
    { stepTimeoutMs: 300 },
  )
  expect(values).toEqual([0, 10, 20])
  expect(order[0]).toBe(0)
  await expect(new Fabric().rankZeroFirst(() => 'alone')).resolves.toBe('alone')
})

it('rankZeroFirst tells all ranks when rank 0 fails, and they do not run', async () => {
  const ran: number[] = []
  const told = await runRanks(2, async ({ context }) => {
    const fabric = new Fabric({}, context)
    await fabric.launch()
    const { rank } = context.group
    const first = fabric.rankZeroFirst(() => {
      ran.push(rank)
      if (rank === 0) throw new Error('no disk')
    })
    return first.catch((error: unknown) => String(error))
  })
  expect(told).toEqual(['Error: no disk', expect.stringMatching(/rank 0 failed: no disk/)])
  expect(ran).toEqual([0])
})

it('rankZeroOnly goes by the first variable that is set', () => {
  expect(rankFromEnvironment({})).toBe(0)
  expect(rankFromEnvironment({ LOCAL_RANK: '2', SLURM_PROCID: '5' })).toBe(2)
  expect(rankFromEnvironment({ RANK: '1', LOCAL_RANK: '0' })).toBe(1)
  expect(rankFromEnvironment({ SLURM_PROCID: '3', JSM_NAMESPACE_RANK: '0' })).toBe(3)
  expect(rankFromEnvironment({ JSM_NAMESPACE_RANK: '4' })).toBe(4)
  const run = vi.fn((x: number) => x + 1)
  const once = rankZeroOnly(run)
  vi.stubEnv('RANK', '1')
  expect(once(1)).toBeUndefined()
  vi.stubEnv('RANK', '0')
  expect(once(1)).toBe(2)
  vi.unstubAllEnvs()
  expect(run).toHaveBeenCalledTimes(1)
})
